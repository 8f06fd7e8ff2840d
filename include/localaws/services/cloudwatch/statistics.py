"""Statistics of metric data, percentiles too. Pure, but for what moto's data look like."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OURS = "AWS/SageMaker"
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")


def percentile_of(name: str) -> float | None:
    """The percentage of an extended statistic such as `p99.9`; None for any other name."""
    found = _PERCENTILE.fullmatch(name)
    return float(found.group(1)) if found else None


def matching(data: Iterable[Any], query: dict[str, Any]) -> list[Any]:
    """The data of one metric: Namespace, MetricName, exactly these Dimensions, and Unit if one is named."""
    wanted = {item["Name"]: item["Value"] for item in query.get("Dimensions", [])}
    return [
        datum
        for datum in data
        if datum.name == query["MetricName"]
        and datum.namespace == query["Namespace"]
        and {item.name: item.value for item in datum.dimensions} == wanted
        and query.get("Unit") in (None, datum.unit)
    ]


def moment(datum: Any) -> float:
    """When it was measured, in seconds since 1970."""
    timestamp: datetime = datum.timestamp
    return (timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)).timestamp()


def statistic(data: Sequence[Any], name: str) -> float | None:
    """One statistic (`Sum`, `p90`, …) of the data of one period; None when there is nothing to tell.

    A percentile needs the values themselves. Of a statistic set it is known when its values are all the same;
    for this stand-in's own metrics, which are sets of few values, values are taken to lie evenly in the set.
    """
    if not data:
        return None
    percentage = percentile_of(name)
    if percentage is not None:
        return _percentile(data, percentage)
    count = sum(_count(datum) for datum in data)
    total = sum(_total(datum) for datum in data)
    if name == "Minimum":
        return float(min(_bounds(datum)[0] for datum in data))
    if name == "Maximum":
        return float(max(_bounds(datum)[1] for datum in data))
    values = {"SampleCount": count, "Sum": total, "Average": total / count if count else None}
    return values[name]


def _count(datum: Any) -> float:
    return float(getattr(datum, "sample_count", 1.0))


def _total(datum: Any) -> float:
    return float(datum.sum if hasattr(datum, "sample_count") else datum.value)


def _bounds(datum: Any) -> tuple[float, float]:
    if hasattr(datum, "sample_count"):
        return float(datum.min), float(datum.max)
    return float(datum.value), float(datum.value)


def _percentile(data: Sequence[Any], percentage: float) -> float | None:
    values: list[float] = []
    for datum in data:
        low, high = _bounds(datum)
        count = int(_count(datum))
        if low != high and datum.namespace != OURS:
            return None
        step = (high - low) / (count - 1) if count > 1 else 0.0
        values += [low + step * number for number in range(count)]
    values.sort()
    rank = percentage / 100 * (len(values) - 1)
    below, above = math.floor(rank), math.ceil(rank)
    return values[below] + (values[above] - values[below]) * (rank - below)
