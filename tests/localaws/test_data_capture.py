"""Data capture writes what went in and out of an endpoint as JSON Lines, in SageMaker's format."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hosting import Hosting

HEADERS = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}
KEY = r"captured/{}/variant-1/20\d\d/\d\d/\d\d/\d\d/\d\d-\d\d-\d{{3}}-[0-9a-f-]{{36}}\.jsonl"


def capture_config(hosting: Hosting, percentage: int = 100, *modes: str, **more: Any) -> dict[str, Any]:
    """A DataCaptureConfig below `captured/` of the bucket."""
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": percentage,
        "DestinationS3Uri": f"s3://{hosting.bucket}/captured",
        "CaptureOptions": [{"CaptureMode": mode} for mode in modes or ("Input", "Output")],
        "CaptureContentTypeHeader": HEADERS,
    } | more


def serve(hosting: Hosting, capture: dict[str, Any]) -> str:
    """An endpoint in service that captures."""
    name = hosting.endpoint(hosting.config({hosting.web_model(): 1}, DataCaptureConfig=capture))
    described = hosting.settled(name)
    assert described["EndpointStatus"] == "InService", described.get("FailureReason")
    return name


@pytest.fixture(scope="module")
def endpoint(hosting: Hosting) -> Iterator[str]:
    """An endpoint that captures everything."""
    name = serve(hosting, capture_config(hosting))
    yield name
    hosting.delete(name)


def keys(hosting: Hosting, endpoint: str) -> list[str]:
    """The objects captured of an endpoint."""
    listed = hosting.client("s3").list_objects_v2(Bucket=hosting.bucket, Prefix=f"captured/{endpoint}/")
    return [item["Key"] for item in listed.get("Contents", [])]


def records(hosting: Hosting, endpoint: str, count: int) -> list[dict[str, Any]]:
    """What was captured of an endpoint, once there are `count` records."""
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + 20
    while len(found) < count and time.monotonic() < deadline:
        time.sleep(0.2)
        objects = [
            hosting.client("s3").get_object(Bucket=hosting.bucket, Key=key)["Body"].read()
            for key in keys(hosting, endpoint)
        ]
        found = [json.loads(line) for content in objects for line in content.splitlines()]
    return found


def record_of(hosting: Hosting, endpoint: str, inference_id: str) -> dict[str, Any]:
    """The record with this InferenceId."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for record in records(hosting, endpoint, 1):
            if record["eventMetadata"].get("inferenceId") == inference_id:
                return record
    return pytest.fail(f"nothing was captured of {inference_id}")


def invoke(hosting: Hosting, endpoint: str, body: bytes, content_type: str, **more: str) -> dict[str, Any]:
    """The answer of an endpoint."""
    answer = hosting.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, Body=body, ContentType=content_type, **more
    )
    return dict(answer)


def test_a_csv_request_is_captured_as_text_in_the_documented_form(hosting: Hosting, endpoint: str) -> None:
    invoke(hosting, endpoint, "grün,1\n".encode(), "text/csv", InferenceId="row-7")
    record = record_of(hosting, endpoint, "row-7")
    side = {"observedContentType": "text/csv", "data": "grün,1\n", "encoding": "CSV"}
    assert record["captureData"] == {
        "endpointInput": side | {"mode": "INPUT"},
        "endpointOutput": side | {"mode": "OUTPUT"},
    }
    assert record["eventVersion"] == "0"
    assert set(record["eventMetadata"]) == {"eventId", "inferenceId", "inferenceTime"}
    assert re.fullmatch(r"[0-9a-f-]{36}", record["eventMetadata"]["eventId"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["eventMetadata"]["inferenceTime"])
    assert all(re.fullmatch(KEY.format(endpoint), key) for key in keys(hosting, endpoint))


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [("application/json", "JSON"), ("application/json; charset=utf-8", "JSON"), ("image/png", "BASE64")],
)
def test_encodings_follow_the_content_type(
    hosting: Hosting, endpoint: str, content_type: str, encoding: str
) -> None:
    identifier = f"{encoding}-{len(content_type)}"
    invoke(hosting, endpoint, b'{"a": 1}', content_type, InferenceId=identifier)
    captured = record_of(hosting, endpoint, identifier)["captureData"]["endpointInput"]
    assert captured["encoding"] == encoding
    data = captured["data"].encode()
    assert (base64.b64decode(data) if encoding == "BASE64" else data) == b'{"a": 1}'


def test_without_content_type_headers_everything_is_base64(hosting: Hosting) -> None:
    capture = capture_config(hosting, 100, "Output")
    del capture["CaptureContentTypeHeader"]
    name = serve(hosting, capture)
    invoke(hosting, name, b"a,b", "text/csv")
    (record,) = records(hosting, name, 1)
    hosting.delete(name)
    assert set(record["captureData"]) == {"endpointOutput"}
    assert record["captureData"]["endpointOutput"]["data"] == base64.b64encode(b"a,b").decode()
    assert "inferenceId" not in record["eventMetadata"]


def test_a_sample_is_captured_and_deleting_the_endpoint_loses_none(hosting: Hosting) -> None:
    name = serve(hosting, capture_config(hosting, 50))
    for _ in range(60):
        invoke(hosting, name, b"x", "text/csv")
    hosting.delete(name)
    count = len(records(hosting, name, 1))
    assert 5 < count < 55  # 50 ± 25 of 60: outside once in 10^8 runs


def test_describe_tells_what_is_captured(hosting: Hosting, endpoint: str) -> None:
    summary = hosting.settled(endpoint)["DataCaptureConfig"]
    assert summary["EnableCapture"] is True
    assert summary["CaptureStatus"] == "Started"
    assert summary["CurrentSamplingPercentage"] == 100
    assert summary["DestinationS3Uri"] == f"s3://{hosting.bucket}/captured"


def test_failed_invocations_are_not_captured(hosting: Hosting, endpoint: str) -> None:
    runtime = hosting.client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ModelError):
        invoke(hosting, endpoint, b"refuse 500", "text/csv", InferenceId="failed")
    invoke(hosting, endpoint, b"x", "text/csv", InferenceId="after")
    record_of(hosting, endpoint, "after")
    identifiers = {item["eventMetadata"].get("inferenceId") for item in records(hosting, endpoint, 1)}
    assert "failed" not in identifiers


def test_custom_attributes_reach_the_container_and_its_own_come_back(hosting: Hosting, endpoint: str) -> None:
    answer = invoke(hosting, endpoint, b"x", "text/csv", CustomAttributes="trace=42")
    assert answer["CustomAttributes"] == "seen trace=42"
    assert "CustomAttributes" not in invoke(hosting, endpoint, b"x", "text/csv")


def test_an_update_keeps_or_replaces_the_capture(hosting: Hosting) -> None:
    name = serve(hosting, capture_config(hosting, 100))
    silent = hosting.config({hosting.web_model(): 1})
    sagemaker = hosting.client("sagemaker")
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=silent, RetainAllVariantProperties=True)
    assert hosting.settled(name)["DataCaptureConfig"]["EnableCapture"] is True
    sagemaker.update_endpoint(
        EndpointName=name,
        EndpointConfigName=silent,
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DataCaptureConfig"}],
    )
    assert "DataCaptureConfig" not in hosting.settled(name)
    hosting.delete(name)
