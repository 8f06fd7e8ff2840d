"""What state an alarm is in, by its datapoints. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html, "Configuring how
CloudWatch alarms treat missing data".
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
# More datapoints than EvaluationPeriods are looked at, so that a late or missing one decides less.
EXTRA_PERIODS = 2

_COMPARISONS = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True)
class Rule:
    """When an alarm goes off: `to_alarm` breaching datapoints of `periods`.

    Attributes:
        missing: `missing`, `ignore`, `breaching` or `notBreaching`.
    """

    comparison: str
    threshold: float
    periods: int
    to_alarm: int
    missing: str = "missing"

    @classmethod
    def of(cls, alarm: dict[str, Any]) -> Rule:
        """The rule of a PutMetricAlarm request."""
        periods = alarm["EvaluationPeriods"]
        return cls(
            alarm["ComparisonOperator"],
            alarm["Threshold"],
            periods,
            alarm.get("DatapointsToAlarm") or periods,
            alarm.get("TreatMissingData") or "missing",
        )

    def breaches(self, value: float) -> bool:
        """Whether one datapoint is beyond the threshold."""
        return bool(_COMPARISONS[self.comparison][0](value, self.threshold))


def decide(points: Sequence[float | None], rule: Rule, current: str) -> str:
    """The state of an alarm.

    Args:
        points: the datapoints of `rule.periods` + `EXTRA_PERIODS` periods, oldest first, None for missing.
        rule: when it goes off.
        current: its state so far.
    """
    real = [value for value in points if value is not None]
    if not real:
        absent = {"breaching": ALARM, "notBreaching": OK, "ignore": current}
        return absent.get(rule.missing, INSUFFICIENT_DATA)
    considered = real[-rule.periods :]
    breaching = sum(rule.breaches(value) for value in considered)
    filled = rule.periods - len(considered)
    if rule.missing == "breaching":
        breaching += filled
    if breaching >= rule.to_alarm:
        return ALARM
    if filled == 0 or rule.missing in ("breaching", "notBreaching") or breaching < len(considered):
        return OK
    # Every datapoint there is breaches, but they are too few.
    oldest = next(index for index, value in enumerate(points) if value is not None)
    old_enough = len(points) - oldest >= rule.to_alarm
    return ALARM if rule.missing == "missing" and old_enough else current


def reason(points: Sequence[float | None], rule: Rule, state: str) -> str:
    """StateReason in CloudWatch's words."""
    real = [value for value in points if value is not None][-rule.periods :]
    if state == INSUFFICIENT_DATA or not real:
        unknown = len(points) - EXTRA_PERIODS
        return f"Insufficient Data: {_count(unknown)} {'was' if unknown == 1 else 'were'} unknown."
    relation = _COMPARISONS[rule.comparison][1]
    shown = ", ".join(str(float(value)) for value in reversed(real))
    breaching = sum(rule.breaches(value) for value in real)
    verb = "was" if len(real) == 1 else "were"
    if state == ALARM and breaching:
        return (
            f"Threshold Crossed: {breaching} out of the last {_count(len(real))} [{shown}] {verb} {relation} "
            f"the threshold ({float(rule.threshold)}) (minimum {_count(rule.to_alarm)} for OK -> ALARM "
            "transition)."
        )
    return (
        f"Threshold Crossed: {_count(len(real))} [{shown}] {verb} not {relation} the threshold "
        f"({float(rule.threshold)})."
    )


def _count(number: int) -> str:
    return f"{number} datapoint{'' if number == 1 else 's'}"
