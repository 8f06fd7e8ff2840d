"""Which words decide, from the lines that Clarify writes."""

from __future__ import annotations

import json

import pytest

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


def test_top_tokens_of_each_class() -> None:
    top = attributions.top_tokens(LINES[:2], count=2)
    assert [entry["token"] for entry in top["-1"]] == ["broke"]
    assert top["1"][0] == {"token": "love", "attribution": pytest.approx(0.2), "occurrences": 2}
    assert list(top) == ["-1", "0", "1"]


def test_words_count_however_they_are_written_and_punctuation_does_not() -> None:
    top = attributions.top_tokens(LINES)
    assert [entry["token"] for entry in top["0"]] == ["it"]
    assert {entry["token"] for entry in top["1"]} == {"love", "i"}


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
        attributions.top_tokens([*LINES[:2], bad])
