"""Explaining the best candidate: exact Shapley values of its columns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from automl.dataset import to_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from automl.dataset import ColumnKind
    from numpy.typing import NDArray

    Predict = Callable[[NDArray[Any]], NDArray[np.float64]]

# Exact values need 2^columns predictions a row; beyond this they would have to be estimated.
MOST_EXPLAINED_COLUMNS = 6
_EXPLAINED_ROWS = 200
_SMALLEST_PROBABILITY = 1e-6


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


@dataclass(frozen=True)
class Explanation:
    """Shapley values of shape (rows, columns, classes) in log-odds of the rows explained.

    `baseline` is the row they are measured against, `expected` its log-odds of shape (classes,).
    """

    columns: Sequence[str]
    labels: Sequence[str]
    rows: NDArray[Any]
    values: NDArray[np.float64]
    baseline: NDArray[Any]
    expected: NDArray[np.float64]

    def importance(self) -> NDArray[np.float64]:
        """Mean absolute Shapley value, of shape (columns, classes)."""
        return np.asarray(np.abs(self.values).mean(axis=0))


def explain(
    predict: Predict,
    cells: NDArray[Any],
    kinds: Sequence[ColumnKind],
    columns: Sequence[str],
    labels: Sequence[str],
) -> Explanation | None:
    """Exact Shapley values of up to 200 rows against `baseline_row`; None for too many columns."""
    if len(columns) > MOST_EXPLAINED_COLUMNS:
        return None
    chosen = np.random.default_rng(0).permutation(len(cells))[:_EXPLAINED_ROWS]
    baseline = baseline_row(cells, kinds)
    values = shapley_values(predict, cells[chosen], baseline)
    expected = log_odds(predict(baseline.reshape(1, -1)))[0]
    return Explanation(columns, labels, cells[chosen], values, baseline, expected)


def analysis(found: Explanation) -> dict[str, Any]:
    """`analysis.json` as Clarify writes it: mean absolute Shapley value by class and column."""
    importance = found.importance()
    by_label = {
        label: {
            "global_shap_values": {
                name: float(importance[index, position]) for index, name in enumerate(found.columns)
            },
            "expected_value": float(found.expected[position]),
        }
        for position, label in enumerate(found.labels)
    }
    return {"version": "1.0", "explanations": {"kernel_shap": by_label}}


def shapley_values(predict: Predict, rows: NDArray[Any], baseline: NDArray[Any]) -> NDArray[np.float64]:
    """Exact Shapley values of shape (rows, columns, classes) in log-odds, over all subsets of columns.

    Weight of a subset S of n columns without column i: |S|! (n - |S| - 1)! / n! (Shapley 1953).
    """
    width = rows.shape[1]
    scores = []
    for subset in range(2**width):
        present = np.array([bool(subset >> index & 1) for index in range(width)])
        scores.append(log_odds(predict(np.where(present, rows, baseline))))
    values = np.zeros((len(rows), width, scores[0].shape[1]))
    for index in range(width):
        for subset in range(2**width):
            if subset >> index & 1:
                continue
            size = subset.bit_count()
            weight = factorial(size) * factorial(width - size - 1) / factorial(width)
            values[:, index] += weight * (scores[subset | 1 << index] - scores[subset])
    return values


def log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds of probabilities, which are kept away from 0 and 1; same shape."""
    bounded = np.clip(probabilities, _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY)
    return np.asarray(np.log(bounded / (1 - bounded)))


def write_json(document: dict[str, Any], path: Path) -> None:
    """Write a report."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, sort_keys=True), encoding="utf-8")
