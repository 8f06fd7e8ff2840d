"""Every failure of docs/job-life.md has one cause and one policy."""

from __future__ import annotations

import pytest

from sentiment_retrain.aws import failures, jobs
from sentiment_retrain.aws.failures import Cause, Policy


@pytest.mark.parametrize(
    ("code", "status", "cause", "policy"),
    [
        ("ThrottlingException", 400, Cause.THROTTLED, Policy.REPEAT),
        ("SlowDown", 503, Cause.THROTTLED, Policy.REPEAT),
        ("TooManyRequestsException", 400, Cause.THROTTLED, Policy.REPEAT),
        ("", 0, Cause.LOST_RESPONSE, Policy.REPEAT),
        ("InternalFailure", 500, Cause.INTERNAL_ERROR, Policy.REPEAT),
        ("ServiceUnavailable", 503, Cause.INTERNAL_ERROR, Policy.REPEAT),
        ("ConflictException", 400, Cause.CONFLICT, Policy.REPEAT),
        ("ConcurrentModificationException", 400, Cause.CONFLICT, Policy.REPEAT),
        ("ResourceLimitExceeded", 400, Cause.QUOTA, Policy.NEXT_INSTANCE_TYPE),
        ("ResourceInUse", 400, Cause.NAME_TAKEN, Policy.LOOK_AGAIN),
        ("AccessDeniedException", 400, Cause.ACCESS_DENIED, Policy.FAIL),
        ("ExpiredTokenException", 400, Cause.ACCESS_DENIED, Policy.FAIL),
        ("ValidationException", 400, Cause.USER_ERROR, Policy.FAIL),
    ],
)
def test_requests(code: str, status: int, cause: Cause, policy: Policy) -> None:
    assert failures.of_request(code, status) == (cause, policy)


@pytest.mark.parametrize(
    ("status", "secondary", "reason", "cause", "policy"),
    [
        (
            "Failed",
            "Failed",
            "CapacityError: Unable to provision requested ML compute capacity. "
            "Please retry using a different ML instance type.",
            Cause.CAPACITY,
            Policy.NEXT_INSTANCE_TYPE,
        ),
        (
            "Failed",
            "",
            "InsufficientInstanceCapacity",
            Cause.CAPACITY,
            Policy.NEXT_INSTANCE_TYPE,
        ),
        ("Failed", "", "ResourceLimitExceeded: the limit is 0", Cause.QUOTA, Policy.NEXT_INSTANCE_TYPE),
        ("Stopped", "MaxWaitTimeExceeded", "", Cause.SPOT_INTERRUPTION, Policy.NEXT_ATTEMPT),
        ("Failed", "Interrupted", "", Cause.SPOT_INTERRUPTION, Policy.NEXT_ATTEMPT),
        ("Failed", "", "The spot instance was reclaimed", Cause.SPOT_INTERRUPTION, Policy.NEXT_ATTEMPT),
        ("Failed", "", "Spot capacity was reclaimed by EC2", Cause.SPOT_INTERRUPTION, Policy.NEXT_ATTEMPT),
        (
            "Failed",
            "",
            "InternalServerError: sorry",
            Cause.INTERNAL_ERROR,
            Policy.NEXT_ATTEMPT,
        ),
        ("Failed", "", "We encountered an internal error.", Cause.INTERNAL_ERROR, Policy.NEXT_ATTEMPT),
        ("Failed", "", "AlgorithmError: internal error of ours", Cause.ALGORITHM_ERROR, Policy.FAIL),
        ("Failed", "", "ClientError: Data download failed", Cause.USER_ERROR, Policy.FAIL),
        ("Stopped", "MaxRuntimeExceeded", "", Cause.TIME_LIMIT, Policy.FAIL),
        ("Stopped", "Stopped", "", Cause.STOPPED, Policy.FAIL),
        ("Failed", "", "", Cause.UNKNOWN, Policy.FAIL),
    ],
)
def test_jobs(status: str, secondary: str, reason: str, cause: Cause, policy: Policy) -> None:
    description = {
        "TrainingJobName": "job",
        "TrainingJobStatus": status,
        "SecondaryStatus": secondary,
        "FailureReason": reason,
    }
    assert failures.of_job(jobs.read_state(jobs.TRAINING, description)) == (cause, policy)


def test_every_cause_has_a_policy() -> None:
    assert set(failures.POLICIES) == set(Cause)


def test_fallbacks_are_tried_in_turn_and_then_anew() -> None:
    choices = ["a", "b", "c"]
    tried: list[str] = []
    for _ in range(5):
        tried.append(failures.choose_instance_type(choices, tried))
    assert tried == ["a", "b", "c", "a", "b"]


@pytest.mark.parametrize(
    ("message", "is_too_small"),
    [
        ("The limit 'ml.m5.large' is 0 Instances, with current utilization of 0", True),
        (
            "The limit 'ml.m5.large' is 4 Instances, with current utilization of 4",
            False,
        ),
        ("no numbers", True),
        # As AWS says it: more is wanted than there can ever be.
        (
            "The account-level service limit 'Number of instances across all processing jobs' is 4 "
            "Instances, with current utilization of 0 Instances and a request delta of 11 Instances.",
            True,
        ),
        (
            "The account-level service limit 'ml.m5.large for endpoint usage' is 4 Instances, with current "
            "utilization of 4 Instances and a request delta of 2 Instances.",
            False,
        ),
    ],
)
def test_a_quota_that_is_in_use_is_free_again_later(message: str, is_too_small: bool) -> None:
    assert failures.quota_is_too_small(message) == is_too_small


def test_backoff_grows_to_its_cap_and_has_jitter() -> None:
    waits = [
        [failures.backoff_seconds(attempt, base=1, cap=30) for _ in range(200)] for attempt in (0, 3, 50)
    ]
    assert [max(values) <= limit for values, limit in zip(waits, (1, 8, 30), strict=True)] == [True] * 3
    assert max(waits[1]) > 4
    assert max(waits[2]) - min(waits[2]) > 10
