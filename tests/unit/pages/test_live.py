"""What is said of the endpoint, in every state that it can be in."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import pytest

from sentiment_retrain import errors
from sentiment_retrain.pages import live

from ..samples import settings

MOMENT = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)


class Account:
    """AWS as far as the page asks it.

    :param endpoint: what DescribeEndpoint says; None: there is none
    :param forbidden: operations that are refused
    """

    def __init__(
        self, endpoint: dict[str, Any] | None, ringing: tuple[str, ...] = (), forbidden: tuple[str, ...] = ()
    ) -> None:
        self.endpoint, self.ringing, self.forbidden = endpoint, ringing, forbidden

    def _allowed(self, operation: str) -> None:
        if operation in self.forbidden:
            raise errors.AwsError(f"{operation}: AccessDenied", "permission", "allow it")

    def find(self, operation: str, **request: str) -> dict[str, Any] | None:
        self._allowed(operation)
        name = request.get("EndpointConfigName", "")
        return {
            "describe_endpoint": self.endpoint,
            "describe_endpoint_config": {"ProductionVariants": [{"ModelName": f"model-of-{name}"}]},
            "describe_model": {"ModelArn": "arn:model", "Containers": []},
        }[operation]

    def tags(self, arn: str) -> dict[str, str]:
        of_model = {"retrain:step": "autopilot", "retrain:fingerprint": "f", "retrain:run": "k"}
        return of_model if arn == "arn:model" else {"retrain:previous-config": "config-before"}

    def find_json(self, uri: str) -> dict[str, Any]:
        self._allowed("get_object")
        return {"is_pinned": True, "pinned_at": "2026-11-22T16:00:00+00:00", "reason": f"as {uri[:8]} says"}

    def call(self, service: str, operation: str, **request: Any) -> dict[str, Any]:
        assert (service, operation) == ("cloudwatch", "describe_alarms")
        self._allowed(operation)
        assert request["AlarmNames"]
        return {"MetricAlarms": [{"AlarmName": name} for name in self.ringing]}


def look(*arguments: Any) -> live.Live:
    return live.look(cast("Any", Account(*arguments)), settings(), "bucket")


def endpoint(status: str, **more: str) -> dict[str, Any]:
    return {
        "EndpointName": "sentiment-retrain",
        "EndpointArn": "arn:endpoint",
        "EndpointConfigName": "config-now",
        "EndpointStatus": status,
        "LastModifiedTime": MOMENT,
        **more,
    }


@pytest.mark.parametrize(
    ("status", "words", "level"),
    [
        ("InService", "in service", "pass"),
        ("Updating", "updating", "warn"),
        ("RollingBack", "rolling back", "warn"),
        ("Failed", "failed", "fail"),
        ("UpdateRollbackFailed", "roll back failed", "fail"),
    ],
)
def test_every_state_has_its_words(status: str, words: str, level: str) -> None:
    found = look(endpoint(status, FailureReason="why"))
    assert (found.words, found.level, found.reason) == (words, level, "why")
    assert (found.since, found.back_to) == ("2026-11-22T16:00:00+00:00", "config-before")
    assert found.pin is not None


def test_a_ringing_alarm_is_worse_than_being_in_service() -> None:
    found = look(endpoint("InService"), ("sentiment-retrain-errors",))
    assert (found.words, found.level, found.ringing) == (
        "in service, alarm",
        "fail",
        ("sentiment-retrain-errors",),
    )


def test_no_endpoint_is_no_fault() -> None:
    found = look(None)
    assert (found.words, found.level, found.champion) == ("nothing is live", "plain", None)


def test_an_endpoint_that_cannot_be_asked_is_said_and_no_exception() -> None:
    found = look(endpoint("InService"), (), ("describe_endpoint",))
    assert (found.words, found.level) == ("not known", "plain")
    assert "AccessDenied" in str(found.problem)


def test_alarms_and_the_pin_may_be_forbidden() -> None:
    found = look(endpoint("InService"), (), ("describe_alarms", "get_object"))
    assert (found.words, found.ringing, found.pin) == ("in service", None, None)
    # Nobody knows whether it is well.
    assert found.level == "warn"
    assert found.champion is not None
    assert found.champion["contender"] == "autopilot"
