"""Whether two samples of reviews rank words alike, beyond the chance of which reviews they are."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_retrain.analysis import attribution_drift

WORDS = [f"w{i}" for i in range(120)]
TOKENS = 20


def sample(
    draw: np.random.Generator, strengths: np.ndarray, reviews: int = 24
) -> list[dict[str, list[float]]]:
    """Reviews of some thirty words, each word as strong as `strengths` says, give or take."""
    frequency = 1 / np.arange(2, len(WORDS) + 2)
    found = []
    for _ in range(reviews):
        words = draw.choice(len(WORDS), size=30, p=frequency / frequency.sum())
        review: dict[str, list[float]] = {}
        for word in words:
            pull = float(strengths[word] * draw.normal(1, 0.5))
            before = review.get(WORDS[word], [0.0, 0.0, 0.0, 0])
            review[WORDS[word]] = [before[0] + pull, before[1], before[2] - pull, before[3] + 1]
        found.append(review)
    return found


def line(review: dict[str, list[float]]) -> str:
    parts = [
        {"attribution": values[:3], "description": {"partial_text": token, "start_idx": 0}}
        for token, values in review.items()
    ]
    return json.dumps({"explanations": [{"attributions": parts, "feature_name": "review_body"}]})


@pytest.fixture
def strengths() -> np.ndarray:
    return np.asarray(np.random.default_rng(1).gamma(0.5, 0.1, len(WORDS)))


def test_importance_is_the_mean_over_occurrences_and_sorted() -> None:
    found = attribution_drift.importance(
        [
            {"love": [-0.2, -0.1, 0.3, 1], "it": [0, 0.01, 0, 1]},
            {"love": [-0.1, -0.1, 0.1, 1], "also": [0.2, 0, 0, 20]},
        ]
    )
    assert found == {"love": pytest.approx(0.45), "also": pytest.approx(0.01), "it": pytest.approx(0.01)}
    assert list(found) == ["love", "also", "it"]


def test_reversed_ranking_agrees_less_by_the_known_amount() -> None:
    rankings = np.array([[3.0, 1.0], [3.0, 1.0]])
    found = attribution_drift.ndcg(rankings, np.array([[1.0, 3.0], [6.0, 2.0]]), 2)
    assert found == pytest.approx([(1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)), 1.0])


def test_only_the_most_important_tokens_count() -> None:
    baseline = np.array([[5.0, 4.0, 1.0]])
    assert attribution_drift.ndcg(baseline, np.array([[2.0, 1.0, 9.0]]), 2) == pytest.approx(1.0)
    assert attribution_drift.ndcg(baseline, np.array([[2.0, 1.0, 9.0]]), 3) < 0.9


SCORES = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), min_size=1, max_size=8)


@given(SCORES)
def test_agreement_is_between_0_and_1(scores: list[tuple[float, float]]) -> None:
    baseline, current = np.array(scores).T[:, None, :]
    assert 0 <= attribution_drift.ndcg(baseline, current, 5)[0] <= 1 + 1e-9


def test_lines_are_read_by_review(strengths: np.ndarray) -> None:
    draw = np.random.default_rng(2)
    one, other = ([{t: [*v[:3], 1] for t, v in r.items()} for r in sample(draw, strengths)] for _ in "12")
    assert attribution_drift.by_review(map(line, one)) == one
    rankings = [attribution_drift.importance(side) for side in (one, other)]
    names = sorted({*rankings[0], *rankings[1]})
    values = [np.array([[ranking.get(name, 0.0) for name in names]]) for ranking in rankings]
    expected = attribution_drift.ndcg(values[0], values[1], TOKENS)[0]
    assert attribution_drift.compare(one, other, TOKENS)["ndcg"] == pytest.approx(expected, abs=1e-9)


def test_false_alarms_are_as_frequent_as_the_level(strengths: np.ndarray) -> None:
    draw = np.random.default_rng(3)
    found = [
        attribution_drift.compare(sample(draw, strengths), sample(draw, strengths), TOKENS)["p_value"]
        for _ in range(40)
    ]
    # Of 40 draws of probability 0.1 more than 9 have a probability of 0.5 %, none of 1.5 %.
    assert 1 <= sum(p <= 0.1 for p in found) <= 9
    assert 0.3 < float(np.mean(found)) < 0.7


def test_other_words_deciding_is_found(strengths: np.ndarray) -> None:
    draw = np.random.default_rng(4)
    leaked = strengths.copy()
    leaked[np.argsort(-strengths)[:20]] = 0.0
    found = attribution_drift.compare(sample(draw, strengths), sample(draw, leaked), TOKENS)
    assert found["p_value"] < 0.01
    assert found["ndcg"] < 0.7


def test_order_of_reviews_does_not_matter(strengths: np.ndarray) -> None:
    draw = np.random.default_rng(5)
    one, other = sample(draw, strengths), sample(draw, strengths)
    assert attribution_drift.compare(one, other, TOKENS) == attribution_drift.compare(
        one[::-1], other[::-1], TOKENS
    )


def test_files_of_before_hold_no_reviews() -> None:
    assert attribution_drift.kept_reviews(None) is None
    assert attribution_drift.kept_reviews({"love": 0.2, "reviews": 0.1}) is None
    kept = {"importance": {"love": 0.2}, "reviews": [{"love": [0.1, 0.0, -0.1, 1]}]}
    assert attribution_drift.kept_reviews(kept) == kept["reviews"]


def test_an_empty_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="0 and 1 reviews"):
        attribution_drift.compare([], [{"love": [0.1, 0.0, -0.1, 1]}], TOKENS)
