"""Does a model that says 80 % turn out right in 80 % of the cases?

Of each row its confidence counts, which is the probability of the sentiment it predicts (top-label
calibration). Expected calibration error: mean absolute gap between confidence and accuracy over 15 bins of
equal width, weighted by rows (Guo et al. 2017, equation 3). The Brier score is the mean squared distance of
the three probabilities from the truth (Brier 1950): 0 perfect, 2 sure and wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment_retrain.statistics.resampling import percentile_interval, resampled_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 15
#: Smallest probability that the log loss takes; a model that is sure and wrong is not punished without end.
SMALLEST_PROBABILITY = 1e-15


def probability_scores(
    true: NDArray[np.int64],
    predicted: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    *,
    confidence: float,
    samples: int,
    seed: int,
) -> dict[str, Any]:
    """Log loss, Brier score and expected calibration error with intervals, and the reliability curve.

    :param true: sentiments (n); rows in an order that is a function of their content
    :param predicted: predicted sentiments (n)
    :param probabilities: (n x 3), classes in the order -1, 0, 1; rows are scaled to sum to 1
    :return: ``log_loss, brier, ece, ece_if_calibrated, ece_p_value, reliability`` (a bin each: ``low, high,
        rows, confidence, accuracy, interval``), ``intervals`` of the first three
    """
    scaled = scaled_rows(probabilities)
    claimed = scaled[np.arange(len(true)), predicted + 1]
    right = (true == predicted).astype(np.float64)
    bins = bin_of(claimed)
    gaps = np.zeros((len(true), BINS))
    gaps[np.arange(len(true)), bins] = claimed - right
    rows = np.column_stack([log_losses(true, scaled), brier_scores(true, scaled), gaps])
    loss, brier, *by_bin = rows.mean(axis=0)
    ece = float(np.abs(by_bin).sum())
    by_chance = _errors_if_calibrated(bins, claimed, samples, seed)
    resampled = resampled_means(rows, samples, seed)
    return {
        "log_loss": float(loss),
        "brier": float(brier),
        "ece": ece,
        "ece_if_calibrated": float(by_chance.mean()),
        "ece_p_value": (1 + int((by_chance >= ece).sum())) / (1 + samples),
        "reliability": _reliability(bins, claimed, right, confidence),
        "intervals": {
            "log_loss": percentile_interval(resampled[:, 0], confidence),
            "brier": percentile_interval(resampled[:, 1], confidence),
            "ece": _error_interval(
                np.abs(resampled[:, 2:]).sum(axis=1), ece, float(by_chance.mean()), confidence
            ),
        },
    }


def scaled_rows(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows that sum to 1; a row of zeros stays."""
    totals = probabilities.sum(axis=1, keepdims=True)
    return np.asarray(probabilities / np.where(totals > 0, totals, 1.0))


def log_losses(true: NDArray[np.int64], probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Negative log-likelihood of each row in nats."""
    of_truth = probabilities[np.arange(len(true)), true + 1]
    return np.asarray(-np.log(np.clip(of_truth, SMALLEST_PROBABILITY, 1.0)))


def brier_scores(true: NDArray[np.int64], probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distance of each row from the truth."""
    truth = np.zeros_like(probabilities)
    truth[np.arange(len(true)), true + 1] = 1.0
    return np.asarray(((probabilities - truth) ** 2).sum(axis=1))


def bin_of(claimed: NDArray[np.float64]) -> NDArray[np.int64]:
    """Bin of each confidence; bins are open below and closed above, as in the definition."""
    return np.clip(np.ceil(claimed * BINS).astype(np.int64) - 1, 0, BINS - 1)


def _errors_if_calibrated(
    bins: NDArray[np.int64], claimed: NDArray[np.float64], samples: int, seed: int
) -> NDArray[np.float64]:
    """Calibration errors (samples) that chance gives a model whose confidences are all true.

    The sum of a bin's gaps is then about normal with the variance of independent Bernoulli draws.
    """
    deviation = np.sqrt(np.bincount(bins, claimed * (1 - claimed), minlength=BINS)) / len(bins)
    drawn = np.random.default_rng(seed).standard_normal((samples, BINS)) * deviation
    return np.asarray(np.abs(drawn).sum(axis=1))


def _error_interval(
    resampled: NDArray[np.float64], ece: float, by_chance: float, confidence: float
) -> list[float]:
    """``[low, high]`` of the calibration error that a test set without end would show, at least 0.

    The error is biased upwards, and resampling adds the bias once more. The bias is known to be between what
    resampling adds and what chance gives a calibrated model: the upper end takes off the one, the lower the
    other. Simulated coverage of a nominal 95 %: see docs/verdict.md.
    """
    low, high = percentile_interval(resampled, confidence)
    centre = float(resampled.mean())
    added = max(0.0, centre - ece)
    return [
        max(0.0, ece - max(by_chance, added) - (high - centre)),
        max(0.0, ece - min(by_chance, added) + (centre - low)),
    ]


def _reliability(
    bins: NDArray[np.int64], claimed: NDArray[np.float64], right: NDArray[np.float64], confidence: float
) -> list[dict[str, Any]]:
    """The bins that have rows; the interval is Wilson's of the accuracy, which holds for few rows too."""
    from scipy.stats import binomtest

    curve = []
    for number in np.unique(bins):
        inside = bins == number
        rows, correct = int(inside.sum()), int(right[inside].sum())
        interval = binomtest(correct, rows).proportion_ci(confidence, method="wilson")
        curve.append(
            {
                "low": round(float(number) / BINS, 6),
                "high": round(float(number + 1) / BINS, 6),
                "rows": rows,
                "confidence": float(claimed[inside].mean()),
                "accuracy": correct / rows,
                "interval": [float(interval.low), float(interval.high)],
            }
        )
    return curve
