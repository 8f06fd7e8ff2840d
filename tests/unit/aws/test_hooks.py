"""How AWS's answers become ours; no call leaves the process."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from botocore.stub import Stubber

from sentiment_retrain import errors
from sentiment_retrain.aws import jobs
from sentiment_retrain.aws.error_translation import translate, translated
from sentiment_retrain.aws.hooks import Aws
from sentiment_retrain.aws.objects import split_uri


def client_error(code: str, status: int = 400) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "as AWS says"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "CreateThing")


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://bucket/key.csv", ("bucket", "key.csv")),
        ("s3://bucket/a/b/", ("bucket", "a/b/")),
        ("s3://bucket", ("bucket", "")),
        ("s3://bucket/what?is#this", ("bucket", "what?is#this")),
    ],
)
def test_split_uri(uri: str, expected: tuple[str, str]) -> None:
    assert split_uri(uri) == expected


@pytest.mark.parametrize("uri", ["reviews.csv", "https://bucket/key", "s3:///key", ""])
def test_split_uri_refuses_what_is_not_in_s3(uri: str) -> None:
    with pytest.raises(ValueError, match="not an S3 URI"):
        split_uri(uri)


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        (client_error("ThrottlingException"), errors.ServiceUnavailable, True),
        (client_error("SlowDown", 503), errors.ServiceUnavailable, True),
        (client_error("InternalFailure", 500), errors.ServiceUnavailable, True),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:9"), errors.ServiceUnavailable, True),
        (client_error("AccessDeniedException"), errors.AccessDenied, False),
        (NoCredentialsError(), errors.AccessDenied, False),
        (client_error("ResourceLimitExceeded"), errors.QuotaError, False),
        (client_error("ValidationException"), errors.AwsError, False),
    ],
)
def test_translate(error: Exception, kind: type[errors.RetrainError], retryable: bool) -> None:
    ours = translate(error, "sagemaker:CreateThing")
    assert type(ours) is kind
    assert ours.retryable is retryable
    assert "sagemaker:CreateThing" in ours.observed


def test_translated_leaves_other_errors_alone() -> None:
    with pytest.raises(KeyError), translated("s3:GetObject"):
        raise KeyError("ours")


@pytest.fixture
def stubbed() -> tuple[Aws, Stubber]:
    aws = Aws("us-east-1")
    return aws, Stubber(aws.client("sagemaker"))


@pytest.mark.parametrize("code", ["ValidationException", "ResourceNotFound"])
def test_what_does_not_exist_is_none(stubbed: tuple[Aws, Stubber], code: str) -> None:
    aws, stub = stubbed
    stub.add_client_error("describe_training_job", code, "Requested resource not found.")
    with stub:
        assert aws.describe_job(jobs.TRAINING, "x") is None


def test_a_describe_that_is_refused_is_not_none(stubbed: tuple[Aws, Stubber]) -> None:
    aws, stub = stubbed
    stub.add_client_error("describe_training_job", "AccessDeniedException", "no", http_status_code=400)
    with stub, pytest.raises(errors.AccessDenied):
        aws.describe_job(jobs.TRAINING, "x")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ResourceInUse", "Resource in use"),
        ("ValidationException", "Cannot create already existing model"),
        ("ValidationException", "Model Package Group already exists: x"),
    ],
)
def test_a_taken_name_is_told_not_raised(stubbed: tuple[Aws, Stubber], code: str, message: str) -> None:
    aws, stub = stubbed
    stub.add_client_error("create_model", code, message)
    with stub:
        assert aws.create("create_model", {"ModelName": "x"}) is False


def test_a_bad_request_is_raised(stubbed: tuple[Aws, Stubber]) -> None:
    aws, stub = stubbed
    stub.add_client_error("create_model", "ValidationException", "1 validation error detected")
    with stub, pytest.raises(errors.AwsError, match="1 validation error"):
        aws.create("create_model", {"ModelName": "x"})


NOT_SEEN = (
    'Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/c".'
)
ENDPOINT = {"EndpointName": "e", "EndpointConfigName": "c"}
ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, without waiting."""
    found: list[float] = []
    monkeypatch.setattr("sentiment_retrain.aws.hooks.time.sleep", found.append)
    return found


@pytest.mark.parametrize("operation", ["create_endpoint", "update_endpoint"])
def test_what_was_made_a_moment_ago_may_be_seen_late(
    stubbed: tuple[Aws, Stubber], pauses: list[float], operation: str
) -> None:
    aws, stub = stubbed
    for _ in range(2):
        stub.add_client_error(operation, "ValidationException", NOT_SEEN)
    stub.add_response(operation, {"EndpointArn": ARN})
    with stub:
        if operation == "create_endpoint":
            assert aws.create(operation, ENDPOINT) is True
        else:
            assert aws.sagemaker(operation, **ENDPOINT)["EndpointArn"] == ARN
    assert pauses == [0.5, 1.0]


def test_what_is_never_seen_is_refused_in_the_end(stubbed: tuple[Aws, Stubber], pauses: list[float]) -> None:
    aws, stub = stubbed
    for _ in range(5):
        stub.add_client_error("create_endpoint", "ValidationException", NOT_SEEN)
    with stub, pytest.raises(errors.AwsError, match="Could not find endpoint configuration"):
        aws.create("create_endpoint", ENDPOINT)
    assert sum(pauses) == 7.5


def test_other_refusals_are_not_repeated(stubbed: tuple[Aws, Stubber], pauses: list[float]) -> None:
    aws, stub = stubbed
    stub.add_client_error("create_model", "ValidationException", "Could not find model data at s3://b/k.")
    with stub, pytest.raises(errors.AwsError, match="model data"):
        aws.create("create_model", {"ModelName": "x"})
    assert pauses == []


def test_clients_are_made_once_and_retry_with_jitter() -> None:
    aws = Aws("eu-west-1")
    client = aws.client("s3")
    assert aws.client("s3") is client
    assert client.meta.region_name == "eu-west-1"
    assert client.meta.config.retries["mode"] == "standard"
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
