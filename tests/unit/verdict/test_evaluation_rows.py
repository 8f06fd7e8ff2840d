"""Test rows beside their predictions, as the post-training bias analysis reads them."""

from __future__ import annotations

import csv
import io

from sentiment_retrain.data.facet_names import category_of
from sentiment_retrain.verdict.evaluation_rows import post_training_bias_rows

HEADER = "review_id,sentiment,product_category,review_length\n"


def test_categories_that_are_numbers_keep_their_spelling() -> None:
    labels = HEADER + "a-1,1,1.50,short\na-2,-1,007,short\na-3,0,NA,short\n"
    answer = "1,0.8,\"[0.1, 0.1, 0.8]\",\"['-1', '0', '1']\"\n"
    content = post_training_bias_rows(labels.encode(), answer.encode() * 3).decode()
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [category_of(row["product_category"]) for row in rows] == ["1.50", "007", "NA"]
    assert [(row["sentiment"], row["predicted_sentiment"]) for row in rows] == [
        ("1", "1"),
        ("-1", "1"),
        ("0", "1"),
    ]
    numbers = HEADER + "a-1,1,1.50,short\na-2,-1,007,short\n"
    content = post_training_bias_rows(numbers.encode(), answer.encode() * 2).decode()
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [category_of(row["product_category"]) for row in rows] == ["1.50", "007"]
