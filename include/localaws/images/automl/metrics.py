"""Candidate metrics under Autopilot's names, from class probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn import metrics

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def score(truth: NDArray[np.int64], probabilities: NDArray[Any], problem_type: str) -> dict[str, float]:
    """All of a problem type's metrics and LogLoss.

    `truth` are ordinals of shape (rows,), `probabilities` of shape (rows, classes). For two classes the
    second is the positive one. A class that is never predicted has precision 0.
    """
    predicted = probabilities.argmax(axis=1)
    binary = problem_type == "BinaryClassification"
    average = "binary" if binary else "macro"
    suffix = "" if binary else "Macro"
    values = {
        "Accuracy": metrics.accuracy_score(truth, predicted),
        "BalancedAccuracy": metrics.balanced_accuracy_score(truth, predicted),
        "F1" if binary else "F1macro": metrics.f1_score(truth, predicted, average=average, zero_division=0),
        f"Precision{suffix}": metrics.precision_score(truth, predicted, average=average, zero_division=0),
        f"Recall{suffix}": metrics.recall_score(truth, predicted, average=average, zero_division=0),
        "LogLoss": metrics.log_loss(truth, probabilities, labels=list(range(probabilities.shape[1]))),
    }
    if binary:
        values["AUC"] = metrics.roc_auc_score(truth, probabilities[:, 1])
    return {name: float(value) for name, value in values.items()}
