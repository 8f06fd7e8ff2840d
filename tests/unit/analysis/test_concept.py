"""Concept drift: quiet without one, loud with one, blind to a change of the sentiments' shares."""

from __future__ import annotations

import numpy as np
import pytest

from sentiment_retrain.analysis import concept
from sentiment_retrain.verdict import gates_drift

from .. import samples

LIMITS = samples.settings().gates
RECALLS = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.05, 0.1, 0.85]])


def drawn(rows: tuple[int, int, int], seed: int, recalls: np.ndarray = RECALLS) -> list[list[int]]:
    draw = np.random.default_rng(seed)
    return [draw.multinomial(n, shares).tolist() for n, shares in zip(rows, recalls, strict=True)]


def compared(before: list[list[int]], now: list[list[int]]) -> dict[str, object]:
    return concept.compare(before, now, confidence=0.95, samples=500, seed=1)


def status(found: dict[str, object] | str) -> str:
    return gates_drift.concept_drift(found, LIMITS.concept_drift, 0.05).status


def test_no_drift_stays_quiet_at_about_its_level() -> None:
    found = [compared(drawn((200, 200, 800), seed), drawn((60, 60, 240), seed + 1000)) for seed in range(100)]
    assert sum(float(str(one["p_value"])) < 0.1 for one in found) <= 20
    assert sum(status(one) == "warn" for one in found) <= 3


def test_a_large_drop_is_seen() -> None:
    worse = np.array([[0.5, 0.3, 0.2], [0.3, 0.4, 0.3], [0.15, 0.2, 0.65]])
    found = compared(drawn((200, 200, 800), 1), drawn((100, 100, 400), 2, worse))
    assert float(str(found["value"])) == pytest.approx(0.2, abs=0.08)
    assert status(found) == "warn"


def test_other_shares_of_the_sentiments_are_no_concept_drift() -> None:
    exact = [[70, 20, 10], [20, 60, 20], [5, 10, 85]]
    found = compared(exact, [[7 * 20, 2 * 20, 20], [20, 60, 20], [5, 10, 85]])
    assert found["value"] == pytest.approx(0)
    assert float(str(found["p_value"])) > 0.3


def test_few_rows_are_reported_and_not_judged() -> None:
    found = compared(drawn((200, 200, 800), 1), [[0, 5, 0], [5, 0, 0], [40, 0, 0]])
    gate = gates_drift.concept_drift(found, LIMITS.concept_drift, 0.05)
    assert gate.status == "pass"
    assert "too few to judge" in gate.observed


def test_no_new_rows_say_so() -> None:
    found = compared(drawn((20, 20, 80), 1), [[0, 0, 0]] * 3)
    assert found["p_value"] is None
    assert status(found) == "pass"
    assert "no champion" in gates_drift.concept_drift("no champion", LIMITS.concept_drift, 0.05).observed


def test_same_counts_give_the_same_answer() -> None:
    before, now = drawn((50, 50, 200), 1), drawn((50, 50, 200), 2)
    assert compared(before, now) == compared(before, now)
