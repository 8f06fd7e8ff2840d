"""The numbers of the page about the reviews, against values counted by hand and by DuckDB's own words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sentiment_retrain.cards.exploration_plots import draw_exploration
from sentiment_retrain.data.exploration import MOST_WORDS, explore

ROWS = pd.DataFrame(
    [
        ("I love it", "Dresses", 1),
        ("so so", "Dresses", 0),
        ("bad", "Dresses", -1),
        ("really quite good indeed", "Knits", 1),
        ("<script>alert(1)</script> $x$ &", "<b>Trend</b>", -1),
    ],
    columns=["review_body", "product_category", "sentiment"],
)
FOUND = explore(ROWS)


def test_counts_by_category_and_sentiment() -> None:
    assert FOUND["rows"] == 5
    assert FOUND["labels"] == {"-1": 2, "0": 1, "1": 2}
    assert [(row["category"], row["rows"], row["mean_sentiment"]) for row in FOUND["categories"]] == [
        ("Dresses", 3, 0.0),
        ("<b>Trend</b>", 1, -1.0),
        ("Knits", 1, 1.0),
    ]
    assert FOUND["categories"][2]["labels"] == {"-1": 0, "0": 0, "1": 1}


def test_words_are_what_stands_between_blanks() -> None:
    lengths = [len(body.split(" ")) for body in ROWS["review_body"]]
    words = FOUND["words"]
    assert words["mean"] == np.mean(lengths)
    assert words["standard_deviation"] == round(float(np.std(lengths, ddof=1)), 4)
    assert words["minimum"] == 1
    assert words["percentiles"]["50"] == 3
    assert words["percentiles"]["100"] == max(lengths)
    assert sum(words["histogram"]) == 5


def test_one_endless_review_does_not_make_an_endless_histogram() -> None:
    rows = pd.DataFrame({"review_body": ["x " * 50_000], "product_category": ["a"], "sentiment": [1]})
    words = explore(rows)["words"]
    assert len(words["histogram"]) == MOST_WORDS + 1
    assert words["percentiles"]["100"] == 50_001


def test_no_rows() -> None:
    found = explore(ROWS.iloc[:0])
    assert (found["rows"], found["categories"], found["words"]) == (0, [], None)
    assert not any(draw_exploration(found).values())


def test_no_review_leaves_the_task() -> None:
    assert "alert" not in repr(FOUND)


def test_four_drawings_escape_names() -> None:
    drawn = draw_exploration(FOUND)
    assert {name: len(svgs) for name, svgs in drawn.items()} == {
        "reviews": 1,
        "sentiment": 1,
        "shares": 1,
        "words": 1,
    }
    assert "&lt;b&gt;Trend&lt;/b&gt;" in drawn["reviews"][0]
    assert not any("<b>" in svg for svgs in drawn.values() for svg in svgs)
