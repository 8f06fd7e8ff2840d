"""Which words decide, from the lines that Clarify writes."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_retrain.analysis import attributions
from sentiment_retrain.errors import ResultMalformed


def line(*tokens: tuple[str, list[float]]) -> str:
    parts = [
        {"attribution": values, "description": {"partial_text": token, "start_idx": 0}}
        for token, values in tokens
    ]
    return json.dumps(
        {"explanations": [{"attributions": parts, "data_type": "free_text", "feature_name": "review_body"}]}
    )


LINES = [
    line(("I", [0.0, 0.0, 0.01]), ("love", [-0.2, -0.1, 0.3]), ("it.", [0.0, 0.01, 0.0])),
    line(("Love", [-0.1, -0.1, 0.1]), ("!", [0.5, 0.5, 0.5]), ("broke", [0.4, 0.0, -0.4])),
    "",
]


def test_mean_over_occurrences_of_a_word_however_it_is_written() -> None:
    means = attributions.token_attributions(LINES)
    assert means["love"] == pytest.approx([-0.15, -0.1, 0.2])
    assert means["it"] == [0.0, 0.01, 0.0]
    assert "!" not in means
    assert "" not in means


def test_top_tokens_of_each_class() -> None:
    top = attributions.top_tokens(LINES[:2], count=2)
    assert [entry["token"] for entry in top["-1"]] == ["broke"]
    assert top["1"][0] == {"token": "love", "attribution": pytest.approx(0.2), "occurrences": 2}
    assert list(top) == ["-1", "0", "1"]


def test_importance_is_sorted() -> None:
    ranked = attributions.importance(LINES)
    assert list(ranked)[:2] == ["broke", "love"]
    assert ranked["broke"] == pytest.approx(0.8)


def test_same_ranking_agrees_fully() -> None:
    ranked = attributions.importance(LINES)
    assert attributions.ndcg(
        ranked, {token: 2 * value for token, value in ranked.items()}, 20
    ) == pytest.approx(1)


def test_reversed_ranking_agrees_less_by_the_known_amount() -> None:
    value = attributions.ndcg({"a": 3.0, "b": 1.0}, {"a": 1.0, "b": 3.0}, 2)
    assert value == pytest.approx((1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)))


SCORES = st.dictionaries(st.text(min_size=1, max_size=3), st.floats(0, 10), min_size=1, max_size=8)


@given(SCORES, SCORES)
def test_agreement_is_between_0_and_1(baseline: dict[str, float], current: dict[str, float]) -> None:
    assert 0 <= attributions.ndcg(baseline, current, 5) <= 1 + 1e-9


@pytest.mark.parametrize(
    "bad",
    [
        "not json",
        "{}",
        json.dumps({"explanations": [{"attributions": [{"attribution": [1.0]}]}]}),
        line(("a", [0.1])),
    ],
)
def test_other_lines_are_refused_with_their_number(bad: str) -> None:
    with pytest.raises(ResultMalformed, match="line 3"):
        attributions.importance([*LINES[:2], bad])
