"""Metrics of confusion matrices, and their intervals.

Definitions are scikit-learn's (macro F1 over all three classes, a class without predictions counts 0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment_retrain.data.datasets import LABELS
from sentiment_retrain.statistics.resampling import percentile_interval, resampled_counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

METRICS = ("accuracy", "balanced_accuracy", "macro_f1")
CLASS_METRICS = ("precision", "recall", "f1")


def confusion_matrix(true: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.int64]:
    """3 x 3 counts: rows are true classes, columns predicted ones, in the order -1, 0, 1."""
    cells = (true + 1) * len(LABELS) + (predicted + 1)
    counts: NDArray[np.int64] = np.bincount(cells, minlength=len(LABELS) ** 2)
    return counts.reshape(len(LABELS), len(LABELS))


def class_metrics(matrix: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Precision, recall and F1 by class (3, or k x 3), of one matrix (3 x 3) or of many (k x 3 x 3)."""
    correct = np.diagonal(matrix, axis1=-2, axis2=-1).astype(np.float64)
    true, predicted = matrix.sum(axis=-1), matrix.sum(axis=-2)
    return {
        "precision": ratio(correct, predicted),
        "recall": ratio(correct, true),
        "f1": ratio(2 * correct, true + predicted),
    }


def matrix_metrics(matrix: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Accuracy, balanced accuracy and macro F1 of one matrix (3 x 3) or of many at once (k x 3 x 3).

    A class that has no true rows is left out of the balanced accuracy, as scikit-learn does.
    """
    by_class = class_metrics(matrix)
    correct = np.diagonal(matrix, axis1=-2, axis2=-1)
    present = (matrix.sum(axis=-1) > 0).sum(axis=-1)
    return {
        "accuracy": ratio(correct.sum(axis=-1), matrix.sum(axis=(-2, -1))),
        "balanced_accuracy": ratio(by_class["recall"].sum(axis=-1), present),
        "macro_f1": by_class["f1"].mean(axis=-1),
    }


def per_class(matrix: NDArray[np.int64]) -> dict[str, dict[str, Any]]:
    """Precision, recall, F1 and support by class."""
    values, support = class_metrics(matrix), matrix.sum(axis=1)
    return {
        str(label): {
            **{metric: float(values[metric][i]) for metric in CLASS_METRICS},
            "support": int(support[i]),
        }
        for i, label in enumerate(LABELS)
    }


def intervals(
    matrix: NDArray[np.int64], *, confidence: float = 0.95, samples: int = 2000, seed: int = 42
) -> dict[str, list[float]]:
    """Bootstrap percentile interval ``[low, high]`` of each metric."""
    return all_intervals(matrix, confidence=confidence, samples=samples, seed=seed)[0]


def all_intervals(
    matrix: NDArray[np.int64], *, confidence: float, samples: int, seed: int
) -> tuple[dict[str, list[float]], dict[str, dict[str, list[float]]]]:
    """Intervals by metric, and by class and its metrics, all of the same resampled matrices."""
    resampled = resampled_counts(matrix, samples, seed)
    overall, by_class = matrix_metrics(resampled), class_metrics(resampled)
    return (
        {metric: percentile_interval(overall[metric], confidence) for metric in METRICS},
        {
            str(label): {
                metric: percentile_interval(by_class[metric][:, i], confidence) for metric in CLASS_METRICS
            }
            for i, label in enumerate(LABELS)
        },
    )


def majority_baseline(matrix: NDArray[np.int64]) -> dict[str, float]:
    """Each metric of always answering the most frequent true class."""
    guesses = np.zeros_like(matrix)
    true = matrix.sum(axis=1)
    guesses[:, int(true.argmax())] = true
    return {metric: float(value) for metric, value in matrix_metrics(guesses).items()}


def scores_by_group(
    matrices: Mapping[str, NDArray[np.int64]],
    *,
    minimum_rows: int,
    confidence: float,
    samples: int,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """The metrics of each group's own matrix, the largest group first.

    Groups of fewer than ``minimum_rows`` rows have their size only: their intervals would hold everything.
    Macro F1 is None where a sentiment is neither given nor predicted, because it would count as 0.

    :param matrices: confusion matrix by name of the group
    :return: ``{name: {n, judged, accuracy, balanced_accuracy, macro_f1, intervals}}``
    """
    found: dict[str, dict[str, Any]] = {}
    for name, matrix in sorted(matrices.items(), key=lambda item: (-item[1].sum(), item[0])):
        rows = int(matrix.sum())
        if rows < minimum_rows:
            found[name] = {"n": rows, "judged": False}
            continue
        values: dict[str, float | None] = {
            metric: float(value) for metric, value in matrix_metrics(matrix).items()
        }
        ranges: dict[str, list[float] | None] = {
            **intervals(matrix, confidence=confidence, samples=samples, seed=seed)
        }
        if (matrix.sum(axis=0) + matrix.sum(axis=1) == 0).any():
            values["macro_f1"] = ranges["macro_f1"] = None
        found[name] = {"n": rows, "judged": True, **values, "intervals": ranges}
    return found


def ratio(numerator: Any, denominator: Any) -> NDArray[np.float64]:
    """Division in which anything over zero is zero."""
    numerator, denominator = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    quotient: NDArray[np.float64] = np.divide(
        numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0
    )
    return quotient
