"""How a source file is laid out is found out, not assumed."""

from __future__ import annotations

import pytest

from sentiment_retrain.data.source_header import decoded, find_header, records
from sentiment_retrain.errors import ColumnMissing, SourceEmpty, SourceUnreadable

from .. import samples

COLUMNS = samples.settings().columns


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiter_is_recognised(delimiter: str) -> None:
    header = find_header(delimiter.join(["id", "Review Text", "Class Name", "Rating"]) + "\n", COLUMNS)
    assert header.delimiter == delimiter
    assert header.mapping() == {
        "review_body": "Review Text",
        "product_category": "Class Name",
        "star_rating": "Rating",
    }
    assert header.label_field == "star_rating"


def test_commas_inside_quotes_are_no_delimiters() -> None:
    header = find_header('"text","category","rating, 1 to 5",rating\n', COLUMNS)
    assert header.names == ("text", "category", "rating, 1 to 5", "rating")


@pytest.mark.parametrize("name", ["Review Text", "review_text", "REVIEW-TEXT", "  review   text "])
def test_spelling_of_header_names_does_not_matter(name: str) -> None:
    assert find_header(f"{name},category,rating\n", COLUMNS).positions["review_body"] == 0


def test_first_accepted_name_wins_whatever_the_order_of_columns() -> None:
    header = find_header("text,review_body,category,rating\n", COLUMNS)
    assert header.mapping()["review_body"] == "review_body"


def test_given_sentiment_wins_over_ratings() -> None:
    header = find_header("text,category,mean_sentiment_rating,stars,sentiment\n", COLUMNS)
    assert header.label_field == "sentiment"


def test_missing_columns_are_told_with_what_was_seen_and_what_is_accepted() -> None:
    with pytest.raises(ColumnMissing) as caught:
        find_header("id,comment,class_name\n", COLUMNS)
    message = str(caught.value)
    assert "no column for review_body, sentiment or rating" in message
    assert "'comment'" in message
    assert "review_text" in message
    assert "mean_sentiment_rating" in message


@pytest.mark.parametrize("content", [b"", b"  \n\n\t"])
def test_nothing_to_read_is_an_empty_source(content: bytes) -> None:
    with pytest.raises(SourceEmpty):
        decoded(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04rest", "zip"),
        (b"\x1f\x8brest", "gzip"),
        (b"PAR1rest", "Parquet"),
        ("text,rating".encode("utf-16"), "UTF-16"),
        (b"text\x00,rating", "zero bytes"),
        (b'{"text": "good", "rating": 5}\n{"text": "bad", "rating": 1}\n', "JSON"),
        (b'\xef\xbb\xbf[\n  {\n    "text" : "good"\n  }\n]', "JSON"),
    ],
)
def test_what_is_not_delimited_text_is_named(content: bytes, said: str) -> None:
    with pytest.raises(SourceUnreadable, match=said):
        decoded(content)


def test_brackets_around_names_are_no_json() -> None:
    assert decoded(b"[text],{rating}\n") == "[text],{rating}\n"


def test_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert decoded(b"\xef\xbb\xbftext") == "text"


def test_blank_lines_are_no_records() -> None:
    assert list(records("\n\na,b\n\n,\n1,2\n", ",")) == [["a", "b"], ["1", "2"]]


def test_beginning_of_a_file_may_end_within_quotes() -> None:
    text = 'a,b\n1,"open\n3,4\n'
    assert list(records(text, ",", whole=False)) == [["a", "b"], ["1", "open\n3,4\n"]]


def test_endless_quote_in_the_header_is_unreadable() -> None:
    with pytest.raises(SourceUnreadable, match="header row"):
        find_header('"text' + "x" * 200_000, COLUMNS)
