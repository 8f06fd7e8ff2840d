"""Metrics of invocations, sent to CloudWatch in batches: one statistic set a metric and variant."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.clients import client
from localaws.state import now

log = logging.getLogger(__name__)

NAMESPACE = "AWS/SageMaker"
_INTERVAL_SECONDS = 1.0
_UNITS = {"ModelLatency": "Microseconds", "OverheadLatency": "Microseconds"}


@dataclass
class Statistics:
    """A CloudWatch statistic set."""

    count: int = 0
    total: float = 0.0
    minimum: float = float("inf")
    maximum: float = float("-inf")

    def add(self, value: float) -> None:
        """Count one value in."""
        self.count += 1
        self.total += value
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)

    def as_request(self) -> dict[str, float]:
        """The members PutMetricData takes."""
        return {
            "SampleCount": self.count,
            "Sum": self.total,
            "Minimum": self.minimum,
            "Maximum": self.maximum,
        }


Key = tuple[str, str, str, str]


class InvocationMetrics:
    """Collects what invocations measured; a thread sends it about once a second while there is any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: dict[Key, Statistics] = {}
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
                self._pending.setdefault((region, endpoint, variant, name), Statistics()).add(value)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="invocation-metrics", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(_INTERVAL_SECONDS)
            with self._lock:
                pending, self._pending = self._pending, {}
                if not pending:
                    self._thread = None
                    return
            _send(pending)


def _send(pending: dict[Key, Statistics]) -> None:
    data: dict[str, list[dict[str, Any]]] = {}
    for (region, endpoint, variant, name), statistics in pending.items():
        data.setdefault(region, []).append(
            {
                "MetricName": name,
                "Dimensions": [
                    {"Name": "EndpointName", "Value": endpoint},
                    {"Name": "VariantName", "Value": variant},
                ],
                "Timestamp": now(),
                "StatisticValues": statistics.as_request(),
                "Unit": _UNITS.get(name, "None"),
            }
        )
    for region, items in data.items():
        try:
            client("cloudwatch", region).put_metric_data(Namespace=NAMESPACE, MetricData=items)
        except (ClientError, BotoCoreError) as error:
            log.warning("%d metrics of invocations are lost: %s", len(items), error)
