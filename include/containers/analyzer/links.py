"""What every kind of SHAP shares: the model as a function, link functions, and how values are aggregated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from analyzer.config import AnalyzerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


class Scores(Protocol):
    """A model: rows of feature values in (anything with a length), scores of shape (rows, classes) out."""

    def __call__(self, rows: Any, /) -> NDArray[np.float64]: ...


def link_of(*, use_logit: bool) -> Callable[[Numbers], Numbers]:
    """Return the function that scores pass before they are explained."""
    return _logit if use_logit else _identity


def aggregate(values: Numbers, method: str) -> Numbers:
    """Return one number for attributions along the first axis: Clarify's `agg_method`."""
    if method == "median":
        return np.asarray(np.median(values, axis=0))
    return np.asarray(np.mean(values**2 if method == "mean_sq" else np.abs(values), axis=0))


def _identity(scores: Numbers) -> Numbers:
    return scores


def _logit(scores: Numbers) -> Numbers:
    if scores.min() < 0 or scores.max() > 1:
        raise AnalyzerError(
            f"use_logit needs probabilities, the model answered {scores.min():.4g} to {scores.max():.4g}."
        )
    clipped = np.clip(scores, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(clipped / (1 - clipped)))
