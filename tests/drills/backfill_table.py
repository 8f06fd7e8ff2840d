"""What each pass of the backfill drill made and how long it took, as a table at the end of the tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import tables

#: The property of a test's report that carries a line of the table, also between test processes.
PROPERTY = "backfill drill"
_LINE = "{:<32} {:>9} {:>9} {:>10} {:>12}"
_HEADINGS = ("pass", "intervals", "new jobs", "days redone", "s/interval")


@dataclass(frozen=True)
class BackfillRow:
    """One pass over the range."""

    event: str
    intervals: int
    new_jobs: int
    #: Days that the new jobs belong to.
    days: int
    #: Of an interval, from its start to its end; two run at a time.
    seconds: int


def write_table(terminalreporter: Any) -> None:
    """Print the passes in their order."""
    rows = tables.rows(terminalreporter, PROPERTY, BackfillRow)
    if not rows:
        return
    terminalreporter.section("backfill drill: jobs made, seconds taken")
    terminalreporter.write_line(_LINE.format(*_HEADINGS))
    for row in rows:
        terminalreporter.write_line(
            _LINE.format(row.event, row.intervals, row.new_jobs, row.days, row.seconds)
        )
