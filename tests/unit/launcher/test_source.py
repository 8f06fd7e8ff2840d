"""What a command says of the file it was given, before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from launcher import source
from sentiment_retrain.data.reviews import inspect_source

if TYPE_CHECKING:
    from pathlib import Path


def test_reading_says_which_rows_and_columns_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("Body;Category;Stars;SKU\ngood and solid;Laptops;5;1\n;Laptops;5;2\nbad;TVs;x;3\n")
    assert source.reading(inspect_source(path)) == [
        "reviews   some.csv: 1 of 3 rows can be used (not: empty_text 1, bad_rating 1)",
        "columns   review_body from 'Body', product_category from 'Category', star_rating from 'Stars'",
    ]
