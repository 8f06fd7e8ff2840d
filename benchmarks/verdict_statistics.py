"""How often the verdict's intervals hold the truth and its comparison errs: figures of docs/verdict.md.

    .venv/bin/python benchmarks/verdict_statistics.py

Test sets are drawn from a made-up world whose truth is known: reviews as unequally divided among the
sentiments as the clothing reviews, and models that answer at random, with fixed probabilities for each true
sentiment. The product's own functions judge each test set, with the shipped number of bootstrap samples.

1. Intervals of the scores: the share of test sets whose 95 % interval holds the model's true score.
2. Log loss, Brier score, calibration error: the same, of a calibrated model and of one that is too sure.
   Their true values are those of two million rows.
3. Comparison: two contenders and a champion that are equally good, and answer alike in part. How often does
   one contender's interval lie above 0, how often is McNemar's p-value below 5 %, how often does the better
   contender replace the champion?

A share's own 95 % interval (Clopper & Pearson 1934) stands behind it.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))

from sentiment_retrain.settings import load_settings  # noqa: E402
from sentiment_retrain.statistics import calibration, confusion  # noqa: E402
from sentiment_retrain.verdict import selection  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

#: Shares of negative, neutral and positive among the clothing reviews.
SHARES = np.array([0.11, 0.12, 0.77])
#: Probability of each answer by true sentiment: balanced accuracy .67, as both contenders have there.
ANSWERS = np.array([[0.64, 0.27, 0.09], [0.22, 0.50, 0.28], [0.03, 0.10, 0.87]])
TEST_ROWS = (200, 500, 2000)
#: Of three models' answers to a review so many are one and the same.
_ALIKE = 0.6
_MANY = 2_000_000
_LOG_SECONDS = 15.0


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=2000, help="test sets of 1 and 3")
    parser.add_argument("--calibration-sets", type=int, default=500, help="test sets of 2")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.monotonic()
    say(f"seed {options.seed}, {load_settings().selection.bootstrap_samples} bootstrap samples\n")
    scores(options.sets, options.seed)
    probabilities(options.calibration_sets, options.seed)
    comparison(options.sets, options.seed)
    say(f"{time.monotonic() - started:.0f} s")


def scores(sets: int, seed: int) -> None:
    """Part 1."""
    rules = load_settings().selection
    world = SHARES[:, None] * ANSWERS
    truth = _values(np.asarray(world * 10**12, dtype=np.int64))
    for rows in TEST_ROWS:
        draw = np.random.default_rng([seed, rows])
        held = dict.fromkeys(truth, 0)
        for number in progress(sets, f"{rows} test reviews"):
            matrix = draw.multinomial(rows, world.reshape(-1)).reshape(world.shape)
            overall, by_class = confusion.all_intervals(
                matrix, confidence=rules.confidence, samples=rules.bootstrap_samples, seed=number
            )
            ranges = overall | {
                f"{name} of {label}": by_class[label][name] for label in by_class for name in by_class[label]
            }
            for name, (low, high) in ranges.items():
                held[name] += low <= truth[name] <= high
        say(f"1. {sets} sets of {rows} reviews: the 95 % interval holds the truth in")
        say_shares(held, sets)


def _values(matrix: NDArray[np.int64]) -> dict[str, float]:
    overall = {name: float(value) for name, value in confusion.matrix_metrics(matrix).items()}
    by_class = confusion.per_class(matrix)
    return overall | {
        f"{name} of {label}": by_class[label][name] for label in by_class for name in confusion.CLASS_METRICS
    }


def probabilities(sets: int, seed: int, rows: int = 2000) -> None:
    """Part 2."""
    rules = load_settings().selection
    for name, power in (("calibrated", 1.0), ("too sure", 2.0)):
        draw = np.random.default_rng([seed, int(power)])
        truth = _true_scores(*_claims(draw, _MANY, power))
        held = dict.fromkeys(truth, 0)
        for number in progress(sets, name):
            found = calibration.probability_scores(
                *_claims(draw, rows, power),
                confidence=rules.confidence,
                samples=rules.bootstrap_samples,
                seed=number,
            )["intervals"]
            for score, value in truth.items():
                # An error of 0 is 0 but for the rounding of two million rows.
                held[score] += found[score][0] <= value + 1e-3 * (value < 0.005) and value <= found[score][1]
        say(f"2. {sets} sets of {rows} reviews, a model that is {name} (ECE {truth['ece']:.3f}):")
        say_shares(held, sets)


def _claims(
    draw: np.random.Generator, rows: int, power: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Truth, answers and claimed probabilities; the claims are the true odds to a power, 1: calibrated."""
    scores = draw.normal([0.0, 0.0, 2.0], 1.5, size=(rows, 3))
    odds = np.exp(scores)
    true = (odds.cumsum(axis=1) < draw.random((rows, 1)) * odds.sum(axis=1, keepdims=True)).sum(axis=1) - 1
    claimed = calibration.scaled_rows(odds**power)
    return true, claimed.argmax(axis=1) - 1, claimed


def _true_scores(
    true: NDArray[np.int64], said: NDArray[np.int64], claimed: NDArray[np.float64]
) -> dict[str, float]:
    sure = claimed.max(axis=1)
    gaps = np.bincount(calibration.bin_of(sure), sure - (true == said), minlength=calibration.BINS)
    return {
        "log_loss": float(calibration.log_losses(true, claimed).mean()),
        "brier": float(calibration.brier_scores(true, claimed).mean()),
        "ece": float(np.abs(gaps).sum() / len(true)),
    }


def comparison(sets: int, seed: int) -> None:
    """Part 3."""
    settings = load_settings()
    auto = selection.Circumstances("auto", "manual", "2026-01-02", "2026-01-01")
    for rows in TEST_ROWS[1:]:
        draw = np.random.default_rng([seed, rows, 3])
        held = dict.fromkeys(
            ("interval above 0", "interval without 0", "McNemar exact", "McNemar mid-p", "replaced"), 0
        )
        for _ in progress(sets, f"comparison on {rows} reviews"):
            true = draw.choice([-1, 0, 1], size=rows, p=SHARES)
            one, other, champion = (
                _entrant(name, true, answers)
                for name, answers in zip(
                    ("autopilot", "blazingtext", "champion"), _answers(draw, true), strict=True
                )
            )
            truth = true.tolist()
            alone = selection.select([one], champion, truth, auto, settings.selection, settings.gates.floor)[
                "paired"
            ]["champion"]
            verdict = selection.select(
                [one, other], champion, truth, auto, settings.selection, settings.gates.floor
            )
            low, high = alone["interval"]
            held["interval above 0"] += low > 0
            held["interval without 0"] += not low <= 0 <= high
            held["McNemar exact"] += alone["mcnemar_p"] < 1 - settings.selection.confidence
            held["McNemar mid-p"] += alone["mcnemar_mid_p"] < 1 - settings.selection.confidence
            held["replaced"] += verdict["action"] == "deploy"
        say(f"3. {sets} sets of {rows} reviews, equal models ({settings.selection.metric}):")
        say_shares(held, sets)


def _answers(draw: np.random.Generator, true: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Three models' answers: one and the same to some reviews, independent ones to the others."""
    limits = ANSWERS.cumsum(axis=1)[true + 1]
    alike, shared = draw.random(len(true)) < _ALIKE, draw.random(len(true))
    for _ in range(3):
        dice = np.where(alike, shared, draw.random(len(true)))
        yield np.minimum((limits < dice[:, None]).sum(axis=1), 2) - 1


def _entrant(name: str, true: NDArray[np.int64], said: NDArray[np.int64]) -> selection.Entrant:
    matrix = confusion.confusion_matrix(true, said)
    values = {key: float(value) for key, value in confusion.matrix_metrics(matrix).items()}
    # Of the winner's own interval only its sentence makes use.
    ranges = {key: [value, value] for key, value in values.items()}
    test = {
        "n": len(true),
        **values,
        "intervals": ranges,
        "baseline": confusion.majority_baseline(matrix),
    }
    return selection.Entrant(name, test, said.tolist(), name, name)


def progress(number: int, what: str) -> Iterator[int]:
    """Count to a number, and say now and then how far it is."""
    told = time.monotonic()
    for done in range(number):
        if time.monotonic() - told > _LOG_SECONDS:
            told = time.monotonic()
            sys.stderr.write(f"{what}: {done} of {number}\n")
        yield done


def say_shares(held: dict[str, int], of: int) -> None:
    """A line for each share, with its exact interval."""
    from scipy.stats import binomtest

    for name, hits in held.items():
        found = binomtest(hits, of).proportion_ci(0.95, method="exact")
        say(f"   {name:22}{hits / of:7.1%}  ({found.low:.1%} to {found.high:.1%})")
    say("")


def say(*lines: str) -> None:
    """Print at once."""
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
