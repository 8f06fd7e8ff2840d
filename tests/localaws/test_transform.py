"""Batch transform really sends the objects through the model's containers."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hosting import BROKEN, SHOUT, WITNESS, Hosting, unique

ENDED = ("Completed", "Failed", "Stopped")
JOB_SECONDS = 60

# Answers one line a request: how many lines it got, and what it knows of batch transform.
COUNT = """
import os

def model_fn(model_dir):
    return [os.environ.get(name, "") for name in (
        "SAGEMAKER_BATCH", "SAGEMAKER_MAX_PAYLOAD_IN_MB", "SAGEMAKER_BATCH_STRATEGY",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", "GREETING")]

def transform_fn(model, body, content_type, accept):
    return f"{len(body.splitlines())} {len(body)} {' '.join(model)}", "text/plain"
"""
SLOW = """
import time

def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    time.sleep(1)
    return body, "text/csv"
"""


@pytest.fixture(scope="module")
def pipeline(hosting: Hosting) -> str:
    """A model of two containers; the second refuses lines that say so."""
    csv = {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}
    return hosting.model(hosting.container(SHOUT, "!", **csv), hosting.container(WITNESS))


@pytest.fixture(scope="module")
def counter(hosting: Hosting) -> str:
    """A model of one container that counts."""
    return hosting.model(hosting.container(COUNT))


def request(hosting: Hosting, model: str, prefix: str, **more: Any) -> dict[str, Any]:
    """A CreateTransformJob request from `<prefix>/in` to `<prefix>/out`, CSV split by line."""
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{hosting.bucket}/{prefix}/in"}}
    return {
        "TransformJobName": unique("transform"),
        "ModelName": model,
        "TransformInput": {"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {
            "S3OutputPath": f"s3://{hosting.bucket}/{prefix}/out",
            "Accept": "text/csv",
            "AssembleWith": "Line",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **more,
    }


def run(hosting: Hosting, asked: dict[str, Any]) -> dict[str, Any]:
    """Create the job and wait; return its description."""
    hosting.client("sagemaker").create_transform_job(**asked)
    return ended(hosting, asked["TransformJobName"])


def ended(hosting: Hosting, name: str) -> dict[str, Any]:
    """The job's description once it has ended."""
    deadline = time.monotonic() + JOB_SECONDS
    while time.monotonic() < deadline:
        described: dict[str, Any] = hosting.client("sagemaker").describe_transform_job(TransformJobName=name)
        if described["TransformJobStatus"] in ENDED:
            return described
        time.sleep(0.1)
    raise TimeoutError(f"transform job {name} is still {described['TransformJobStatus']}")


def outputs(hosting: Hosting, prefix: str) -> dict[str, str]:
    """The text of every output object by its key relative to `<prefix>/out/`."""
    s3 = hosting.client("s3")
    listed = s3.list_objects_v2(Bucket=hosting.bucket, Prefix=f"{prefix}/out/").get("Contents", [])
    return {
        item["Key"].removeprefix(f"{prefix}/out/"): s3.get_object(Bucket=hosting.bucket, Key=item["Key"])[
            "Body"
        ]
        .read()
        .decode()
        for item in listed
    }


def test_every_object_goes_through_the_whole_pipeline(hosting: Hosting, pipeline: str) -> None:
    prefix = unique("data")
    hosting.put(b"one\ntwo\n", f"{prefix}/in/a.csv")
    hosting.put("drei ä\n".encode(), f"{prefix}/in/deeper/b.csv")
    asked = request(hosting, pipeline, prefix)
    described = run(hosting, asked)
    assert described["TransformJobStatus"] == "Completed", described.get("FailureReason")
    seen = "[bytes text/csv; charset=utf-8|text/csv]"
    assert outputs(hosting, prefix) == {
        "a.csv.out": f"one!{seen}\ntwo!{seen}\n",
        "deeper/b.csv.out": f"drei ä!{seen}\n",
    }
    assert described["CreationTime"] <= described["TransformStartTime"] <= described["TransformEndTime"]
    assert described["TransformInput"] == asked["TransformInput"]
    listed = hosting.client("sagemaker").list_transform_jobs(NameContains=asked["TransformJobName"])
    assert [job["TransformJobStatus"] for job in listed["TransformJobSummaries"]] == ["Completed"]


@pytest.mark.parametrize(
    ("more", "split", "expected"),
    [
        ({}, "Line", ["4 1600000 true 6 MULTI_RECORD 1 "]),
        (
            {"BatchStrategy": "MultiRecord", "MaxPayloadInMB": 1, "MaxConcurrentTransforms": 2},
            "Line",
            ["2 800000 true 1 MULTI_RECORD 2 ", "2 800000 true 1 MULTI_RECORD 2 "],
        ),
        (
            {"BatchStrategy": "SingleRecord", "Environment": {"GREETING": "hello"}},
            "Line",
            ["1 400000 true 6 SINGLE_RECORD 1 hello"] * 4,
        ),
        ({}, "None", ["4 1600000 true 6 SINGLE_RECORD 1 "]),
    ],
)
def test_records_are_batched_as_asked(
    hosting: Hosting, counter: str, more: dict[str, Any], split: str, expected: list[str]
) -> None:
    prefix = unique("data")
    hosting.put((b"x" * 399_999 + b"\n") * 4, f"{prefix}/in.csv")
    asked = request(hosting, counter, prefix, **more)
    asked["TransformInput"]["SplitType"] = split
    described = run(hosting, asked)
    assert described["TransformJobStatus"] == "Completed", described.get("FailureReason")
    assert outputs(hosting, prefix) == {"in.csv.out": "".join(f"{line}\n" for line in expected)}


def test_a_refused_record_fails_the_job_and_writes_nothing(hosting: Hosting, pipeline: str) -> None:
    prefix = unique("data")
    hosting.put(b"fine\nrefuse\n", f"{prefix}/in.csv")
    asked = request(hosting, pipeline, prefix, BatchStrategy="SingleRecord")
    described = run(hosting, asked)
    assert described["TransformJobStatus"] == "Failed"
    assert described["FailureReason"].startswith(f"AlgorithmError: s3://{hosting.bucket}/{prefix}/in.csv: ")
    assert "from container-2: 500: ValueError: refused refuse!" in described["FailureReason"]
    assert outputs(hosting, prefix) == {}
    group, stream = "/aws/sagemaker/TransformJobs", asked["TransformJobName"]
    events = hosting.client("logs").filter_log_events(logGroupName=group, logStreamNamePrefix=stream)
    lines = "\n".join(event["message"] for event in events["events"])
    assert "Bad HTTP status received" in lines


def test_a_record_larger_than_the_payload_fails_the_job(hosting: Hosting, counter: str) -> None:
    prefix = unique("data")
    hosting.put(b"x" * 1_100_000 + b"\n", f"{prefix}/in.csv")
    described = run(hosting, request(hosting, counter, prefix, MaxPayloadInMB=1))
    assert described["TransformJobStatus"] == "Failed"
    assert "exceeds the maximum payload of 1048576 bytes" in described["FailureReason"]


def test_a_model_that_does_not_start_fails_the_job(hosting: Hosting) -> None:
    prefix = unique("data")
    hosting.put(b"x\n", f"{prefix}/in.csv")
    described = run(hosting, request(hosting, hosting.model(hosting.container(BROKEN)), prefix))
    assert described["TransformJobStatus"] == "Failed"
    assert "the weights are missing" in described["FailureReason"]


def test_no_input_fails_the_job(hosting: Hosting, counter: str) -> None:
    described = run(hosting, request(hosting, counter, unique("nothing")))
    assert described["TransformJobStatus"] == "Failed"
    assert "No S3 objects found under S3 URL" in described["FailureReason"]


def test_a_job_stops_when_asked(hosting: Hosting) -> None:
    prefix = unique("data")
    hosting.put(b"x\n" * 60, f"{prefix}/in.csv")
    model = hosting.model(hosting.container(SLOW))
    asked = request(hosting, model, prefix, BatchStrategy="SingleRecord")
    sagemaker = hosting.client("sagemaker")
    sagemaker.create_transform_job(**asked)
    time.sleep(1)
    sagemaker.stop_transform_job(TransformJobName=asked["TransformJobName"])
    described = ended(hosting, asked["TransformJobName"])
    assert described["TransformJobStatus"] == "Stopped"
    assert outputs(hosting, prefix) == {}
    with pytest.raises(ClientError, match="is in status Stopped"):
        sagemaker.stop_transform_job(TransformJobName=asked["TransformJobName"])


@pytest.mark.parametrize(
    ("change", "code", "named"),
    [
        ({"ModelName": "nothing-here"}, "ValidationException", 'Could not find model "arn:'),
        ({"DataProcessing": {"InputFilter": "$["}}, "ValidationException", "JSONPath"),
        ({"MaxPayloadInMB": 50, "MaxConcurrentTransforms": 4}, "ValidationException", "must not exceed 100"),
    ],
)
def test_refusals(hosting: Hosting, counter: str, change: dict[str, Any], code: str, named: str) -> None:
    with pytest.raises(ClientError, match=re.escape(named)) as caught:
        hosting.client("sagemaker").create_transform_job(**request(hosting, counter, "unused") | change)
    assert caught.value.response["Error"]["Code"] == code


def test_multi_record_needs_a_split_type(hosting: Hosting, counter: str) -> None:
    asked = request(hosting, counter, "unused", BatchStrategy="MultiRecord")
    del asked["TransformInput"]["SplitType"]
    with pytest.raises(ClientError, match="needs a SplitType"):
        hosting.client("sagemaker").create_transform_job(**asked)


def test_names_are_taken_and_missing_jobs_named(hosting: Hosting, counter: str) -> None:
    asked = request(hosting, counter, unique("nothing"))
    run(hosting, asked)
    sagemaker = hosting.client("sagemaker")
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        sagemaker.create_transform_job(**asked)
    with pytest.raises(ClientError, match="Could not find requested job with name: nothing-here"):
        sagemaker.describe_transform_job(TransformJobName="nothing-here")
