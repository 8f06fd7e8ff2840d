"""A training job's work: instances with their channels, containers that train together, results to S3."""

from __future__ import annotations

import gzip
import shutil
from typing import TYPE_CHECKING, Any

from localaws import artifacts
from localaws.containers import Box, Container, repository
from localaws.jobs import Job, JobFailed
from localaws.services.sagemaker import hosts, metrics
from localaws.services.sagemaker.job_resources import log_stream, resource_config, seconds_since, write_json
from localaws.services.sagemaker.pipes import Pipe
from localaws.state import now

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

Document = dict[str, Any]

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
SPOT_PRICE = 0.3
ONE_INSTANCE_ONLY = (
    "ClientError: BlazingText in supervised mode trains on a single instance; set InstanceCount to 1."
)


def input_mode(request: Document, channel: Document) -> str:
    """File, FastFile or Pipe."""
    return str(channel.get("InputMode") or request["AlgorithmSpecification"]["TrainingInputMode"])


def spot_seconds(seconds: int) -> int:
    """BillableTimeInSeconds of a managed spot job that ran so long.

    AWS bills spot capacity by its price of the day; here it always costs `SPOT_PRICE` of on-demand capacity,
    and is never interrupted.
    """
    return max(1, round(seconds * SPOT_PRICE))


class Host:
    """One instance of a training job: its directory, its pipes and its container."""

    def __init__(self, request: Document, index: int, region: str) -> None:
        """Of the instance `index`, the first is 0, of a job's document."""
        self._request = request
        self._index = index
        self._region = region
        self._names = hosts.names(instance_count(request))
        self._pipes: list[Pipe] = []
        self.box = Box.create(f"{request['TrainingJobName']}-{index + 1}")

    @property
    def name(self) -> str:
        """E.g. algo-1."""
        return self._names[self._index]

    def prepare(self) -> None:
        """Fetch the channels, of sharded ones this instance's share, and write the configuration."""
        for path in ("model", "output/data", "input/data", "checkpoints"):
            self.box.directory(f"/opt/ml/{path}")
        for channel in self._request.get("InputDataConfig", []):
            self._fetch(channel)
        checkpoints = self._request.get("CheckpointConfig")
        if checkpoints and artifacts.list_keys(checkpoints["S3Uri"]):
            artifacts.download(checkpoints["S3Uri"], self.checkpoints())
        self._write_configuration()

    def container(self) -> Container:
        """The container, not started; its pipes are fed from now on."""
        specification = self._request["AlgorithmSpecification"]
        name = self._request["TrainingJobName"]
        environment = {
            "TRAINING_JOB_NAME": name,
            "TRAINING_JOB_ARN": self._request["TrainingJobArn"],
            **self._request.get("Environment", {}),
        }
        for pipe in self._pipes:
            pipe.start()
        return Container(
            specification["TrainingImage"],
            [
                *specification.get("ContainerEntrypoint", ["train"]),
                *specification.get("ContainerArguments", []),
            ],
            self.box,
            environment,
            LOG_GROUP,
            log_stream(name, self.name),
            self._region,
            isolated=self._request.get("EnableNetworkIsolation", False),
        )

    def checkpoints(self) -> Path:
        """Where the container keeps its checkpoints."""
        local = self._request["CheckpointConfig"].get("LocalPath", "/opt/ml/checkpoints")
        return self.box.directory(local)

    def streaming_error(self) -> Exception | None:
        """Why a pipe ended early, if one did."""
        return next((pipe.error for pipe in self._pipes if pipe.error), None)

    def close(self) -> None:
        """Feed no more, and delete the directory."""
        for pipe in self._pipes:
            pipe.close()
        self.box.remove()

    def _fetch(self, channel: Document) -> None:
        source = channel["DataSource"]["S3DataSource"]
        share = hosts.shard(source, self._index, len(self._names))
        if input_mode(self._request, channel) == "Pipe":
            self._pipes.append(Pipe(channel, self.box.directory("/opt/ml/input/data"), share))
            return
        wanted = artifacts.objects(source)[share[0] :: share[1]]
        files = artifacts.fetch(wanted, self.box.directory(f"/opt/ml/input/data/{channel['ChannelName']}"))
        if channel.get("CompressionType") == "Gzip":
            _decompress(files)

    def _write_configuration(self) -> None:
        channels = {
            channel["ChannelName"]: {
                "TrainingInputMode": input_mode(self._request, channel),
                "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                    "S3DataDistributionType", "FullyReplicated"
                ),
                "RecordWrapperType": channel.get("RecordWrapperType", "None"),
                **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
            }
            for channel in self._request.get("InputDataConfig", [])
        }
        instance_type = self._request.get("ResourceConfig", {}).get("InstanceType", "")
        resources = resource_config(instance_type, self._names, self.name)
        configuration = "/opt/ml/input/config"
        hyperparameters = self._request.get("HyperParameters", {})
        write_json(self.box, f"{configuration}/hyperparameters.json", hyperparameters)
        write_json(self.box, f"{configuration}/inputdataconfig.json", channels)
        write_json(self.box, f"{configuration}/resourceconfig.json", resources)


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
        self._hosts = [Host(document, index, region) for index in range(instance_count(document))]
        self._metrics = metrics.MetricReader(document["AlgorithmSpecification"]["MetricDefinitions"])
        self._started: datetime | None = None
        output_path = document["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        self._output = f"{output_path}/{self.name}/output"

    def run(self) -> Document:
        """Download, train, upload; raises `JobFailed` with the container's own reason."""
        self._started = now()
        self.update(TrainingStartTime=self._started)
        self.enter("Downloading", "Downloading input data")
        for host in self._hosts:
            self.check()
            host.prepare()
        self.enter("Training", "Training image download completed. Training in progress.")
        self._train()
        self.enter("Uploading", "Uploading generated training model")
        self._upload_model()
        return self._ended()

    def stopped_changes(self) -> Document:
        """A stopped job keeps the model it has so far."""
        if any(any(host.box.directory("/opt/ml/model").iterdir()) for host in self._hosts):
            self._upload_model()
        return self._ended()

    def failed_changes(self) -> Document:
        """A failed job keeps its output data, not its model."""
        return self._ended()

    def _train(self) -> None:
        if len(self._hosts) > 1 and _is_supervised_blazingtext(self._request):
            raise JobFailed(ONE_INSTANCE_ONLY)
        members = [(host.box, host.container()) for host in self._hosts]
        for _, container in members:
            container.lines.append(self._metrics.read)
        hosts.run_together(self, members)
        for host in self._hosts:
            error = host.streaming_error()
            if error:
                raise error

    def _merged(self, path: str) -> Path:
        """A directory of all instances in one: of files of one name the first instance's is kept."""
        first, *others = [host.box.directory(path) for host in self._hosts]
        for other in others:
            for file in sorted(other.rglob("*")):
                target = first / file.relative_to(other)
                if file.is_file() and not file.is_symlink() and not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, target)
        return first

    def _upload_model(self) -> None:
        model = self._merged("/opt/ml/model")
        if self._request["OutputDataConfig"].get("CompressionType") == "NONE":
            artifacts.upload(model, f"{self._output}/model")
            uri = f"{self._output}/model/"
        else:
            uri = f"{self._output}/model.tar.gz"
            artifacts.write(uri, artifacts.pack(model))
        self.update(ModelArtifacts={"S3ModelArtifacts": uri})

    def _ended(self) -> Document:
        """What every end has: output data, checkpoints, metrics, times. The boxes are removed."""
        try:
            self._upload_output()
            self._metrics.publish(self.name, self._region)
        finally:
            for host in self._hosts:
                host.close()
        changes: Document = {"FinalMetricDataList": self._metrics.final()}
        if self._started:
            seconds = seconds_since(self._started)
            spot = self._request.get("EnableManagedSpotTraining", False)
            billable = spot_seconds(seconds) if spot else seconds
            changes |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": billable}
        return changes

    def _upload_output(self) -> None:
        data = self._merged("/opt/ml/output/data")
        if any(data.iterdir()):
            artifacts.write(f"{self._output}/output.tar.gz", artifacts.pack(data))
        if "CheckpointConfig" in self._request:
            for host in reversed(self._hosts):
                artifacts.upload(host.checkpoints(), self._request["CheckpointConfig"]["S3Uri"])


def instance_count(request: Document) -> int:
    """How many instances a job trains on."""
    return int(request.get("ResourceConfig", {}).get("InstanceCount", 1))


def _is_supervised_blazingtext(request: Document) -> bool:
    image = request["AlgorithmSpecification"]["TrainingImage"]
    mode = request.get("HyperParameters", {}).get("mode", "")
    return repository(image) == "blazingtext" and mode.strip('"') == "supervised"


def _decompress(files: list[Path]) -> None:
    """Replace each ``x.gz`` by ``x``."""
    for path in files:
        if path.suffix == ".gz":
            with gzip.open(path, "rb") as source, path.with_suffix("").open("wb") as target:
                shutil.copyfileobj(source, target)
            path.unlink()
