"""What of moto's memory is let go: metric data and log events, by age and by number.

CloudWatch keeps one-minute data for 15 days, and log events as long as their group says; the numbers bound
the memory and the time of a snapshot. Data go when a snapshot is taken, so that no journal refers to them,
and once the state was loaded, before anything is answered.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from localaws import state

if TYPE_CHECKING:
    from collections.abc import Iterator

METRIC_AGE = timedelta(days=15)
MAX_METRIC_DATA = int(os.environ.get("LOCALAWS_METRIC_DATA") or 200_000)
MAX_LOG_EVENTS = int(os.environ.get("LOCALAWS_LOG_EVENTS") or 100_000)


def prune(now: datetime) -> None:
    """Let go what is too old at `now` (UTC) or too much; nothing may write meanwhile.

    Lists are replaced, not changed: requests that only read may be using them.
    """
    for backend in _backends("cloudwatch"):
        data = backend.metric_data
        if len(data) > MAX_METRIC_DATA or any(_aware(datum.timestamp) < now - METRIC_AGE for datum in data):
            fresh = [datum for datum in data if _aware(datum.timestamp) >= now - METRIC_AGE]
            backend.metric_data = fresh[-MAX_METRIC_DATA:]
    for stream, days in _streams():
        if days:
            oldest = (now - timedelta(days=int(days))).timestamp() * 1000
            stream.events = [event for event in stream.events if event.timestamp >= oldest]
        if len(stream.events) > MAX_LOG_EVENTS:
            stream.events = stream.events[-MAX_LOG_EVENTS:]


def held() -> dict[str, int]:
    """How many data of each kind are in memory now, for the health page."""
    return {
        "metric_data": sum(len(backend.metric_data) for backend in _backends("cloudwatch")),
        "log_events": sum(len(stream.events) for stream, _ in _streams()),
        "documents": state.store().count(),
    }


def _streams() -> Iterator[tuple[Any, Any]]:
    """Every log stream, and its group's retention in days or None."""
    for backend in _backends("logs"):
        for group in list(backend.groups.values()):
            for stream in list(group.streams.values()):
                yield stream, group.retention_in_days


def _backends(service: str) -> list[Any]:
    """moto's backends of a service; none before it was used."""
    module = sys.modules.get(f"moto.{service}.models")
    return (
        [] if module is None else [item[2] for item in getattr(module, f"{service}_backends").iter_backends()]
    )


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
