"""Concept drift: does the champion still read reviews as well as on the day it was trained?

Compared are two confusion matrices of one model, on its own test reviews and on newly labelled ones. Balanced
accuracy is what is judged: the shares of the sentiments do not enter it, so a change of those alone, which is
another kind of drift, changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment_retrain.statistics.confusion import METRICS, intervals, matrix_metrics
from sentiment_retrain.statistics.resampling import percentile_interval, resampled_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

METRIC = "balanced_accuracy"


def compare(
    before: Sequence[Sequence[int]],
    now: Sequence[Sequence[int]],
    *,
    confidence: float,
    samples: int,
    seed: int,
) -> dict[str, Any]:
    """How much worse the model is now, and whether that may be chance.

    The test is exact but for its draws: if nothing changed, which of a sentiment's rightly read reviews are
    new ones is chance, so their number is drawn from the hypergeometric distribution of each sentiment.
    One-sided, because a model that became better needs nobody.

    :param before: confusion matrix on the model's own test rows, ``now``: on new rows (3 x 3 counts each)
    :return: ``metric, value, drop, interval`` (of the drop), ``p_value, rows, baseline_rows, rows_per_class``
        (the fewest of both sides), ``before`` and ``now`` (every metric, ``now`` with ``intervals``)
    """
    old, new = np.asarray(before, dtype=np.int64), np.asarray(now, dtype=np.int64)
    sides = {"rows": int(new.sum()), "baseline_rows": int(old.sum())}
    fewest = int(min(old.sum(axis=1).min(), new.sum(axis=1).min()))
    if not new.sum() or not old.sum():
        return {"metric": METRIC, "value": None, "p_value": None, **sides, "rows_per_class": fewest}
    scores = [matrix_metrics(side) for side in (old, new)]
    drop = float(scores[0][METRIC] - scores[1][METRIC])
    draws = [
        matrix_metrics(resampled_counts(side, samples, seed + i))[METRIC] for i, side in enumerate((old, new))
    ]
    return {
        "metric": METRIC,
        "value": drop,
        "interval": percentile_interval(draws[0] - draws[1], confidence),
        "p_value": _permutation_p(old, new, samples, seed),
        **sides,
        "rows_per_class": fewest,
        "before": {metric: float(scores[0][metric]) for metric in METRICS},
        "now": {
            **{metric: float(scores[1][metric]) for metric in METRICS},
            "intervals": intervals(new, confidence=confidence, samples=samples, seed=seed),
        },
    }


def _permutation_p(old: NDArray[np.int64], new: NDArray[np.int64], samples: int, seed: int) -> float:
    """Share of the random divisions of the same rows in which the new side is as much worse."""
    rows = np.stack([old.sum(axis=1), new.sum(axis=1)])
    right = np.stack([np.diagonal(old), np.diagonal(new)])
    known = (rows > 0).all(axis=0)
    rows, right = rows[:, known], right[:, known]
    if not known.any():
        return 1.0
    total_right, total = right.sum(axis=0), rows.sum(axis=0)
    draw = np.random.default_rng(seed)
    new_right = draw.hypergeometric(total_right, total - total_right, rows[1], size=(samples, len(total)))
    drops = ((total_right - new_right) / rows[0] - new_right / rows[1]).sum(axis=1)
    observed = (right[0] / rows[0] - right[1] / rows[1]).sum()
    # Equal divisions differ in the last digit.
    return (1 + int((drops >= observed - 1e-12).sum())) / (1 + samples)
