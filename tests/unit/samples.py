"""Small made-up inputs that several test files share."""

from __future__ import annotations

import csv
import io
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sentiment_retrain.settings import load_settings, merged, parse_settings
from sentiment_retrain.verdict import evaluation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sentiment_retrain.settings import Settings

WORDS = {
    -1: ["awful", "returned", "broke", "cheap", "disappointed"],
    0: ["okay", "average", "fine", "acceptable", "middling"],
    1: ["love", "great", "perfect", "comfortable", "beautiful"],
}
CATEGORIES = ("Dresses", "Knits", "Pants")


def settings(**changes: Any) -> Settings:
    """The shipped configuration with some keys changed, nested as in the YAML files."""
    base = load_settings()
    return parse_settings(merged(base.model_dump(), changes), origin="a test") if changes else base


def curated(rows: int, seed: int = 0) -> pd.DataFrame:
    """Made-up curated reviews: every text different, most of them positive."""
    draw = random.Random(seed)
    records = []
    for number in range(rows):
        sentiment = draw.choice([-1, 0, 1, 1, 1])
        words = draw.choices(WORDS[sentiment], k=4) + draw.choices(WORDS[draw.choice([-1, 0, 1])], k=2)
        records.append(
            {
                "review_id": f"{seed:016x}-{number:07d}",
                "review_body": f"{' '.join(words)} item {seed}x{number}.",
                "product_category": draw.choice(CATEGORIES),
                "sentiment": sentiment,
                "star_rating": float({-1: 1, 0: 3, 1: 5}[sentiment]),
                "source_sha256": f"{seed:064x}",
            }
        )
    return pd.DataFrame(records)


def csv_bytes(rows: Iterable[Sequence[str]], delimiter: str = ",") -> bytes:
    """Rows, header first, as delimited text."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


def predictions(labels: Sequence[int], certainty: float = 0.8) -> evaluation.Predictions:
    """Predictions of these labels, all equally certain."""
    probabilities = np.full((len(labels), 3), (1 - certainty) / 2)
    probabilities[np.arange(len(labels)), np.asarray(labels, dtype=np.int64) + 1] = certainty
    return evaluation.Predictions(np.asarray(labels, dtype=np.int64), probabilities)


def mistaken(true: Sequence[int], share_right: float, seed: int) -> list[int]:
    """The true labels, a share of them replaced by a neighbouring class."""
    draw = random.Random(seed)
    wrong = {-1: [0], 0: [-1, 1], 1: [0]}
    return [label if draw.random() < share_right else draw.choice(wrong[label]) for label in true]


def gate(name: str = "refused_rows", status: str = "pass", **changes: Any) -> dict[str, Any]:
    """A gate as tasks hand it on."""
    from sentiment_retrain.errors import GATE_CODES

    return {
        "gate": name,
        "status": status,
        "observed": "3 of 10",
        "threshold": "at most 2",
        "baseline": None,
        "evidence_uri": None,
        "remedy": "look at it",
        "code": GATE_CODES[name],
        **changes,
    }


def job(name: str, kind: str = "ProcessingJob", **changes: Any) -> dict[str, Any]:
    """A job as tasks hand it on."""
    return {
        "kind": kind,
        "name": name,
        "arn": f"arn:aws:sagemaker:us-east-1:123456789012:job/{name}",
        "status": "Completed",
        "outcome": "submitted",
        "why": "no finished job has this fingerprint",
        "seconds": 60.0,
        "billable_seconds": 50,
        "cost_usd": 0.25,
        "output_uri": f"s3://bucket/jobs/{name}/",
        **changes,
    }


def bias_analysis(section: str, values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An ``analysis.json`` of ``{facet value: {metric: value}}``."""
    return {
        "version": "1.0",
        section: {
            "label": "sentiment",
            "facets": {
                "product_category": [
                    {
                        "value_or_threshold": facet,
                        "metrics": [
                            {"name": name, "description": name, "value": value}
                            for name, value in metrics.items()
                        ],
                    }
                    for facet, metrics in values.items()
                ]
            },
            "label_value_or_threshold": "1",
        },
    }
