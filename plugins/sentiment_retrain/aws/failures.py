"""What kind of failure AWS met, and what to do about it. Pure: no calls, no clock.

Two things fail: a request (an API error, or no answer at all) and a job (its terminal state and reason).
Both are sorted into a :class:`Cause`, and each cause has one :class:`Policy`; docs/job-life.md has the table.
"""

from __future__ import annotations

import random
import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sentiment_retrain.aws.jobs import JobState


class Cause(StrEnum):
    """Why it failed."""

    THROTTLED = "throttled"
    LOST_RESPONSE = "lost response"
    INTERNAL_ERROR = "internal error"
    CONFLICT = "concurrent change"
    CAPACITY = "no capacity"
    QUOTA = "quota"
    SPOT_INTERRUPTION = "spot interruption"
    NAME_TAKEN = "name taken"
    ACCESS_DENIED = "access denied"
    USER_ERROR = "user error"
    ALGORITHM_ERROR = "algorithm error"
    TIME_LIMIT = "time limit"
    STOPPED = "stopped elsewhere"
    UNKNOWN = "unknown"


class Policy(StrEnum):
    """What is done about it."""

    REPEAT = "repeat the request, with jitter"
    LOOK_AGAIN = "look whose it is"
    NEXT_INSTANCE_TYPE = "next attempt on the next instance type"
    NEXT_ATTEMPT = "next attempt"
    FAIL = "fail and explain"


POLICIES: dict[Cause, Policy] = {
    Cause.THROTTLED: Policy.REPEAT,
    # Safe because the job's name is its idempotency key: a repeated create finds the name taken.
    Cause.LOST_RESPONSE: Policy.REPEAT,
    Cause.INTERNAL_ERROR: Policy.REPEAT,
    Cause.CONFLICT: Policy.REPEAT,
    Cause.CAPACITY: Policy.NEXT_INSTANCE_TYPE,
    Cause.QUOTA: Policy.NEXT_INSTANCE_TYPE,
    Cause.SPOT_INTERRUPTION: Policy.NEXT_ATTEMPT,
    Cause.NAME_TAKEN: Policy.LOOK_AGAIN,
    Cause.ACCESS_DENIED: Policy.FAIL,
    Cause.USER_ERROR: Policy.FAIL,
    Cause.ALGORITHM_ERROR: Policy.FAIL,
    Cause.TIME_LIMIT: Policy.FAIL,
    Cause.STOPPED: Policy.FAIL,
    Cause.UNKNOWN: Policy.FAIL,
}

# botocore's own list of throttling codes, which it uses for its standard retries.
_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
_CONFLICT = frozenset({"ConflictException", "ConcurrentModificationException", "OperationTimeoutException"})
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "UnauthorizedOperation",
    }
)
_NAME_TAKEN = frozenset({"ResourceInUse", "ResourceAlreadyExists"})

# In the order in which they are looked for: a reason may quote another error after its own.
_REASONS: Sequence[tuple[re.Pattern[str], Cause]] = [
    (re.compile(pattern), cause)
    for pattern, cause in (
        (r"CapacityError|InsufficientInstanceCapacity|InsufficientCapacity", Cause.CAPACITY),
        (r"ResourceLimitExceeded", Cause.QUOTA),
        (r"(?i)\bspot\b.*(interrupt|reclaim)|MaxWaitTimeExceeded", Cause.SPOT_INTERRUPTION),
        (r"^\s*AlgorithmError", Cause.ALGORITHM_ERROR),
        (r"^\s*ClientError", Cause.USER_ERROR),
        (r"InternalServerError|InternalServerException|(?i:internal (error|failure))", Cause.INTERNAL_ERROR),
        (r"AlgorithmError", Cause.ALGORITHM_ERROR),
        (r"ClientError", Cause.USER_ERROR),
    )
]
_QUOTA_LIMIT = re.compile(
    r"is (?P<limit>\d+) Instances?(?:.*request delta of (?P<wanted>\d+))?", re.IGNORECASE | re.DOTALL
)


class Failure(NamedTuple):
    """A sorted failure."""

    cause: Cause
    policy: Policy


def of_request(code: str, status: int) -> Failure:
    """Sort a failed request.

    :param code: AWS's error code, empty when no answer came
    :param status: HTTP status, 0 when no answer came
    """
    cause = _request_cause(code, status)
    return Failure(cause, POLICIES[cause])


def _request_cause(code: str, status: int) -> Cause:
    for codes, cause in (
        (_THROTTLED, Cause.THROTTLED),
        (_CONFLICT, Cause.CONFLICT),
        (_DENIED, Cause.ACCESS_DENIED),
        (_NAME_TAKEN, Cause.NAME_TAKEN),
        ({"ResourceLimitExceeded"}, Cause.QUOTA),
    ):
        if code in codes:
            return cause
    if status >= 500:
        return Cause.INTERNAL_ERROR
    return Cause.USER_ERROR if code else Cause.LOST_RESPONSE


def of_job(state: JobState) -> Failure:
    """Sort a job that ended without success.

    The texts are those of real responses (docs/job-life.md); a text that is none of them is not retried.
    """
    cause = _job_cause(state)
    # A job cannot be repeated under its name, which stays taken.
    policy = Policy.NEXT_ATTEMPT if cause is Cause.INTERNAL_ERROR else POLICIES[cause]
    return Failure(cause, policy)


def _job_cause(state: JobState) -> Cause:
    if state.secondary == "MaxRuntimeExceeded":
        return Cause.TIME_LIMIT
    if state.secondary in {"MaxWaitTimeExceeded", "Interrupted"}:
        return Cause.SPOT_INTERRUPTION
    if state.status == "Stopped":
        return Cause.STOPPED
    return next((cause for pattern, cause in _REASONS if pattern.search(state.reason)), Cause.UNKNOWN)


def quota_is_too_small(message: str) -> bool:
    """Whether a quota refusal cannot pass by waiting: its limit is below what is wanted, or is not told."""
    found = _QUOTA_LIMIT.search(message)
    return found is None or int(found["limit"]) < int(found["wanted"] or 1)


def choose_instance_type(choices: Sequence[str], exhausted: Sequence[str]) -> str:
    """The instance type of the next attempt.

    :param choices: the configured type, then its fallbacks
    :param exhausted: types of recent attempts that found no capacity, one entry an attempt
    """
    untried = [choice for choice in choices if choice not in exhausted]
    return untried[0] if untried else choices[len(exhausted) % len(choices)]


def backoff_seconds(attempt: int, base: float = 1.0, cap: float = 30.0) -> float:
    """Seconds to wait before repeat number ``attempt`` (0 first): full jitter, doubling up to ``cap``.

    Full jitter spreads many callers best: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return random.uniform(0, min(cap, base * 2.0 ** min(attempt, 30)))  # noqa: S311 - not a secret
