"""Reports on the best candidate: model quality on held-out rows, and exact Shapley values of its columns."""

from __future__ import annotations

import json
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from automl.dataset import to_numbers
from sklearn import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from automl.dataset import ColumnKind
    from automl.training import Fold
    from numpy.typing import NDArray

# Exact values need 2^columns predictions a row; beyond this they would have to be estimated.
MOST_EXPLAINED_COLUMNS = 6
_EXPLAINED_ROWS = 200
_SMALLEST_PROBABILITY = 1e-6


def model_quality(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], folds: Sequence[Fold], labels: Sequence[str]
) -> dict[str, Any]:
    """`statistics.json` as SageMaker Model Monitor writes it; standard deviations are over the folds."""
    held_out = np.concatenate([rows for _, rows in folds])
    measures: dict[str, Callable[[Any, Any], float]] = {
        "accuracy": metrics.accuracy_score,
        "weighted_precision": lambda t, p: metrics.precision_score(t, p, average="weighted", zero_division=0),
        "weighted_recall": lambda t, p: metrics.recall_score(t, p, average="weighted", zero_division=0),
        "weighted_f0_5": lambda t, p: metrics.fbeta_score(
            t, p, beta=0.5, average="weighted", zero_division=0
        ),
        "weighted_f1": lambda t, p: metrics.f1_score(t, p, average="weighted", zero_division=0),
        "weighted_f2": lambda t, p: metrics.fbeta_score(t, p, beta=2, average="weighted", zero_division=0),
    }
    counts = metrics.confusion_matrix(truth[held_out], predicted[held_out], labels=range(len(labels)))
    values: dict[str, Any] = {
        "confusion_matrix": {
            label: {other: int(counts[row][column]) for column, other in enumerate(labels)}
            for row, label in enumerate(labels)
        }
    }
    for name, measure in measures.items():
        by_fold = [measure(truth[rows], predicted[rows]) for _, rows in folds]
        deviation = float(np.std(by_fold)) if len(by_fold) > 1 else "NaN"
        values[name] = {
            "value": float(measure(truth[held_out], predicted[held_out])),
            "standard_deviation": deviation,
        }
    return {
        "version": 0.0,
        "dataset": {"item_count": len(held_out)},
        "multiclass_classification_metrics": values,
    }


def constraints(quality: dict[str, Any]) -> dict[str, Any]:
    """`constraints.json` of a `model_quality` document: no measure shall fall below what it is now."""
    measured = quality["multiclass_classification_metrics"]
    return {
        "version": 0.0,
        "multiclass_classification_constraints": {
            name: {"threshold": found["value"], "comparison_operator": "LessThanThreshold"}
            for name, found in measured.items()
            if name != "confusion_matrix"
        },
    }


def baseline_row(cells: NDArray[Any], kinds: Sequence[ColumnKind]) -> NDArray[Any]:
    """An uninformative row: empty text, the most frequent category, the median number."""
    row = np.empty(len(kinds), dtype=object)
    for index, kind in enumerate(kinds):
        column = cells[:, index]
        if kind == "text":
            row[index] = ""
        elif kind == "numeric":
            row[index] = str(float(np.nanmedian(to_numbers(column))))
        else:
            values, counts = np.unique(column.astype(str), return_counts=True)
            row[index] = str(values[counts.argmax()])
    return row


def explain(
    predict: Callable[[NDArray[Any]], NDArray[np.float64]],
    cells: NDArray[Any],
    kinds: Sequence[ColumnKind],
    columns: Sequence[str],
    labels: Sequence[str],
) -> dict[str, Any] | None:
    """`analysis.json` as Clarify writes it: mean absolute Shapley value by column and class, in log-odds.

    Computed exactly on up to 200 rows against `baseline_row`; None when there are too many columns for that.
    """
    if len(columns) > MOST_EXPLAINED_COLUMNS:
        return None
    chosen = np.random.default_rng(0).permutation(len(cells))[:_EXPLAINED_ROWS]
    baseline = baseline_row(cells, kinds)
    values = shapley_values(predict, cells[chosen], baseline)
    expected = _log_odds(predict(baseline.reshape(1, -1)))[0]
    by_label = {
        label: {
            "global_shap_values": {
                name: float(np.abs(values[:, index, position]).mean()) for index, name in enumerate(columns)
            },
            "expected_value": float(expected[position]),
        }
        for position, label in enumerate(labels)
    }
    return {"version": "1.0", "explanations": {"kernel_shap": by_label}}


def shapley_values(
    predict: Callable[[NDArray[Any]], NDArray[np.float64]], rows: NDArray[Any], baseline: NDArray[Any]
) -> NDArray[np.float64]:
    """Exact Shapley values of shape (rows, columns, classes) in log-odds, over all subsets of columns.

    Weight of a subset S of n columns without column i: |S|! (n - |S| - 1)! / n! (Shapley 1953).
    """
    width = rows.shape[1]
    scores = []
    for subset in range(2**width):
        present = np.array([bool(subset >> index & 1) for index in range(width)])
        scores.append(_log_odds(predict(np.where(present, rows, baseline))))
    values = np.zeros((len(rows), width, scores[0].shape[1]))
    for index in range(width):
        for subset in range(2**width):
            if subset >> index & 1:
                continue
            size = subset.bit_count()
            weight = factorial(size) * factorial(width - size - 1) / factorial(width)
            values[:, index] += weight * (scores[subset | 1 << index] - scores[subset])
    return values


def _log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    bounded = np.clip(probabilities, _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY)
    return np.asarray(np.log(bounded / (1 - bounded)))


def write_json(document: dict[str, Any], path: Path) -> None:
    """Write a report."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, sort_keys=True), encoding="utf-8")
