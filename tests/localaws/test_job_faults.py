"""Faults of jobs and endpoints."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest
from fault_client import Faults
from hosting import SHOUT, Hosting
from stand_in import ENDED, refusal, run_processing, training_request, wait_for, with_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML "
    "instance type."
)


@pytest.fixture
def faults(endpoint_url: str) -> Iterator[Faults]:
    """The faults of the shared stand-in; none is left afterwards."""
    own = Faults(endpoint_url)
    yield own
    own.call("DELETE")


@pytest.fixture(scope="module")
def hosting(aws: Callable[[str], Any]) -> Iterator[tuple[Hosting, str]]:
    """An endpoint in service."""
    own = Hosting(aws)
    endpoint = own.endpoint(own.config({own.model(own.container(SHOUT)): 1}))
    assert own.settled(endpoint)["EndpointStatus"] == "InService"
    yield own, endpoint
    own.delete(endpoint)


# Service, call, expected code and status.
def test_the_nth_job_finds_no_capacity(aws: Callable[[str], Any], bucket: str, faults: Faults) -> None:
    aws("s3").put_object(Bucket=bucket, Key="train/part-0", Body=b"a\n")
    faults.set("capacity", job="TrainingJob", after=1, count=1)
    ends = []
    for _ in range(3):
        request = training_request(bucket)
        aws("sagemaker").create_training_job(**request)
        ends.append(ended_training(aws, request["TrainingJobName"]))
    assert [end["TrainingJobStatus"] for end in ends] == ["Completed", "Failed", "Completed"]
    assert ends[1]["FailureReason"] == CAPACITY
    assert "TrainingStartTime" not in ends[1]


def ended_training(aws: Callable[[str], Any], name: str) -> dict[str, Any]:
    """The description of an ended training job."""
    describe = lambda: aws("sagemaker").describe_training_job(TrainingJobName=name)  # noqa: E731
    return wait_for(describe, "TrainingJobStatus", *ENDED)


def test_a_job_fails_at_a_stage(aws: Callable[[str], Any], bucket: str, faults: Faults) -> None:
    aws("s3").put_object(Bucket=bucket, Key="train/part-0", Body=b"a\n")
    request = training_request(bucket)
    name = request["TrainingJobName"]
    faults.set("job_failure", job="TrainingJob", resource=name, stage="Uploading", message="Error: x")
    aws("sagemaker").create_training_job(**request)
    job = ended_training(aws, name)
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", "Error: x")
    stages = [item["Status"] for item in job["SecondaryStatusTransitions"]]
    assert stages[-2:] == ["Uploading", "Failed"]


def test_a_slow_job_is_in_progress_longer_and_can_be_stopped(
    aws: Callable[[str], Any], bucket: str, faults: Faults
) -> None:
    aws("s3").put_object(Bucket=bucket, Key="in/a.txt", Body=b"hello")
    faults.set("job_delay", job="ProcessingJob", stage="Completing", seconds=1.5, count=1)
    begin = time.monotonic()
    assert run_processing(aws("sagemaker"), with_data(bucket, "copy"))["ProcessingJobStatus"] == "Completed"
    assert time.monotonic() - begin >= 1.5
    faults.set("job_delay", job="ProcessingJob", seconds=300)
    request = with_data(bucket, "copy")
    name = request["ProcessingJobName"]
    aws("sagemaker").create_processing_job(**request)
    aws("sagemaker").stop_processing_job(ProcessingJobName=name)
    describe = lambda: aws("sagemaker").describe_processing_job(ProcessingJobName=name)  # noqa: E731
    assert wait_for(describe, "ProcessingJobStatus", *ENDED)["ProcessingJobStatus"] == "Stopped"


def test_a_slow_job_goes_on_when_its_fault_is_removed(
    aws: Callable[[str], Any], bucket: str, faults: Faults
) -> None:
    aws("s3").put_object(Bucket=bucket, Key="in/a.txt", Body=b"hello")
    held = faults.set("job_delay", job="ProcessingJob", stage="Completing", seconds=600)
    request = with_data(bucket, "copy")
    aws("sagemaker").create_processing_job(**request)

    def describe() -> Any:
        return aws("sagemaker").describe_processing_job(ProcessingJobName=request["ProcessingJobName"])

    assert describe()["ProcessingJobStatus"] == "InProgress"
    faults.call("DELETE", path=f"/{held}")
    assert wait_for(describe, "ProcessingJobStatus", *ENDED)["ProcessingJobStatus"] == "Completed"


def test_a_lost_response_leaves_the_job_created(
    aws: Callable[[str], Any], bucket: str, faults: Faults
) -> None:
    aws("s3").put_object(Bucket=bucket, Key="train/part-0", Body=b"a\n")
    request = training_request(bucket)
    faults.set("lost_response", service="sagemaker", operation="CreateTrainingJob", count=1)
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        aws("sagemaker").create_training_job(**request)
    assert refusal(aws("sagemaker").create_training_job, **request)[0] == "ResourceInUse"
    assert ended_training(aws, request["TrainingJobName"])["TrainingJobStatus"] == "Completed"


def test_endpoint_errors_look_like_the_containers_and_count_in_metrics(
    aws: Callable[[str], Any], hosting: tuple[Hosting, str], faults: Faults
) -> None:
    own, endpoint = hosting
    faults.set("endpoint_error", resource=endpoint, status=503, message="overloaded", count=1)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        own.invoke(endpoint)
    response = caught.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert (response["OriginalStatusCode"], response["OriginalMessage"]) == (503, "overloaded")
    assert own.invoke(endpoint) == "hello!\n"

    def errors() -> dict[str, float]:
        found = aws("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            Dimensions=[
                {"Name": "EndpointName", "Value": endpoint},
                {"Name": "VariantName", "Value": "variant-1"},
            ],
            StartTime=time.time() - 600,
            EndTime=time.time() + 600,
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return {"sum": sum(point["Sum"] for point in found)}

    assert wait_for(errors, "sum", 1.0)["sum"] == 1


def test_endpoint_latency(hosting: tuple[Hosting, str], faults: Faults) -> None:
    own, endpoint = hosting
    faults.set("endpoint_latency", resource=endpoint, seconds=0.7, count=1)
    begin = time.monotonic()
    assert own.invoke(endpoint) == "hello!\n"
    assert time.monotonic() - begin >= 0.7


def test_an_endpoint_of_another_name_is_spared(hosting: tuple[Hosting, str], faults: Faults) -> None:
    own, endpoint = hosting
    faults.set("endpoint_error", resource="another", status=500)
    assert own.invoke(endpoint) == "hello!\n"


def test_the_stand_ins_own_requests_are_spared(
    aws: Callable[[str], Any], bucket: str, faults: Faults
) -> None:
    aws("s3").put_object(Bucket=bucket, Key="in/a.txt", Body=b"hello")
    faults.set("throttle", service="s3")
    assert run_processing(aws("sagemaker"), with_data(bucket, "copy"))["ProcessingJobStatus"] == "Completed"
