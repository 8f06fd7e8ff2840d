"""Processing jobs really run."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from stand_in import ENDED, job_name, refusal, run_processing, wait_for, with_data

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def sagemaker(aws: Callable[[str], Any]) -> Any:
    return aws("sagemaker")


@pytest.fixture
def data(aws: Callable[[str], Any], bucket: str) -> str:
    """A bucket with two input objects."""
    aws("s3").put_object(Bucket=bucket, Key="in/a.txt", Body=b"hello")
    aws("s3").put_object(Bucket=bucket, Key="in/deep/b.txt", Body="grüße".encode())
    return bucket


def test_a_job_copies_inputs_to_outputs(aws: Callable[[str], Any], sagemaker: Any, data: str) -> None:
    request = with_data(data, "copy")
    job = run_processing(sagemaker, request)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["ExitMessage"] == "copied"
    assert "FailureReason" not in job
    assert job["CreationTime"] <= job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    for key in ("ProcessingInputs", "ProcessingOutputConfig", "AppSpecification", "RoleArn", "Environment"):
        assert job[key] == request[key]

    def read(key: str) -> bytes:
        return bytes(aws("s3").get_object(Bucket=data, Key=key)["Body"].read())

    assert read("out/a.txt") == b"HELLO"
    assert read("out/deep/b.txt") == "GRÜSSE".encode()
    saw = json.loads(read("out/saw.json"))
    assert saw["job"] == request["ProcessingJobName"]
    assert saw["hosts"] == ["algo-1"]
    assert saw["environment"]["COLOUR"] == "red"
    assert saw["environment"]["AWS_REGION"] == "us-east-1"
    assert saw["server_environment"] is None


def test_output_reaches_the_log(aws: Callable[[str], Any], sagemaker: Any, data: str) -> None:
    job = run_processing(sagemaker, with_data(data, "copy"))
    events = aws("logs").filter_log_events(
        logGroupName="/aws/sagemaker/ProcessingJobs",
        logStreamNamePrefix=f"{job['ProcessingJobName']}/algo-1-",
    )["events"]
    assert [event["message"] for event in events] == ["copied everything"]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("fail", "AlgorithmError: the input is not a review, exit code: 3"),
        ("crash", "AlgorithmError: See job logs for more information, exit code: 7"),
    ],
)
def test_a_failing_container_fails_the_job(
    aws: Callable[[str], Any], sagemaker: Any, data: str, behaviour: str, reason: str
) -> None:
    job = run_processing(sagemaker, with_data(data, behaviour))
    assert (job["ProcessingJobStatus"], job["FailureReason"]) == ("Failed", reason)
    assert "Contents" not in aws("s3").list_objects_v2(Bucket=data, Prefix="out/")


def test_missing_input_fails_the_job(sagemaker: Any, bucket: str) -> None:
    job = run_processing(sagemaker, with_data(bucket, "copy"))
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(
        f"ClientError: No S3 objects found under S3 URL 's3://{bucket}/in'"
    )


def test_a_missing_output_bucket_fails_the_job(sagemaker: Any, data: str) -> None:
    request = with_data(data, "copy")
    request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] = "s3://no-such-bucket-anywhere/out"
    job = run_processing(sagemaker, request)
    assert job["ProcessingJobStatus"] == "Failed"
    assert "no-such-bucket-anywhere" in job["FailureReason"]


def test_a_job_can_be_stopped(sagemaker: Any, data: str) -> None:
    request = with_data(data, "sleep")
    name = request["ProcessingJobName"]
    run_processing(sagemaker, request, "InProgress")
    sagemaker.stop_processing_job(ProcessingJobName=name)

    def describe() -> dict[str, Any]:
        return dict(sagemaker.describe_processing_job(ProcessingJobName=name))

    assert describe()["ProcessingJobStatus"] in ("Stopping", "Stopped")
    assert wait_for(describe, "ProcessingJobStatus", *ENDED)["ProcessingJobStatus"] == "Stopped"
    code, message, _ = refusal(sagemaker.stop_processing_job, ProcessingJobName=name)
    assert code == "ValidationException"
    assert "is in status Stopped" in message


def test_a_job_is_stopped_after_its_maximum_runtime(sagemaker: Any, data: str) -> None:
    request = with_data(data, "sleep", StoppingCondition={"MaxRuntimeInSeconds": 1})
    started = time.monotonic()
    job = run_processing(sagemaker, request)
    assert job["ProcessingJobStatus"] == "Stopped"
    assert time.monotonic() - started < 30


def test_a_name_is_taken_once_even_under_contention(sagemaker: Any, data: str) -> None:
    request = with_data(data, "crash")

    def create(_: int) -> str:
        try:
            sagemaker.create_processing_job(**request)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "created"

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(create, range(8)))
    assert answers == ["ResourceInUse"] * 7 + ["created"]
    code, message, _ = refusal(sagemaker.create_processing_job, **request)
    assert code == "ResourceInUse"
    assert (
        "a job with this name already exists (arn:aws:sagemaker:us-east-1:123456789012:processing-job/"
        in message
    )


def test_a_missing_job_is_a_validation_exception(sagemaker: Any) -> None:
    code, message, _ = refusal(sagemaker.describe_processing_job, ProcessingJobName="never-made")
    assert (code, message) == ("ValidationException", "Could not find requested job with name: never-made")


def test_an_unknown_image_is_refused(sagemaker: Any, data: str) -> None:
    request = with_data(data, "copy")
    request["AppSpecification"]["ImageUri"] = "123456789012.dkr.ecr.us-east-1.amazonaws.com/unheard-of:1"
    code, message, _ = refusal(sagemaker.create_processing_job, **request)
    assert code == "NotImplementedException"
    assert "unheard-of" in message


def test_jobs_are_listed_filtered_and_paged(sagemaker: Any, data: str) -> None:
    prefix = job_name()
    names = [f"{prefix}-{number}" for number in range(3)]
    for name in names:
        run_processing(
            sagemaker, with_data(data, "crash" if name.endswith("1") else "copy", ProcessingJobName=name)
        )
    list_jobs = sagemaker.list_processing_jobs
    listed = list_jobs(NameContains=prefix, SortBy="Name", SortOrder="Ascending")["ProcessingJobSummaries"]
    assert [job["ProcessingJobName"] for job in listed] == names
    failed = list_jobs(NameContains=prefix, StatusEquals="Failed")["ProcessingJobSummaries"]
    assert [job["ProcessingJobName"] for job in failed] == [names[1]]
    first = list_jobs(NameContains=prefix, MaxResults=2)
    assert [job["ProcessingJobName"] for job in first["ProcessingJobSummaries"]] == [names[2], names[1]]
    second = list_jobs(NameContains=prefix, MaxResults=2, NextToken=first["NextToken"])
    assert [job["ProcessingJobName"] for job in second["ProcessingJobSummaries"]] == [names[0]]
    assert "NextToken" not in second
    code, _, _ = refusal(list_jobs, NextToken="nonsense")
    assert code == "ValidationException"


def test_tags_are_kept(sagemaker: Any, data: str) -> None:
    arn = sagemaker.create_processing_job(**with_data(data, "crash"))["ProcessingJobArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "retrain:run", "Value": "r1"}]
    sagemaker.add_tags(
        ResourceArn=arn, Tags=[{"Key": "retrain:run", "Value": "r2"}, {"Key": "a", "Value": ""}]
    )
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a", "b"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "retrain:run", "Value": "r2"}]
    code, _, _ = refusal(sagemaker.list_tags, ResourceArn=arn + "x")
    assert code == "ValidationException"


def test_an_ended_job_can_be_deleted(sagemaker: Any, data: str) -> None:
    request = with_data(data, "crash")
    run_processing(sagemaker, request)
    sagemaker.delete_processing_job(ProcessingJobName=request["ProcessingJobName"])
    code, _, _ = refusal(sagemaker.describe_processing_job, ProcessingJobName=request["ProcessingJobName"])
    assert code == "ValidationException"
