"""Training jobs: channels from S3, one container, model.tar.gz to S3."""

from __future__ import annotations

import gzip
import shutil
from typing import TYPE_CHECKING, Any

from localaws import artifacts
from localaws.containers import Box, Container
from localaws.jobs import Job, JobFailed
from localaws.protocol import AwsError, answer
from localaws.services.sagemaker import metrics
from localaws.services.sagemaker.job_resources import (
    DEFAULT_MAX_RUNTIME_SECONDS,
    JobResource,
    failure_reason,
    log_stream,
    refuse,
    require_image,
    resource_config,
    seconds_since,
    write_json,
)
from localaws.services.sagemaker.resources import Operations
from localaws.services.sagemaker.roles import require_role
from localaws.state import now

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from moto.core.responses import ActionResult

Document = dict[str, Any]

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
SPOT_PRICE = 0.3
RESOURCE = JobResource(
    kind="TrainingJob",
    path="training-job",
    title="training job",
    taken="Training job names must be unique within an AWS account and region, "
    "and a training job with this name already exists ({arn})",
    missing="Requested resource not found.",
)


class TrainingOperations(Operations):
    """Create, Describe, List, Stop and Delete of training jobs."""

    def create_training_job(self) -> ActionResult:
        """Start the job; it runs after this answer."""
        request = self.request()
        check(request)
        request.setdefault("StoppingCondition", {}).setdefault(
            "MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME_SECONDS
        )
        request["AlgorithmSpecification"]["MetricDefinitions"] = metrics.definitions(request)
        start = {
            "Status": "Starting",
            "StartTime": now(),
            "StatusMessage": "Preparing the instances for training",
        }
        document = RESOURCE.create(
            self.region,
            request["TrainingJobName"],
            request,
            SecondaryStatus="Starting",
            SecondaryStatusTransitions=[start],
        )
        TrainingJob(document, self.region).submit()
        return answer({"TrainingJobArn": document["TrainingJobArn"]})

    def describe_training_job(self) -> ActionResult:
        """The request and what happened."""
        return answer(RESOURCE.find(self.region, self.request()["TrainingJobName"]))

    def list_training_jobs(self) -> ActionResult:
        """Summaries, filtered and in pages."""
        page, token = RESOURCE.page(self.request())
        return answer({"TrainingJobSummaries": page, "NextToken": token})

    def stop_training_job(self) -> ActionResult:
        """SIGTERM, and SIGKILL after two minutes; what the model directory holds is kept."""
        RESOURCE.stop(self.region, self.request()["TrainingJobName"])
        return answer({})

    def delete_training_job(self) -> ActionResult:
        """Forget an ended job."""
        RESOURCE.delete(self.region, self.request()["TrainingJobName"])
        return answer({})


def check(request: Document) -> None:
    """Rules the service model does not hold, and what does not work here; raises `AwsError`."""
    operation = "CreateTrainingJob"
    for key in ("AlgorithmSpecification", "ResourceConfig"):
        if key not in request and "ServerlessJobConfig" not in request:
            raise AwsError("ValidationException", f"{key} is required unless ServerlessJobConfig is given.")
    refuse(operation, ServerlessJobConfig="ServerlessJobConfig" in request)
    specification = request["AlgorithmSpecification"]
    resources = request.get("ResourceConfig", {})
    channels = request.get("InputDataConfig", [])
    sources = [channel["DataSource"].get("S3DataSource") for channel in channels]
    modes = {specification["TrainingInputMode"], *(channel.get("InputMode") for channel in channels)}
    types = {source["S3DataType"] for source in sources if source}
    refuse(
        operation,
        AlgorithmSpecification__AlgorithmName="AlgorithmName" in specification,
        ResourceConfig__InstanceCount_above_1=resources.get("InstanceCount", 1) > 1,
        ResourceConfig__InstanceGroups="InstanceGroups" in resources,
        ResourceConfig__InstancePreferences="InstancePreferences" in resources,
        TrainingInputMode_Pipe="Pipe" in modes,
        InputDataConfig__DataSource_other_than_S3DataSource=None in sources,
        InputDataConfig__S3DataType_other_than_S3Prefix=bool(types - {"S3Prefix"}),
        InputDataConfig__RecordWrapperType_RecordIO=any(
            channel.get("RecordWrapperType") == "RecordIO" for channel in channels
        ),
        RetryStrategy="RetryStrategy" in request,
    )
    problem = _inconsistency(request)
    if problem:
        raise AwsError("ValidationException", problem)
    require_image(operation, specification["TrainingImage"])
    require_role(request["RoleArn"])


def _inconsistency(request: Document) -> str | None:
    specification = request["AlgorithmSpecification"]
    if "TrainingImage" not in specification:
        return "You must specify either TrainingImage or AlgorithmName in AlgorithmSpecification."
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        return f"InputDataConfig has the channel name {', '.join(repeated)} more than once."
    condition = request.get("StoppingCondition", {})
    runtime = condition.get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME_SECONDS)
    if "MaxWaitTimeInSeconds" in condition and not request.get("EnableManagedSpotTraining"):
        return "MaxWaitTimeInSeconds can only be given with EnableManagedSpotTraining."
    if request.get("EnableManagedSpotTraining") and condition.get("MaxWaitTimeInSeconds", 0) < runtime:
        return "Managed spot training needs MaxWaitTimeInSeconds of at least MaxRuntimeInSeconds."
    return metrics.invalid_pattern(specification.get("MetricDefinitions", []))


def spot_seconds(seconds: int) -> int:
    """BillableTimeInSeconds of a managed spot job that ran so long.

    AWS bills spot capacity by its price of the day; here it always costs `SPOT_PRICE` of on-demand capacity,
    and is never interrupted.
    """
    return max(1, round(seconds * SPOT_PRICE))


class TrainingJob(Job):
    """One running training job."""

    kind = "TrainingJob"
    end_time_key = "TrainingEndTime"
    has_secondary = True

    def __init__(self, document: Document, region: str) -> None:
        """Of a document that was just created."""
        limit = document["StoppingCondition"]["MaxRuntimeInSeconds"]
        super().__init__(document["TrainingJobName"], limit)
        self._request = document
        self._region = region
        self._box = Box.create(self.name)
        self._metrics = metrics.MetricReader(document["AlgorithmSpecification"]["MetricDefinitions"])
        self._started: datetime | None = None
        output_path = document["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        self._output = f"{output_path}/{self.name}/output"

    def run(self) -> Document:
        """Download, train, upload; raises `JobFailed` with the container's own reason."""
        self._started = now()
        self.update(TrainingStartTime=self._started)
        self.enter("Downloading", "Downloading input data")
        self._download()
        self.enter("Training", "Training image download completed. Training in progress.")
        container = self._container()
        container.lines.append(self._metrics.read)
        code = self.run_container(container)
        if code != 0:
            raise JobFailed(failure_reason(code, self._box.failure()))
        self.enter("Uploading", "Uploading generated training model")
        self._upload_model()
        return self._ended()

    def stopped_changes(self) -> Document:
        """A stopped job keeps the model it has so far."""
        if any(self._box.directory("/opt/ml/model").iterdir()):
            self._upload_model()
        return self._ended()

    def failed_changes(self) -> Document:
        """A failed job keeps its output data, not its model."""
        return self._ended()

    def _download(self) -> None:
        for path in ("model", "output/data", "input/data", "checkpoints"):
            self._box.directory(f"/opt/ml/{path}")
        for channel in self._request.get("InputDataConfig", []):
            self.check()
            directory = self._box.directory(f"/opt/ml/input/data/{channel['ChannelName']}")
            files = artifacts.download(channel["DataSource"]["S3DataSource"]["S3Uri"], directory)
            if channel.get("CompressionType") == "Gzip":
                _decompress(files)
        checkpoints = self._request.get("CheckpointConfig")
        if checkpoints and artifacts.list_keys(checkpoints["S3Uri"]):
            artifacts.download(checkpoints["S3Uri"], self._checkpoint_directory())
        self._write_configuration()

    def _write_configuration(self) -> None:
        specification = self._request["AlgorithmSpecification"]
        channels = {
            channel["ChannelName"]: {
                "TrainingInputMode": channel.get("InputMode", specification["TrainingInputMode"]),
                "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                    "S3DataDistributionType", "FullyReplicated"
                ),
                "RecordWrapperType": channel.get("RecordWrapperType", "None"),
                **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
            }
            for channel in self._request.get("InputDataConfig", [])
        }
        instance_type = self._request.get("ResourceConfig", {}).get("InstanceType", "")
        configuration = "/opt/ml/input/config"
        hyperparameters = self._request.get("HyperParameters", {})
        write_json(self._box, f"{configuration}/hyperparameters.json", hyperparameters)
        write_json(self._box, f"{configuration}/inputdataconfig.json", channels)
        write_json(self._box, f"{configuration}/resourceconfig.json", resource_config(instance_type))

    def _container(self) -> Container:
        specification = self._request["AlgorithmSpecification"]
        command = specification.get("ContainerEntrypoint", ["train"])
        environment = {
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": self._request["TrainingJobArn"],
            **self._request.get("Environment", {}),
        }
        return Container(
            specification["TrainingImage"],
            [*command, *specification.get("ContainerArguments", [])],
            self._box,
            environment,
            LOG_GROUP,
            log_stream(self.name),
            self._region,
            isolated=self._request.get("EnableNetworkIsolation", False),
        )

    def _checkpoint_directory(self) -> Path:
        local = self._request["CheckpointConfig"].get("LocalPath", "/opt/ml/checkpoints")
        return self._box.directory(local)

    def _upload_model(self) -> None:
        model = self._box.directory("/opt/ml/model")
        if self._request["OutputDataConfig"].get("CompressionType") == "NONE":
            artifacts.upload(model, f"{self._output}/model")
            uri = f"{self._output}/model/"
        else:
            uri = f"{self._output}/model.tar.gz"
            artifacts.write(uri, artifacts.pack(model))
        self.update(ModelArtifacts={"S3ModelArtifacts": uri})

    def _ended(self) -> Document:
        """What every end has: output data, checkpoints, metrics, times. The box is removed."""
        try:
            self._upload_output()
            self._metrics.publish(self.name, self._region)
        finally:
            self._box.remove()
        changes: Document = {"FinalMetricDataList": self._metrics.final()}
        if self._started:
            seconds = seconds_since(self._started)
            spot = self._request.get("EnableManagedSpotTraining", False)
            billable = spot_seconds(seconds) if spot else seconds
            changes |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": billable}
        return changes

    def _upload_output(self) -> None:
        data = self._box.directory("/opt/ml/output/data")
        if any(data.iterdir()):
            artifacts.write(f"{self._output}/output.tar.gz", artifacts.pack(data))
        if "CheckpointConfig" in self._request:
            artifacts.upload(self._checkpoint_directory(), self._request["CheckpointConfig"]["S3Uri"])


def _decompress(files: list[Path]) -> None:
    """Replace each ``x.gz`` by ``x``."""
    for path in files:
        if path.suffix == ".gz":
            with gzip.open(path, "rb") as source, path.with_suffix("").open("wb") as target:
                shutil.copyfileobj(source, target)
            path.unlink()
