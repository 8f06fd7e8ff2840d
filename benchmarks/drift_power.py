"""How often each planted drift is found in real reviews, and how often an alarm is false.

    .venv/bin/python benchmarks/drift_power.py womens_clothing_reviews.csv --part setting
    .venv/bin/python benchmarks/drift_power.py womens_clothing_reviews.csv --part judging
    .venv/bin/python benchmarks/drift_power.py another_file.csv --part whole

A hash of its text puts every row of a file in one of two halves. Limits are set by what `--part setting`
shows, and judged by `--part judging`, whose rows had no say in them; `--part whole` is for a file that no
limit was ever set by. Each control draws three disjoint random samples: the champion's reviews, its test
reviews and the new ones. In the controls nothing drifts; the first `--repeats` of them are asked again with a
drift planted in the new reviews. The judge is the shipped code with the shipped limits; the champion is a
naive Bayes model of its own reviews, whose attributions are exact. Planted drifts count by the question that
must see them. Intervals are exact binomial ones (Clopper & Pearson 1934) of 95 %; they take the controls for
independent, which samples of one file are only nearly.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))

from drift_plants import PLANTED, NaiveBayes  # noqa: E402
from sentiment_retrain.analysis import attribution_drift, concept, drift  # noqa: E402
from sentiment_retrain.data.reviews import parse_reviews  # noqa: E402
from sentiment_retrain.data.text import normalize  # noqa: E402
from sentiment_retrain.settings import load_settings  # noqa: E402
from sentiment_retrain.statistics.multiple_testing import family_level  # noqa: E402
from sentiment_retrain.verdict import gates_drift  # noqa: E402

if TYPE_CHECKING:
    import pandas as pd

SIZES = (0.1, 0.25, 0.5)
PARTS = ("setting", "judging", "whole")
_TEST_ROWS = 2000
_LOG_SECONDS = 20.0


@dataclass(frozen=True)
class Answer:
    """To one question: the effect, whether it is more than chance, and whether the gate says so."""

    effect: float
    significant: bool
    alarm: bool


class Judge:
    """The shipped gates on a champion's reviews."""

    def __init__(self, before: pd.DataFrame, tested: pd.DataFrame) -> None:
        """before: what the champion was trained on; tested: its test reviews."""
        settings = load_settings()
        self._limits, self._explained = settings.gates, settings.datasets.shap_rows
        self._profile = drift.profile(before)
        self._model = NaiveBayes(before)
        self._matrix = self._model.matrix(tested).tolist()
        self._words = self._model.attributions(self._to_explain(tested))

    def answers(self, new: pd.DataFrame, seed: int) -> dict[str, Answer]:
        """Answers of the questions about the reviews, by the gates' names for them."""
        limits = self._limits.drift
        measures: dict[str, Any] = drift.compare(self._profile, drift.profile(new))
        found = {}
        for name, measure in measures.items():
            alone = {key: {**value, "value": 0.0} for key, value in measures.items()} | {name: measure}
            found[name] = Answer(
                float(measure["value"]),
                measure["adjusted_p"] < family_level(limits.significance, len(measures)),
                gates_drift.drift(alone, limits).status != "pass",
            )
        return found | {"concept_drift": self._concept(new, seed)}

    def _concept(self, new: pd.DataFrame, seed: int) -> Answer:
        matrix = self._model.matrix(new).tolist()
        read = concept.compare(self._matrix, matrix, confidence=0.95, samples=2000, seed=seed)
        level = self._limits.drift.significance
        gate = gates_drift.concept_drift(read, self._limits.concept_drift, level)
        return Answer(read["value"], read["p_value"] < family_level(level, 1), gate.status != "pass")

    def words_that_decide(self, new: pd.DataFrame, seed: int) -> Answer:
        """Answer of attribution drift; its effect is the disagreement, 1 - NDCG."""
        limits, level = self._limits.attribution_drift, self._limits.drift.significance
        words = self._model.attributions(self._to_explain(new))
        read = attribution_drift.compare(self._words, words, limits.tokens, seed)
        gate = gates_drift.attribution_drift(
            read["ndcg"], limits, p_value=read["p_value"], significance=level
        )
        return Answer(1 - read["ndcg"], read["p_value"] < family_level(level, 1), gate.status != "pass")

    def _to_explain(self, reviews: pd.DataFrame) -> pd.DataFrame:
        return reviews.groupby("sentiment").head(self._explained // 3)


def part_of(reviews: pd.DataFrame, part: str) -> pd.DataFrame:
    """The rows of a part; the same text is always in the same half."""
    if part == "whole":
        return reviews
    halves = [hashlib.sha256(f"drift\0{text}".encode()).digest()[0] % 2 for text in reviews["tokens"]]
    half: pd.DataFrame = reviews[np.asarray(halves) == PARTS.index(part)]
    return half


def measure(
    reviews: pd.DataFrame, options: argparse.Namespace
) -> tuple[dict[str, list[Answer]], dict[tuple[str, float], list[Answer]]]:
    """Answers to each question without drift, and by what is planted and in which share of the rows."""
    quiet: dict[str, list[Answer]] = defaultdict(list)
    planted: dict[tuple[str, float], list[Answer]] = defaultdict(list)
    told = time.monotonic()
    for number in range(options.controls):
        draw = np.random.default_rng([options.seed, number])
        ends = np.cumsum([options.baseline, _TEST_ROWS, options.rows])
        mixed = reviews.iloc[draw.permutation(len(reviews))[: ends[-1]]]
        judge, new = Judge(mixed[: ends[0]], mixed[ends[0] : ends[1]]), mixed[ends[1] :]
        answers = judge.answers(new, number) | {"attribution_drift": judge.words_that_decide(new, number)}
        for name, answer in answers.items():
            quiet[name].append(answer)
        if number < options.repeats:
            for kind, (plant, question) in PLANTED.items():
                for size in SIZES:
                    found = judge.answers(plant(new, size, draw), number)[question]
                    planted[kind, size].append(found)
        if time.monotonic() - told > _LOG_SECONDS:
            told = time.monotonic()
            sys.stderr.write(f"{number + 1} of {options.controls} controls\n")
    return quiet, planted


def rate(hits: int, of: int) -> str:
    """A share with its exact 95 % interval."""
    from scipy.stats import binomtest

    found = binomtest(hits, of).proportion_ci(0.95, method="exact")
    return f"{hits} of {of} ({hits / of:.1%}, {found.low:.1%} to {found.high:.1%})"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reviews", type=Path)
    parser.add_argument("--part", choices=PARTS, default="judging")
    parser.add_argument("--repeats", type=int, default=20, help="of each planted drift")
    parser.add_argument("--controls", type=int, default=200, help="samples without drift")
    parser.add_argument("--baseline", type=int, default=4000, help="the champion's reviews")
    parser.add_argument("--rows", type=int, default=1000, help="new reviews")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    reviews = parse_reviews(options.reviews.read_bytes(), load_settings()).accepted
    reviews = part_of(
        reviews.assign(tokens=[normalize(text) for text in reviews["review_body"]]), options.part
    )
    needed = options.baseline + _TEST_ROWS + options.rows
    if len(reviews) < needed:
        parser.error(f"{len(reviews)} rows in this part, {needed} needed: lower --baseline or --rows")
    started = time.monotonic()
    quiet, planted = measure(reviews, options)
    write = sys.stdout.write
    write(f"{options.reviews.name}, {options.part}: {len(reviews)} rows; {options.baseline} before, ")
    write(f"{options.rows} new, seed {options.seed}\n\nfound, of {options.repeats} (median effect)\n")
    for kind in PLANTED:
        cells = [(sum(a.alarm for a in planted[kind, size]), planted[kind, size]) for size in SIZES]
        shares = (
            f"{size:.0%}: {hits / max(1, len(answers)):.0%} ({np.median([a.effect for a in answers]):.3f})"
            for size, (hits, answers) in zip(SIZES, cells, strict=True)
        )
        write(f"  {kind:26}{'   '.join(shares)}\n")
    write("\nwithout drift: effect, median and largest; more than chance; alarms\n")
    for name, answers in quiet.items():
        effects = [answer.effect for answer in answers]
        write(f"  {name:26}{np.median(effects):.4f}  {max(effects):.4f}  ")
        write(f"{sum(a.significant for a in answers)}  {sum(a.alarm for a in answers)}\n")
    together = list(zip(*quiet.values(), strict=True))
    for what, hits in (
        ("any test alone", sum(any(a.significant for a in row) for row in together)),
        ("any alarm", sum(any(a.alarm for a in row) for row in together)),
    ):
        write(f"  {what:26}{rate(hits, len(together))}\n")
    write(f"{time.monotonic() - started:.0f} s\n")


if __name__ == "__main__":
    main()
