"""Do new reviews look like those that the champion was trained on?

Covariate drift: what is reviewed (category), how long, in which words. Prior-probability drift: the
shares of the sentiments. Each is an effect size with a p-value: with many rows the smallest difference is
significant, with few the largest may be chance. The gate asks for both
(:mod:`sentiment_retrain.statistics.drift_tests`).

* PSI, population stability index: sum of (p - q) ln(p / q) (Siddiqi 2006); below 0.1 none, above 0.25 large.
* Jensen-Shannon divergence of word frequencies in bits: 0 to 1 (Lin 1991).
* Cramér's V of the labels, from chi-square of the 2 x 3 table (Cramér 1946): 0.1 small, 0.3 medium.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment_retrain.data.datasets import label_counts
from sentiment_retrain.data.text import normalize
from sentiment_retrain.statistics.drift_tests import DOCUMENT_WORDS, homogeneity_p, words_p
from sentiment_retrain.statistics.multiple_testing import holm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

PROFILE_VERSION = 2
#: Upper edges, in tokens, of the bins of a review's length; the last bin is open.
LENGTH_EDGES = (5, 10, 20, 40, 60, 80, 100, 150, 250)
#: So many of the most frequent tokens are followed; all others count together.
VOCABULARY_SIZE = 500
_OTHER = "\0other"
_LEAST_SHARE = 1e-4


def profile(reviews: pd.DataFrame) -> dict[str, Any]:
    """What is remembered of a set of reviews: counts only, as JSON.

    :param reviews: frame with review_body, product_category and sentiment (``tokens`` is used when there)
    """
    tokens = (
        list(reviews["tokens"]) if "tokens" in reviews else [normalize(t) for t in reviews["review_body"]]
    )
    return {
        "version": PROFILE_VERSION,
        "rows": len(reviews),
        "labels": label_counts(reviews["sentiment"]),
        "categories": dict(collections.Counter(map(str, reviews["product_category"])).most_common()),
        "lengths": _length_counts(tokens),
        "vocabulary": _vocabulary(tokens),
        "documents": _documents(tokens),
    }


def compare(baseline: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The drift measures between two profiles.

    Each is ``{"value", "p_value", "adjusted_p", "rows", "baseline_rows", "detail"}``; ``rows`` are the
    current ones, p-values None where a profile has too little for a test. Label drift also has
    ``chi_square``, length drift ``kolmogorov_smirnov``.
    """
    measures = _measures(baseline, current)
    known = {name: measure["p_value"] for name, measure in measures.items() if measure["p_value"] is not None}
    adjusted = holm(known)
    return {name: {**measure, "adjusted_p": adjusted.get(name)} for name, measure in measures.items()}


def _measures(baseline: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    rows = {"rows": int(current["rows"]), "baseline_rows": int(baseline["rows"])}
    categories = sorted({*baseline["categories"], *current["categories"]})
    category_shares = [_shares(side["categories"], categories) for side in (baseline, current)]
    category_counts = [_counts(side["categories"], categories) for side in (baseline, current)]
    length_shares = [_normalized(np.asarray(side["lengths"], float)) for side in (baseline, current)]
    words = sorted({*baseline["vocabulary"], *current["vocabulary"]} - {_OTHER})
    word_shares = _word_shares(baseline["vocabulary"], current["vocabulary"], words)
    steps = np.abs(np.cumsum(length_shares[0]) - np.cumsum(length_shares[1]))
    return {
        "category_psi": {
            "value": psi(*category_shares),
            "p_value": homogeneity_p(*category_counts),
            **rows,
            "detail": _largest_changes(categories, *category_shares),
        },
        "length_psi": {
            "value": psi(*length_shares),
            "p_value": homogeneity_p(*(np.asarray(side["lengths"], float) for side in (baseline, current))),
            **rows,
            "kolmogorov_smirnov": float(steps.max()),
            "detail": _largest_changes(_length_names(), *length_shares),
        },
        "vocabulary_jensen_shannon": {
            "value": jensen_shannon(*word_shares),
            "p_value": words_p(
                baseline.get("documents", {}),
                int(baseline["rows"]),
                current.get("documents", {}),
                int(current["rows"]),
            ),
            **rows,
            "detail": _largest_changes([*words, "all other words"], *word_shares),
        },
        "label_cramers_v": {**_label_drift(baseline["labels"], current["labels"]), **rows},
    }


def psi(expected: NDArray[np.float64], actual: NDArray[np.float64]) -> float:
    """Population stability index of two share vectors; empty bins count as 0.01 %."""
    q, p = np.maximum(expected, _LEAST_SHARE), np.maximum(actual, _LEAST_SHARE)
    return float(((p - q) * np.log(p / q)).sum())


def jensen_shannon(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Jensen-Shannon divergence of two share vectors, in bits."""
    middle = (one + other) / 2
    return float(max(0.0, (_kullback_leibler(one, middle) + _kullback_leibler(other, middle)) / 2))


def _label_drift(baseline: Mapping[str, int], current: Mapping[str, int]) -> dict[str, Any]:
    from scipy.stats import chi2_contingency

    names = list(baseline)
    table = np.asarray([[side[name] for name in names] for side in (baseline, current)], float)
    shares = [_normalized(row) for row in table]
    observed = table[:, table.sum(axis=0) > 0]
    detail = _largest_changes(names, *shares)
    if observed.shape[1] < 2 or (observed.sum(axis=1) == 0).any():
        return {"value": 0.0, "chi_square": 0.0, "p_value": 1.0, "detail": detail}
    result = chi2_contingency(observed, correction=False)
    # The smaller side of the table has two rows, so Cramér's V is the square root of chi-square over n.
    value = float(np.sqrt(result.statistic / observed.sum()))
    return {
        "value": value,
        "chi_square": float(result.statistic),
        "p_value": float(result.pvalue),
        "detail": detail,
    }


def _length_counts(tokens: Iterable[str]) -> list[int]:
    lengths = np.asarray([text.count(" ") + 1 for text in tokens], dtype=np.int64)
    bins = np.searchsorted(np.asarray(LENGTH_EDGES), lengths, side="left")
    return [int(count) for count in np.bincount(bins, minlength=len(LENGTH_EDGES) + 1)]


def _length_names() -> list[str]:
    lower = [1, *(edge + 1 for edge in LENGTH_EDGES)]
    closed = [f"{low} to {high} words" for low, high in zip(lower, LENGTH_EDGES, strict=False)]
    return [*closed, f"{lower[-1]} words and more"]


def _vocabulary(tokens: Iterable[str]) -> dict[str, int]:
    counts = collections.Counter(token for text in tokens for token in text.split(" "))
    # Ties at the edge are broken by the word itself, so that equal rows give equal profiles.
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:VOCABULARY_SIZE]
    return {**dict(frequent), _OTHER: counts.total() - sum(count for _, count in frequent)}


def _documents(tokens: Iterable[str]) -> dict[str, int]:
    """Number of reviews that have a word, of the words that most have."""
    counts = collections.Counter(token for text in tokens for token in set(text.split(" ")))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:DOCUMENT_WORDS])


def _word_shares(
    one: Mapping[str, int], other: Mapping[str, int], words: Sequence[str]
) -> list[NDArray[np.float64]]:
    """Shares of the words on both sides; the last is that of all other words.

    A word that a side does not list is at most as frequent there as the rarest that it lists, and taken to be
    as near to the other side as that allows: just above or below the edge of a list is no difference.
    """
    listed = [_listed(side, words) for side in (one, other)]
    shares = []
    for (counts, total, edge), (others, other_total, _) in (listed, listed[::-1]):
        expected = np.minimum(others / max(1.0, other_total) * total, edge)
        known = np.where(np.isnan(counts), np.nan_to_num(expected), counts)
        shares.append(_normalized(np.append(known, max(0.0, total - known.sum()))))
    return shares


def _listed(vocabulary: Mapping[str, int], words: Sequence[str]) -> tuple[NDArray[np.float64], float, float]:
    """Count of each word, NaN where it is not listed; of all words; of the rarest that is listed."""
    total = float(sum(vocabulary.values()))
    counts = {word: count for word, count in vocabulary.items() if word != _OTHER}
    # A list that is not full lists every word that there is.
    edge = float(min(counts.values())) if vocabulary.get(_OTHER, 0) and counts else 0.0
    return np.asarray([counts.get(word, np.nan) for word in words], float), total, edge


def _shares(counts: Mapping[str, int], names: Sequence[str]) -> NDArray[np.float64]:
    return _normalized(_counts(counts, names))


def _counts(counts: Mapping[str, int], names: Sequence[str]) -> NDArray[np.float64]:
    return np.asarray([counts.get(name, 0) for name in names], float)


def _normalized(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    total = counts.sum()
    return counts / total if total else counts


def _kullback_leibler(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    present = p > 0
    return float((p[present] * np.log2(p[present] / q[present])).sum())


def _largest_changes(
    names: Sequence[str], before: NDArray[np.float64], now: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """The five names whose share changed most."""
    order = np.argsort(-np.abs(now - before), kind="stable")[:5]
    return [
        {"name": names[i], "before": round(float(before[i]), 5), "now": round(float(now[i]), 5)}
        for i in order
    ]
