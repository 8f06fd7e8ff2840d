"""Two models on the same rows: is the difference between them more than chance?

The interval is a paired bootstrap: a resampled test set is one draw from a multinomial distribution over
the 27 cells (true class, prediction of the one, prediction of the other), so that what both get wrong
stays paired. McNemar's test (McNemar 1947) says the same of plain accuracy and is what reviewers ask for:
in its exact binomial form, which never errs too often, and as mid-p, which errs about as often as it says
(Fagerland, Lydersen & Laake 2013).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sentiment_retrain.data.datasets import LABELS
from sentiment_retrain.statistics.confusion import matrix_metrics
from sentiment_retrain.statistics.resampling import percentile_interval, resampled_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sentiment_retrain.settings.schema import Selection


class Scored(Protocol):
    """A named model with its predicted sentiment of each test row."""

    @property
    def name(self) -> str:
        """What the model is called."""

    @property
    def predicted(self) -> Sequence[int]:
        """Predicted sentiments."""


def compare(true_labels: Sequence[int], one: Scored, other: Scored, rules: Selection) -> dict[str, Any]:
    """``one`` minus ``other`` in the metric of ``rules``, with its interval and McNemar's exact p-value.

    :raises ValueError: when the three sequences are not of one length
    """
    cells = _cells(true_labels, one.predicted, other.predicted)
    difference = float(_difference(cells, rules.metric))
    resampled = _difference(resampled_counts(cells, rules.bootstrap_samples, rules.seed), rules.metric)
    only_one, only_other = _discordant(cells)
    return {
        "of": one.name,
        "against": other.name,
        "metric": rules.metric,
        "difference": difference,
        "interval": percentile_interval(resampled, rules.confidence),
        "p_value": bootstrap_p(resampled),
        "confidence": rules.confidence,
        "only_one_right": only_one,
        "only_other_right": only_other,
        "mcnemar_p": mcnemar_exact(only_one, only_other),
        "mcnemar_mid_p": mcnemar_mid_p(only_one, only_other),
    }


def bootstrap_p(resampled: NDArray[np.float64]) -> float:
    """Two-sided p-value of no difference: the confidence at which the percentile interval reaches zero.

    Never 0: with B samples the least is 2 / (B + 1) (Davison & Hinkley 1997, section 4.2).
    """
    below, above = int((resampled <= 0).sum()), int((resampled >= 0).sum())
    return min(1.0, 2 * (min(below, above) + 1) / (len(resampled) + 1))


def mcnemar_exact(only_one: int, only_other: int) -> float:
    """Two-sided exact p-value of the rows that exactly one of two models gets right; 1 when there is none."""
    from scipy.stats import binomtest

    discordant = only_one + only_other
    return float(binomtest(only_one, discordant, 0.5).pvalue) if discordant else 1.0


def mcnemar_mid_p(only_one: int, only_other: int) -> float:
    """As :func:`mcnemar_exact`, with half the probability of what was observed; 1 without discordant rows."""
    from scipy.stats import binom

    discordant = only_one + only_other
    if not discordant:
        return 1.0
    return max(0.0, mcnemar_exact(only_one, only_other) - float(binom.pmf(only_one, discordant, 0.5)))


def _cells(true: Sequence[int], one: Sequence[int], other: Sequence[int]) -> NDArray[np.int64]:
    """Counts by true class, prediction of the one and of the other (3 x 3 x 3)."""
    if not len(true) == len(one) == len(other) or len(true) == 0:
        raise ValueError(
            f"{len(true)} rows, {len(one)} and {len(other)} predictions: they must be equally many"
        )
    classes = len(LABELS)
    index = np.ravel_multi_index(
        tuple(np.asarray(values, dtype=np.int64) + 1 for values in (true, one, other)), (classes,) * 3
    )
    counts: NDArray[np.int64] = np.bincount(index, minlength=classes**3)
    return counts.reshape(classes, classes, classes)


def _difference(cells: NDArray[np.int64], metric: str) -> NDArray[np.float64]:
    """The metric's difference, of one or many arrays of cells (... x 3 x 3 x 3)."""
    difference: NDArray[np.float64] = (
        matrix_metrics(cells.sum(axis=-1))[metric] - matrix_metrics(cells.sum(axis=-2))[metric]
    )
    return difference


def _discordant(cells: NDArray[np.int64]) -> tuple[int, int]:
    """Rows that only the one gets right, and rows that only the other does."""
    both = sum(int(cells[i, i, i]) for i in range(len(LABELS)))
    one = sum(int(cells[i, i, :].sum()) for i in range(len(LABELS)))
    other = sum(int(cells[i, :, i].sum()) for i in range(len(LABELS)))
    return one - both, other - both
