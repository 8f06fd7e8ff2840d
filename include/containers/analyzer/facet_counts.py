"""What bias metrics are functions of: the rows of both sides of a facet, by observed and predicted label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
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

    `grouped` tells whether the first axis is a real group variable, its first entry then the rows without a
    group, or just one group of everything. `flips` gives the flip test of these rows, see `flip_test`.
    """

    others: NDArray[np.int64]
    sensitive: NDArray[np.int64]
    grouped: bool = False
    flips: Callable[[], float] | None = None

    @cached_property
    def a(self) -> Side:
        return Side.from_table(self.others.sum(axis=0))

    @cached_property
    def d(self) -> Side:
        return Side.from_table(self.sensitive.sum(axis=0))

    def sides(
        self, without_a: str = "Negated Facet set is empty", without_d: str = "Facet set is empty"
    ) -> tuple[Side, Side]:
        """Return a and d. Raises `MetricError` with the text of the side that has no rows.

        Each metric has wording of its own in Clarify's output, which people search their logs for.
        """
        for side, text in ((self.a, without_a), (self.d, without_d)):
            if side.size == 0:
                raise MetricError(text)
        return self.a, self.d
