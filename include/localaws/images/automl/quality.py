"""Model quality of the best candidate on held-out rows, in the form of SageMaker Model Monitor.

Names and forms: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Measure = Callable[["Predictions"], float]

# Standard deviations are over five samples of 80 % of the rows, and there are none for fewer rows.
_FEWEST_ROWS, _SAMPLES, _SHARE = 200, 5, 0.8
_CURVE_POINTS = 200
_CONSTANT = "_best_constant_classifier"
_LOWER_IS_BETTER = ("false_positive_rate", "false_negative_rate")


@dataclass(frozen=True)
class Predictions:
    """Ordinals of shape (rows,) and probabilities of shape (rows, classes) of held-out rows."""

    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @classmethod
    def of(cls, truth: NDArray[np.int64], probabilities: NDArray[np.float64]) -> Predictions:
        """The most probable class is the predicted one."""
        return cls(truth, probabilities.argmax(axis=1), probabilities)

    def rows(self, chosen: NDArray[np.int64]) -> Predictions:
        """Some of the rows."""
        return Predictions(self.truth[chosen], self.predicted[chosen], self.probabilities[chosen])

    def constant(self) -> Predictions:
        """What always saying one class gives: the positive one of two, the most frequent one of more."""
        classes = self.probabilities.shape[1]
        said = 1 if classes == 2 else int(np.bincount(self.truth).argmax())
        return Predictions(self.truth, np.full_like(self.truth, said), self.probabilities)


def model_quality(found: Predictions, labels: Sequence[str]) -> dict[str, Any]:
    """`statistics.json`; with two classes the second is the positive one."""
    binary = len(labels) == 2
    counts = metrics.confusion_matrix(found.truth, found.predicted, labels=range(len(labels)))
    values: dict[str, Any] = {
        "confusion_matrix": {
            label: {other: int(counts[row][column]) for column, other in enumerate(labels)}
            for row, label in enumerate(labels)
        }
    }
    values |= {name: _measured(measure, found) for name, measure in _measures(binary).items()}
    if binary:
        values |= _curves(found)
    return {
        "version": 0.0,
        "dataset": {"item_count": len(found.truth)},
        f"{'binary' if binary else 'multiclass'}_classification_metrics": values,
    }


def constraints(quality: dict[str, Any]) -> dict[str, Any]:
    """`constraints.json` of a `model_quality` document: no measure shall be worse than it is now."""
    kind = next(name for name in quality if name.endswith("_metrics"))
    return {
        "version": 0.0,
        kind.replace("_metrics", "_constraints"): {
            name: {
                "threshold": found["value"],
                "comparison_operator": (
                    "GreaterThanThreshold" if name in _LOWER_IS_BETTER else "LessThanThreshold"
                ),
            }
            for name, found in quality[kind].items()
            if "value" in found and not name.endswith(_CONSTANT)
        },
    }


def _measures(binary: bool) -> dict[str, Measure]:
    average, prefix = ("binary", "") if binary else ("weighted", "weighted_")
    named: dict[str, Measure] = {"accuracy": lambda p: float(metrics.accuracy_score(p.truth, p.predicted))}
    named[f"{prefix}recall"] = lambda p: float(
        metrics.recall_score(p.truth, p.predicted, average=average, zero_division=0)
    )
    named[f"{prefix}precision"] = lambda p: float(
        metrics.precision_score(p.truth, p.predicted, average=average, zero_division=0)
    )
    for name, beta in (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0)):
        named[f"{prefix}{name}"] = _f_measure(beta, average)
    named |= {f"{name}{_CONSTANT}": _constant(measure) for name, measure in named.items()}
    if binary:
        named |= {
            "true_positive_rate": _share(1, 1),
            "true_negative_rate": _share(0, 0),
            "false_positive_rate": _share(0, 1),
            "false_negative_rate": _share(1, 0),
            "auc": lambda p: float(metrics.roc_auc_score(p.truth, p.probabilities[:, 1])),
        }
    return named


def _f_measure(beta: float, average: str) -> Measure:
    return lambda p: float(
        metrics.fbeta_score(p.truth, p.predicted, beta=beta, average=average, zero_division=0)
    )


def _constant(measure: Measure) -> Measure:
    return lambda p: measure(p.constant())


def _share(truth: int, predicted: int) -> Measure:
    return lambda p: float(np.mean(p.predicted[p.truth == truth] == predicted))


def _measured(measure: Measure, found: Predictions) -> dict[str, Any]:
    return {"value": measure(found), "standard_deviation": _deviation(measure, found)}


def _deviation(measure: Measure, found: Predictions) -> float | str:
    rows = len(found.truth)
    if rows < _FEWEST_ROWS:
        return "NaN"
    chance = np.random.default_rng(0)
    samples = [chance.permutation(rows)[: int(_SHARE * rows)] for _ in range(_SAMPLES)]
    if any(len(set(found.truth[chosen])) < found.probabilities.shape[1] for chosen in samples):
        return "NaN"
    return float(np.std([measure(found.rows(chosen)) for chosen in samples]))


def _curves(found: Predictions) -> dict[str, Any]:
    scores = found.probabilities[:, 1]
    false_rates, true_rates, _ = metrics.roc_curve(found.truth, scores)
    precisions, recalls, _ = metrics.precision_recall_curve(found.truth, scores)
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": _thinned(false_rates),
            "true_positive_rates": _thinned(true_rates),
        },
        "precision_recall_curve": {"precisions": _thinned(precisions), "recalls": _thinned(recalls)},
    }


def _thinned(values: NDArray[np.float64]) -> list[float]:
    """At most 200 points, both ends among them."""
    chosen = np.unique(np.linspace(0, len(values) - 1, min(len(values), _CURVE_POINTS)).astype(int))
    return [float(value) for value in values[chosen]]
