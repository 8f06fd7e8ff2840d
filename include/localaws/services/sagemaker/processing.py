"""Processing jobs: inputs from S3, one container, outputs to S3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws import artifacts
from localaws.containers import Box, Container
from localaws.jobs import Job, JobFailed
from localaws.protocol import AwsError, answer
from localaws.services.sagemaker import clarify_requests
from localaws.services.sagemaker.job_resources import (
    DEFAULT_MAX_RUNTIME_SECONDS,
    JobResource,
    failure_reason,
    log_stream,
    refuse,
    require_image,
    resource_config,
    write_json,
)
from localaws.services.sagemaker.resources import Operations
from localaws.state import now

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

Document = dict[str, Any]

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
RESOURCE = JobResource(
    kind="ProcessingJob",
    path="processing-job",
    title="processing job",
    taken="Job name must be unique within an AWS account and region, "
    "and a job with this name already exists ({arn})",
    missing="Could not find requested job with name: {name}",
)


class ProcessingOperations(Operations):
    """Create, Describe, List, Stop and Delete of processing jobs."""

    def create_processing_job(self) -> ActionResult:
        """Start the job; it runs after this answer."""
        request = self.request()
        check(request)
        request.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": DEFAULT_MAX_RUNTIME_SECONDS})
        document = RESOURCE.create(self.region, request["ProcessingJobName"], request)
        ProcessingJob(document, self.region).submit()
        return answer({"ProcessingJobArn": document["ProcessingJobArn"]})

    def describe_processing_job(self) -> ActionResult:
        """The request and what happened."""
        return answer(RESOURCE.find(self.region, self.request()["ProcessingJobName"]))

    def list_processing_jobs(self) -> ActionResult:
        """Summaries, filtered and in pages."""
        page, token = RESOURCE.page(self.request())
        return answer({"ProcessingJobSummaries": page, "NextToken": token})

    def stop_processing_job(self) -> ActionResult:
        """SIGTERM, and SIGKILL after two minutes."""
        RESOURCE.stop(self.region, self.request()["ProcessingJobName"])
        return answer({})

    def delete_processing_job(self) -> ActionResult:
        """Forget an ended job."""
        RESOURCE.delete(self.region, self.request()["ProcessingJobName"])
        return answer({})


def check(request: Document) -> None:
    """Rules the service model does not hold, and what does not work here; raises `AwsError`."""
    operation = "CreateProcessingJob"
    cluster = request["ProcessingResources"]["ClusterConfig"]
    inputs = request.get("ProcessingInputs", [])
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    sources = [item.get("S3Input", {}) for item in inputs]
    refuse(
        operation,
        ProcessingResources__ClusterConfig__InstanceCount_above_1=cluster.get("InstanceCount", 1) > 1,
        ProcessingResources__ClusterConfig__InstancePreferences="InstancePreferences" in cluster,
        ProcessingInputs__DatasetDefinition=any("DatasetDefinition" in item for item in inputs),
        ProcessingInputs__S3Input__S3DataType_ManifestFile=_any(sources, "S3DataType", "ManifestFile"),
        ProcessingInputs__S3Input__S3InputMode_Pipe=_any(sources, "S3InputMode", "Pipe"),
        ProcessingInputs__S3Input__S3CompressionType_Gzip=_any(sources, "S3CompressionType", "Gzip"),
        ProcessingOutputConfig__FeatureStoreOutput=any("FeatureStoreOutput" in item for item in outputs),
        ProcessingOutputConfig__S3UploadMode_Continuous=any(
            item.get("S3Output", {}).get("S3UploadMode") == "Continuous" for item in outputs
        ),
    )
    for item in inputs:
        if "S3Input" not in item:
            raise AwsError("ValidationException", f"Processing input {item['InputName']} has no S3Input.")
    clarify_requests.check(request)
    _check_names("ProcessingInputs", "InputName", inputs)
    _check_names("ProcessingOutputConfig", "OutputName", outputs)
    for name, place in local_places(request):
        if not place.startswith("/opt/ml/processing"):
            raise AwsError(
                "ValidationException",
                f"LocalPath {place!r} of {name} must be below /opt/ml/processing, where this stand-in looks.",
            )
    require_image(operation, request["AppSpecification"]["ImageUri"])


def local_places(request: Document) -> list[tuple[str, str]]:
    """Name and LocalPath of every input and output."""
    inputs = [(item["InputName"], item.get("S3Input")) for item in request.get("ProcessingInputs", [])]
    outputs = [
        (item["OutputName"], item.get("S3Output"))
        for item in request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    ]
    return [(name, place["LocalPath"]) for name, place in inputs + outputs if place and "LocalPath" in place]


def _any(items: list[Document], key: str, value: str) -> bool:
    return any(item.get(key) == value for item in items)


def _check_names(where: str, key: str, items: list[Document]) -> None:
    names = [item[key] for item in items]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise AwsError("ValidationException", f"{where} has {key} more than once: {', '.join(repeated)}")


class ProcessingJob(Job):
    """One running processing job."""

    kind = "ProcessingJob"
    end_time_key = "ProcessingEndTime"

    def __init__(self, document: Document, region: str) -> None:
        """Of a document that was just created."""
        limit = document["StoppingCondition"]["MaxRuntimeInSeconds"]
        super().__init__(document["ProcessingJobName"], limit)
        self._request = document
        self._region = region
        self._box = Box.create(self.name)

    def run(self) -> Document:
        """Download, run, upload; raises `JobFailed` with the container's own reason."""
        try:
            return self._run()
        finally:
            self._box.remove()

    def _run(self) -> Document:
        self._prepare()
        container = self._container()
        self.update(ProcessingStartTime=now())
        code = self.run_container(container)
        if code != 0:
            raise JobFailed(failure_reason(code, self._box.failure()))
        self._upload()
        return self._exit_message()

    def _prepare(self) -> None:
        for item in self._request.get("ProcessingInputs", []):
            self.check()
            source = item["S3Input"]
            artifacts.download(source["S3Uri"], self._box.directory(source["LocalPath"]))
        for output in self._outputs():
            self._box.directory(output["LocalPath"])
        self._box.directory("/opt/ml/output")
        kept = {key: value for key, value in self._request.items() if key not in ("Tags", "LastModifiedTime")}
        write_json(self._box, "/opt/ml/config/processingjobconfig.json", kept)
        instance_type = self._request["ProcessingResources"]["ClusterConfig"].get("InstanceType", "")
        write_json(self._box, "/opt/ml/config/resourceconfig.json", resource_config(instance_type))

    def _container(self) -> Container:
        specification = self._request["AppSpecification"]
        command = specification.get("ContainerEntrypoint", ["process"])
        return Container(
            specification["ImageUri"],
            [*command, *specification.get("ContainerArguments", [])],
            self._box,
            self._request.get("Environment"),
            LOG_GROUP,
            log_stream(self.name),
            self._region,
            isolated=self._request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False),
        )

    def _outputs(self) -> list[Document]:
        outputs = self._request.get("ProcessingOutputConfig", {}).get("Outputs", [])
        return [item["S3Output"] for item in outputs if "LocalPath" in item.get("S3Output", {})]

    def _upload(self) -> None:
        for output in self._outputs():
            self.check()
            artifacts.upload(self._box.local(output["LocalPath"]), output["S3Uri"])

    def _exit_message(self) -> Document:
        path = self._box.local("/opt/ml/output/message")
        if not path.is_file():
            return {}
        return {"ExitMessage": path.read_text(encoding="utf-8", errors="replace")[:1024]}
