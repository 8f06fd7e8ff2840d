"""Faults that are set happen, once, as AWS lets them happen; nothing happens that is not set."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest
from fault_client import Faults
from stand_in import job_name, refusal, training_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def faults(endpoint_url: str) -> Iterator[Faults]:
    """The faults of the shared stand-in; none is left afterwards."""
    own = Faults(endpoint_url)
    yield own
    own.call("DELETE")


THROTTLED: list[tuple[str, str, dict[str, Any], str, int]] = [
    ("sagemaker", "list_training_jobs", {}, "ThrottlingException", 400),
    ("athena", "list_work_groups", {}, "ThrottlingException", 400),
    ("glue", "get_databases", {}, "ThrottlingException", 400),
    ("logs", "describe_log_groups", {}, "ThrottlingException", 400),
    ("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "e", "Body": b"x"}, "ThrottlingException", 400),
    ("iam", "list_roles", {}, "Throttling", 400),
    ("sns", "list_topics", {}, "Throttling", 400),
    ("cloudwatch", "list_metrics", {}, "Throttling", 400),
    ("s3", "list_buckets", {}, "SlowDown", 503),
]


@pytest.mark.parametrize(("service", "method", "request_", "code", "status"), THROTTLED)
def test_each_service_is_throttled_in_its_own_words(
    aws: Callable[[str], Any],
    faults: Faults,
    service: str,
    method: str,
    request_: dict[str, Any],
    code: str,
    status: int,
) -> None:
    call = getattr(aws(service), method)
    fault = faults.set("throttle", service=service, count=2)
    for _ in range(2):
        said = refusal(call, **request_)
        assert (said[0], said[2]) == (code, status)
        assert said[1] == ("Please reduce your request rate." if service == "s3" else "Rate exceeded")
    counters = faults.get(fault)
    assert (counters["matched"], counters["used"], counters["remaining"]) == (2, 2, 0)
    if service != "sagemaker-runtime":
        assert call(**request_)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_retries_get_through_throttling(endpoint_url: str, bucket: str, faults: Faults) -> None:
    import boto3
    from botocore.config import Config

    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"mode": "standard", "total_max_attempts": 5}),
    )
    fault = faults.set("throttle", service="s3", operation="PutObject", resource=f"{bucket}/a*", count=2)
    s3.put_object(Bucket=bucket, Key="b", Body=b"spared by the pattern")
    assert faults.get(fault)["used"] == 0
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
    assert faults.get(fault)["used"] == 2


def test_a_rate_hits_about_as_many_as_it_says_and_the_same_ones(
    aws: Callable[[str], Any], bucket: str, faults: Faults
) -> None:
    def hits() -> list[bool]:
        fault = faults.set("throttle", service="s3", operation="HeadBucket", probability=0.3, seed=5)
        found = []
        for _ in range(100):
            try:
                aws("s3").head_bucket(Bucket=bucket)
                found.append(False)
            except botocore.exceptions.ClientError:
                found.append(True)
        assert faults.get(fault)["used"] == sum(found)
        faults.call("DELETE", path=f"/{fault}")
        return found

    first = hits()
    assert 15 <= sum(first) <= 45
    assert hits() == first


def test_resource_limit_is_refused_on_create_and_nothing_is_created(
    aws: Callable[[str], Any], bucket: str, faults: Faults
) -> None:
    request = training_request(bucket)
    faults.set("resource_limit", service="sagemaker", operation="CreateTrainingJob", count=1)
    code, message, status = refusal(aws("sagemaker").create_training_job, **request)
    assert (code, status) == ("ResourceLimitExceeded", 400)
    assert "The account-level service limit" in message
    name = request["TrainingJobName"]
    code, _, _ = refusal(aws("sagemaker").describe_training_job, TrainingJobName=name)
    assert code == "ValidationException"


def test_a_lost_response_leaves_the_object_written_and_a_lost_request_does_not(
    aws: Callable[[str], Any], bucket: str, faults: Faults
) -> None:
    faults.set("lost_response", service="s3", resource=f"{bucket}/kept", count=1)
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        aws("s3").put_object(Bucket=bucket, Key="kept", Body=b"x")
    faults.set("lost_request", service="s3", resource=f"{bucket}/gone", count=1)
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        aws("s3").put_object(Bucket=bucket, Key="gone", Body=b"x")
    listed = aws("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert [item["Key"] for item in listed] == ["kept"]


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("s3", "list_buckets", "InternalError"),
        ("athena", "list_work_groups", "InternalServerException"),
        ("glue", "get_databases", "InternalServiceException"),
        ("sagemaker", "list_models", "InternalFailure"),
        ("iam", "list_roles", "InternalFailure"),
    ],
)
def test_internal_errors(
    aws: Callable[[str], Any], faults: Faults, service: str, method: str, code: str
) -> None:
    faults.set("error", service=service, count=1)
    said = refusal(getattr(aws(service), method))
    assert (said[0], said[2]) == (code, 500)


def test_an_error_of_ones_own(aws: Callable[[str], Any], faults: Faults) -> None:
    faults.set("error", service="sagemaker", code="ConflictException", message="busy & <odd>", status=409)
    assert refusal(aws("sagemaker").list_models) == ("ConflictException", "busy & <odd>", 409)


def test_latency_delays_and_the_request_is_carried_out(aws: Callable[[str], Any], faults: Faults) -> None:
    faults.set("latency", service="sagemaker", operation="ListModels", seconds=0.7, count=1)
    begin = time.monotonic()
    assert "Models" in aws("sagemaker").list_models()
    assert time.monotonic() - begin >= 0.7


@pytest.mark.parametrize(
    ("service", "method", "skewed", "expired", "text"),
    [
        ("s3", "list_buckets", "RequestTimeTooSkewed", "ExpiredToken", "The difference between"),
        (
            "sagemaker",
            "list_models",
            "InvalidSignatureException",
            "ExpiredTokenException",
            "Signature expired: ",
        ),
        ("iam", "list_roles", "SignatureDoesNotMatch", "ExpiredToken", "Signature expired: "),
    ],
)
def test_clocks_that_differ_and_tokens_that_expired(
    aws: Callable[[str], Any],
    faults: Faults,
    service: str,
    method: str,
    skewed: str,
    expired: str,
    text: str,
) -> None:
    call = getattr(aws(service), method)
    small = faults.set("clock_skew", service=service, seconds=120)
    assert call()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert faults.get(small)["used"] == 1
    faults.call("DELETE")
    faults.set("clock_skew", service=service, seconds=3600, count=1)
    said = refusal(call)
    assert said[0] == skewed
    assert said[1].startswith(text)
    faults.set("expired_token", service=service, count=1)
    said = refusal(call)
    assert said[0] == expired
    assert "expired" in said[1]


def test_a_clock_behind(aws: Callable[[str], Any], faults: Faults) -> None:
    faults.set("clock_skew", service="athena", seconds=-3600)
    code, message, _ = refusal(aws("athena").list_work_groups)
    assert code == "InvalidSignatureException"
    assert message.startswith("Signature not yet current: ")


def test_a_role_is_not_created_when_its_request_is_lost(aws: Callable[[str], Any], faults: Faults) -> None:
    name = job_name()
    faults.set("lost_request", service="iam", operation="CreateRole", count=1)
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    assert refusal(aws("iam").get_role, RoleName=name)[0] == "NoSuchEntity"
