from __future__ import annotations

from launcher.rest import topological


def test_every_task_comes_after_all_it_depends_on() -> None:
    downstream = {
        "report": [],
        "select": ["report"],
        "evaluate.blazingtext": ["select"],
        "evaluate.autopilot": ["select"],
        "train.blazingtext": ["evaluate.blazingtext"],
        "train.autopilot": ["evaluate.autopilot"],
        "plan": ["train.autopilot", "train.blazingtext", "report"],
    }

    order = topological(downstream)

    assert sorted(order) == sorted(downstream)
    assert all(order.index(task) < order.index(after) for task in downstream for after in downstream[task])


def test_the_tasks_of_a_branch_stay_together() -> None:
    downstream = {
        "plan": ["a.train", "b.train"],
        "a.train": ["a.test"],
        "b.train": ["b.test"],
        "a.test": [],
        "b.test": [],
    }

    assert topological(downstream) == ["plan", "a.train", "a.test", "b.train", "b.test"]
