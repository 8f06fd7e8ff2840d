"""The bootstrap: what a statistic would have been on other test sets like this one.

Rows are resampled with replacement and not by class: the test set is a random draw of reviews in which the
number of each sentiment is chance too, and precision, F1 and accuracy depend on it. Intervals that hold the
class sizes fixed would be too narrow for them.

A statistic of counts needs no rows: resampling n rows is one draw from a multinomial distribution over the
cells. A statistic of row values is resampled in blocks, so that memory does not grow with the samples.
Everything is a function of its arguments; callers sort rows where their order must not matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Row indices drawn at once; 8 bytes each.
_BLOCK_INDICES = 2_000_000


def resampled_counts(cells: NDArray[np.int64], samples: int, seed: int) -> NDArray[np.int64]:
    """Bootstrap samples of a table of counts.

    :param cells: counts, of any shape
    :return: (samples, *cells.shape)
    """
    n = int(cells.sum())
    draws = np.random.default_rng(seed).multinomial(n, cells.reshape(-1) / n, size=samples)
    return draws.reshape(samples, *cells.shape)


def resampled_means(rows: NDArray[np.float64], samples: int, seed: int) -> NDArray[np.float64]:
    """Bootstrap samples of the column means of ``rows`` (n x k): (samples x k)."""
    n = len(rows)
    draw = np.random.default_rng(seed)
    block = max(1, _BLOCK_INDICES // n)
    means = []
    for start in range(0, samples, block):
        size = min(block, samples - start)
        drawn = draw.integers(0, n, size=(size, n)) + np.arange(size)[:, None] * n
        times = np.bincount(drawn.reshape(-1), minlength=size * n).reshape(size, n)
        means.append(times @ rows / n)
    return np.concatenate(means)


def percentile_interval(resampled: NDArray[np.float64], confidence: float) -> list[float]:
    """``[low, high]`` that holds the middle share of the samples (Efron & Tibshirani 1993, chapter 13)."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return [float(low), float(high)]
