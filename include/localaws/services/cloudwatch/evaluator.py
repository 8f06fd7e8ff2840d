"""The thread that evaluates alarms on the metrics that are there, and tells who acts on them."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.cloudwatch.models import cloudwatch_backends

from localaws import ACCOUNT_ID
from localaws.pace import lasting
from localaws.services.cloudwatch import alarms
from localaws.services.cloudwatch.evaluation import ALARM, EXTRA_PERIODS, Rule, decide, reason
from localaws.services.cloudwatch.statistics import matching, moment, statistic

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

Document = dict[str, Any]

_TICK_SECONDS = 10
_LONGEST_INTERVAL_SECONDS = 60


class Evaluator:
    """Evaluates each alarm once a minute, high-resolution ones once a period, as CloudWatch does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._last: dict[str, int] = {}
        #: Who acts on an alarm, by the service of the action's ARN: called with the ARN, the alarm and the
        #: latest value. A service registers itself, so that CloudWatch need not know it.
        self.actions: dict[str, Callable[[str, Document, float], None]] = {}

    def start(self) -> None:
        """Start evaluating, unless it runs already."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End; nothing is evaluated afterwards."""
        self._stopped.set()
        if self._thread:
            self._thread.join(5)

    def _run(self) -> None:
        while not self._stopped.wait(lasting(_TICK_SECONDS)):
            for alarm in alarms.all_of():
                try:
                    self._consider(alarm)
                except Exception:
                    log.exception("Alarm %s could not be evaluated", alarm["AlarmName"])

    def _consider(self, alarm: Document) -> None:
        interval = lasting(min(alarm["Period"], _LONGEST_INTERVAL_SECONDS))
        turn = math.floor(time.time() / interval)
        if self._last.get(alarm["AlarmArn"]) != turn:
            self._last[alarm["AlarmArn"]] = turn
            evaluate(alarm, turn * interval)


def datapoints(alarm: Document, end: float) -> list[float | None]:
    """The statistic of each period up to `end` (seconds since 1970), oldest first, None for no data."""
    backends: Any = cloudwatch_backends
    data = matching(list(backends[ACCOUNT_ID][alarm["Region"]].metric_data), alarm)
    moments = [(moment(datum), datum) for datum in data]
    name = alarm.get("Statistic") or alarm["ExtendedStatistic"]
    period = lasting(alarm["Period"])
    count = alarm["EvaluationPeriods"] + EXTRA_PERIODS
    starts = [end - period * (count - index) for index in range(count)]
    return [
        statistic([datum for at, datum in moments if start <= at < start + period], name) for start in starts
    ]


def evaluate(alarm: Document, end: float) -> None:
    """Bring one alarm's state up to date with the data before `end`."""
    points, rule = datapoints(alarm, end), Rule.of(alarm)
    value = decide(points, rule, alarm["StateValue"])
    if value != alarm["StateValue"]:
        data = json.dumps(
            {
                "version": "1.0",
                "queryDate": datetime.now(UTC).isoformat(),
                "statistic": alarm.get("Statistic") or alarm["ExtendedStatistic"],
                "period": alarm["Period"],
                "recentDatapoints": [point for point in points if point is not None],
                "threshold": alarm["Threshold"],
            }
        )
        alarms.change_state(alarm["Region"], alarm["AlarmName"], value, reason(points, rule, value), data)
    if value == ALARM and alarm["ActionsEnabled"]:
        _act(alarm, points)


def _act(alarm: Document, points: list[float | None]) -> None:
    """Let the alarm's actions act, at each evaluation for as long as the alarm lasts."""
    latest = next((point for point in reversed(points) if point is not None), None)
    if latest is None:
        return
    for arn in alarm["AlarmActions"]:
        action = evaluator.actions.get(arn.split(":")[2])
        if action:
            action(arn, alarm, latest)


evaluator = Evaluator()


def resume() -> None:
    """After a restart: evaluate again, if there are alarms."""
    if alarms.all_of():
        evaluator.start()


def shutdown() -> None:
    """Evaluate no more."""
    evaluator.stop()
