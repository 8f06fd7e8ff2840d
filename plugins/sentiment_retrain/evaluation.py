"""How good predictions are: metrics, their intervals, and the reading of prediction files.

Definitions are scikit-learn's (macro F1 over all three classes, a class without predictions counts 0). Every
metric but the log loss is a function of the confusion matrix, which makes intervals cheap: resampling n
rows with replacement is one draw from a multinomial distribution over the matrix's cells.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sentiment_retrain.datasets import LABELS
from sentiment_retrain.errors import PredictionsMalformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

METRICS = ("accuracy", "balanced_accuracy", "macro_f1")
#: Smallest probability that the log loss takes; a model that is sure and wrong is not punished without end.
_SMALLEST_PROBABILITY = 1e-15


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
    confidence: float = 0.95,
    bootstrap_samples: int = 2000,
    seed: int = 42,
) -> dict[str, Any]:
    """The ``test`` part of an evaluation (docs/contracts.md section 2).

    :param true_labels: sentiment of each test row, in the predictions' order
    :raises PredictionsMalformed: when there are not as many predictions as rows
    """
    true = np.asarray(true_labels, dtype=np.int64)
    if len(true) != len(predictions.labels) or len(true) == 0:
        raise PredictionsMalformed(
            observed=f"{len(predictions.labels)} predictions",
            expected=f"{len(true)} (at least 1), one a test row",
        )
    matrix = confusion_matrix(true, predictions.labels)
    values = matrix_metrics(matrix)
    return {
        "n": len(true),
        **{metric: float(values[metric]) for metric in METRICS},
        "log_loss": log_loss(true, predictions.probabilities),
        "per_class": per_class(matrix),
        "confusion_matrix": matrix.tolist(),
        "labels": list(LABELS),
        "intervals": intervals(matrix, confidence=confidence, samples=bootstrap_samples, seed=seed),
        "baseline": majority_baseline(matrix),
    }


def confusion_matrix(true: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.int64]:
    """3 x 3 counts: rows are true classes, columns predicted ones, in the order -1, 0, 1."""
    cells = (true + 1) * len(LABELS) + (predicted + 1)
    counts: NDArray[np.int64] = np.bincount(cells, minlength=len(LABELS) ** 2)
    return counts.reshape(len(LABELS), len(LABELS))


def matrix_metrics(matrix: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Accuracy, balanced accuracy and macro F1 of one matrix (3 x 3) or of many at once (k x 3 x 3).

    A class that has no true rows is left out of the balanced accuracy, as scikit-learn does.
    """
    correct = np.diagonal(matrix, axis1=-2, axis2=-1).astype(np.float64)
    true, predicted = matrix.sum(axis=-1), matrix.sum(axis=-2)
    recall = _ratio(correct, true)
    present = (true > 0).sum(axis=-1)
    return {
        "accuracy": _ratio(correct.sum(axis=-1), matrix.sum(axis=(-2, -1))),
        "balanced_accuracy": _ratio(recall.sum(axis=-1), present),
        "macro_f1": _ratio(2 * correct, true + predicted).mean(axis=-1),
    }


def per_class(matrix: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support by class."""
    correct = np.diagonal(matrix).astype(np.float64)
    true, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    precision, recall, f1 = (
        _ratio(correct, predicted),
        _ratio(correct, true),
        _ratio(2 * correct, true + predicted),
    )
    return {
        str(label): {
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "support": int(true[i]),
        }
        for i, label in enumerate(LABELS)
    }


def log_loss(true: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Mean negative log-likelihood in nats; rows are scaled to sum to 1 first."""
    scaled = _ratio(probabilities, probabilities.sum(axis=1, keepdims=True))
    of_truth = scaled[np.arange(len(true)), true + 1]
    return float(-np.log(np.clip(of_truth, _SMALLEST_PROBABILITY, 1.0)).mean())


def intervals(
    matrix: NDArray[np.int64], *, confidence: float = 0.95, samples: int = 2000, seed: int = 42
) -> dict[str, list[float]]:
    """Bootstrap percentile interval ``[low, high]`` of each metric (Efron & Tibshirani 1993, chapter 13)."""
    n = int(matrix.sum())
    shares = matrix.reshape(-1) / n
    draws = np.random.default_rng(seed).multinomial(n, shares, size=samples)
    resampled = matrix_metrics(draws.reshape(samples, *matrix.shape))
    tail = (1 - confidence) / 2
    return {
        metric: [float(bound) for bound in np.quantile(resampled[metric], [tail, 1 - tail])]
        for metric in METRICS
    }


def majority_baseline(matrix: NDArray[np.int64]) -> dict[str, float]:
    """Each metric of always answering the most frequent true class."""
    guesses = np.zeros_like(matrix)
    true = matrix.sum(axis=1)
    guesses[:, int(true.argmax())] = true
    return {metric: float(value) for metric, value in matrix_metrics(guesses).items()}


def _prediction(row: Sequence[str]) -> tuple[int, list[float]]:
    """One line's label and probabilities, classes brought into the order -1, 0, 1."""
    predicted, _, probabilities, names = row
    label = int(float(predicted))
    if label not in LABELS:
        raise ValueError(f"label {predicted} is none of -1, 0, 1")
    # Lists arrive in Python's notation, with single quotes.
    classes = [int(float(name)) for name in json.loads(names.replace("'", '"'))]
    values = dict(zip(classes, map(float, json.loads(probabilities)), strict=True))
    ordered = [values[name] for name in LABELS]
    if not all(np.isfinite(ordered)) or min(ordered) < 0:
        raise ValueError("probabilities must be finite and not negative")
    return label, ordered


def _ratio(numerator: Any, denominator: Any) -> NDArray[np.float64]:
    """Division in which anything over zero is zero."""
    numerator, denominator = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    quotient: NDArray[np.float64] = np.divide(
        numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0
    )
    return quotient
