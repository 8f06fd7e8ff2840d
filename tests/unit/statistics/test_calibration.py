"""Calibration: worked out by hand, and told from chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sentiment_retrain.statistics import calibration

if TYPE_CHECKING:
    from numpy.typing import NDArray


def scores(true: list[int], predicted: list[int], probabilities: list[list[float]]) -> dict[str, Any]:
    return calibration.probability_scores(
        np.array(true), np.array(predicted), np.array(probabilities), confidence=0.95, samples=200, seed=1
    )


def drawn(rows: int, sharpening: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sentiments, and probabilities that are true where ``sharpening`` is 1 and too sure above."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(size=(rows, 3)) * 1.5
    truth = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    sharp = np.exp(sharpening * logits)
    labels = (truth.cumsum(axis=1) > draw.random((rows, 1))).argmax(axis=1) - 1
    return labels, sharp / sharp.sum(axis=1, keepdims=True)


def judged(rows: int, sharpening: float, seed: int) -> dict[str, Any]:
    true, probabilities = drawn(rows, sharpening, seed)
    return calibration.probability_scores(
        true, probabilities.argmax(axis=1) - 1, probabilities, confidence=0.95, samples=300, seed=seed
    )


def test_error_and_curve_worked_out_by_hand() -> None:
    probabilities = [[0.0, 0.1, 0.9], [0.05, 0.05, 0.9], [0.2, 0.5, 0.3], [0.2, 0.5, 0.3]]
    found = scores([1, -1, 0, 0], [1, 1, 0, 0], probabilities)
    # Sure rows: 0.9 said, 0.5 right; unsure ones: 0.5 said, both right.
    assert found["ece"] == pytest.approx(0.5 * 0.4 + 0.5 * 0.5)
    low, high = found["reliability"]
    assert (low["rows"], low["confidence"], low["accuracy"]) == (2, 0.5, 1.0)
    assert (high["rows"], high["confidence"], high["accuracy"]) == (2, 0.9, 0.5)
    assert high["low"] < 0.9 <= high["high"]
    assert found["log_loss"] == pytest.approx(-(math.log(0.9) + math.log(0.05) + 2 * math.log(0.5)) / 4)
    sure = 0.01 + 0.01, 0.95**2 + 0.05**2 + 0.9**2
    assert found["brier"] == pytest.approx((sum(sure) + 2 * (0.04 + 0.25 + 0.09)) / 4)


def test_true_probabilities_are_not_called_miscalibrated() -> None:
    found = [judged(1500, 1.0, seed) for seed in range(60)]
    assert sum(one["ece_p_value"] < 0.05 for one in found) <= 8
    assert sum(one["intervals"]["ece"][0] == 0 for one in found) >= 54


def test_too_sure_probabilities_are() -> None:
    found = judged(1500, 2.0, 1)
    assert found["ece_p_value"] < 0.01
    assert found["intervals"]["ece"][0] > 0.05
    assert found["ece"] > 3 * found["ece_if_calibrated"]
    assert all(entry["confidence"] > entry["accuracy"] for entry in found["reliability"][-5:])


def test_probabilities_that_do_not_sum_to_one_are_scaled() -> None:
    once = scores([1, 0], [1, 0], [[0.1, 0.2, 0.7], [0.2, 0.6, 0.2]])
    again = scores([1, 0], [1, 0], [[0.2, 0.4, 1.4], [1.0, 3.0, 1.0]])
    for name in ("log_loss", "brier", "ece"):
        assert again[name] == pytest.approx(once[name])


@pytest.mark.parametrize(("claimed", "number"), [(0.0, 0), (1 / 15, 0), (0.0667, 1), (0.5, 7), (1.0, 14)])
def test_bins_are_closed_above(claimed: float, number: int) -> None:
    assert calibration.bin_of(np.array([claimed]))[0] == number
