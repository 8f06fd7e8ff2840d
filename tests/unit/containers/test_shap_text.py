"""Text SHAP: how texts are cut, masked, explained and written down."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer import config, links, shap_text

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTS = {"love": (-1.0, 2.0), "hate": (3.0, -1.0), "not": (0.5, -0.5)}


class WordModel:
    """Scores are sums of word weights, so the weights are the Shapley values."""

    def __init__(self) -> None:
        self.asked: list[list[Any]] = []

    def __call__(self, rows: Any) -> Any:
        self.asked += rows
        return np.array(
            [
                np.sum(
                    [WEIGHTS.get(word, (0.0, 0.0)) for word in re.findall(r"\w+", " ".join(row).lower())],
                    axis=0,
                )
                + [0.5, 0.25]
                if any(row)
                else [0.5, 0.25]
                for row in rows
            ]
        )


def settings(granularity: str = "token", **changes: Any) -> config.Shap:
    return config.Shap(text_config=config.TextConfig(granularity=granularity, language="en"), **changes)  # type: ignore[arg-type]


def explain(texts: Any, shap: config.Shap, baseline: str = "<UNK>", model: Any = None) -> Any:
    return shap_text.explain(texts, ["review"], [baseline], model or WordModel(), shap)


@pytest.mark.parametrize(
    ("granularity", "text", "expected"),
    [
        (
            "token",
            "I don't love 5\" zip-ups!",
            [("I", 0), ("don't", 2), ("love", 8), ("5", 13), ('"', 14), ("zip-ups", 16), ("!", 23)],
        ),
        (
            "sentence",
            " Bad. Not 3.5 stars... Why?! ok",
            [("Bad.", 1), ("Not 3.5 stars...", 6), ("Why?!", 23), ("ok", 29)],
        ),
        ("sentence", "no end", [("no end", 0)]),
        ("paragraph", "one\ntwo \n\n three\n \n\nfour\n", [("one\ntwo", 0), ("three", 11), ("four", 20)]),
        ("token", " \n", []),
        ("sentence", " \n", []),
        ("paragraph", " \n", []),
    ],
)
def test_split(granularity: str, text: str, expected: Any) -> None:
    assert [(chunk.text, chunk.start) for chunk in shap_text.split(text, granularity)] == expected


@given(st.text(), st.sampled_from(["token", "sentence", "paragraph"]))
def test_chunks_are_where_they_say_and_cover_every_word(text: str, granularity: str) -> None:
    chunks = shap_text.split(text, granularity)
    rest, end = "", 0
    for chunk in chunks:
        assert chunk.text
        assert text[chunk.start : chunk.start + len(chunk.text)] == chunk.text
        assert chunk.start >= end
        rest += text[end : chunk.start]
        end = chunk.start + len(chunk.text)
    assert not (rest + text[end:]).strip()


@given(st.text(st.characters(exclude_characters="\x00")), st.data())
def test_masking_nothing_keeps_the_text_and_masking_all_leaves_no_chunk(text: str, data: Any) -> None:
    chunks = shap_text.split(text, "token")
    some = data.draw(st.lists(st.booleans(), min_size=len(chunks), max_size=len(chunks)))
    masks = np.array([[True] * len(chunks), [False] * len(chunks), some], dtype=bool)
    kept, empty, mixed = shap_text.masked_texts(text, chunks, masks, "\x00")
    assert kept == text
    assert shap_text.split(empty.replace("\x00", ""), "token") == []
    assert empty.count("\x00") == len(chunks)
    assert mixed.count("\x00") == some.count(False)


def test_masked_words_give_way_to_the_baseline_where_they_stood() -> None:
    text = "I love it."
    chunks = shap_text.split(text, "token")
    masks = np.array([[True, False, True, True], [False, True, False, False]])
    assert shap_text.masked_texts(text, chunks, masks, "<UNK>") == ["I <UNK> it.", "<UNK> love <UNK><UNK>"]


def test_attributions_are_the_words_own_weights() -> None:
    result = explain([["I love it, not hate!"], [""], ["Love"]], settings())
    found = {
        chunk.text: value
        for chunk, value in zip(result.rows[0][0].chunks, result.rows[0][0].attributions, strict=True)
    }
    for word, weight in WEIGHTS.items():
        np.testing.assert_allclose(found[word], weight, atol=1e-9)
    np.testing.assert_allclose([found["I"], found["!"], found[","]], 0, atol=1e-9)
    assert result.rows[1][0].attributions.shape == (0, 2)
    np.testing.assert_allclose(result.rows[2][0].attributions, [[-1, 2]])
    np.testing.assert_allclose(result.expected, [0.5, 0.25])
    np.testing.assert_allclose(result.scores, [[3.0, 0.75], [0.5, 0.25], [-0.5, 2.25]])


def test_the_budget_counts_and_the_seed_decides() -> None:
    text = " ".join(["love", "hate", "not", "plain"] * 10)
    model = WordModel()
    first = explain([[text]], settings(num_samples=100, seed=3), model=model)
    # The baseline row, each text without and with everything; texts that agree once masked are asked once.
    assert 90 <= len(model.asked) <= 100 + 3
    masked = [tuple(row) for row in model.asked[1:]]
    assert len(set(masked)) == len(masked)
    again = explain([[text]], settings(num_samples=100, seed=3))
    np.testing.assert_array_equal(first.rows[0][0].attributions, again.rows[0][0].attributions)


def test_batches_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [["love hate not"], ["plain love " * 9], ["hate"]]
    together = explain(texts, settings(num_samples=50))
    monkeypatch.setattr(shap_text, "_TEXTS_AT_A_TIME", 1)
    apart = explain(texts, settings(num_samples=50))
    for left, right in zip(together.rows, apart.rows, strict=True):
        np.testing.assert_array_equal(left[0].attributions, right[0].attributions)


def test_several_text_columns_are_one_game() -> None:
    result = shap_text.explain([["love", "hate it"]], ["title", "review"], ["", ""], WordModel(), settings())
    title, review = result.rows[0]
    np.testing.assert_allclose(title.attributions, [[-1, 2]], atol=1e-9)
    np.testing.assert_allclose(review.attributions, [[3, -1], [0, 0]], atol=1e-9)


def test_logit_explains_log_odds_and_refuses_what_is_no_probability() -> None:
    def model(rows: Any) -> Any:
        return np.array([[0.9, 0.1] if "love" in row[0] else [0.5, 0.5] for row in rows])

    result = explain([["love it"]], settings(use_logit=True), model=model)
    np.testing.assert_allclose(result.rows[0][0].attributions[0], [np.log(9), -np.log(9)], atol=1e-9)
    np.testing.assert_allclose(result.expected, [0, 0], atol=1e-12)
    with pytest.raises(config.AnalyzerError, match="use_logit needs probabilities"):
        explain([["love it"]], settings(use_logit=True))


@pytest.mark.parametrize(
    ("method", "expected"), [("mean_abs", [2.0, 2.0]), ("median", [-1.0, 2.0]), ("mean_sq", [14 / 3, 14 / 3])]
)
def test_aggregate(method: str, expected: list[float]) -> None:
    values = np.array([[-1.0, 1.0], [-2.0, 2.0], [3.0, 3.0]])
    np.testing.assert_allclose(links.aggregate(values, method), expected)


def test_global_section_has_clarify_s_shape() -> None:
    result = explain([["Love it"], ["love hate"]], settings())
    section = shap_text.global_explanations(result, ["-1", "1"], "mean_abs", 2)
    assert list(section) == ["-1", "1"]
    assert section["-1"]["global_shap_values"] == {"review": pytest.approx((1 + 2) / 2)}
    assert section["1"]["expected_value"] == 0.25
    assert list(section["-1"]["global_top_shap_text"]) == ["hate", "love"]
    assert section["1"]["global_top_shap_text"] == {"love": pytest.approx(2), "hate": pytest.approx(1)}


def test_local_file_has_clarify_s_lines(tmp_path: Path) -> None:
    path = tmp_path / "explanations_shap" / "out.jsonl"
    shap_text.write_local(explain([["É love"], [""]], settings()), path, ["r1", "r2"])
    first, second = map(json.loads, path.read_text().splitlines())
    assert first == {
        "explanations": [
            {
                "attributions": [
                    {
                        "attribution": pytest.approx([0, 0]),
                        "description": {"partial_text": "É", "start_idx": 0},
                    },
                    {
                        "attribution": pytest.approx([-1, 2]),
                        "description": {"partial_text": "love", "start_idx": 2},
                    },
                ],
                "data_type": "free_text",
                "feature_name": "review",
            }
        ],
        "join_source_value": "r1",
    }
    assert second["explanations"][0]["attributions"] == []
