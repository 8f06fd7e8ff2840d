"""What a run will do is said before it is paid for."""

from __future__ import annotations

import pytest

from sentiment_retrain.runs import plan

from .. import samples

SETTINGS = samples.settings()
BOTH = ("autopilot", "blazingtext")


def test_steps_are_in_the_order_of_the_dag() -> None:
    steps = [step.step for step in plan.plan_steps(SETTINGS, contenders=BOTH, has_champion=True, reuse=True)]
    assert steps == [
        "analyze.bias",
        "analyze.shap",
        "train.autopilot",
        "train.blazingtext",
        "evaluate.autopilot",
        "evaluate.blazingtext",
        "evaluate.champion",
        "explain.bias",
        "explain.shap",
    ]


def test_reused_steps_cost_nothing() -> None:
    known = {"train.autopilot": ("reuse", "sr-autopilot-… has completed")}
    fresh = plan.plan_steps(SETTINGS, contenders=BOTH, has_champion=False, reuse=True)
    reused = plan.plan_steps(SETTINGS, contenders=BOTH, has_champion=False, reuse=True, known=known)  # type: ignore[arg-type]
    saved = next(step.bound_usd for step in fresh if step.step == "train.autopilot")
    difference = plan.plan_bound_usd(fresh) - plan.plan_bound_usd(reused)
    # Sums are in whole cents.
    assert difference == pytest.approx(saved, abs=0.0101)


def test_without_reuse_everything_runs_whatever_is_known() -> None:
    known = {"train.autopilot": ("reuse", "done")}
    steps = plan.plan_steps(SETTINGS, contenders=BOTH, has_champion=False, reuse=False, known=known)  # type: ignore[arg-type]
    assert {step.decision for step in steps} == {"run"}


def test_text_has_a_line_a_step_and_the_sum() -> None:
    steps = plan.plan_steps(SETTINGS, contenders=["blazingtext"], has_champion=False, reuse=True)
    lines = plan.plan_text(steps).splitlines()
    assert len(lines) == len(steps) + 1
    assert lines[-1] == f"all together at most {plan.plan_bound_usd(steps):.2f} USD"
    assert "train.blazingtext" in lines[2]


def test_step_as_plan_json_has_it() -> None:
    step = plan.PlannedStep("explain.bias", "unknown", "why", 0.5)
    assert step.as_dict() == {"step": "explain.bias", "decision": "unknown", "why": "why", "bound_usd": 0.5}
