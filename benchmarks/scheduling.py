"""Does a new run start as fast beside a hundred queued intervals of a backfill as on an idle scheduler?

    .venv/bin/python benchmarks/scheduling.py --intervals 100 --runs 5

An installation of its own (a real Airflow and the stand-in) in a temporary directory. The delay is the time
from the request for a manual run to the start of its first task. Exit code 1 when the median beside the
backfill is more than LIMIT times the idle one.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT / folder) for folder in ("include", "plugins")]

from rich.console import Console  # noqa: E402

from launcher import retrain  # noqa: E402 - the path is set above
from launcher.backfill import Backfill  # noqa: E402
from launcher.places import Places  # noqa: E402

if TYPE_CHECKING:
    from launcher.rest import AirflowApi

#: Beyond this ratio of delays people would notice.
LIMIT = 3.0
FIRST_TASK = "plan"
WAIT_SECONDS = 300


def say(line: str) -> None:
    """Print one line now."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def delay_seconds(api: AirflowApi, run_id: str) -> float:
    """Seconds from the request for a manual run to the start of its first task; waits until the run ended."""
    asked = dt.datetime.now(dt.UTC)
    api.trigger(retrain.DAG_ID, run_id, {"mode": "plan_only"})
    started: dt.datetime | None = None
    deadline = time.monotonic() + WAIT_SECONDS
    while api.run_state(retrain.DAG_ID, run_id) not in {"success", "failed"}:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{run_id} did not end within {WAIT_SECONDS} s")
        time.sleep(1)
    for task in api.task_instances(retrain.DAG_ID, run_id):
        if task["task_id"] == FIRST_TASK:
            started = dt.datetime.fromisoformat(task["start_date"])
    if started is None:
        raise RuntimeError(f"{run_id} has no task {FIRST_TASK}")
    return (started - asked).total_seconds()


def measured(api: AirflowApi, label: str, runs: int) -> list[float]:
    """Delays of several runs, one after the other."""
    # The first run after a start pays for imports.
    found = [delay_seconds(api, f"{label}-{number}") for number in range(runs + 1)][1:]
    shown = ", ".join(f"{seconds:.2f}" for seconds in found)
    say(f"{label:<8} median {statistics.median(found):6.2f} s  max {max(found):6.2f} s  ({shown})")
    return found


def main() -> int:
    """Measure idle, then beside a backfill; print both and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--intervals", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sentiment-retrain-scheduling-") as directory:
        places, console = Places(Path(directory) / "local"), Console()
        try:
            with (
                retrain.account(places, console) as aws_url,
                retrain.airflow_api(places, aws_url, console) as api,
            ):
                idle = measured(api, "idle", options.runs)
                first = dt.date(2026, 1, 1)
                last = first + dt.timedelta(days=options.intervals - 1)
                began = time.monotonic()
                api.start_backfill(Backfill(first, last, "auto", 2).request())
                say(f"{options.intervals} intervals queued in {time.monotonic() - began:.1f} s")
                beside = measured(api, "beside", options.runs)
                left = sum(run["state"] == "queued" for run in api.runs(retrain.DAG_ID))
        finally:
            retrain.down(places, console)
    ratio = statistics.median(beside) / statistics.median(idle)
    say(f"ratio {ratio:.2f} (at most {LIMIT:.0f}); {left} intervals still queued at the end")
    return int(ratio > LIMIT or not left)


if __name__ == "__main__":
    sys.exit(main())
