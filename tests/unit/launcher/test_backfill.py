"""The days of `make backfill` as they were typed, its dry run, and days that did not end well."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from launcher import backfill, retrain
from launcher.backfill import Backfill
from launcher.failures import RefusedError, RunFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from launcher.places import Places

TODAY = dt.datetime.now(dt.UTC).date()


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-13-01", "2026-03-02", "month must be"),
        ("", "", "Invalid isoformat"),
        ("2026-03-02", "2026-03-01", "is after TO="),
        ((TODAY + dt.timedelta(2)).isoformat(), (TODAY + dt.timedelta(3)).isoformat(), "is in the future"),
    ],
)
def test_days_that_cannot_be_used_are_refused_before_anything_starts(
    first: str, last: str, said: str
) -> None:
    with pytest.raises(RefusedError, match=said) as found:
        Backfill.asked(first, last)
    assert found.value.code == "LOCAL_BACKFILL"


def test_a_range_that_ends_in_the_future_is_cut_by_airflow() -> None:
    last = TODAY + dt.timedelta(5)
    assert Backfill.asked(TODAY.isoformat(), last.isoformat()).last == last


class Airflow:
    """As the launcher asks it; `runs` is what the days are at each asking, the last of it for good."""

    def __init__(self, *runs: list[dict[str, Any]]) -> None:
        self.runs = list(runs)

    def interval_dates(self, request: dict[str, Any]) -> list[str]:
        return ["2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"]

    def start_backfill(self, request: dict[str, Any]) -> int:
        return 1

    def backfill_is_complete(self, number: int) -> bool:
        return True

    def runs_between(self, dag_id: str, first: str, last: str) -> list[dict[str, Any]]:
        return self.runs.pop(0) if len(self.runs) > 1 else self.runs[0]

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return []


def day(number: int, state: str, started: str | None = "2026-11-23T03:00:00+00:00") -> dict[str, Any]:
    date = f"2026-03-0{number}"
    return {
        "dag_run_id": f"backfill__{date}",
        "logical_date": f"{date}T00:00:00Z",
        "state": state,
        "start_date": started,
    }


def carried_out(
    wanted: Backfill, airflow: Airflow, places: Places, monkeypatch: pytest.MonkeyPatch, *, dry_run: bool
) -> str:
    """What the command prints, with an account and an Airflow that are at hand."""

    @contextlib.contextmanager
    def given(value: Any) -> Iterator[Any]:
        yield value

    monkeypatch.setattr(retrain, "account", lambda *_: given("http://aws"))
    monkeypatch.setattr(retrain, "airflow_api", lambda *_: given(airflow))
    monkeypatch.setattr(retrain, "explain", lambda *_: ("", ""))
    monkeypatch.setattr(retrain, "POLL_SECONDS", 0.0)
    printed = io.StringIO()
    backfill.run(places, wanted, dry_run=dry_run, console=Console(file=printed, width=200))
    return printed.getvalue()


@pytest.mark.parametrize(
    ("typed", "deploys", "following"),
    [
        ({}, "deploys nothing (a backfill does so only with DEPLOY=force)", ""),
        ({"deploy": "force", "parallel": 3}, "deploy: force", " DEPLOY=force PARALLEL=3"),
    ],
)
def test_a_dry_run_ends_with_the_total_and_what_to_type(
    typed: dict[str, Any],
    deploys: str,
    following: str,
    places: Places,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = Backfill.asked("2026-03-01", "2026-03-03", **typed)
    plan = {
        "run_type": "backfill",
        "deploy": wanted.deploy,
        "sources": [],
        "steps": [],
        "budget_usd": 40.0,
    }
    plans = [
        plan | {"partition": "2026-03-01", "cost_bound_usd": 1.25},
        plan | {"partition": "2026-03-02", "cost_bound_usd": 2.5},
        {"partition": "2026-03-03", "error": {"code": "SR-SOURCE-001", "observed": "nothing there"}},
    ]
    monkeypatch.setattr(backfill, "planned", lambda *_: plans)
    printed = carried_out(wanted, Airflow(), places, monkeypatch, dry_run=True)
    assert printed.count(deploys) == 2
    assert "3 intervals, at most 3.75 USD together, 1 of them without a plan and not counted" in printed
    assert printed.endswith(f"next      make backfill FROM=2026-03-01 TO=2026-03-03{following}\n")


def test_where_no_day_has_a_plan_the_backfill_is_not_proposed(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = [{"partition": "2026-03-01", "error": {"code": "SR-SOURCE-001", "observed": "nothing there"}}]
    monkeypatch.setattr(backfill, "planned", lambda *_: plans)
    wanted = Backfill.asked("2026-03-01", "2026-03-01")
    printed = carried_out(wanted, Airflow(), places, monkeypatch, dry_run=True)
    assert printed.endswith("next      docs/runbook.md has the codes; then this dry run again\n")


def test_days_of_a_cancelled_backfill_are_watched_to_their_end_and_say_so(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_began = day(2, "failed", None)
    airflow = Airflow([day(1, "running"), never_began], [day(1, "failed"), never_began])
    with pytest.raises(RunFailedError, match="2 of 2 intervals failed") as found:
        carried_out(Backfill.asked("2026-03-01", "2026-03-02"), airflow, places, monkeypatch, dry_run=False)
    said = found.value.observed.splitlines()
    assert said[1].startswith("  2026-03-01  no task failed: the run was marked as failed")
    assert said[2].startswith("  2026-03-02  never began: the backfill was cancelled")


def test_a_day_that_ran_on_after_its_backfill_was_cancelled_has_not_failed(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow = Airflow([day(1, "running")], [day(1, "success")])
    wanted = Backfill.asked("2026-03-01", "2026-03-01")
    assert "2026-03-01  success" in carried_out(wanted, airflow, places, monkeypatch, dry_run=False)
