"""The processing jobs of the kill drill: their request, and what their descriptions say of their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servers import ROLE, TEST_IMAGE

if TYPE_CHECKING:
    from datetime import datetime

BUCKET = "drill"
# What the stand-in says of a job that was under way when it was killed.
ENDED_BY_KILL = "InternalServerError: The local stand-in stopped while this job ran"


def job_request(name: str) -> dict[str, Any]:
    """A processing job that copies one object."""
    source = {"S3Uri": f"s3://{BUCKET}/in", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    target = {"S3Uri": f"s3://{BUCKET}/out/{name}", "S3UploadMode": "EndOfJob"}
    target["LocalPath"] = "/opt/ml/processing/output"
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    return {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": TEST_IMAGE, "ContainerArguments": ["copy"]},
        "ProcessingResources": {"ClusterConfig": cluster},
        "ProcessingInputs": [
            {"InputName": "data", "S3Input": source | {"LocalPath": "/opt/ml/processing/input"}}
        ],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "result", "S3Output": target}]},
    }


def told(job: dict[str, Any]) -> str:
    """A job's status, its reasons and its moments, as DescribeProcessingJob gives them, in one line."""
    said = {
        name: job[name]
        for name in ("FailureReason", "ExitMessage", "SecondaryStatus")
        if job.get(name) is not None
    }
    created = job["CreationTime"]
    moments = {
        name: f"{(job[key] - created).total_seconds():.2f} s"
        for name, key in (("started after", "ProcessingStartTime"), ("ended after", "ProcessingEndTime"))
        if key in job
    }
    details = [f"{name}: {value}" for name, value in {**said, **moments}.items()]
    return f"job {job['ProcessingJobName']} is {job['ProcessingJobStatus']} ({'; '.join(details)})"


def age(job: dict[str, Any], moment: datetime) -> float:
    """Seconds from a job's creation to `moment`."""
    seconds: float = (moment - job["CreationTime"]).total_seconds()
    return seconds
