"""The API of training jobs; `training_job` does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.protocol import AwsError, answer
from localaws.services.sagemaker import hosts, metrics
from localaws.services.sagemaker.image_regions import require_region
from localaws.services.sagemaker.job_resources import (
    DEFAULT_MAX_RUNTIME_SECONDS,
    JobResource,
    refuse,
    require_image,
)
from localaws.services.sagemaker.resources import Operations
from localaws.services.sagemaker.roles import require_role
from localaws.services.sagemaker.training_job import TrainingJob, input_mode
from localaws.state import now

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

Document = dict[str, Any]

FILE_TYPES = {"S3Prefix", "ManifestFile", "AugmentedManifestFile"}
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
        image = request["AlgorithmSpecification"]["TrainingImage"]
        require_region("CreateTrainingJob", image, self.region)
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
    types = {source["S3DataType"] for source in sources if source}
    refuse(
        operation,
        AlgorithmSpecification__AlgorithmName="AlgorithmName" in specification,
        ResourceConfig__InstanceGroups="InstanceGroups" in resources,
        ResourceConfig__InstancePreferences="InstancePreferences" in resources,
        InputDataConfig__DataSource_other_than_S3DataSource=None in sources,
        InputDataConfig__S3DataType_other_than_files=bool(types - FILE_TYPES),
        RetryStrategy="RetryStrategy" in request,
    )
    hosts.require_room(f"{operation}: ResourceConfig.InstanceCount", resources.get("InstanceCount", 1))
    problem = _inconsistency(request) or _channel_problem(request)
    if problem:
        raise AwsError("ValidationException", problem)
    require_image(operation, specification["TrainingImage"])
    require_role(request["RoleArn"])


def _channel_problem(request: Document) -> str | None:
    for channel in request.get("InputDataConfig", []):
        name = channel["ChannelName"]
        piped = input_mode(request, channel) == "Pipe"
        source = channel["DataSource"]["S3DataSource"]
        if source["S3DataType"] == "AugmentedManifestFile":
            if not piped:
                return f"Channel {name}: AugmentedManifestFile can only be used if the input mode is Pipe."
            if not source.get("AttributeNames"):
                return f"Channel {name}: AugmentedManifestFile needs AttributeNames."
        elif "AttributeNames" in source:
            return f"Channel {name}: AttributeNames can only be used with AugmentedManifestFile."
        if channel.get("RecordWrapperType") == "RecordIO" and not piped:
            return f"Channel {name}: RecordWrapperType RecordIO can only be used if the input mode is Pipe."
    return None


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
