"""A scheduled or manual run gets the next free slot before any backfill."""

from __future__ import annotations

import types
from typing import Any

import pytest

from sentiment_retrain.runs.priority import AHEAD, BACKFILLS_LAST, BackfillsLast


def weight(run_id: str) -> int:
    task: Any = types.SimpleNamespace(run_id=run_id, task=types.SimpleNamespace(priority_weight=1))
    return BackfillsLast().get_weight(task)


@pytest.mark.parametrize("run_id", ["scheduled__2026-03-01", "manual__2026-03-01", "run-20260301T000000"])
def test_others_go_ahead_of_backfills(run_id: str) -> None:
    assert weight(run_id) == weight("backfill__2026-03-01") + AHEAD


def test_airflow_finds_the_strategy_by_its_name() -> None:
    from airflow.task.priority_strategy import validate_and_load_priority_weight_strategy

    assert isinstance(validate_and_load_priority_weight_strategy(BACKFILLS_LAST), BackfillsLast)
