"""A quick bias report on a sample of the rows, with the interval that sampling implies. Pure.

What a look at a sample (as SageMaker Data Wrangler's bias report takes one) can tell beside the analysis of
all rows: rows are drawn without replacement within each facet value, in proportion to its size, so the sizes
and with them the class imbalance are exact, and only the shares of positive labels are estimated.
"""

from __future__ import annotations

import csv
import io
import math
import random
from collections import defaultdict
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

from sentiment_retrain.data.facet_names import category_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

METRIC = "DPL"
#: Of a rare facet value at least so many rows are drawn: fewer tell next to nothing, and 0 of 3 is not never.
LEAST_DRAWN = 10


class Stratum(NamedTuple):
    """The rows of one facet value: all of them, those drawn, and the positive ones among the drawn."""

    rows: int
    drawn: int
    positive: int


class Estimate(NamedTuple):
    """A difference of proportions and its interval."""

    value: float
    low: float
    high: float


def rows_of(content: bytes, facet: str, label: str, positive: int) -> list[tuple[str, bool]]:
    """``(facet value, whether positive)`` of each row of a CSV with a header."""
    reader = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))
    return [(category_of(row[facet]), float(row[label]) == positive) for row in reader]


def draw(rows: Iterable[tuple[str, bool]], size: int, seed: int) -> dict[str, Stratum]:
    """A stratified sample without replacement of about ``size`` rows, at least ten of each facet value.

    The same rows, size and seed give the same sample.
    """
    labels: dict[str, list[bool]] = defaultdict(list)
    for value, is_positive in rows:
        labels[value].append(is_positive)
    total = sum(map(len, labels.values()))
    generator = random.Random(seed)  # noqa: S311 - a sample, no secret
    strata = {}
    for value in sorted(labels):
        known = labels[value]
        wanted = min(len(known), max(LEAST_DRAWN, round(size * len(known) / total)))
        drawn = generator.sample(known, wanted)
        strata[value] = Stratum(len(known), wanted, sum(drawn))
    return strata


def difference_of_proportions(
    strata: Mapping[str, Stratum], value: str, confidence: float
) -> Estimate | None:
    """DPL of one facet value: the share of positive labels of all others minus its own; None without others.

    Each side's interval is Wilson's, with the number of rows that would be as informative were there
    infinitely many to draw from (the finite population correction) and no strata. The two are combined by
    Newcombe's hybrid method (1998, method 10).
    """
    here = _side([strata[value]], confidence)
    others = _side([stratum for name, stratum in strata.items() if name != value], confidence)
    if here is None or others is None:
        return None
    difference = others.value - here.value
    return Estimate(
        difference,
        difference - math.hypot(others.value - others.low, here.high - here.value),
        difference + math.hypot(others.high - others.value, here.value - here.low),
    )


def _side(strata: Sequence[Stratum], confidence: float) -> Estimate | None:
    """Share of positive rows in a union of strata, weighted by their sizes."""
    rows = sum(stratum.rows for stratum in strata)
    if not rows:
        return None
    share = sum(stratum.rows * stratum.positive / stratum.drawn for stratum in strata) / rows
    # What is unknown of a stratum are the rows not drawn: (N - n) / (N - 1) of the variance of drawing with
    # replacement, as for the hypergeometric distribution.
    unknown = sum(
        (stratum.rows / rows) ** 2 * (stratum.rows - stratum.drawn) / (stratum.rows - 1) / stratum.drawn
        for stratum in strata
        if stratum.drawn < stratum.rows
    )
    if not unknown:
        return Estimate(share, share, share)
    effective = 1 / unknown
    return Estimate(share, *_wilson(share, effective, confidence))


def _wilson(share: float, number: float, confidence: float) -> tuple[float, float]:
    """Wilson's interval of a proportion seen in ``number`` rows."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = (share + z * z / (2 * number)) / (1 + z * z / number)
    half = z * math.sqrt(share * (1 - share) / number + z * z / (4 * number * number)) / (1 + z * z / number)
    return max(0.0, centre - half), min(1.0, centre + half)


def beside_full(
    content: bytes,
    facets: Mapping[str, Mapping[str, float | None]],
    *,
    facet: str,
    label: str,
    positive: int,
    size: int,
    confidence: float,
    seed: int,
) -> dict[str, Any]:
    """What a sample says beside the full analysis, for the run card.

    :param content: the analysed CSV; facets: ``{facet value: {metric: value}}`` of the full analysis
    :param facet: name of the facet column; label: of the label column; positive: the positive label
    :param size: rows to draw; confidence: of the intervals
    :return: ``rows, sample_rows, metric, confidence, inside`` (facet values whose full figure lies in the
        interval) and ``facets``: ``{value: {rows, sample_rows, estimate, low, high, full}}``
    """
    rows = rows_of(content, facet, label, positive)
    strata = draw(rows, size, seed)
    found = {}
    for value, stratum in strata.items():
        estimate = difference_of_proportions(strata, value, confidence)
        full = facets.get(value, {}).get(METRIC)
        if estimate is None or full is None:
            continue
        found[value] = {
            "rows": stratum.rows,
            "sample_rows": stratum.drawn,
            "estimate": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "full": full,
        }
    inside = sum(entry["low"] - 1e-12 <= entry["full"] <= entry["high"] + 1e-12 for entry in found.values())
    return {
        "metric": METRIC,
        "rows": len(rows),
        "sample_rows": sum(stratum.drawn for stratum in strata.values()),
        "confidence": confidence,
        "inside": inside,
        "facets": found,
    }
