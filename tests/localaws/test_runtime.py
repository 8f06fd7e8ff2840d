"""InvokeEndpoint: answers, refusals in AWS's words, metrics and logs."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hosting import WITNESS, Hosting

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_BYTES = 6_291_456


@pytest.fixture(scope="module")
def endpoint(hosting: Hosting) -> Iterator[str]:
    """A pipeline of two containers, the second named `judge`; both refuse bodies that say so."""
    first = {**hosting.container(PASS), "ContainerHostname": "usher"}
    second = {**hosting.container(WITNESS), "ContainerHostname": "judge"}
    name = hosting.endpoint(hosting.config({hosting.model(first, second): 1}))
    assert hosting.settled(name)["EndpointStatus"] == "InService"
    yield name
    hosting.delete(name)


PASS = """
def model_fn(model_dir):
    print("the first container is ready")

def transform_fn(model, body, content_type, accept):
    return body, "application/octet-stream" if content_type == "image/png" else "text/csv"
"""


def refused(hosting: Hosting, **request: Any) -> dict[str, Any]:
    """The response of a refused InvokeEndpoint."""
    with pytest.raises(ClientError) as caught:
        hosting.client("sagemaker-runtime").invoke_endpoint(**request)
    return dict(caught.value.response)


def test_the_answer_names_its_variant_and_type(hosting: Hosting, endpoint: str) -> None:
    answer = hosting.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, Body=b"x", ContentType="text/csv"
    )
    assert answer["InvokedProductionVariant"] == "variant-1"
    assert answer["ContentType"] == "text/csv; charset=utf-8"


def test_a_missing_endpoint_is_a_validation_error(hosting: Hosting) -> None:
    error = refused(hosting, EndpointName="nothing-here", Body=b"x")["Error"]
    assert error["Code"] == "ValidationError"
    assert error["Message"] == "Endpoint nothing-here of account 123456789012 not found."


def test_a_missing_variant_is_a_validation_error(hosting: Hosting, endpoint: str) -> None:
    error = refused(hosting, EndpointName=endpoint, Body=b"x", TargetVariant="nothing-here")["Error"]
    assert error["Code"] == "ValidationError"
    assert "nothing-here" in error["Message"]


def test_a_container_that_fails_is_a_model_error(hosting: Hosting, endpoint: str) -> None:
    response = refused(hosting, EndpointName=endpoint, Body=b"refuse this", ContentType="text/csv")
    assert response["Error"]["Code"] == "ModelError"
    assert response["Error"]["Message"].startswith("Received server error (500) from judge with message")
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 500
    assert response["OriginalMessage"] == "ValueError: refused refuse this"
    assert f":log-group:/aws/sagemaker/Endpoints/{endpoint}:log-stream:variant-1/" in response["LogStreamArn"]


def test_the_limit_of_a_body_is_6_mib(hosting: Hosting, endpoint: str) -> None:
    runtime = hosting.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x" * LIMIT_BYTES, ContentType="text/csv")
    assert answer["Body"].read().startswith(b"xxx")
    error = refused(hosting, EndpointName=endpoint, Body=b"x" * (LIMIT_BYTES + 1))["Error"]
    assert (error["Code"], error["Message"]) == ("413", f"HTTP content length exceeded {LIMIT_BYTES} bytes.")


def test_bodies_need_not_be_text(hosting: Hosting) -> None:
    every_byte = bytes(range(256))
    name = hosting.endpoint(hosting.config({hosting.model(hosting.container(PASS)): 1}))
    hosting.settled(name)
    answer = hosting.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, Body=every_byte, ContentType="image/png"
    )
    assert answer["Body"].read() == every_byte
    assert answer["ContentType"] == "application/octet-stream"
    hosting.delete(name)


def test_what_is_not_done_is_said(hosting: Hosting, endpoint: str) -> None:
    error = refused(hosting, EndpointName=endpoint, Body=b"x", TargetModel="a.tar.gz")["Error"]
    assert error["Code"] == "NotImplementedException"
    assert "TargetModel" in error["Message"]
    with pytest.raises(ClientError, match="NotImplemented"):
        hosting.client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName=endpoint, InputLocation="s3://bucket/key"
        )


def test_a_bad_name_is_refused_before_anything_else(hosting: Hosting) -> None:
    error = refused(hosting, EndpointName="under_score", Body=b"x")["Error"]
    assert error["Code"] == "ValidationError"
    assert "regular expression" in error["Message"]


def test_cloudwatch_counts_invocations_and_failures(hosting: Hosting, endpoint: str) -> None:
    def total(name: str, statistic: str = "Sum") -> float:
        points = hosting.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=name,
            Dimensions=[
                {"Name": "EndpointName", "Value": endpoint},
                {"Name": "VariantName", "Value": "variant-1"},
            ],
            StartTime=datetime.now(UTC) - timedelta(hours=1),
            EndTime=datetime.now(UTC) + timedelta(hours=1),
            Period=7200,
            Statistics=[statistic],
        )["Datapoints"]
        return float(sum(point[statistic] for point in points))

    time.sleep(1.5)
    before = {name: total(name) for name in ("Invocations", "Invocation5XXErrors")}
    for _ in range(4):
        hosting.invoke(endpoint)
    refused(hosting, EndpointName=endpoint, Body=b"refuse", ContentType="text/csv")
    deadline = time.monotonic() + 20
    while total("Invocations") < before["Invocations"] + 5 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert total("Invocations") == before["Invocations"] + 5
    assert total("Invocation5XXErrors") == before["Invocation5XXErrors"] + 1
    assert total("Invocation4XXErrors") == 0
    assert 100 < total("ModelLatency", "Maximum") < 60e6


def test_what_containers_print_is_in_the_logs(hosting: Hosting, endpoint: str) -> None:
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    deadline = time.monotonic() + 20
    lines: list[str] = []
    while "the first container is ready" not in lines and time.monotonic() < deadline:
        events = hosting.client("logs").filter_log_events(logGroupName=group)["events"]
        lines = [event["message"] for event in events]
        time.sleep(0.2)
    assert "the first container is ready" in lines
