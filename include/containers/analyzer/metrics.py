"""Bias metrics as pure functions of counts.

Formulas: Amazon SageMaker Clarify's documentation of pre-training and post-training bias metrics. ``a`` is
the facet without the sensitive values, ``d`` the facet with them. By Clarify's convention 0/0 is 0, x/0 is
infinite and the difference of two equal infinities is 0. A docstring's first line is the metric's name there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


class MetricError(ValueError):
    """A metric is undefined on these counts; the analysis goes on and reports the text in its place."""


@dataclass(frozen=True)
class Side:
    """One side of a facet as a confusion matrix (numbers of rows)."""

    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int

    @classmethod
    def from_table(cls, table: NDArray[np.int64]) -> Side:
        """Return the side of `table[observed][predicted]`, both 0 or 1."""
        return cls(int(table[1, 1]), int(table[0, 1]), int(table[0, 0]), int(table[1, 0]))

    @property
    def size(self) -> int:
        return self.observed_positive + self.observed_negative

    @property
    def observed_positive(self) -> int:
        return self.true_positive + self.false_negative

    @property
    def observed_negative(self) -> int:
        return self.true_negative + self.false_positive

    @property
    def predicted_positive(self) -> int:
        return self.true_positive + self.false_positive

    @property
    def predicted_negative(self) -> int:
        return self.true_negative + self.false_negative


@dataclass(frozen=True)
class FacetCounts:
    """Rows of one facet value and of all others: `[group, observed, predicted]`, shape (groups, 2, 2).

    `grouped` tells whether the first axis is a real group variable or just one group of everything.
    """

    others: NDArray[np.int64]
    sensitive: NDArray[np.int64]
    grouped: bool = False

    @cached_property
    def a(self) -> Side:
        return self._side(self.others, "Negated facet")

    @cached_property
    def d(self) -> Side:
        return self._side(self.sensitive, "Facet")

    @staticmethod
    def _side(table: NDArray[np.int64], name: str) -> Side:
        side = Side.from_table(table.sum(axis=0))
        if side.size == 0:
            raise MetricError(f"{name} set is empty")
        return side


def divide(numerator: float, denominator: float) -> float:
    """Return the quotient, where 0/0 is 0 and x/0 is infinite."""
    if denominator == 0:
        return 0.0 if numerator == 0 else math.copysign(math.inf, numerator)
    return numerator / denominator


def difference(left: float, right: float) -> float:
    """Return `left - right`, where two equal infinities differ by 0."""
    if math.isinf(left) and left == right:
        return 0
    return left - right


def ci(counts: FacetCounts) -> float:
    """Class Imbalance (CI)"""
    a, d = counts.a, counts.d
    return (a.size - d.size) / (a.size + d.size)


def dpl(counts: FacetCounts) -> float:
    """Difference in Positive Proportions in Labels (DPL)"""
    a, d = counts.a, counts.d
    return a.observed_positive / a.size - d.observed_positive / d.size


def _distributions(counts: FacetCounts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the label distributions of a and d on the labels that both have, not renormalised."""
    a, d = (
        np.array([side.observed_negative, side.observed_positive]) / side.size
        for side in (counts.a, counts.d)
    )
    common = (a > 0) & (d > 0)
    if not common.any():
        raise MetricError("No instance of common facet found, dataset may be too small")
    return a[common], d[common]


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    return float(np.sum(p * np.log(p / q)))


def kl(counts: FacetCounts) -> float:
    """Kullback-Liebler Divergence (KL)"""
    return _divergence(*_distributions(counts))


def js(counts: FacetCounts) -> float:
    """Jensen-Shannon Divergence (JS)"""
    a, d = _distributions(counts)
    middle = (a + d) / 2
    return (_divergence(a, middle) + _divergence(d, middle)) / 2


def lp(counts: FacetCounts) -> float:
    """L-p Norm (LP)"""
    a, d = _distributions(counts)
    return float(np.linalg.norm(a - d))


def tvd(counts: FacetCounts) -> float:
    """Total Variation Distance (TVD)"""
    a, d = _distributions(counts)
    return float(np.abs(a - d).sum() / 2)


def ks(counts: FacetCounts) -> float:
    """Kolmogorov-Smirnov Distance (KS)"""
    a, d = _distributions(counts)
    return float(np.abs(a - d).max())


def _conditional_disparity(counts: FacetCounts, axis: int) -> float:
    """Return the disparity of d in rejections over acceptances, averaged over groups by their size.

    `axis` is the one to sum away: 2 leaves the observed label, 1 the predicted one.
    """
    if not counts.grouped:
        raise MetricError("Group variable is empty or not provided")
    sensitive, others = counts.sensitive.sum(axis=axis), counts.others.sum(axis=axis)
    both = sensitive + others
    disparity = sum(
        divide(d[0], n[0]) * n.sum() - divide(d[1], n[1]) * n.sum()
        for d, n in zip(sensitive, both, strict=True)
    )
    return float(divide(disparity, both.sum()))


def cddl(counts: FacetCounts) -> float:
    """Conditional Demographic Disparity in Labels (CDDL)"""
    return _conditional_disparity(counts, axis=2)


def cddpl(counts: FacetCounts) -> float:
    """Conditional Demographic Disparity in Predicted Labels (CDDPL)"""
    return _conditional_disparity(counts, axis=1)


def dppl(counts: FacetCounts) -> float:
    """Difference in Positive Proportions in Predicted Labels (DPPL)"""
    a, d = counts.a, counts.d
    return a.predicted_positive / a.size - d.predicted_positive / d.size


def di(counts: FacetCounts) -> float:
    """Disparate Impact (DI)"""
    a, d = counts.a, counts.d
    return divide(d.predicted_positive / d.size, a.predicted_positive / a.size)


def dca(counts: FacetCounts) -> float:
    """Difference in Conditional Acceptance (DCA)"""
    a, d = (divide(side.observed_positive, side.predicted_positive) for side in (counts.a, counts.d))
    return difference(a, d)


def dcr(counts: FacetCounts) -> float:
    """Difference in Conditional Rejection (DCR)"""
    a, d = (divide(side.observed_negative, side.predicted_negative) for side in (counts.a, counts.d))
    return difference(d, a)


def ad(counts: FacetCounts) -> float:
    """Accuracy Difference (AD)"""
    a, d = ((side.true_positive + side.true_negative) / side.size for side in (counts.a, counts.d))
    return a - d


def rd(counts: FacetCounts) -> float:
    """Recall Difference (RD)"""
    a, d = (divide(side.true_positive, side.observed_positive) for side in (counts.a, counts.d))
    return difference(a, d)


def sd(counts: FacetCounts) -> float:
    """Specificity Difference (SD)"""
    a, d = (divide(side.true_negative, side.observed_negative) for side in (counts.a, counts.d))
    return difference(d, a)


def dar(counts: FacetCounts) -> float:
    """Difference in Acceptance Rates (DAR)"""
    a, d = (divide(side.true_positive, side.predicted_positive) for side in (counts.a, counts.d))
    return difference(a, d)


def drr(counts: FacetCounts) -> float:
    """Difference in Rejection Rates (DRR)"""
    a, d = (divide(side.true_negative, side.predicted_negative) for side in (counts.a, counts.d))
    return difference(d, a)


def te(counts: FacetCounts) -> float:
    """Treatment Equality (TE)"""
    a, d = (divide(side.false_negative, side.false_positive) for side in (counts.a, counts.d))
    return difference(d, a)


def ft(counts: FacetCounts) -> float:  # noqa: ARG001 - one signature for all metrics
    """Flip Test (FT)"""
    raise MetricError("FT is not supported by this analyzer: it needs the features of rows, not counts")


def ge(counts: FacetCounts) -> float:
    """Generalized Entropy (GE)"""
    # The benefit of a row is predicted - observed + 1: 2 for a false positive, 0 for a false negative.
    a, d = counts.a, counts.d
    rows, doubled = a.size + d.size, a.false_positive + d.false_positive
    single = a.true_positive + d.true_positive + a.true_negative + d.true_negative
    mean = (2 * doubled + single) / rows
    if mean == 0:
        raise MetricError("GE is undefined: every row is a false negative")
    return ((4 * doubled + single) / rows / mean**2 - 1) / 2


PRE_TRAINING: dict[str, Callable[[FacetCounts], float]] = {
    function.__name__.upper(): function for function in (ci, dpl, kl, js, lp, tvd, ks, cddl)
}
POST_TRAINING: dict[str, Callable[[FacetCounts], float]] = {
    function.__name__.upper(): function
    for function in (ad, cddpl, dar, dca, dcr, di, dppl, drr, ft, ge, rd, sd, te)
}


def description(metric: Callable[[FacetCounts], float]) -> str:
    """Return Clarify's name of the metric: the first line of its docstring."""
    return (metric.__doc__ or "").splitlines()[0]
