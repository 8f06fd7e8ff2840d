"""Which runs the table shows, and in which order."""

from __future__ import annotations

from typing import get_args

import pytest

from sentiment_retrain.pages import timeline_rows

from .test_timeline_chart import run

RUNS = [
    run(1, status="failed", outcome="failed", cost_usd=None),
    run(2, 0.9, outcome="deployed", champion_changed=True, drift={"a": 0.1, "b": 0.3, "c": None}),
    run(3, None, outcome="waits", cost_usd=5.0),
]


def test_totals_and_rows() -> None:
    totals = timeline_rows.totals(RUNS)
    assert (totals["runs"], totals["failed"], totals["changes"]) == (3, 1, 1)
    assert (totals["cost_usd"], totals["saved_usd"]) == (6.0, 1.5)
    newest, middle, oldest = timeline_rows.rows(RUNS, str)
    assert (newest["run_id"], newest["words"], newest["pill"]) == ("r3", "waits for approval", "warn")
    assert (middle["words"], middle["largest_drift"], middle["pill"]) == ("went live", 0.3, "pass")
    assert (oldest["words"], oldest["largest_drift"], oldest["pill"]) == ("failed", None, "fail")


@pytest.mark.parametrize(
    ("only", "order", "shown"),
    [
        ("all", "newest", ["r3", "r2", "r1"]),
        ("all", "score", ["r2", "r1", "r3"]),
        ("all", "drift", ["r2", "r3", "r1"]),
        ("all", "cost", ["r3", "r2", "r1"]),
        ("failed", "newest", ["r1"]),
        ("live", "cost", ["r2"]),
        ("waiting", "newest", ["r3"]),
    ],
)
def test_rows_are_chosen_and_ordered(
    only: timeline_rows.Only, order: timeline_rows.Order, shown: list[str]
) -> None:
    found = timeline_rows.chosen(timeline_rows.rows(RUNS, str), only, order)
    assert [row["run_id"] for row in found] == shown


def test_a_choice_that_would_leave_nothing_is_not_offered() -> None:
    assert [(one["only"], one["runs"]) for one in timeline_rows.choices(RUNS[:2])] == [
        ("all", 2),
        ("live", 1),
        ("failed", 1),
    ]
    assert {one["only"] for one in timeline_rows.choices(RUNS)} == set(get_args(timeline_rows.Only))
