"""What SageMaker calls each kind of job: API names, status keys, terminal states; and their readers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FAILED_STATES = frozenset({"Failed", "Stopped"})


@dataclass(frozen=True)
class JobKind:
    """One kind of remote work: how to create, describe, stop and read it.

    ``succeeded`` and ``failed`` are the terminal states; every other status, known or not, is progress,
    because real responses carry values outside the enums of the service model.
    """

    name: str
    create: str
    describe: str
    stop: str | None
    name_key: str
    status_key: str
    secondary_key: str | None
    arn_key: str
    started_keys: tuple[str, ...]
    ended_keys: tuple[str, ...]
    log_group: str | None
    console_path: str
    name_limit: int = 63
    #: Lists jobs of this kind by status; None where nothing is ever left running.
    listing: str | None = None
    #: Where in a request and a description the machines are; empty where AWS chooses them itself.
    machines: tuple[str, ...] = ()
    succeeded: frozenset[str] = field(default=frozenset({"Completed"}))
    failed: frozenset[str] = field(default=FAILED_STATES)


PROCESSING = JobKind(
    name="ProcessingJob",
    create="create_processing_job",
    describe="describe_processing_job",
    stop="stop_processing_job",
    name_key="ProcessingJobName",
    status_key="ProcessingJobStatus",
    secondary_key=None,
    arn_key="ProcessingJobArn",
    started_keys=("ProcessingStartTime", "CreationTime"),
    ended_keys=("ProcessingEndTime", "LastModifiedTime"),
    log_group="/aws/sagemaker/ProcessingJobs",
    console_path="processing-jobs",
    listing="list_processing_jobs",
    machines=("ProcessingResources", "ClusterConfig"),
)
TRAINING = JobKind(
    name="TrainingJob",
    create="create_training_job",
    describe="describe_training_job",
    stop="stop_training_job",
    name_key="TrainingJobName",
    status_key="TrainingJobStatus",
    secondary_key="SecondaryStatus",
    arn_key="TrainingJobArn",
    started_keys=("TrainingStartTime", "CreationTime"),
    ended_keys=("TrainingEndTime", "LastModifiedTime"),
    log_group="/aws/sagemaker/TrainingJobs",
    console_path="jobs",
    listing="list_training_jobs",
    machines=("ResourceConfig",),
)
AUTOML = JobKind(
    name="AutoMLJob",
    create="create_auto_ml_job_v2",
    describe="describe_auto_ml_job_v2",
    stop="stop_auto_ml_job",
    name_key="AutoMLJobName",
    status_key="AutoMLJobStatus",
    secondary_key="AutoMLJobSecondaryStatus",
    arn_key="AutoMLJobArn",
    started_keys=("CreationTime",),
    ended_keys=("EndTime", "LastModifiedTime"),
    log_group=None,
    console_path="automl-jobs",
    # Lists those of CreateAutoMLJobV2 too.
    listing="list_auto_ml_jobs",
    name_limit=32,
)
TRANSFORM = JobKind(
    name="TransformJob",
    create="create_transform_job",
    describe="describe_transform_job",
    stop="stop_transform_job",
    name_key="TransformJobName",
    status_key="TransformJobStatus",
    secondary_key=None,
    arn_key="TransformJobArn",
    started_keys=("TransformStartTime", "CreationTime"),
    ended_keys=("TransformEndTime", "LastModifiedTime"),
    log_group="/aws/sagemaker/TransformJobs",
    console_path="transform-jobs",
    listing="list_transform_jobs",
    machines=("TransformResources",),
)
ENDPOINT = JobKind(
    name="Endpoint",
    create="create_endpoint",
    describe="describe_endpoint",
    # A half-made endpoint is not stopped but rolled back, which the service does by itself.
    stop=None,
    name_key="EndpointName",
    status_key="EndpointStatus",
    secondary_key=None,
    arn_key="EndpointArn",
    started_keys=("LastModifiedTime", "CreationTime"),
    ended_keys=("LastModifiedTime",),
    log_group=None,
    console_path="endpoints",
    succeeded=frozenset({"InService"}),
    failed=frozenset({"Failed", "OutOfService", "UpdateRollbackFailed"}),
)

JOB_KINDS: dict[str, JobKind] = {
    kind.name: kind for kind in (PROCESSING, TRAINING, AUTOML, TRANSFORM, ENDPOINT)
}


@dataclass(frozen=True)
class JobState:
    """What one describe call said, in the words of no particular kind."""

    kind: str
    name: str
    status: str
    secondary: str
    arn: str
    reason: str
    seconds: float
    billable_seconds: float
    is_done: bool
    succeeded: bool

    @property
    def progress(self) -> str:
        """``Status`` or ``Status / Secondary``, as a person reads it."""
        if self.secondary and self.secondary != self.status:
            return f"{self.status} / {self.secondary}"
        return self.status


def read_state(kind: JobKind, description: Mapping[str, Any]) -> JobState:
    """Read a describe response of ``kind``; times missing from the response count as zero seconds."""
    status = str(description[kind.status_key])
    started = next((description[key] for key in kind.started_keys if description.get(key)), None)
    ended = next((description[key] for key in kind.ended_keys if description.get(key)), None)
    seconds = max(0.0, (ended - started).total_seconds()) if started and ended else 0.0
    billable = description.get("BillableTimeInSeconds")
    reasons = [description.get("FailureReason"), description.get("ExitMessage")]
    return JobState(
        kind=kind.name,
        name=str(description[kind.name_key]),
        status=status,
        secondary=str(description.get(kind.secondary_key) or "") if kind.secondary_key else "",
        arn=str(description.get(kind.arn_key, "")),
        reason=" ".join(str(reason) for reason in reasons if reason),
        seconds=round(seconds, 3),
        billable_seconds=float(billable) if billable is not None else round(seconds, 3),
        is_done=status in kind.succeeded | kind.failed,
        succeeded=status in kind.succeeded,
    )


def on_instance_type(kind: JobKind, body: Mapping[str, Any], instance_type: str) -> dict[str, Any]:
    """``body`` of a create request, on machines of another type; unchanged where AWS chooses them."""
    return _replaced(body, (*kind.machines, "InstanceType"), instance_type) if kind.machines else dict(body)


def _replaced(document: Mapping[str, Any], path: tuple[str, ...], value: str) -> dict[str, Any]:
    key, *rest = path
    return {**document, key: _replaced(document[key], tuple(rest), value) if rest else value}


def instance_type_of(kind: JobKind, description: Mapping[str, Any]) -> str | None:
    """The machines that a described job runs on, None where AWS does not tell."""
    return _machines(kind, description).get("InstanceType")


def instance_count_of(kind: JobKind, description: Mapping[str, Any]) -> int:
    """On how many machines a described job runs, 1 where AWS does not tell."""
    return int(_machines(kind, description).get("InstanceCount") or 1)


def _machines(kind: JobKind, description: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where a description tells of its machines; empty where AWS does not tell."""
    if not kind.machines:
        return {}
    found: Any = description
    for key in kind.machines:
        found = found.get(key) or {}
    return found  # type: ignore[no-any-return]


def ended_at(kind: JobKind, description: Mapping[str, Any]) -> str:
    """When the job ended, ``YYYY-MM-DD HH:MM UTC``."""
    ended = next((description[key] for key in kind.ended_keys if description.get(key)), None)
    return f"{ended.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC" if ended else "an unknown time"


def output_uri(kind: JobKind, description: Mapping[str, Any]) -> str | None:
    """Where the job's result lies: an S3 object (training) or prefix (the others); None for an endpoint."""
    match kind.name:
        case "TrainingJob":
            uri = description.get("ModelArtifacts", {}).get("S3ModelArtifacts")
        case "ProcessingJob":
            outputs = description.get("ProcessingOutputConfig", {}).get("Outputs", [])
            uri = outputs[0]["S3Output"]["S3Uri"] if outputs else None
        case "TransformJob":
            uri = description.get("TransformOutput", {}).get("S3OutputPath")
        case "AutoMLJob":
            root = description.get("OutputDataConfig", {}).get("S3OutputPath", "").rstrip("/")
            uri = f"{root}/{description[kind.name_key]}" if root else None
        case _:
            uri = None
    return str(uri) if uri else None


def as_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags in SageMaker's form."""
    return [{"Key": key, "Value": str(value)[:256]} for key, value in tags.items()]


def to_request_tags(*, run: str, step: str, fingerprint: str, data_until: str) -> list[dict[str, str]]:
    """The four tags that every resource of ours carries."""
    values = {"run": run, "step": step, "fingerprint": fingerprint, "data-until": data_until}
    return as_tags({f"retrain:{key}": value for key, value in values.items()})
