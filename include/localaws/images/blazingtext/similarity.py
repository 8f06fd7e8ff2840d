"""`evaluation`: how well similarities of word vectors agree with people's, on WordSimilarity-353.

The pairs and people's mean judgements (0 to 10) are those of Finkelstein et al. 2002, "Placing Search in
Context: The Concept Revisited", in `wordsim353.tsv`; BlazingText also reports on two
subsets of them, which are not here.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

PAIRS_FILE = Path(__file__).with_name("wordsim353.tsv")
TEST_NAME = "EN-WS-353-ALL.txt"


def read_pairs(path: Path = PAIRS_FILE) -> list[tuple[str, str, float]]:
    """(word, word, people's similarity) of each pair, words in lower case."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="\t") if row and not row[0].startswith("#")]
    return [(first.lower(), second.lower(), float(value)) for first, second, value in rows]


def evaluate(
    vector: Callable[[str], NDArray[Any]], known: Callable[[str], bool], pairs: list[tuple[str, str, float]]
) -> dict[str, Any]:
    """`eval.json`: Spearman's rank correlation over the pairs of known words; 0 of fewer than two pairs.

    :param vector: a word's vector
    :param known: whether a word has one
    """
    found = [(first, second, value) for first, second, value in pairs if known(first) and known(second)]
    cosines = [_cosine(vector(first), vector(second)) for first, second, _ in found]
    rho = _rank_correlation(cosines, [value for _, _, value in found])
    measured = {"not_found": len(pairs) - len(found), "spearmans_rho": rho, "total_pairs": len(pairs)}
    return {TEST_NAME: measured, "mean_rho": rho}


def _rank_correlation(first: list[float], second: list[float]) -> float:
    """Spearman's rho, ties sharing their mean rank; 0 when there is nothing to rank.

    SciPy has it too, but importing SciPy's statistics takes longer than the training of a small corpus.
    """
    ranks = np.array([_ranks(first), _ranks(second)])
    if len(first) < 2 or any(np.ptp(values) == 0 for values in ranks):
        return 0.0
    correlations: NDArray[np.float64] = np.asarray(np.corrcoef(ranks))
    return float(correlations[0, 1])


def _ranks(values: list[float]) -> NDArray[np.float64]:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    means = np.asarray(np.cumsum(counts) - (counts - 1) / 2, dtype=np.float64)
    return np.asarray(means[places])


def _cosine(first: NDArray[Any], second: NDArray[Any]) -> float:
    norm = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / norm if norm else 0.0
