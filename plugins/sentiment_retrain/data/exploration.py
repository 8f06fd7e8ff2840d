"""What a set of reviews looks like, in the numbers that people look at first.

Reviews and mean sentiment per category, shares of the sentiments, and words per review with percentiles.
Counts only, so that pages can show them without a query and without a single review.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment_retrain.data.datasets import LABELS

if TYPE_CHECKING:
    import pandas as pd

EXPLORATION_VERSION = 1
PERCENTILES = (10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
#: Longer reviews count as this long in the histogram; percentiles are of the true lengths.
MOST_WORDS = 1000


def explore(reviews: pd.DataFrame) -> dict[str, Any]:
    """Counts and percentiles of a set of reviews, as JSON.

    :param reviews: frame with review_body, product_category and sentiment, no nulls
    :return: ``version, rows, labels`` (rows by sentiment), ``categories`` (most reviews first, each
        ``{category, rows, mean_sentiment, labels}``) and ``words`` (None without rows)
    """
    counts = reviews.groupby(["product_category", "sentiment"]).size().unstack(fill_value=0)
    counts = counts.reindex(columns=list(LABELS), fill_value=0)
    categories = [
        _category(str(name), row) for name, row in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    return {
        "version": EXPLORATION_VERSION,
        "rows": len(reviews),
        "labels": {str(label): int((reviews["sentiment"] == label).sum()) for label in LABELS},
        "categories": sorted(categories, key=lambda found: (-found["rows"], found["category"])),
        "words": _words(reviews["review_body"]) if len(reviews) else None,
    }


def _category(name: str, counts: np.ndarray[Any, Any]) -> dict[str, Any]:
    rows = int(counts.sum())
    return {
        "category": name,
        "rows": rows,
        "mean_sentiment": round(float(counts @ np.asarray(LABELS)) / rows, 6),
        "labels": {str(label): int(count) for label, count in zip(LABELS, counts, strict=True)},
    }


def _words(bodies: pd.Series[str]) -> dict[str, Any]:
    """Lengths in words, a word being what stands between two blanks: ``cardinality(split(body, ' '))``."""
    lengths = bodies.str.count(" ").to_numpy(dtype=np.int64) + 1
    return {
        "mean": round(float(lengths.mean()), 4),
        "standard_deviation": round(float(lengths.std(ddof=1)), 4) if len(lengths) > 1 else 0.0,
        "minimum": int(lengths.min()),
        "percentiles": {str(p): round(float(np.percentile(lengths, p)), 1) for p in PERCENTILES},
        "histogram": [int(count) for count in np.bincount(np.minimum(lengths, MOST_WORDS))],
    }
