"""Do the same words decide as before, or is the difference of two rankings that of two samples of reviews?

Two samples of a few dozen reviews never rank words alike. The test asks how well rankings would agree if the
same reviews had fallen into the two samples otherwise: a permutation test of the agreement.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment_retrain.analysis import attributions
from sentiment_retrain.data.datasets import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    #: ``{token: [sum of its attributions to each class …, occurrences]}`` of one review.
    Review = Mapping[str, Sequence[float]]

_PERMUTATIONS = 999


def compare(
    baseline: Sequence[Review], current: Sequence[Review], tokens: int, seed: int = 0
) -> dict[str, float]:
    """Agreement of the rankings of words in two samples of reviews, read by the same model.

    :param baseline: :func:`by_review`'s of the champion's run
    :param current: the same of the new reviews
    :param tokens: how many of the baseline's most important tokens count
    :param seed: of the permutations
    :return: ``ndcg`` (:func:`ndcg`'s) and ``p_value``: the share of
        random divisions of all reviews into samples of these sizes that agree as little; at least 1 / 1000
    :raises ValueError: when a sample is empty
    """
    if not baseline or not current:
        raise ValueError(f"samples of {len(baseline)} and {len(current)} reviews; each needs one")
    # A division is decided by the place of a review, so that place must not depend on who wrote the file.
    reviews = [*_sorted(baseline), *_sorted(current)]
    names = sorted({token for review in reviews for token in review})
    table = _table(reviews, names)
    observed_sides = np.arange(len(reviews))[None, :] < len(baseline)
    draw = np.random.default_rng(seed)
    drawn_sides = draw.permuted(np.repeat(observed_sides, _PERMUTATIONS, axis=0), axis=1)
    agreement = _agreement(table, np.concatenate([observed_sides, drawn_sides]), tokens)
    as_little = int((agreement[1:] <= agreement[0] + 1e-12).sum())
    return {"ndcg": float(agreement[0]), "p_value": (1 + as_little) / (1 + _PERMUTATIONS)}


def by_review(lines: Iterable[str]) -> list[dict[str, list[float]]]:
    """What each review says of each token: its attributions to the classes summed, and its occurrences.

    :param lines: the lines of out.jsonl
    :raises ResultMalformed: when a line is not of the documented form
    """
    reviews = []
    for line in lines:
        if not line.strip():
            continue
        found: dict[str, list[float]] = collections.defaultdict(lambda: [0.0] * (len(LABELS) + 1))
        for token, values in attributions.occurrences([line]):
            found[token] = [total + value for total, value in zip(found[token], [*values, 1], strict=True)]
        reviews.append(dict(found))
    return reviews


def importance(reviews: Sequence[Review]) -> dict[str, float]:
    """``{token: mean attribution over its occurrences, its absolute values summed over the classes}``.

    The most important token is first, of equal ones the first by name.
    """
    names = sorted({token for review in reviews for token in review})
    scores = _importance(_table(reviews, names).sum(axis=0, keepdims=True))[0]
    return {names[place]: float(scores[place]) for place in np.argsort(-scores, kind="stable")}


def kept_reviews(document: Any) -> list[Review] | None:
    """The reviews of an ``attributions.json``; None for one written before it held any, or for no file."""
    reviews = document.get("reviews") if isinstance(document, dict) else None
    return reviews if isinstance(reviews, list) and reviews else None


def _sorted(reviews: Sequence[Review]) -> list[Review]:
    return sorted(reviews, key=lambda review: sorted((token, *values) for token, values in review.items()))


def _table(reviews: Sequence[Review], names: Sequence[str]) -> NDArray[np.float64]:
    """Sums and occurrences, of shape (reviews, tokens * (classes + 1))."""
    places = {name: place for place, name in enumerate(names)}
    table = np.zeros((len(reviews), len(names), len(LABELS) + 1))
    for row, review in enumerate(reviews):
        for token, values in review.items():
            table[row, places[token]] = values
    return table.reshape(len(reviews), -1)


def _agreement(
    table: NDArray[np.float64], sides: NDArray[np.bool_], tokens: int, block: int = 100
) -> NDArray[np.float64]:
    """NDCG of each division, of shape (divisions,); ``sides``: (divisions, reviews), True is the baseline."""
    parts = []
    for start in range(0, len(sides), block):
        chosen = sides[start : start + block].astype(np.float64)
        parts.append(ndcg(_importance(chosen @ table), _importance((1 - chosen) @ table), tokens))
    return np.concatenate(parts)


def _importance(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean absolute attribution summed over classes, of shape (divisions, tokens); 0 where a token is not."""
    values = sums.reshape(len(sums), -1, len(LABELS) + 1)
    importance: NDArray[np.float64] = np.abs(values[..., :-1]).sum(axis=2) / np.maximum(values[..., -1], 1)
    return importance


def ndcg(baseline: NDArray[np.float64], current: NDArray[np.float64], tokens: int) -> NDArray[np.float64]:
    """Agreement of two rankings of the baseline's most important tokens: 1 the same order, towards 0 another.

    Normalised discounted cumulative gain, with the baseline's importance as the gain, as SageMaker Model
    Monitor measures feature attribution drift. Equal values rank by place, so by name.

    :param baseline: importance of each token, of shape (comparisons, tokens), as is ``current``; 0 where a
        token is not
    :param tokens: how many of the baseline's most important tokens count
    :return: of shape (comparisons,)
    """
    followed = np.argsort(-baseline, axis=1, kind="stable")[:, :tokens]
    # Of equally important tokens the first by name is first, as the baseline's own rank does not count.
    followed_by_name = np.sort(followed, axis=1)
    now = np.take_along_axis(current, followed_by_name, axis=1)
    order = np.take_along_axis(followed_by_name, np.argsort(-now, axis=1, kind="stable"), axis=1)
    discounts = 1 / np.log2(np.arange(followed.shape[1]) + 2)
    ideal = np.take_along_axis(baseline, followed, axis=1) @ discounts
    gained = np.take_along_axis(baseline, order, axis=1) @ discounts
    agreement: NDArray[np.float64] = np.divide(gained, ideal, out=np.ones_like(gained), where=ideal > 0)
    return agreement
