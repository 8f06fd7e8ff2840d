"""Training jobs really run."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from stand_in import ENDED, TEST_IMAGE, archive, refusal, training_request, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def sagemaker(aws: Callable[[str], Any]) -> Any:
    return aws("sagemaker")


@pytest.fixture
def data(aws: Callable[[str], Any], bucket: str) -> str:
    """A bucket with a training channel of three lines in two objects."""
    aws("s3").put_object(Bucket=bucket, Key="train/part-0", Body=b"a\nb\n")
    aws("s3").put_object(Bucket=bucket, Key="train/part-1", Body=b"c\n")
    return bucket


def describe(sagemaker: Any, name: str) -> Callable[[], dict[str, Any]]:
    return lambda: sagemaker.describe_training_job(TrainingJobName=name)


def run(sagemaker: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Create a job and wait for its end."""
    sagemaker.create_training_job(**request)
    return wait_for(describe(sagemaker, request["TrainingJobName"]), "TrainingJobStatus", *ENDED)


def test_a_job_trains_and_leaves_its_model(aws: Callable[[str], Any], sagemaker: Any, data: str) -> None:
    request = training_request(data)
    job = run(sagemaker, request)
    name = request["TrainingJobName"]
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    uri = f"s3://{data}/models/{name}/output/model.tar.gz"
    assert job["ModelArtifacts"] == {"S3ModelArtifacts": uri}
    model = json.loads(archive(aws, uri)["model.json"])
    assert model == {"lines": 3, "hyperparameters": {"epochs": "3"}, "channels": ["train"], "name": name}
    assert archive(aws, uri.replace("model.tar.gz", "output.tar.gz")) == {"report.txt": b"fine"}
    passed = [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    assert passed == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all("EndTime" in transition for transition in job["SecondaryStatusTransitions"])
    assert job["SecondaryStatus"] == "Completed"
    assert job["BillableTimeInSeconds"] >= 1
    assert job["TrainingStartTime"] <= job["TrainingEndTime"]
    for key in ("HyperParameters", "InputDataConfig", "ResourceConfig", "StoppingCondition", "RoleArn"):
        assert job[key] == request[key]


def test_metrics_are_read_from_the_log(aws: Callable[[str], Any], sagemaker: Any, data: str) -> None:
    job = run(sagemaker, training_request(data))
    final = {item["MetricName"]: item["Value"] for item in job["FinalMetricDataList"]}
    assert final == {"loss": pytest.approx(0.3333)}
    points = aws("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="loss",
        Dimensions=[{"Name": "TrainingJobName", "Value": job["TrainingJobName"]}],
        StartTime=job["CreationTime"].replace(second=0, microsecond=0),
        EndTime=job["TrainingEndTime"].replace(year=job["TrainingEndTime"].year + 1),
        Period=3600,
        Statistics=["Maximum", "SampleCount"],
    )["Datapoints"]
    assert sum(point["SampleCount"] for point in points) == 3
    assert max(point["Maximum"] for point in points) == 1.0


def test_the_service_sets_blazingtexts_metrics(sagemaker: Any, data: str) -> None:
    image = "811284229777.dkr.ecr.us-east-1.amazonaws.com/blazingtext:1"
    specification = {"TrainingImage": image, "TrainingInputMode": "File"}
    request = training_request(data, AlgorithmSpecification=specification, HyperParameters={})
    sagemaker.create_training_job(**request)
    job = describe(sagemaker, request["TrainingJobName"])()
    names = {item["Name"] for item in job["AlgorithmSpecification"]["MetricDefinitions"]}
    assert names >= {"train:accuracy", "validation:accuracy"}
    wait_for(describe(sagemaker, request["TrainingJobName"]), "TrainingJobStatus", *ENDED)


def test_a_failing_job_says_why(aws: Callable[[str], Any], sagemaker: Any, data: str) -> None:
    job = run(sagemaker, training_request(data, HyperParameters={"behaviour": "fail"}))
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: hyperparameter epochs is missing, exit code: 1"
    assert "ModelArtifacts" not in job
    assert job["SecondaryStatusTransitions"][-1]["StatusMessage"] == job["FailureReason"]
    assert "Contents" not in aws("s3").list_objects_v2(Bucket=data, Prefix="models/")


def test_a_stopped_job_keeps_its_partial_model(aws: Callable[[str], Any], sagemaker: Any, data: str) -> None:
    request = training_request(data, HyperParameters={"behaviour": "sleep"})
    name = request["TrainingJobName"]
    sagemaker.create_training_job(**request)
    wait_for_line(aws, name, "training for long")
    sagemaker.stop_training_job(TrainingJobName=name)
    job = wait_for(describe(sagemaker, name), "TrainingJobStatus", *ENDED)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Stopped"
    assert "Stopping" in [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    assert archive(aws, job["ModelArtifacts"]["S3ModelArtifacts"]) == {"partial.txt": b"partial"}


def wait_for_line(aws: Callable[[str], Any], name: str, text: str) -> None:
    """Wait until the job has logged a line; lines are shipped while it runs."""

    def lines() -> dict[str, Any]:
        streams = aws("logs").describe_log_groups(logGroupNamePrefix="/aws/sagemaker/TrainingJobs")
        if not streams["logGroups"]:
            return {}
        events = aws("logs").filter_log_events(
            logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/"
        )["events"]
        return {"seen": any(text in event["message"] for event in events)}

    wait_for(lines, "seen", True)


def test_the_maximum_runtime_ends_a_job(sagemaker: Any, data: str) -> None:
    request = training_request(
        data, HyperParameters={"behaviour": "sleep"}, StoppingCondition={"MaxRuntimeInSeconds": 2}
    )
    job = run(sagemaker, request)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_a_taken_name_and_a_missing_job(sagemaker: Any, data: str) -> None:
    request = training_request(data)
    run(sagemaker, request)
    code, message, _ = refusal(sagemaker.create_training_job, **request)
    assert code == "ResourceInUse"
    assert message.startswith("Training job names must be unique within an AWS account and region, and a ")
    code, message, _ = refusal(sagemaker.describe_training_job, TrainingJobName="never-made")
    assert (code, message) == ("ValidationException", "Requested resource not found.")


def test_jobs_are_listed(sagemaker: Any, data: str) -> None:
    request = training_request(data)
    run(sagemaker, request)
    listed = sagemaker.list_training_jobs(NameContains=request["TrainingJobName"])["TrainingJobSummaries"]
    assert [(job["TrainingJobName"], job["TrainingJobStatus"]) for job in listed] == [
        (request["TrainingJobName"], "Completed")
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"EnableManagedSpotTraining": True}, "MaxWaitTimeInSeconds"),
        (
            {
                "AlgorithmSpecification": {
                    "TrainingImage": TEST_IMAGE,
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": "m", "Regex": "no group"}],
                }
            },
            "Regex of metric m",
        ),
        ({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, "TrainingImage or AlgorithmName"),
    ],
)
def test_rules_between_parameters(sagemaker: Any, data: str, changes: dict[str, Any], expected: str) -> None:
    code, message, _ = refusal(sagemaker.create_training_job, **training_request(data, **changes))
    assert code == "ValidationException"
    assert expected in message


def test_checkpoints_and_uncompressed_models(aws: Callable[[str], Any], sagemaker: Any, data: str) -> None:
    aws("s3").put_object(Bucket=data, Key="checkpoints/epoch-1", Body=b"weights")
    output = {"S3OutputPath": f"s3://{data}/models", "CompressionType": "NONE"}
    request = training_request(
        data, OutputDataConfig=output, CheckpointConfig={"S3Uri": f"s3://{data}/checkpoints"}
    )
    job = run(sagemaker, request)
    prefix = f"models/{request['TrainingJobName']}/output/model/"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{data}/{prefix}"
    listed = aws("s3").list_objects_v2(Bucket=data, Prefix=prefix)["Contents"]
    assert [item["Key"] for item in listed] == [f"{prefix}model.json"]
    assert aws("s3").get_object(Bucket=data, Key="checkpoints/epoch-1")["Body"].read() == b"weights"


def test_a_stop_at_any_moment_ends_in_a_terminal_status(sagemaker: Any, data: str) -> None:
    requests = [training_request(data) for _ in range(6)]
    for request in requests:
        sagemaker.create_training_job(**request)
    for number, request in enumerate(requests):
        time.sleep(0.05 * number)
        try:
            sagemaker.stop_training_job(TrainingJobName=request["TrainingJobName"])
        except ClientError as error:
            assert "is in status Completed" in error.response["Error"]["Message"]  # noqa: PT017
    for request in requests:
        job = wait_for(describe(sagemaker, request["TrainingJobName"]), "TrainingJobStatus", *ENDED)
        assert job["TrainingJobStatus"] in ("Completed", "Stopped")
        assert job["SecondaryStatus"] == job["TrainingJobStatus"]
        assert all("EndTime" in transition for transition in job["SecondaryStatusTransitions"])


def test_a_stop_whose_model_cannot_be_kept_fails(
    aws: Callable[[str], Any], sagemaker: Any, data: str
) -> None:
    request = training_request(
        data,
        HyperParameters={"behaviour": "sleep"},
        OutputDataConfig={"S3OutputPath": "s3://no-such-bucket-anywhere/models"},
    )
    name = request["TrainingJobName"]
    sagemaker.create_training_job(**request)
    wait_for_line(aws, name, "training for long")
    sagemaker.stop_training_job(TrainingJobName=name)
    job = wait_for(describe(sagemaker, name), "TrainingJobStatus", *ENDED)
    assert job["TrainingJobStatus"] == "Failed"
    assert "no-such-bucket-anywhere" in job["FailureReason"]


def test_an_ended_job_can_be_deleted_and_its_name_is_free(sagemaker: Any, data: str) -> None:
    request = training_request(data)
    name = request["TrainingJobName"]
    sagemaker.create_training_job(**request)
    wait_for(lambda: sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus", *ENDED)
    sagemaker.delete_training_job(TrainingJobName=name)
    code, message, _ = refusal(sagemaker.describe_training_job, TrainingJobName=name)
    assert (code, message) == ("ValidationException", "Requested resource not found.")
    request["HyperParameters"] = {"behaviour": "sleep"}
    sagemaker.create_training_job(**request)
    code, _, _ = refusal(sagemaker.delete_training_job, TrainingJobName=name)
    assert code == "ResourceInUse"
    sagemaker.stop_training_job(TrainingJobName=name)
