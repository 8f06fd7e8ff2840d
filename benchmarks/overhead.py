"""What a run's time is spent on besides its jobs: wall time minus the jobs' own critical path, gap by gap.

    .venv/bin/python benchmarks/overhead.py                 # the newest run that ended
    .venv/bin/python benchmarks/overhead.py --run <run id>  # that one; may be repeated

Reads only: task times from the running Airflow (`make up`), job times from the run's card. A job that was
reused has no time in this run. Seconds before a task are Airflow's (schedule, queue, start of the process);
seconds in a task besides its job are ours (reading, waiting for the next look at the job, parsing).
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("include", "plugins")]

from launcher import airflow, localaws, processes  # noqa: E402 - the path is set above
from launcher.places import Places  # noqa: E402
from launcher.rest import AirflowApi  # noqa: E402
from launcher.retrain import DAG_ID  # noqa: E402
from sentiment_retrain.naming import run_key  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Task:
    """One task of a run; seconds since the run began."""

    name: str
    began: float
    ended: float
    job_seconds: float


@dataclass(frozen=True)
class Step:
    """One task of the chain that decided when the run ended."""

    name: str
    #: From the end of the task before it to its own start.
    before: float
    job: float
    own: float


def critical_jobs(tasks: Mapping[str, Task], upstream: Mapping[str, Sequence[str]]) -> float:
    """Seconds of the longest path through the DAG when nothing but the jobs took time."""
    longest: dict[str, float] = {}

    def of(name: str) -> float:
        if name not in longest:
            before = max((of(item) for item in upstream[name] if item in tasks), default=0.0)
            longest[name] = before + tasks[name].job_seconds
        return longest[name]

    return max((of(name) for name in tasks), default=0.0)


def chain(tasks: Mapping[str, Task], upstream: Mapping[str, Sequence[str]]) -> list[Step]:
    """The tasks that decided when the run ended, first to last: each waited for the one before it."""
    steps: list[Step] = []
    current = max(tasks.values(), key=lambda task: task.ended, default=None)
    while current is not None:
        before = [tasks[name] for name in upstream[current.name] if name in tasks]
        waited_for = max(before, key=lambda task: task.ended, default=None)
        since = waited_for.ended if waited_for else 0.0
        seconds = current.ended - current.began
        job = min(current.job_seconds, seconds)
        steps.append(Step(current.name, current.began - since, job, seconds - job))
        current = waited_for
    return steps[::-1]


def read(api: AirflowApi, s3: Any, run: Mapping[str, Any]) -> tuple[float, dict[str, Task]]:
    """Wall seconds of a run, and its tasks that did something."""
    began, ended = _time(run["start_date"]), _time(run["end_date"])
    card = _card(s3, run)
    spent: dict[str, float] = {}
    for job in card["jobs"]:
        if job["outcome"] != "reused":
            spent[job["task"]] = spent.get(job["task"], 0.0) + job["seconds"]
    tasks = {
        item["task_id"]: Task(
            item["task_id"],
            _time(item["start_date"]) - began,
            _time(item["end_date"]) - began,
            spent.get(item["task_id"], 0.0),
        )
        for item in api.task_instances(DAG_ID, run["dag_run_id"])
        if item["state"] in {"success", "failed", "skipped"} and item["start_date"]
    }
    return ended - began, tasks


def upstream_of(api: AirflowApi) -> dict[str, list[str]]:
    """What each task waits for."""
    downstream = api.downstream(DAG_ID)
    return {name: [item for item, after in downstream.items() if name in after] for name in downstream}


def _card(s3: Any, run: Mapping[str, Any]) -> dict[str, Any]:
    day = _moment(run["logical_date"] or run["run_after"]).date()
    key = f"runs/{run_key(DAG_ID, run['dag_run_id'], day)}/card.json"
    found = s3.get_object(Bucket=localaws.BUCKET, Key=key)["Body"].read()
    return dict(json.loads(found))


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def _time(text: str) -> float:
    return _moment(text).timestamp()


def say(line: str) -> None:
    """Print one line now."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def show(name: str, wall: float, tasks: Mapping[str, Task], upstream: Mapping[str, Sequence[str]]) -> None:
    """The table of one run."""
    jobs, steps = critical_jobs(tasks, upstream), chain(tasks, upstream)
    say(f"\n{name}")
    say(f"  {'task':<24}{'before it':>10}{'its job':>10}{'besides':>10}")
    for step in steps:
        say(f"  {step.name:<24}{step.before:>9.1f}s{step.job:>9.1f}s{step.own:>9.1f}s")
    before, own = sum(step.before for step in steps), sum(step.own for step in steps)
    say(f"  {'sum along the chain':<24}{before:>9.1f}s{sum(step.job for step in steps):>9.1f}s{own:>9.1f}s")
    say(f"  wall {wall:.1f} s, jobs' critical path {jobs:.1f} s, overhead {wall - jobs:.1f} s")


def main() -> int:
    """Read and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--run", action="append", default=[], help="run id; the newest that ended by default")
    wanted = parser.parse_args().run
    places = Places.here()
    server, aws = airflow.running(places), processes.find(places, localaws.NAME)
    if server is None or aws is None:
        say("Airflow or the stand-in does not run: make up")
        return 2
    api = AirflowApi(server.url, airflow.USER, airflow.password(places))
    upstream, s3 = upstream_of(api), localaws.client("s3", aws.url)
    ended = [run for run in api.runs(DAG_ID) if run["end_date"]]
    for run in [run for run in ended if run["dag_run_id"] in wanted] or ended[:1]:
        show(run["dag_run_id"], *read(api, s3, run), upstream)
    return 0


if __name__ == "__main__":
    sys.exit(main())
