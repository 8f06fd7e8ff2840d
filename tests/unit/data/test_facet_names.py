"""Categories in the files of a bias analysis: read back as text, each as it was."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_retrain.data import datasets
from sentiment_retrain.data.facet_names import category_of, facet_name

AMBIGUOUS = [
    "NaN",
    "NA",
    "null",
    "None",
    "nan",
    "<NA>",
    "1.50",
    "007",
    "7",
    "-3",
    "TRUE",
    "false",
    "1e3",
    "inf",
]


def frame(categories: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"sentiment": 1, "product_category": categories, "review_length": "short"})


@pytest.mark.parametrize("category", AMBIGUOUS)
def test_a_column_of_one_category_is_read_as_text(category: str) -> None:
    rows = frame([category] * 3)
    for content in (
        datasets.bias_csv(rows),
        datasets.post_training_bias_csv(rows, [1, 0, 1]),
    ):
        # With the defaults of pandas, as others read it.
        (name,) = pd.read_csv(io.BytesIO(content))["product_category"].unique()
        assert isinstance(name, str)
        assert category_of(name) == category


def test_a_category_in_words_keeps_its_name() -> None:
    assert [facet_name(name) for name in ("Dresses", "1.5 litre", "Category 7")] == [
        "Dresses",
        "1.5 litre",
        "Category 7",
    ]


@given(st.text() | st.sampled_from(AMBIGUOUS), st.integers(0, 2))
def test_every_category_reads_back(category: str, depth: int) -> None:
    name = "category " * depth + category
    assert category_of(facet_name(name)) == name
