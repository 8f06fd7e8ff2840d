"""Anomalous rows: an isolation forest over what can be said of a row in numbers.

F. T. Liu, K. M. Ting, Z.-H. Zhou, Isolation Forest, ICDM 2008. As in Autopilot's report the score is below 0
for a row that is easier to isolate than rows usually are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from automl.dataset import to_numbers
from sklearn.ensemble import IsolationForest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.dataset import ColumnKind, Table
    from numpy.typing import NDArray

SAMPLE_ROWS = 10_000
SHOWN_ROWS = 10


@dataclass(frozen=True)
class Anomaly:
    """A row that stands out: its number in the data (the first is 1), its score, its cells, target last."""

    row: int
    score: float
    cells: list[str]


def find_anomalies(table: Table, kinds: Sequence[ColumnKind]) -> list[Anomaly]:
    """Up to ten rows with a score below 0, the most anomalous first, of a sample of up to 10,000 rows."""
    chosen = np.sort(np.random.default_rng(0).permutation(table.rows)[:SAMPLE_ROWS])
    columns = [_DESCRIBED[kind](table.features[chosen, index]) for index, kind in enumerate(kinds)]
    described = np.column_stack(columns)
    forest = IsolationForest(random_state=0).fit(described)
    scores = forest.decision_function(described)
    worst = [position for position in np.argsort(scores, kind="stable")[:SHOWN_ROWS] if scores[position] < 0]
    return [
        Anomaly(
            int(chosen[position]) + 1,
            float(scores[position]),
            [*map(str, table.features[chosen[position]]), str(table.target[chosen[position]])],
        )
        for position in worst
    ]


def _numbers(cells: NDArray[Any]) -> NDArray[np.float64]:
    values = to_numbers(cells)
    known = np.isfinite(values)
    filled = np.where(known, values, np.median(values[known]) if known.any() else 0.0)
    return np.column_stack([filled, ~known])


def _category(cells: NDArray[Any]) -> NDArray[np.float64]:
    """How rare the category is."""
    counts = Counter(cells)
    return np.log([[counts[cell]] for cell in cells])


def _text(cells: NDArray[Any]) -> NDArray[np.float64]:
    """Words, letters a word, share of what is no letter, and how rare the words are on average."""
    texts = [str(cell) for cell in cells]
    words = [text.lower().split() for text in texts]
    counts = Counter(word for found in words for word in set(found))
    letters = [sum(character.isalpha() for character in text) for text in texts]
    return np.column_stack(
        [
            [np.log1p(len(found)) for found in words],
            [count / max(1, len(found)) for count, found in zip(letters, words, strict=True)],
            [1 - count / max(1, len(text)) for count, text in zip(letters, texts, strict=True)],
            [np.mean([np.log(counts[word]) for word in found]) if found else 0.0 for found in words],
        ]
    )


_DESCRIBED = {"numeric": _numbers, "categorical": _category, "text": _text}
