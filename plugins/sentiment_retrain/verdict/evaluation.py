"""How good predictions are: every score of a model on the test rows, and the reading of prediction files.

Scores of the confusion matrix are in :mod:`sentiment_retrain.statistics.confusion`, those of the
probabilities in :mod:`sentiment_retrain.statistics.calibration`. The same rows give the same numbers to the
last digit, in whatever order they come. docs/verdict.md says what each number means.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sentiment_retrain.data.datasets import LABELS
from sentiment_retrain.errors import PredictionsMalformed
from sentiment_retrain.statistics.calibration import probability_scores
from sentiment_retrain.statistics.confusion import METRICS as METRICS
from sentiment_retrain.statistics.confusion import (
    all_intervals,
    majority_baseline,
    per_class,
    scores_by_group,
)
from sentiment_retrain.statistics.confusion import confusion_matrix as confusion_matrix
from sentiment_retrain.statistics.confusion import intervals as intervals
from sentiment_retrain.statistics.confusion import matrix_metrics as matrix_metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


class Predictions(NamedTuple):
    """Predicted sentiments (n integers) and probabilities (n x 3, classes in the order -1, 0, 1)."""

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]


def parse_predictions(lines: Iterable[str], expected_rows: int | None = None) -> Predictions:
    """Predictions in the serving contract's CSV: ``predicted_label,probability,probabilities,labels``.

    :raises PredictionsMalformed: with the line's number and what is wrong with it
    """
    labels: list[int] = []
    probabilities: list[list[float]] = []
    for number, row in enumerate(csv.reader(line for line in lines if line.strip()), start=1):
        try:
            label, row_probabilities = _prediction(row)
        except (ValueError, TypeError, IndexError, KeyError) as error:
            raise PredictionsMalformed(
                observed=f"line {number}: {','.join(row)[:200]!r} ({error})",
                expected="predicted_label,probability,probabilities,labels of the classes -1, 0, 1",
            ) from error
        labels.append(label)
        probabilities.append(row_probabilities)
    if expected_rows is not None and len(labels) != expected_rows:
        raise PredictionsMalformed(
            observed=f"{len(labels)} predictions", expected=f"{expected_rows}, one a test row, in order"
        )
    return Predictions(
        np.asarray(labels, dtype=np.int64),
        np.asarray(probabilities, dtype=np.float64).reshape(-1, len(LABELS)),
    )


def evaluate(
    true_labels: Sequence[int],
    predictions: Predictions,
    *,
    groups: Sequence[str] | None = None,
    minimum_group_size: int = 30,
    confidence: float = 0.95,
    bootstrap_samples: int = 2000,
    seed: int = 42,
) -> dict[str, Any]:
    """The ``test`` part of an evaluation (docs/contracts.md section 2).

    :param true_labels: sentiment of each test row, in the predictions' order
    :param groups: what each row is also judged by, such as its product category; None: nothing
    :raises PredictionsMalformed: when there are not as many predictions as rows
    """
    true = np.asarray(true_labels, dtype=np.int64)
    if len(true) != len(predictions.labels) or len(true) == 0:
        raise PredictionsMalformed(
            observed=f"{len(predictions.labels)} predictions",
            expected=f"{len(true)} (at least 1), one a test row",
        )
    drawing: dict[str, Any] = {"confidence": confidence, "samples": bootstrap_samples, "seed": seed}
    matrix = confusion_matrix(true, predictions.labels)
    values = matrix_metrics(matrix)
    overall, by_class = all_intervals(matrix, **drawing)
    order = np.lexsort((*predictions.probabilities.T, predictions.labels, true))
    of_probabilities = probability_scores(
        true[order], predictions.labels[order], predictions.probabilities[order], **drawing
    )
    by_group = _matrices_by_group(true, predictions.labels, groups) if groups is not None else {}
    return {
        "n": len(true),
        **{metric: float(values[metric]) for metric in METRICS},
        **of_probabilities,
        "per_class": {
            label: {**scores, "intervals": by_class[label]} for label, scores in per_class(matrix).items()
        },
        "confusion_matrix": matrix.tolist(),
        "labels": list(LABELS),
        "intervals": {**overall, **of_probabilities["intervals"]},
        "confidence": confidence,
        "baseline": majority_baseline(matrix),
        "facets": scores_by_group(by_group, minimum_rows=minimum_group_size, **drawing),
    }


def _matrices_by_group(
    true: NDArray[np.int64], predicted: NDArray[np.int64], groups: Sequence[str]
) -> dict[str, NDArray[np.int64]]:
    names, of_row = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    return {
        str(name): confusion_matrix(true[of_row == i], predicted[of_row == i]) for i, name in enumerate(names)
    }


def _prediction(row: Sequence[str]) -> tuple[int, list[float]]:
    """One line's label and probabilities, classes brought into the order -1, 0, 1."""
    predicted, _, probabilities, names = row
    label = float(predicted)
    if label not in LABELS:
        raise ValueError(f"label {predicted} is none of -1, 0, 1")
    # Lists arrive in Python's notation, with single quotes.
    classes = [float(name) for name in json.loads(names.replace("'", '"'))]
    if sorted(classes) != list(LABELS):
        raise ValueError(f"labels {names} are not -1, 0, 1")
    values = dict(zip(classes, map(float, json.loads(probabilities)), strict=True))
    ordered = [values[name] for name in LABELS]
    if not all(np.isfinite(ordered)) or min(ordered) < 0:
        raise ValueError("probabilities must be finite and not negative")
    return int(label), ordered
