"""How traffic moves to a new fleet: blue/green steps, baking, alarms. The plan is pure, its run is not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws.clients import client
from localaws.protocol import AwsError, not_implemented

if TYPE_CHECKING:
    import threading

Document = dict[str, Any]

SMALLEST_LINEAR_STEP = 0.1
_ALARM_INTERVAL_SECONDS = 1.0


@dataclass(frozen=True)
class Step:
    """Send `share` (0 to 1) of the traffic to the new fleet, then watch the alarms for `wait_seconds`."""

    share: float
    wait_seconds: float


@dataclass(frozen=True)
class Plan:
    """A deployment: its steps, how long the old fleet stays afterwards, the alarms that roll it back."""

    steps: tuple[Step, ...] = (Step(1.0, 0),)
    termination_wait_seconds: float = 0
    alarms: tuple[str, ...] = ()


class RolledBackError(Exception):
    """An alarm went off while the new fleet took traffic."""


def plan(config: Document | None, instances: int) -> Plan:
    """The steps of a DeploymentConfig.

    Args:
        config: UpdateEndpoint's DeploymentConfig; None is all at once, as AWS does by default.
        instances: instance count of the new fleet, for sizes given as instances.

    Raises:
        AwsError: NotImplementedException for rolling updates, ValidationException for missing sizes.
    """
    if not config:
        return Plan()
    if "RollingUpdatePolicy" in config:
        raise not_implemented("UpdateEndpoint: DeploymentConfig.RollingUpdatePolicy")
    policy = config.get("BlueGreenUpdatePolicy", {})
    alarms = config.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    made = Plan(
        steps=_steps(policy.get("TrafficRoutingConfiguration", {}), instances),
        termination_wait_seconds=policy.get("TerminationWaitInSeconds", 0),
        alarms=tuple(alarm["AlarmName"] for alarm in alarms if "AlarmName" in alarm),
    )
    longest = policy.get("MaximumExecutionTimeoutInSeconds")
    waits = sum(step.wait_seconds for step in made.steps) + made.termination_wait_seconds
    if longest is not None and longest <= waits:
        raise AwsError(
            "ValidationException",
            f"MaximumExecutionTimeoutInSeconds must be above the sum of all waits, {waits:g}, got {longest}.",
        )
    return made


def _steps(routing: Document, instances: int) -> tuple[Step, ...]:
    wait = routing.get("WaitIntervalInSeconds", 0)
    kind = routing.get("Type", "ALL_AT_ONCE")
    if kind == "ALL_AT_ONCE":
        return (Step(1.0, wait),)
    if kind == "CANARY":
        return Step(_share(routing, "CanarySize", instances), wait), Step(1.0, wait)
    size = _share(routing, "LinearStepSize", instances)
    shares = [min(1.0, size * number) for number in range(1, int(1 / size) + 2)]
    partial = [share for share in shares if share < 1.0]
    return *(Step(share, wait) for share in partial), Step(1.0, wait)


def _share(routing: Document, key: str, instances: int) -> float:
    if key not in routing:
        raise AwsError("ValidationException", f"{key} is required for traffic routing {routing['Type']}.")
    value = routing[key]["Value"]
    share = value / 100 if routing[key]["Type"] == "CAPACITY_PERCENT" else value / instances
    if not 0 < share <= 0.5:
        raise AwsError("ValidationException", f"{key} must be at most 50% of the new fleet, got {share:.0%}.")
    if key == "LinearStepSize" and share < SMALLEST_LINEAR_STEP:
        raise AwsError(
            "ValidationException", f"{key} must be at least 10% of the new fleet, got {share:.0%}."
        )
    return float(share)


def check_alarms(names: tuple[str, ...], region: str) -> None:
    """Check that all alarms exist.

    Raises:
        AwsError: ValidationException naming the missing ones.
    """
    if not names:
        return
    found = client("cloudwatch", region).describe_alarms(AlarmNames=list(names))["MetricAlarms"]
    missing = set(names) - {alarm["AlarmName"] for alarm in found}
    if missing:
        message = f"CloudWatch alarms not found: {', '.join(sorted(missing))}."
        raise AwsError("ValidationException", message)


def bake(seconds: float, alarms: tuple[str, ...], region: str, stopping: threading.Event) -> None:
    """Watch the alarms for so long, at least once.

    Raises:
        RolledBackError: one is in ALARM.
    """
    end = time.monotonic() + seconds
    while True:
        ringing = _ringing(alarms, region)
        if ringing:
            raise RolledBackError(
                f"Alarms {', '.join(ringing)} went into ALARM while the new fleet took traffic."
            )
        left = end - time.monotonic()
        if left <= 0 or stopping.wait(min(left, _ALARM_INTERVAL_SECONDS)):
            return


def _ringing(alarms: tuple[str, ...], region: str) -> list[str]:
    if not alarms:
        return []
    found = client("cloudwatch", region).describe_alarms(AlarmNames=list(alarms))["MetricAlarms"]
    return [alarm["AlarmName"] for alarm in found if alarm["StateValue"] == "ALARM"]
