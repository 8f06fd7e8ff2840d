"""`make backfill`: past days through Airflow's own backfill, watched interval by interval."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from launcher import retrain
from launcher.failures import RefusedError, RunFailedError
from launcher.planning import planned, print_plan, print_total
from launcher.progress import stage
from launcher.status import describe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from launcher.places import Places
    from launcher.rest import AirflowApi

#: Intervals at a time; each waits for AWS most of the time.
PARALLEL = 2
#: A run in one of these has ended.
ENDED = frozenset({"success", "failed"})


@dataclass(frozen=True)
class Backfill:
    """Which days, deploying how, how many at a time."""

    first: dt.date
    last: dt.date
    deploy: str
    parallel: int

    @classmethod
    def asked(cls, first: str, last: str, deploy: str = "auto", parallel: int = PARALLEL) -> Backfill:
        """From what was typed.

        :raises RefusedError: a date is missing or none, or the range is empty or all in the future
        """
        try:
            days = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
        except ValueError as error:
            raise RefusedError(
                "LOCAL_BACKFILL",
                f"FROM={first} TO={last}: {error}",
                "make backfill FROM=2026-03-01 TO=2026-03-10 DRY_RUN=1",
            ) from error
        if days[0] > days[1]:
            raise RefusedError(
                "LOCAL_BACKFILL", f"FROM={first} is after TO={last}.", "Give the earlier day first."
            )
        today = dt.datetime.now(dt.UTC).date()
        if days[0] > today:
            raise RefusedError(
                "LOCAL_BACKFILL",
                f"FROM={first} is in the future: today is {today} (UTC).",
                "Choose past days: `make backfill FROM=2026-03-01 TO=2026-03-10 DRY_RUN=1`.",
            )
        return cls(*days, deploy, parallel)

    def command(self) -> str:
        """What to type for it."""
        deploy = "" if self.deploy == "auto" else f" DEPLOY={self.deploy}"
        parallel = "" if self.parallel == PARALLEL else f" PARALLEL={self.parallel}"
        return f"make backfill FROM={self.first} TO={self.last}{deploy}{parallel}"

    def request(self) -> dict[str, Any]:
        """The body of Airflow's request. Finished runs are done again: what did not change is reused."""
        return {
            "dag_id": retrain.DAG_ID,
            "from_date": f"{self.first}T00:00:00Z",
            "to_date": f"{self.last}T23:59:59Z",
            "reprocess_behavior": "completed",
            "max_active_runs": self.parallel,
            "dag_run_conf": {"deploy": self.deploy},
        }


def run(places: Places, wanted: Backfill, *, dry_run: bool, console: Console) -> None:
    """Backfill, or with `dry_run` say per interval what it would do.

    :raises RunFailedError: an interval failed
    """
    with retrain.account(places, console) as aws_url, retrain.airflow_api(places, aws_url, console) as api:
        days = [date[:10] for date in api.interval_dates(wanted.request())]
        if not days:
            raise RefusedError(
                "LOCAL_BACKFILL",
                f"no interval from {wanted.first} to {wanted.last} has ended and is not running.",
                "Choose past days; `schedule` in include/config/retrain.yaml says when intervals are.",
            )
        if dry_run:
            documents = planned(aws_url, places, days, {"deploy": wanted.deploy}, "backfill")
            for document in documents:
                print_plan(console, document)
            print_total(console, documents, wanted.command())
            return
        number = api.start_backfill(wanted.request())
        console.print(
            f"backfill {number}: {len(days)} intervals, {wanted.parallel} at a time", highlight=False
        )
        try:
            runs = watch(api, number, days, console)
        except KeyboardInterrupt:
            with stage(console, "Cancelling: no interval starts any more, running ones and their jobs stop"):
                api.cancel_backfill(number)
            unfinished = api.unfinished_runs(retrain.DAG_ID)
            days_left = [run_id for run_id in unfinished if run_id.startswith("backfill__")]
            retrain.cancel(api, days_left, aws_url, console)
            raise
        failed = [item for item in runs if item["state"] != "success"]
        if failed:
            _, remedy = retrain.explain(places, api, failed[0]["dag_run_id"], aws_url)
            again = f"make backfill FROM={_day(failed[0])} TO={_day(failed[-1])}"
            raise RunFailedError(
                "LOCAL_BACKFILL_FAILED",
                f"{len(failed)} of {len(runs)} intervals failed.\n{_reasons(api, failed)}",
                f"docs/runbook.md has the codes; then `{again}` (finished work is reused). {remedy}",
            )


def _reasons(api: AirflowApi, failed: Sequence[dict[str, Any]]) -> str:
    """One line a reason, with the days that failed of it."""
    days: dict[str, list[str]] = {}
    for item in failed:
        days.setdefault(describe(api, item).failure or _ended_from_outside(item), []).append(_day(item))
    return "\n".join(f"  {', '.join(found)}  {reason}" for reason, found in days.items())


def _ended_from_outside(item: Mapping[str, Any]) -> str:
    """Of a failed run none of whose tasks failed: cancelling a backfill fails the runs that wait."""
    if item.get("start_date"):
        return "no task failed: the run was marked as failed, or ran longer than a run may (dagrun_timeout)"
    return "never began: the backfill was cancelled, or the run marked as failed"


def _day(item: dict[str, Any]) -> str:
    return str(item["logical_date"])[:10]


def watch(api: AirflowApi, number: int, days: Sequence[str], console: Console) -> list[dict[str, Any]]:
    """Show each interval as it starts and ends; gives the runs when all have ended."""
    shown: dict[str, str] = {}
    while True:
        complete = api.backfill_is_complete(number)
        runs = api.runs_between(retrain.DAG_ID, f"{days[0]}T00:00:00Z", f"{days[-1]}T23:59:59Z")
        for item in runs:
            day, state = _day(item), str(item["state"])
            if shown.get(day) != state:
                console.print(f"  {day}  {state:<8} {_seconds(item)}".rstrip(), highlight=False)
                shown[day] = state
        # Airflow closes it some seconds after the last run, and starts no other before that; one that is
        # cancelled it closes at once, while the days that run go on.
        if complete and all(item["state"] in ENDED for item in runs):
            break
        time.sleep(retrain.POLL_SECONDS)
    seconds = [item["duration"] for item in runs if item.get("duration")]
    if seconds:
        console.print(
            f"{len(runs)} intervals, {sum(seconds) / len(seconds):.0f} s each on average", highlight=False
        )
    return runs


def _seconds(item: dict[str, Any]) -> str:
    return f"{item['duration']:6.0f} s" if item["state"] in ENDED and item.get("duration") else ""
