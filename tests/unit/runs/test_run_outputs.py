"""What tasks handed on is found again, also when they failed."""

from __future__ import annotations

from sentiment_retrain.runs.run_outputs import PART_TASKS, RunOutputs

FAILED = RunOutputs(
    parts={"run": {"contenders": ["blazingtext", "autopilot"]}, "tables": None},
    contenders={"autopilot": {"contender": "autopilot"}},
    failures={
        "check.reviews": {"code": "SR-GATE-002", "result": {"report_uri": "s3://q"}},
        "evaluate.autopilot": {"code": "SR-DATA-002"},
    },
    states={"check.reviews": "failed", "train.blazingtext": "upstream_failed", "approve": "skipped"},
)


def test_output_of_a_task() -> None:
    assert FAILED.contender("autopilot") == {"contender": "autopilot"}
    assert FAILED.part("tables") == {}


def test_what_a_failed_task_had_found_is_used() -> None:
    assert FAILED.part("quality") == {"report_uri": "s3://q"}
    assert FAILED.evaluation("autopilot") == {}


def test_why_something_is_missing() -> None:
    assert FAILED.why_missing("check.reviews") == "check.reviews failed with SR-GATE-002"
    assert FAILED.why_missing("train.blazingtext").endswith("did not run because an earlier task failed")
    assert FAILED.why_missing("approve") == "approve was skipped"
    assert FAILED.why_missing("plan") == "plan did not run"


def test_contenders_keep_the_planned_order_and_champion_is_none() -> None:
    assert FAILED.contender_names() == ["blazingtext", "autopilot"]
    assert RunOutputs(evaluations={"champion": {}, "autopilot": {}}).contender_names() == ["autopilot"]


def test_every_part_has_one_task() -> None:
    assert len(set(PART_TASKS.values())) == len(PART_TASKS)
