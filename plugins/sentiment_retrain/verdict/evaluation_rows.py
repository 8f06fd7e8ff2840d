"""Test rows and predictions, read from the objects that hold them."""

from __future__ import annotations

import io

from sentiment_retrain.data.datasets import post_training_bias_csv


def post_training_bias_rows(test_labels: bytes, predictions: bytes) -> bytes:
    """Input of the post-training bias analysis, from the ``test_labels`` object and a transform's output."""
    import pandas as pd

    from sentiment_retrain.verdict import evaluation

    labels = pd.read_csv(io.BytesIO(test_labels), dtype=str, keep_default_na=False)
    parsed = evaluation.parse_predictions(predictions.decode().splitlines(), len(labels))
    return post_training_bias_csv(labels, parsed.labels.tolist())
