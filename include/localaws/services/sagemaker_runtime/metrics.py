"""Metrics of invocations, sent to CloudWatch in batches of few statistic sets a metric and variant."""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.clients import client
from localaws.pace import minute_seconds
from localaws.state import now

log = logging.getLogger(__name__)

NAMESPACE = "AWS/SageMaker"
_INTERVAL_SECONDS = 1.0
_INTERVALS_A_MINUTE = 10  # at least, when minutes are made short
_SETS = 10
_MAX_DATA = 1000  # of one PutMetricData
_UNITS = {"ModelLatency": "Microseconds", "OverheadLatency": "Microseconds"}


def statistic_sets(values: list[float]) -> list[dict[str, float]]:
    """Values as at most ten statistic sets, small ones first, from which percentiles can be told.

    Args:
        values: at least one.
    """
    ordered = sorted(values)
    if ordered[0] == ordered[-1]:
        return [_statistic_set(ordered)]
    size = math.ceil(len(ordered) / _SETS)
    return [_statistic_set(ordered[start : start + size]) for start in range(0, len(ordered), size)]


def _statistic_set(values: list[float]) -> dict[str, float]:
    return {
        "SampleCount": float(len(values)),
        "Sum": math.fsum(values),
        "Minimum": values[0],
        "Maximum": values[-1],
    }


Key = tuple[str, str, str, str]


class InvocationMetrics:
    """Collects what invocations measured; a thread sends it about once a second while there is any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: dict[Key, list[float]] = {}
        self._thread: threading.Thread | None = None

    def record(
        self, region: str, endpoint: str, variant: str, status: int, instances: int, **microseconds: float
    ) -> None:
        """Count one invocation.

        Args:
            region: of the endpoint.
            endpoint: its name.
            variant: which answered.
            status: what its containers answered.
            instances: how many the variant has; each invocation counts 1/instances for each of them.
            microseconds: ModelLatency and OverheadLatency.
        """
        values = {
            "Invocations": 1.0,
            "InvocationsPerInstance": 1.0 / max(1, instances),
            "Invocation4XXErrors": float(400 <= status < 500),
            "Invocation5XXErrors": float(status >= 500),
            **microseconds,
        }
        with self._lock:
            for name, value in values.items():
                self._pending.setdefault((region, endpoint, variant, name), []).append(value)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="invocation-metrics", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(min(_INTERVAL_SECONDS, minute_seconds() / _INTERVALS_A_MINUTE))
            with self._lock:
                pending, self._pending = self._pending, {}
                if not pending:
                    self._thread = None
                    return
            _send(pending)


def _send(pending: dict[Key, list[float]]) -> None:
    data: dict[str, list[dict[str, Any]]] = {}
    for (region, endpoint, variant, name), values in pending.items():
        datum = {
            "MetricName": name,
            "Dimensions": [
                {"Name": "EndpointName", "Value": endpoint},
                {"Name": "VariantName", "Value": variant},
            ],
            "Timestamp": now(),
            "Unit": _UNITS.get(name, "None"),
        }
        sets = [{**datum, "StatisticValues": item} for item in statistic_sets(values)]
        data.setdefault(region, []).extend(sets)
    for region, items in data.items():
        for start in range(0, len(items), _MAX_DATA):
            _put(region, items[start : start + _MAX_DATA])


def _put(region: str, items: list[dict[str, Any]]) -> None:
    try:
        client("cloudwatch", region).put_metric_data(Namespace=NAMESPACE, MetricData=items)
    except (ClientError, BotoCoreError) as error:
        log.warning("%d metrics of invocations are lost: %s", len(items), error)
