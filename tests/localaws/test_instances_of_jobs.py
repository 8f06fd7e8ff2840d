"""Processing jobs on several instances, and managed spot training."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from stand_in import (
    ENDED,
    job_name,
    processing_request,
    run_processing,
    training_request,
    wait_for,
    with_data,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def on_hosts(bucket: str, behaviour: str, count: int, distribution: str) -> dict[str, Any]:
    """A CreateProcessingJob request on so many instances."""
    request = with_data(bucket, behaviour)
    request["ProcessingInputs"][0]["S3Input"]["S3DataDistributionType"] = distribution
    request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = count
    return request


@pytest.fixture
def filled(aws: Callable[[str], Any], bucket: str) -> str:
    """A bucket with five input objects."""
    for name in "abcde":
        aws("s3").put_object(Bucket=bucket, Key=f"in/{name}.csv", Body=name.encode())
    return bucket


def written(aws: Callable[[str], Any], bucket: str) -> dict[str, Any]:
    """What each host wrote."""
    s3 = aws("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="out/")["Contents"]]
    return {
        key.removeprefix("out/"): json.load(s3.get_object(Bucket=bucket, Key=key)["Body"]) for key in keys
    }


def stream_of(aws: Callable[[str], Any], job: str, line: str) -> str:
    """The log stream in which a job's container has printed `line`, once it is there."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        events = aws("logs").filter_log_events(
            logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix=f"{job}/"
        )["events"]
        streams = [event["logStreamName"] for event in events if event["message"] == line]
        if streams:
            return str(streams[0])
        time.sleep(0.2)
    return pytest.fail(f"{line!r} is not in the logs of {job}")


def test_sharded_inputs_are_split_among_the_hosts(aws: Callable[[str], Any], filled: str) -> None:
    job = run_processing(aws("sagemaker"), on_hosts(filled, "hosts", 2, "ShardedByS3Key"))
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    seen = written(aws, filled)
    assert set(seen) == {"algo-1.json", "algo-2.json"}
    assert all(host["hosts"] == ["algo-1", "algo-2"] for host in seen.values())
    shares = [seen[name]["files"] for name in sorted(seen)]
    assert sorted(shares[0] + shares[1]) == ["a.csv", "b.csv", "c.csv", "d.csv", "e.csv"]
    assert {len(share) for share in shares} == {2, 3}
    for host in ("algo-1", "algo-2"):
        stream = stream_of(aws, job["ProcessingJobName"], f"this is {host}")
        assert stream.startswith(f"{job['ProcessingJobName']}/{host}-")


def test_replicated_inputs_are_whole_on_every_host(aws: Callable[[str], Any], filled: str) -> None:
    job = run_processing(aws("sagemaker"), on_hosts(filled, "hosts", 3, "FullyReplicated"))
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert {len(host["files"]) for host in written(aws, filled).values()} == {5}


def test_one_host_that_fails_ends_the_job(aws: Callable[[str], Any], filled: str) -> None:
    job = run_processing(aws("sagemaker"), on_hosts(filled, "fail-second", 2, "FullyReplicated"))
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: the input is not a review, exit code: 3"


def test_more_hosts_than_this_machine_runs_are_refused(aws: Callable[[str], Any]) -> None:
    request = processing_request()
    request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 9
    with pytest.raises(ClientError, match="LOCALAWS_MAX_INSTANCES") as caught:
        aws("sagemaker").create_processing_job(**request)
    assert caught.value.response["Error"]["Code"] == "NotImplementedException"


def test_spot_training_bills_less_time_than_it_took(aws: Callable[[str], Any], bucket: str) -> None:
    aws("s3").put_object(Bucket=bucket, Key="train/a.csv", Body=b"1\n2\n")
    sagemaker = aws("sagemaker")
    request = training_request(
        bucket,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        HyperParameters={"behaviour": "pause"},
    )
    sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]
    job = wait_for(lambda: sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus", *ENDED)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["EnableManagedSpotTraining"] is True
    assert job["StoppingCondition"]["MaxWaitTimeInSeconds"] == 120
    assert 1 <= job["BillableTimeInSeconds"] < job["TrainingTimeInSeconds"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120}},
            "can only be given with EnableManagedSpotTraining",
        ),
        (
            {
                "EnableManagedSpotTraining": True,
                "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 30},
            },
            "MaxWaitTimeInSeconds of at least MaxRuntimeInSeconds",
        ),
    ],
)
def test_wait_times_must_fit(aws: Callable[[str], Any], changes: dict[str, Any], message: str) -> None:
    request = training_request("no-bucket", TrainingJobName=job_name(), **changes)
    with pytest.raises(ClientError, match=message) as caught:
        aws("sagemaker").create_training_job(**request)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
