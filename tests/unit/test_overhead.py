"""What a run's time goes to: the chain that decided its end, and the jobs' own critical path."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from overhead import Step, Task, chain, critical_jobs

UPSTREAM = {"plan": [], "left": ["plan"], "right": ["plan"], "end": ["left", "right"], "skipped": ["plan"]}
TASKS = {
    task.name: task
    for task in (
        Task("plan", 1.0, 3.0, 0.0),
        Task("left", 4.0, 10.0, 5.0),
        # Began late, so that it ended last although its job is the shorter one.
        Task("right", 8.0, 12.0, 2.0),
        Task("end", 12.5, 20.0, 6.0),
    )
}


def test_the_chain_is_what_each_task_waited_for_last() -> None:
    assert chain(TASKS, UPSTREAM) == [
        Step("plan", 1.0, 0.0, 2.0),
        Step("right", 5.0, 2.0, 2.0),
        Step("end", 0.5, 6.0, 1.5),
    ]


def test_the_critical_path_counts_nothing_but_jobs() -> None:
    assert critical_jobs(TASKS, UPSTREAM) == 11.0


def test_a_run_without_tasks_took_nothing() -> None:
    assert (chain({}, UPSTREAM), critical_jobs({}, UPSTREAM)) == ([], 0.0)
