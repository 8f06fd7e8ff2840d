"""What botocore raised, as an error of our tree with AWS's own words in it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sentiment_retrain import errors
from sentiment_retrain.aws import failures
from sentiment_retrain.aws.failures import Cause, Policy

if TYPE_CHECKING:
    from collections.abc import Iterator


def error_code(error: Exception) -> str:
    """AWS's error code of a ``ClientError``, empty for any other exception."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def translate(error: Exception, action: str) -> errors.RetrainError:
    """The error of our tree that a botocore exception is, with AWS's own words in it."""
    code, status = error_code(error), _http_status(error)
    observed = f"{action}: {error}"
    if type(error).__name__ in {"NoCredentialsError", "PartialCredentialsError"}:
        return errors.AccessDenied(observed, f"permission for {action}")
    failure = failures.of_request(code, status)
    if failure.policy is Policy.REPEAT:
        return errors.ServiceUnavailable(observed, "an answer from AWS")
    if failure.cause is Cause.ACCESS_DENIED:
        return errors.AccessDenied(observed, f"permission for {action}")
    if failure.cause is Cause.QUOTA:
        return errors.QuotaError(observed, "room within the account's quota")
    return errors.AwsError(observed, "a request that AWS accepts", "Correct what AWS names in its message.")


def _http_status(error: Exception) -> int:
    response = getattr(error, "response", None) or {}
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Turn botocore's exceptions inside the block into :class:`~sentiment_retrain.errors.RetrainError`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise translate(error, action) from error
