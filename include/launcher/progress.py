"""What a run is doing, live: a table that redraws itself on a terminal, one line a change elsewhere."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from rich.console import Console

WAITING = "waiting"
STYLES = {
    "success": ("done", "green"),
    "running": ("running", "bold cyan"),
    "deferred": ("waiting for AWS", "bold cyan"),
    "failed": ("FAILED", "bold red"),
    "upstream_failed": ("not reached", "red"),
    "skipped": ("skipped", "dim"),
    "up_for_retry": ("will retry", "yellow"),
    WAITING: ("", "dim"),
}


@dataclass(frozen=True)
class TaskLine:
    """One task as it is shown; `seconds` is None before it starts."""

    task: str
    state: str
    seconds: float | None
    remark: str


def task_lines(
    order: Sequence[str],
    instances: Sequence[Mapping[str, Any]],
    remarks: Mapping[str, str],
    now: dt.datetime,
) -> list[TaskLine]:
    """The lines of a run.

    :param order: task ids in the order to show
    :param instances: task instances of Airflow's REST API
    :param remarks: by task id, what its remote job says of itself
    """
    by_task = {instance["task_id"]: instance for instance in instances}
    lines = []
    for task in order:
        instance = by_task.get(task, {})
        state = instance.get("state") or WAITING
        shown = state if state in STYLES else WAITING
        active = state in {"running", "deferred"}
        lines.append(
            TaskLine(task, shown, _seconds(instance, active, now), remarks.get(task, "") if active else "")
        )
    return lines


def _seconds(instance: Mapping[str, Any], active: bool, now: dt.datetime) -> float | None:
    started, ended = instance.get("start_date"), instance.get("end_date")
    if not started or instance["state"] in {"upstream_failed", "skipped"}:
        return None
    end = now if active or not ended else dt.datetime.fromisoformat(ended)
    return max(0.0, (end - dt.datetime.fromisoformat(started)).total_seconds())


@contextlib.contextmanager
def stage(console: Console, words: str) -> Iterator[None]:
    """Say that something takes a while: a spinner on a terminal, a line elsewhere."""
    if console.is_terminal:
        with console.status(words):
            yield
    else:
        console.print(words)
        yield


class Progress:
    """Shows task lines; a context manager, because a terminal needs its cursor back."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: dict[str, tuple[str, str]] = {}
        self._live = (
            Live(console=console, auto_refresh=False, transient=False) if console.is_terminal else None
        )

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, lines: Sequence[TaskLine]) -> None:
        """Show the state of now."""
        if self._live:
            self._live.update(self._table(lines), refresh=True)
            return
        for line in lines:
            seen = (line.state, line.remark)
            if line.state != WAITING and self._shown.get(line.task) != seen:
                self._console.print(_plain(line), highlight=False, soft_wrap=True)
                self._shown[line.task] = seen

    def _table(self, lines: Sequence[TaskLine]) -> Table:
        table = Table(box=None, pad_edge=False)
        table.add_column("task", no_wrap=True)
        table.add_column("state", no_wrap=True, min_width=15)
        table.add_column("seconds", justify="right")
        table.add_column("remote job", overflow="ellipsis", no_wrap=True)
        for line in lines:
            words, style = STYLES[line.state]
            table.add_row(
                Text(line.task, style="" if line.state != WAITING else "dim"),
                Text(words, style=style),
                "" if line.seconds is None else f"{line.seconds:.0f}",
                Text(line.remark, style="dim"),
            )
        return table


def _plain(line: TaskLine) -> str:
    words, _style = STYLES[line.state]
    seconds = "" if line.seconds is None else f"{line.seconds:5.0f} s"
    return f"  {line.task:<24} {words:<16} {seconds:>8}  {line.remark}".rstrip()
