"""The columns of our tables, and what a column of a delivery is called in Athena."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sentiment_retrain.aws.glue_tables import PARTITION_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Athena's type of each column of the accepted reviews, and of the predictions.
CURATED_TYPES = {
    "review_id": "string",
    "review_body": "string",
    "product_category": "string",
    "sentiment": "int",
    "star_rating": "double",
    "source_sha256": "string",
}
PREDICTION_TYPES = {
    "review_id": "string",
    "predicted_sentiment": "int",
    "probability": "double",
    "probability_negative": "double",
    "probability_neutral": "double",
    "probability_positive": "double",
    "model_name": "string",
    "model_fingerprint": "string",
    "model_data_until": "string",
}


def column_names(header: Sequence[str]) -> list[str]:
    """Header names as Athena takes them: lower case, letters, digits and underscores, each once."""
    names: list[str] = []
    for position, name in enumerate(header):
        cleaned = re.sub(r"\W+", "_", name.strip().lower(), flags=re.ASCII).strip("_") or f"column_{position}"
        names.append(cleaned if cleaned not in {*names, *PARTITION_TYPES} else f"{cleaned}_{position}")
    return names
