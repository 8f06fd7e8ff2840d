"""AutoML requests for the tests, and reading what a job left in S3."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from hosting import new_bucket, unique
from reviews import as_csv, reviews
from stand_in import ROLE, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

ENDED = ("Completed", "Failed", "Stopped")


class Autopilot:
    """AutoML jobs in one bucket of a stand-in."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        """`client` gives boto3 clients by service."""
        self.client = client
        self.sagemaker = client("sagemaker")
        self.bucket = new_bucket(client, "autopilot")
        self.training = self.put("training/reviews.csv", as_csv(reviews(600)))

    def put(self, key: str, body: bytes) -> str:
        """Store an object; return its URI."""
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def channel(self, uri: str | None = None, **more: Any) -> dict[str, Any]:
        """An input channel of either version."""
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri or self.training}}
        return {
            "ChannelType": "training",
            "ContentType": "text/csv;header=present",
            "DataSource": source,
            **more,
        }

    def request_v2(self, tabular: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        """A CreateAutoMLJobV2 request for one candidate, with changes."""
        job = {"TargetAttributeName": "sentiment", "CompletionCriteria": {"MaxCandidates": 1}}
        return {
            "AutoMLJobName": unique("automl"),
            "AutoMLJobInputDataConfig": [self.channel()],
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/autopilot"},
            "AutoMLProblemTypeConfig": {"TabularJobConfig": {**job, **(tabular or {})}},
            "RoleArn": ROLE,
            **changes,
        }

    def request_v1(self, **changes: Any) -> dict[str, Any]:
        """A CreateAutoMLJob request for one candidate, with changes."""
        return {
            "AutoMLJobName": unique("automl"),
            "InputDataConfig": [self.channel(TargetAttributeName="sentiment")],
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/autopilot"},
            "AutoMLJobConfig": {"CompletionCriteria": {"MaxCandidates": 1}},
            "RoleArn": ROLE,
            **changes,
        }

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a job of the second version and wait for its end."""
        self.sagemaker.create_auto_ml_job_v2(**request)
        return self.ended(request["AutoMLJobName"])

    def describe(self, name: str) -> dict[str, Any]:
        """What DescribeAutoMLJobV2 answers."""
        return dict(self.sagemaker.describe_auto_ml_job_v2(AutoMLJobName=name))

    def ended(self, name: str) -> dict[str, Any]:
        """The job's description after its end."""
        return wait_for(lambda: self.describe(name), "AutoMLJobStatus", *ENDED)

    def watch(self, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The job's description after its end, and one description for each secondary status seen before."""
        seen: list[dict[str, Any]] = []
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            described = self.describe(name)
            if described["AutoMLJobStatus"] in ENDED:
                return described, seen
            if not seen or seen[-1]["AutoMLJobSecondaryStatus"] != described["AutoMLJobSecondaryStatus"]:
                seen.append(described)
            time.sleep(0.05)
        raise TimeoutError(f"{name} has not ended: {described}")

    def candidates(self, name: str, **more: Any) -> list[dict[str, Any]]:
        """All candidates of a job."""
        answer = self.sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName=name, MaxResults=300, **more)
        return list(answer["Candidates"])

    def read(self, uri: str) -> bytes:
        """An object's content."""
        key = uri.removeprefix(f"s3://{self.bucket}/")
        content: bytes = self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content

    def keys(self, prefix: str) -> list[str]:
        """Keys below a prefix of the bucket."""
        answer = self.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in answer.get("Contents", [])]
