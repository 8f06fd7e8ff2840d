"""How many questions are asked of a run at once, and what that makes of a p-value.

Six questions are asked of every run: category, length, words and labels of the new reviews, the champion's
answers to them, and the words that decide. Each may be wrong by chance, so together they share one level of
significance: a family of k tests gets k sixths of it (Bonferroni), and divides it within by Holm's method
(Holm 1979). That holds however the tests depend on each other, which the Benjamini-Hochberg method does not
promise, and bounds what a person pays for, the chance of any false alarm, rather than the share of false
ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

QUESTIONS = 6


def family_level(significance: float, tests: int) -> float:
    """Level at which ``tests`` of the six may be wrong together."""
    return significance * tests / QUESTIONS


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """P-values adjusted for their number by Holm's step-down method; compare them with the family's level."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: (item[1], item[0]))):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}
