"""Source files become curated and refused rows; hopeless files are refused with one clear error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sentiment_retrain.data import reviews
from sentiment_retrain.errors import (
    ColumnMissing,
    NoUsableRow,
    SourceEmpty,
    SourceNotFound,
    SourceUnreadable,
    TooFewRows,
)

from .. import samples

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = samples.settings()
CLOTHING = samples.csv_bytes(
    [
        ["", "Clothing ID", "Title", "Review Text", "Rating", "Class Name"],
        ["0", "767", "", "Absolutely wonderful - silky and sexy", "4", "Intimates"],
        ["1", "1080", "", 'Love this dress!\nI am 5\'8", it "fits"', "5", "Dresses"],
        ["2", "1077", "Flaws", "Too small, I returned it", "1", "Dresses"],
        ["3", "1077", "No words", "", "3", "Dresses"],
        ["4", "1077", "Fine", "It is ok", "3", ""],
    ]
)
SNIPPETS = samples.csv_bytes(
    [
        ["review_id", "mean_sentiment_rating", "review_body", "product_category"],
        ["movies-1", "-2.5", "a dull, endless film", "movies"],
        ["movies-2", "0.1", "it has a beginning and an end", "movies"],
        ["amazon-1", "3.2", "works like a charm", "amazon_products"],
    ],
    delimiter="\t",
)


def test_clothing_reviews_need_no_edit_of_code() -> None:
    parsed = reviews.parse_reviews(CLOTHING, SETTINGS, "ab" * 32)
    assert list(parsed.accepted.columns) == list(reviews.CURATED_COLUMNS)
    assert list(parsed.accepted["sentiment"]) == [1, 1, -1]
    assert list(parsed.accepted["review_id"]) == [f"abababababababab-000000{n}" for n in (1, 2, 3)]
    assert parsed.accepted["review_body"][1] == 'Love this dress!\nI am 5\'8", it "fits"'
    assert parsed.accepted["star_rating"].tolist() == [4.0, 5.0, 1.0]
    assert parsed.refused_by_reason == {"empty_text": 1, "missing_category": 1}
    assert (parsed.rows_received, parsed.rows_accepted, parsed.rows_refused) == (5, 3, 2)


def test_tab_separated_snippets_with_mean_ratings() -> None:
    parsed = reviews.parse_reviews(SNIPPETS, SETTINGS)
    assert list(parsed.accepted["sentiment"]) == [-1, 0, 1]
    assert parsed.accepted["star_rating"].tolist() == [-2.5, 0.1, 3.2]
    assert parsed.rows_refused == 0


def test_types_are_those_of_the_contract() -> None:
    types = reviews.parse_reviews(CLOTHING, SETTINGS).accepted.dtypes.astype(str)
    assert types["sentiment"] == "int32"
    assert types["star_rating"] == "float64"


def test_refused_rows_can_be_found_again() -> None:
    refused = reviews.parse_reviews(CLOTHING, SETTINGS).refused
    assert list(refused.columns) == list(reviews.REFUSED_COLUMNS)
    assert refused.iloc[0].to_dict() == {
        "row_number": 4,
        "reason": "empty_text",
        "detail": "",
        "raw": "3,1077,No words,,3,Dresses",
    }


def test_rows_that_are_not_utf8_are_refused_and_the_rest_is_read() -> None:
    content = b"text,category,rating\n\xe9 noir,Knits,5\ngood,Knits,5\n"
    parsed = reviews.parse_reviews(content, SETTINGS)
    assert parsed.refused_by_reason == {"bad_encoding": 1}
    assert parsed.refused["raw"][0] == "\\udce9 noir,Knits,5"


def test_only_bad_rows_is_told_with_counts_and_an_example() -> None:
    with pytest.raises(NoUsableRow) as caught:
        reviews.parse_reviews(b"text,category,rating\n,Knits,5\n,Pants,4\ngood,Pants,9\n", SETTINGS)
    assert "3 rows, all refused (empty_text: 2, bad_rating: 1)" in str(caught.value)
    assert "for example row 1, empty_text" in str(caught.value)


def test_header_without_rows_is_empty() -> None:
    with pytest.raises(SourceEmpty, match="no row"):
        reviews.parse_reviews(b"text,category,rating\n", SETTINGS)


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "reviews.csv"
    path.write_bytes(content)
    return path


def test_quick_look_at_a_good_file(tmp_path: Path) -> None:
    summary = reviews.inspect_source(write(tmp_path, CLOTHING), SETTINGS)
    assert (summary.rows_inspected, summary.rows_usable, summary.whole_file) == (5, 3, True)
    assert summary.header.mapping()["review_body"] == "Review Text"


def test_quick_look_reads_only_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviews, "INSPECTED_BYTES", 120)
    rows = b"".join(b"review number %d,Knits,5\n" % number for number in range(100))
    summary = reviews.inspect_source(write(tmp_path, b"text,category,rating\n" + rows), SETTINGS)
    assert not summary.whole_file
    # Four rows fit; the last one is not judged, it may be cut in the middle.
    assert (summary.rows_inspected, summary.rows_usable) == (3, 3)


def test_quick_look_at_a_beginning_that_ends_within_quotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews, "INSPECTED_BYTES", 60)
    rows = b'good,Knits,5\n"well,\nred,green,blue\nand more' + b" of it" * 20 + b'",Knits,4\n'
    summary = reviews.inspect_source(write(tmp_path, b"text,category,rating\n" + rows), SETTINGS)
    assert (summary.rows_inspected, summary.rows_usable) == (1, 1)


def sized(negative: int, others: int) -> bytes:
    """A file of so many negative reviews, and of so many neutral and positive ones each; one text twice."""
    counts = {1: negative, 3: others, 5: others}
    lines = [f"review {stars} {n},Knits,{stars}\n" for stars, count in counts.items() for n in range(count)]
    return ("text,category,rating\n" + "".join(lines) + "review 5 1,Pants,5\n").encode()


def test_file_too_small_for_a_run_is_refused_at_the_quick_look(tmp_path: Path) -> None:
    rules = SETTINGS.datasets
    with pytest.raises(TooFewRows, match="reviews.csv has 499 distinct texts") as caught:
        reviews.require_enough(reviews.inspect_source(write(tmp_path, sized(99, 200)), SETTINGS), rules)
    assert "datasets.minimum_rows" in str(caught.value)
    reviews.require_enough(reviews.inspect_source(write(tmp_path, sized(100, 200)), SETTINGS), rules)
    with pytest.raises(TooFewRows, match="has 71 reviews of sentiment -1 .* leaves 497 rows"):
        reviews.require_enough(reviews.inspect_source(write(tmp_path, sized(71, 600)), SETTINGS), rules)
    reviews.require_enough(reviews.inspect_source(write(tmp_path, sized(72, 600)), SETTINGS), rules)
    unbalanced = rules.model_copy(update={"maximum_class_ratio": None})
    with pytest.raises(TooFewRows, match="has 0 reviews of sentiment -1"):
        reviews.require_enough(reviews.inspect_source(write(tmp_path, sized(0, 600)), SETTINGS), unbalanced)


def test_beginning_of_a_large_file_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviews, "INSPECTED_BYTES", 500)
    seen = reviews.inspect_source(write(tmp_path, sized(0, 600)), SETTINGS)
    assert seen.rows_inspected < 100
    reviews.require_enough(seen, SETTINGS.datasets)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", SourceEmpty),
        (b"a,b,c\n1,2,3\n", ColumnMissing),
        (b"text,category,rating\n,,\n,x,5\n", NoUsableRow),
        (b"PK\x03\x04", SourceUnreadable),
    ],
)
def test_quick_look_refuses_garbage(content: bytes, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error):
        reviews.inspect_source(write(tmp_path, content), SETTINGS)


def test_quick_look_at_nothing_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match="no-such-file.csv"):
        reviews.inspect_source(tmp_path / "no-such-file.csv", SETTINGS)
    with pytest.raises(SourceUnreadable, match="directory"):
        reviews.inspect_source(tmp_path, SETTINGS)
