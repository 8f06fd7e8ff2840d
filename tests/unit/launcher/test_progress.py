from __future__ import annotations

import datetime as dt
import io
from typing import Any

from rich.console import Console

from launcher.progress import Progress, TaskLine, stage, task_lines

NOW = dt.datetime(2026, 11, 22, 12, 0, 30, tzinfo=dt.UTC)


def instance(
    task: str, state: str | None, started: str | None = None, ended: str | None = None
) -> dict[str, Any]:
    return {"task_id": task, "state": state, "start_date": started, "end_date": ended}


def test_lines_follow_the_order_and_show_tasks_that_do_not_exist_yet() -> None:
    lines = task_lines(["plan", "check", "report"], [instance("check", None)], {}, NOW)

    assert lines == [TaskLine(task, "waiting", None, "") for task in ("plan", "check", "report")]


def test_seconds_are_those_of_the_task_and_run_on_while_it_waits_for_a_remote_job() -> None:
    done = instance("plan", "success", "2026-11-22T12:00:00Z", "2026-11-22T12:00:04Z")
    deferred = instance("train", "deferred", "2026-11-22T12:00:10Z", "2026-11-22T12:00:11Z")

    lines = task_lines(["plan", "train"], [done, deferred], {"plan": "old", "train": "InProgress"}, NOW)

    assert lines == [
        TaskLine("plan", "success", 4.0, ""),
        TaskLine("train", "deferred", 20.0, "InProgress"),
    ]


def test_a_task_that_was_never_reached_has_no_seconds() -> None:
    skipped = instance("deploy", "upstream_failed", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z")

    assert task_lines(["deploy"], [skipped], {}, NOW)[0].seconds is None


def test_without_a_terminal_each_change_is_one_line() -> None:
    output = io.StringIO()
    with Progress(Console(file=output, width=100)) as progress:
        progress.show([TaskLine("plan", "running", 1.0, ""), TaskLine("report", "waiting", None, "")])
        progress.show([TaskLine("plan", "running", 2.0, ""), TaskLine("report", "waiting", None, "")])
        progress.show([TaskLine("plan", "success", 3.0, ""), TaskLine("report", "running", 0.0, "")])

    words = [line.split() for line in output.getvalue().splitlines()]
    assert words == [
        ["plan", "running", "1", "s"],
        ["plan", "done", "3", "s"],
        ["report", "running", "0", "s"],
    ]


def test_on_a_terminal_the_table_shows_what_the_remote_job_does() -> None:
    output = io.StringIO()
    console = Console(file=output, width=100, force_terminal=True, color_system=None)
    with Progress(console) as progress:
        progress.show([TaskLine("train.blazingtext", "deferred", 2.0, "InProgress / Downloading")])

    assert "waiting for AWS" in output.getvalue()
    assert "InProgress / Downloading" in output.getvalue()


def test_without_a_terminal_a_long_stage_is_announced_by_a_line() -> None:
    output = io.StringIO()

    with stage(Console(file=output), "Starting Airflow"):
        assert output.getvalue() == "Starting Airflow\n"
