"""Is a difference between two sets of reviews more than chance? P-values for the measures of drift.

How the p-values of one run are held against each other is in
:mod:`sentiment_retrain.statistics.multiple_testing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

#: Expected count from which the chi-square approximation holds (Cochran 1954); rarer values are put together.
_LEAST_EXPECTED = 5.0
#: Words of which a profile tells the number of reviews that have them.
DOCUMENT_WORDS = 2000
#: Words, by the number of reviews that have them, whose frequency is tested.
_WORDS_TESTED = 300


def homogeneity_p(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """P-value of two rows of counts being drawn from the same shares: Pearson's chi-square test.

    Values that are expected fewer than five times on a side count together; 1 where nothing is left.
    """
    from scipy.stats import chi2_contingency

    table = np.asarray([one, other], dtype=np.float64)
    rows = table.sum(axis=1)
    if (rows == 0).any():
        return 1.0
    expected = table.sum(axis=0) * rows.min() / rows.sum()
    rare = expected < _LEAST_EXPECTED
    pooled = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)]) if rare.any() else table
    pooled = pooled[:, pooled.sum(axis=0) > 0]
    if pooled.shape[1] < 2:
        return 1.0
    return float(chi2_contingency(pooled, correction=False).pvalue)


def words_p(one: Mapping[str, int], one_rows: int, other: Mapping[str, int], other_rows: int) -> float | None:
    """P-value of the reviews of both sides using the same words.

    Words of one review come together, so reviews are counted and not words: for each of the words that are
    in most reviews of both sides together, Fisher's exact test of the 2 x 2 table, twice its smaller tail.
    The smallest p-value is multiplied by the number of words (Bonferroni), which holds although words depend
    on each other. Chi-square will not do: what is smallest of 300 is far out in the tail, where its p-values
    of words that a dozen reviews have are much too small.

    :param one: number of reviews that have a word, of the most frequent words
    :return: None when there is nothing to compare
    """
    from scipy.stats import hypergeom

    if not one or not other or not one_rows or not other_rows:
        return None
    # A word that a side does not list is at most as frequent there as the rarest that it lists.
    least = [0 if len(side) < DOCUMENT_WORDS else min(side.values()) for side in (one, other)]
    together = {word: (one.get(word, least[0]), other.get(word, least[1])) for word in sorted({*one, *other})}
    followed = sorted(together.values(), key=lambda counts: -sum(counts))[:_WORDS_TESTED]
    with_word = np.asarray(followed, dtype=np.float64).T
    rows = np.asarray([[one_rows], [other_rows]], dtype=np.float64)
    share = with_word.sum(axis=0) / rows.sum()
    expected = share * rows
    tested = (np.minimum(expected, rows - expected) >= _LEAST_EXPECTED).all(axis=0)
    if not tested.any():
        return None
    here, total = with_word[1, tested], with_word[:, tested].sum(axis=0)
    of_rows = hypergeom(rows.sum(), total, rows[1, 0])
    one_sided = np.minimum(of_rows.cdf(here), of_rows.sf(here - 1)).min()
    return float(min(1.0, 2 * tested.sum() * one_sided))
