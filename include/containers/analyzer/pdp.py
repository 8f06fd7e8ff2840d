"""Partial dependence: the mean prediction when one feature takes each value of a grid and all others stay."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyzer.shap_tabular import Columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from analyzer.links import Scores

log = logging.getLogger(__name__)

# The mean of so many rows is as good as that of all for a curve to look at, and the model is asked less.
_MOST_ROWS = 2_000
_LONGEST_CATEGORY_WORDS = 5


def partial_dependence(
    frame: pd.DataFrame,
    names: Sequence[str],
    resolution: int,
    model: Scores,
    headers: Sequence[str],
    seed: int,
) -> list[dict[str, Any]]:
    """Return the `pdp` section of `analysis.json`, one entry a feature of `names`.

    frame: the features of the rows; resolution: number of equal steps between a number's least and largest
    value; headers: names of the classes. A category has one step a value; free text has none, and an error.
    """
    sample = frame
    if len(frame) > _MOST_ROWS:
        sample = frame.iloc[
            np.sort(np.random.default_rng(seed).choice(len(frame), _MOST_ROWS, replace=False))
        ]
        log.info("Partial dependence is the mean over %d of %d rows", len(sample), len(frame))
    return [_of_feature(frame[name], sample, resolution, model, headers) for name in names]


def _of_feature(
    column: pd.Series[Any], sample: pd.DataFrame, resolution: int, model: Scores, headers: Sequence[str]
) -> dict[str, Any]:
    name = str(column.name)
    entry: dict[str, Any] = {"feature_name": name, "label_headers": list(headers)}
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        entry["data_type"] = "numerical"
        grid, shares = _steps(column, resolution)
    elif is_free_text(column):
        return {**entry, "data_type": "free_text", "error": "PDP is not supported for text features."}
    else:
        entry["data_type"] = "categorical"
        counts = column.value_counts(normalize=True, sort=False)
        grid, shares = counts.index.tolist(), counts.tolist()
    means = np.array([_mean(sample, name, value, model) for value in grid])
    return {
        **entry,
        "feature_values": grid,
        "data_distribution": shares,
        "model_predictions": means.T.tolist(),
    }


def is_free_text(column: pd.Series[Any]) -> bool:
    """Return whether a column of strings is prose rather than categories: its values have many words."""
    if pd.api.types.is_numeric_dtype(column):
        return False
    texts = column.dropna().astype(str)
    words = texts.str.count(r"\s").mean() + 1 if len(texts) else 0
    return bool(words > _LONGEST_CATEGORY_WORDS)


def _steps(column: pd.Series[Any], resolution: int) -> tuple[list[float], list[float]]:
    """Return the middles of `resolution` equal buckets of a number, and the share of rows in each."""
    known = column.dropna().to_numpy(dtype=np.float64)
    counts, edges = np.histogram(known, bins=resolution)
    middles = (edges[:-1] + edges[1:]) / 2
    return middles.tolist(), (counts / max(1, len(known))).tolist()


def _mean(sample: pd.DataFrame, name: str, value: Any, model: Scores) -> NDArray[np.float64]:
    columns = [
        np.full(len(sample), value, dtype=None if isinstance(value, float) else object)
        if other == name
        else sample[other].to_numpy(dtype=object)
        for other in sample.columns
    ]
    return np.asarray(model(Columns(columns)).mean(axis=0))
