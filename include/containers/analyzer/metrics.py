"""Bias metrics as pure functions of counts.

Formulas: Amazon SageMaker Clarify's documentation of pre-training and post-training bias metrics. ``a`` is
the facet without the sensitive values, ``d`` the facet with them. By Clarify's convention 0/0 is 0, x/0 is
infinite and the difference of two equal infinities is 0. A docstring's first line is the metric's name there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from analyzer.facet_counts import MetricError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from analyzer.facet_counts import FacetCounts, Side


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


_PROPORTIONS = ("Negative facet set is empty.", "Facet set is empty.")


def ci(counts: FacetCounts) -> float:
    """Class Imbalance (CI)"""
    a, d = counts.sides(
        "CI: negated facet set is empty. Check that x[~facet] has non-zero length.",
        "CI: facet set is empty. Check that x[facet] has non-zero length.",
    )
    return (a.size - d.size) / (a.size + d.size)


def dpl(counts: FacetCounts) -> float:
    """Difference in Positive Proportions in Labels (DPL)"""
    a, d = counts.sides(*_PROPORTIONS)
    return a.observed_positive / a.size - d.observed_positive / d.size


_NO_COMMON_LABEL = "No instance of common facet found, dataset may be too small"


def _distributions(counts: FacetCounts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the label distributions of a and d on the labels that both have, not renormalised."""
    sides = counts.sides(_NO_COMMON_LABEL, _NO_COMMON_LABEL)
    a, d = (np.array([side.observed_negative, side.observed_positive]) / side.size for side in sides)
    common = (a > 0) & (d > 0)
    if not common.any():
        raise MetricError(_NO_COMMON_LABEL)
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
    negatives, positives = both.sum(axis=0)
    if positives == 0:
        raise MetricError("No positive labels in set")
    if negatives == 0:
        raise MetricError("No negative labels in set")
    # The first group holds the rows without a group.
    sensitive, both = sensitive[1:], both[1:]
    disparity = sum(
        (_share(d[0], n[0]) - _share(d[1], n[1])) * n.sum() for d, n in zip(sensitive, both, strict=True)
    )
    return float(divide(disparity, both.sum()))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def cddl(counts: FacetCounts) -> float:
    """Conditional Demographic Disparity in Labels (CDDL)"""
    return _conditional_disparity(counts, axis=2)


def cddpl(counts: FacetCounts) -> float:
    """Conditional Demographic Disparity in Predicted Labels (CDDPL)"""
    return _conditional_disparity(counts, axis=1)


def dppl(counts: FacetCounts) -> float:
    """Difference in Positive Proportions in Predicted Labels (DPPL)"""
    a, d = counts.sides(*_PROPORTIONS)
    return a.predicted_positive / a.size - d.predicted_positive / d.size


def di(counts: FacetCounts) -> float:
    """Disparate Impact (DI)"""
    a, d = counts.sides("Negated facet set is empty")
    return divide(d.predicted_positive / d.size, a.predicted_positive / a.size)


def _prefixed(counts: FacetCounts, prefix: str) -> tuple[Side, Side]:
    return counts.sides(f"{prefix}: Negated Facet set is empty", f"{prefix}: Facet set is empty")


def dca(counts: FacetCounts) -> float:
    """Difference in Conditional Acceptance (DCA)"""
    a, d = (divide(side.observed_positive, side.predicted_positive) for side in _prefixed(counts, "DCO"))
    return difference(a, d)


def dcr(counts: FacetCounts) -> float:
    """Difference in Conditional Rejection (DCR)"""
    a, d = (divide(side.observed_negative, side.predicted_negative) for side in _prefixed(counts, "DCO"))
    return difference(d, a)


def ad(counts: FacetCounts) -> float:
    """Accuracy Difference (AD)"""
    a, d = ((side.true_positive + side.true_negative) / side.size for side in counts.sides())
    return a - d


def rd(counts: FacetCounts) -> float:
    """Recall Difference (RD)"""
    a, d = (divide(side.true_positive, side.observed_positive) for side in _prefixed(counts, "DLA"))
    return difference(a, d)


def sd(counts: FacetCounts) -> float:
    """Specificity Difference (SD)"""
    a, d = (divide(side.true_negative, side.observed_negative) for side in _prefixed(counts, "DLA"))
    return difference(d, a)


def dar(counts: FacetCounts) -> float:
    """Difference in Acceptance Rates (DAR)"""
    a, d = (divide(side.true_positive, side.predicted_positive) for side in _prefixed(counts, "DLR"))
    return difference(a, d)


def drr(counts: FacetCounts) -> float:
    """Difference in Rejection Rates (DRR)"""
    a, d = (divide(side.true_negative, side.predicted_negative) for side in _prefixed(counts, "DLR"))
    return difference(d, a)


def te(counts: FacetCounts) -> float:
    """Treatment Equality (TE)"""
    a, d = (divide(side.false_negative, side.false_positive) for side in counts.sides())
    return difference(d, a)


def ft(counts: FacetCounts) -> float:
    """Flip Test (FT)"""
    counts.sides()
    if counts.flips is None:
        raise MetricError("The flip test needs the rows themselves, and only their counts are known")
    return counts.flips()


def ge(counts: FacetCounts) -> float:
    """Generalized Entropy (GE)"""
    # The benefit of a row is predicted - observed + 1: 2 for a false positive, 0 for a false negative.
    a, d = counts.a, counts.d
    rows, doubled = a.size + d.size, a.false_positive + d.false_positive
    single = a.true_positive + d.true_positive + a.true_negative + d.true_negative
    mean = (2 * doubled + single) / rows
    if mean == 0:
        raise MetricError(
            "All predicted labels are false negatives. There should be at least one prediction that is not "
            "false negative."
        )
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
