"""Each row is accepted whole or refused with one reason."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_retrain.data.review_rows import (
    REFUSAL_REASONS,
    Refusal,
    Review,
    judge_rows,
    sentiment_of_rating,
)
from sentiment_retrain.data.source_header import find_header
from sentiment_retrain.errors import SourceUnreadable

from .. import samples

SETTINGS = samples.settings()


def judge(content: str, /, **changes: object) -> list[Review | Refusal]:
    settings = samples.settings(**changes)
    return list(judge_rows(content, find_header(content, settings.columns), settings))


def judge_row(row: str, header: str = "text,category,rating") -> Review | Refusal:
    (judged,) = judge(f"{header}\n{row}\n")
    return judged


def test_good_row_is_accepted_as_delivered() -> None:
    assert judge_row('"Fits, really well ",Dresses,5') == Review(1, "Fits, really well", "Dresses", 1, 5.0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("good,Dresses", "malformed_row"),
        ("good,Dresses,5,extra", "malformed_row"),
        ("\udce9clair,Dresses,5", "bad_encoding"),
        ("  ,Dresses,5", "empty_text"),
        ("!!! ...,Dresses,5", "too_short"),
        ("x" * 10_001 + ",Dresses,5", "too_long"),
        ("good, ,5", "missing_category"),
        ("good,Dresses,", "missing_rating"),
        ("good,Dresses,five", "bad_rating"),
        ("good,Dresses,0", "bad_rating"),
        ("good,Dresses,6", "bad_rating"),
        ("good,Dresses,nan", "bad_rating"),
        ("good,Dresses,inf", "bad_rating"),
    ],
)
def test_unusable_row_is_refused_with_its_reason(row: str, reason: str) -> None:
    judged = judge_row(row)
    assert isinstance(judged, Refusal)
    assert judged.reason == reason
    assert judged.row_number == 1


def test_refused_row_is_kept_as_it_can_be_delivered_again() -> None:
    judged = judge_row('"so ""good"",\nit is",Dresses,9')
    assert isinstance(judged, Refusal)
    assert judged.raw == '"so ""good"",\nit is",Dresses,9'


def test_unknown_sentiment_is_refused() -> None:
    judged = judge_row("good,Dresses,great", "text,category,sentiment")
    assert isinstance(judged, Refusal)
    assert (judged.reason, judged.detail) == ("unknown_label", "great")


@pytest.mark.parametrize(
    ("label", "sentiment"),
    [
        ("-1", -1),
        ("0", 0),
        ("1", 1),
        ("+1", 1),
        ("1.0", 1),
        ("Positive", 1),
        ("NEGATIVE", -1),
        ("neutral", 0),
    ],
)
def test_sentiment_may_be_a_number_or_a_word(label: str, sentiment: int) -> None:
    judged = judge_row(f"good,Dresses,{label},2", "text,category,sentiment,rating")
    assert judged == Review(1, "good", "Dresses", sentiment, 2.0)


def test_sentiment_without_rating_keeps_the_rating_unknown() -> None:
    judged = judge_row("good,Dresses,1", "text,category,sentiment")
    assert isinstance(judged, Review)
    assert math.isnan(judged.rating)


def test_same_row_twice_counts_once() -> None:
    rows = judge(
        "text,category,rating\nso  good,Dresses,5\nso good,Dresses,4\nso good,Knits,5\nso good,Dresses,1\n"
    )
    assert [row.reason if isinstance(row, Refusal) else "" for row in rows] == ["", "duplicate_row", "", ""]


def test_every_reason_is_explained() -> None:
    assert {"duplicate_row", "too_short"} <= set(REFUSAL_REASONS)
    assert all(meaning[0].islower() for meaning in REFUSAL_REASONS.values())


def test_title_is_joined_only_when_asked_for() -> None:
    text = "title,text,category,rating\nGreat.,It fits,Dresses,5\n"
    (plain,) = judge(text, text={"join_title": False})
    (joined,) = judge(text, text={"join_title": True})
    assert isinstance(plain, Review)
    assert isinstance(joined, Review)
    assert (plain.text, joined.text) == ("It fits", "Great. It fits")


def test_unclosed_quote_over_the_whole_file_is_unreadable() -> None:
    with pytest.raises(SourceUnreadable, match="row 2"):
        judge('text,category,rating\ngood,Dresses,5\n"never closed' + "x" * 200_000)


def test_unclosed_quote_that_swallows_rows_is_unreadable() -> None:
    content = 'category,text,rating\nTVs,good,5\nTVs,"never closed,1\nTVs,bad,1\nTVs,"so, so",3\nTVs,fine,4\n'
    with pytest.raises(
        SourceUnreadable, match=r"row 2: a quote is opened and never closed; 3 rows"
    ) as caught:
        judge(content.replace('"so, so"', "so"))
    assert "Correct the quoting" in str(caught.value)
    # Closed by the next quote, it is one row that does not fit.
    assert [type(row) for row in judge(content)] == [Review, Refusal, Review]


def test_last_row_that_was_cut_within_quotes_is_refused_alone() -> None:
    rows = judge('category,text,rating\nTVs,good,5\nTVs,"it was,\nin a word, cut')
    assert [type(row) for row in rows] == [Review, Refusal]
    assert isinstance(rows[1], Refusal)
    assert rows[1].raw == 'TVs,"it was,\nin a word, cut"'


@pytest.mark.parametrize(
    ("kind", "rating", "sentiment"),
    [
        ("star_rating", 1, -1),
        ("star_rating", 2, -1),
        ("star_rating", 3, 0),
        ("star_rating", 4, 1),
        ("star_rating", 5, 1),
        ("star_rating", 5.5, None),
        ("mean_sentiment_rating", -4, -1),
        ("mean_sentiment_rating", -0.75, -1),
        ("mean_sentiment_rating", -0.74, 0),
        ("mean_sentiment_rating", 0.75, 1),
        ("mean_sentiment_rating", 4.1, None),
    ],
)
def test_rule_from_rating_to_sentiment(kind: str, rating: float, sentiment: int | None) -> None:
    assert sentiment_of_rating(rating, kind, SETTINGS) == sentiment


@given(st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=5), max_size=12))
def test_whatever_the_rows_each_is_judged_once(rows: list[list[str]]) -> None:
    body = samples.csv_bytes(
        [[cell.encode("utf-8", "replace").decode() for cell in row] for row in rows]
    ).decode()
    judged = judge("text,category,rating\n" + body)
    assert [row.row_number for row in judged] == list(range(1, len(judged) + 1))
    assert len(judged) <= len(rows) + body.count("\r")
