"""Drifts to plant in reviews, and a quick champion to read them: for `drift_power.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd  # noqa: TID253 - part of a program of its own

from sentiment_retrain.statistics import confusion

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_VOCABULARY = 4000
_TEMPLATE = " posted from the shopping app verified buyer reward points campaign autumn"


class NaiveBayes:
    """A quick champion: multinomial naive Bayes with equal priors."""

    def __init__(self, reviews: pd.DataFrame) -> None:
        """reviews: with ``tokens`` and ``sentiment``."""
        counts = pd.Series(" ".join(reviews["tokens"]).split(" ")).value_counts()[:_VOCABULARY]
        self._places = {str(word): i for i, word in enumerate(counts.index)}
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

    def attributions(self, reviews: pd.DataFrame) -> list[dict[str, list[float]]]:
        """What each word adds to the score of each class: exact, because the model is a sum.

        In the form of `sentiment_retrain.analysis.attribution_drift.by_review`; punctuation is left out.
        """
        added = self._weights - self._weights.mean(axis=0)
        found = []
        for text in reviews["tokens"]:
            words: dict[str, list[float]] = {}
            for word in text.split(" "):
                if any(map(str.isalnum, word)):
                    pull = added[:, self._places[word]] if word in self._places else np.zeros(3)
                    before = words.get(word, [0.0] * 4)
                    words[word] = [total + float(x) for total, x in zip(before, [*pull, 1], strict=True)]
            found.append(words)
        return found


def _chosen(new: pd.DataFrame, share: float, draw: np.random.Generator) -> NDArray[np.bool_]:
    return np.asarray(draw.random(len(new)) < share)


def _replaced(new: pd.DataFrame, rows: pd.DataFrame, share: float, draw: np.random.Generator) -> pd.DataFrame:
    """``new`` with a share of its rows replaced by some of ``rows``."""
    mask = _chosen(new, share, draw)
    others = rows.sample(int(mask.sum()), replace=True, random_state=int(draw.integers(2**31)))
    mixed: pd.DataFrame = pd.concat([new[~mask], others])
    return mixed


def more_of_a_category(new: pd.DataFrame, share: float, draw: np.random.Generator) -> pd.DataFrame:
    """A share of the rows becomes reviews of the second most frequent category."""
    name = new["product_category"].value_counts().index[1]
    return _replaced(new, new[new["product_category"] == name], share, draw)


def shorter(new: pd.DataFrame, share: float, draw: np.random.Generator) -> pd.DataFrame:
    """A share of the reviews is cut to two fifths of the median length, as by a narrow column."""
    words = [text.split(" ") for text in new["tokens"]]
    kept = max(1, round(0.4 * float(np.median([len(text) for text in words]))))
    cut = [" ".join(text[:kept]) for text in words]
    return new.assign(tokens=np.where(_chosen(new, share, draw), cut, new["tokens"]))


def other_words(new: pd.DataFrame, share: float, draw: np.random.Generator) -> pd.DataFrame:
    """A share of the reviews ends in words of an app's template."""
    return new.assign(tokens=np.where(_chosen(new, share, draw), new["tokens"] + _TEMPLATE, new["tokens"]))


def more_negative(new: pd.DataFrame, share: float, draw: np.random.Generator) -> pd.DataFrame:
    """A share of the rows becomes negative reviews."""
    return _replaced(new, new[new["sentiment"] == -1], share, draw)


def other_meaning(new: pd.DataFrame, share: float, draw: np.random.Generator) -> pd.DataFrame:
    """A share of the ratings is given for something else than the text says."""
    moved = draw.permutation(new["sentiment"].to_numpy())
    return new.assign(sentiment=np.where(_chosen(new, share, draw), moved, new["sentiment"]))


#: What is planted, and the question that must see it.
PLANTED: dict[str, tuple[Callable[[pd.DataFrame, float, np.random.Generator], pd.DataFrame], str]] = {
    "category": (more_of_a_category, "category_psi"),
    "length": (shorter, "length_psi"),
    "words": (other_words, "vocabulary_jensen_shannon"),
    "labels": (more_negative, "label_cramers_v"),
    "concept": (other_meaning, "concept_drift"),
}
