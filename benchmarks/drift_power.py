"""How often each planted drift is found in real reviews, and how often an alarm is false.

    python benchmarks/drift_power.py womens_clothing_reviews.csv --repeats 20 --controls 200

Two disjoint random samples of the file are the champion's reviews and the new ones; drift is planted in the
latter. The judge is the shipped code with the shipped limits. The champion is a naive Bayes model of its own
sample. Alarms count by the gate that must see the drift, and of the controls by any gate.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd  # noqa: TID253 - a program of its own

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))

from sentiment_retrain.analysis import concept, drift  # noqa: E402
from sentiment_retrain.data.reviews import parse_reviews  # noqa: E402
from sentiment_retrain.data.text import normalize  # noqa: E402
from sentiment_retrain.settings import load_settings  # noqa: E402
from sentiment_retrain.statistics import confusion  # noqa: E402
from sentiment_retrain.verdict import gates_drift  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIZES = (0.1, 0.25, 0.5)
_VOCABULARY = 4000


class NaiveBayes:
    """A quick champion: multinomial naive Bayes with equal priors."""

    def __init__(self, reviews: pd.DataFrame) -> None:
        counts = pd.Series(" ".join(reviews["tokens"]).split(" ")).value_counts()[:_VOCABULARY]
        self._places = {word: i for i, word in enumerate(counts.index)}
        totals = np.ones((3, len(self._places)))
        for text, sentiment in zip(reviews["tokens"], reviews["sentiment"], strict=True):
            np.add.at(totals[int(sentiment) + 1], self._known(text), 1)
        self._weights = np.log(totals / totals.sum(axis=1, keepdims=True))

    def _known(self, text: str) -> list[int]:
        return [self._places[word] for word in text.split(" ") if word in self._places]

    def matrix(self, reviews: pd.DataFrame) -> NDArray[np.int64]:
        """Confusion matrix on reviews."""
        said = [
            int(self._weights[:, self._known(text)].sum(axis=1).argmax()) - 1 for text in reviews["tokens"]
        ]
        return confusion.confusion_matrix(
            reviews["sentiment"].to_numpy(np.int64), np.asarray(said, dtype=np.int64)
        )


def chosen(new: pd.DataFrame, share: float, draw: np.random.Generator) -> NDArray[np.bool_]:
    """A random share of the rows."""
    return np.asarray(draw.random(len(new)) < share)


def more_of_a_category(new: pd.DataFrame, share: float, draw: np.random.Generator) -> pd.DataFrame:
    """A share of the rows becomes reviews of the second most frequent category."""
    name = new["product_category"].value_counts().index[1]
    rows = new[new["product_category"] == name].sample(
        len(new), replace=True, random_state=draw.integers(2**31)
    )
    mask = chosen(new, share, draw)
    mixed: pd.DataFrame = pd.concat([new[~mask], rows[: int(mask.sum())]])
    return mixed


def shorter(new: pd.DataFrame, share: float, draw: np.random.Generator) -> pd.DataFrame:
    """A share of the reviews is cut to its first 25 words."""
    cut = new["tokens"].map(lambda text: " ".join(text.split(" ")[:25]))
    return new.assign(tokens=np.where(chosen(new, share, draw), cut, new["tokens"]))


def other_words(new: pd.DataFrame, share: float, draw: np.random.Generator) -> pd.DataFrame:
    """A share of the reviews ends in words of an app's template."""
    template = " posted from the shopping app verified buyer reward points campaign autumn"
    return new.assign(tokens=np.where(chosen(new, share, draw), new["tokens"] + template, new["tokens"]))


def more_negative(new: pd.DataFrame, share: float, draw: np.random.Generator) -> pd.DataFrame:
    """A share of the rows becomes negative reviews."""
    rows = new[new["sentiment"] == -1].sample(len(new), replace=True, random_state=int(draw.integers(2**31)))
    mask = chosen(new, share, draw)
    mixed: pd.DataFrame = pd.concat([new[~mask], rows[: int(mask.sum())]])
    return mixed


def other_meaning(new: pd.DataFrame, share: float, draw: np.random.Generator) -> pd.DataFrame:
    """A share of the ratings is given for something else than the text says."""
    moved = draw.permutation(new["sentiment"].to_numpy())
    return new.assign(sentiment=np.where(chosen(new, share, draw), moved, new["sentiment"]))


PLANTED: dict[str, tuple[Callable[..., pd.DataFrame], str]] = {
    "category": (more_of_a_category, "category_psi"),
    "length": (shorter, "length_psi"),
    "words": (other_words, "vocabulary_jensen_shannon"),
    "labels": (more_negative, "label_cramers_v"),
    "concept": (other_meaning, "concept_drift"),
}


class Judge:
    """The shipped gates on a pair of samples."""

    def __init__(self, before: pd.DataFrame, tested: pd.DataFrame) -> None:
        self._limits = load_settings().gates
        self._profile = drift.profile(before)
        self._model = NaiveBayes(before)
        self._tested = self._model.matrix(tested)

    def alarms(self, new: pd.DataFrame, seed: int) -> dict[str, float | None]:
        """The effect of every question that raises an alarm."""
        measures: dict[str, Any] = drift.compare(self._profile, drift.profile(new))
        found: dict[str, float | None] = {}
        for name in measures:
            alone = {key: {**value, "value": 0.0} for key, value in measures.items()} | {name: measures[name]}
            if gates_drift.drift(alone, self._limits.drift).status != "pass":
                found[name] = float(measures[name]["value"])
        read = concept.compare(
            self._tested.tolist(), self._model.matrix(new).tolist(), confidence=0.95, samples=2000, seed=seed
        )
        gate = gates_drift.concept_drift(read, self._limits.concept_drift, self._limits.drift.significance)
        return found | ({"concept_drift": read["value"]} if gate.status != "pass" else {})


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reviews", type=Path)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--controls", type=int, default=200)
    parser.add_argument("--rows", type=int, default=1000, help="new reviews")
    options = parser.parse_args()
    reviews = parse_reviews(options.reviews.read_bytes(), load_settings()).accepted
    reviews = reviews.assign(tokens=[normalize(text) for text in reviews["review_body"]])
    started, false_alarms = time.monotonic(), 0
    seen: dict[tuple[str, float], int] = {}
    for number in range(options.controls):
        draw = np.random.default_rng(number)
        if number % 10 == 0:
            mixed = reviews.iloc[draw.permutation(len(reviews))]
            judge, rest = Judge(mixed[:6000], mixed[6000:8000]), mixed[8000:]
        new = rest.iloc[draw.permutation(len(rest))[: options.rows]]
        false_alarms += bool(judge.alarms(new, number))
        if number < options.repeats:
            for kind, (plant, question) in PLANTED.items():
                for size in SIZES:
                    found = question in judge.alarms(plant(new, size, draw), number)
                    seen[kind, size] = seen.get((kind, size), 0) + found
    for kind in PLANTED:
        shares = (f"{size:.0%}: {seen[kind, size] / options.repeats:.0%}" for size in SIZES)
        sys.stdout.write(f"{kind:10}  {'  '.join(shares)}\n")
    sys.stdout.write(f"false alarms of any gate: {false_alarms} of {options.controls}\n")
    sys.stdout.write(f"{time.monotonic() - started:.0f} s\n")


if __name__ == "__main__":
    main()
