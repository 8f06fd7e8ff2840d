"""What a run will do, step by step, before any of it is paid for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from sentiment_retrain.runs.costs import run_bound_usd, step_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sentiment_retrain.settings import Settings

BIAS, SHAP, CHAMPION = "analyze.bias", "analyze.shap", "evaluate.champion"
#: Scoring with what is live at the end of the run.
PREDICT = "predict"
#: The quick baseline that is explained where nothing is live.
REFERENCE = "analyze.shap (reference)"
Decision = Literal["reuse", "run", "unknown"]


@dataclass(frozen=True)
class PlannedStep:
    """One paid step.

    ``unknown``: whether it can be reused depends on what an earlier step finds, or on how a job ends.
    """

    step: str
    decision: Decision
    why: str
    bound_usd: float

    def as_dict(self) -> dict[str, Any]:
        """The step as plan.json has it."""
        return asdict(self)


def plan_steps(
    settings: Settings,
    *,
    contenders: Sequence[str],
    has_champion: bool,
    reuse: bool,
    known: Mapping[str, tuple[Decision, str]] | None = None,
) -> list[PlannedStep]:
    """Every paid step in the order of the DAG.

    :param reuse: whether finished work with the same fingerprint may be used again
    :param known: decision and reason of the steps whose fingerprint is known already; the rest is
        ``unknown``, or ``run`` when nothing may be reused
    """
    known = known or {}
    return [
        _planned(step, bound, reuse, known.get(step))
        for step, bound in step_bounds(settings, contenders, has_champion).items()
    ]


def plan_bound_usd(steps: Sequence[PlannedStep]) -> float:
    """The most that the planned steps can cost, in US dollars; a reused step costs nothing."""
    return run_bound_usd({step.step: step.bound_usd for step in steps if step.decision != "reuse"})


def plan_text(steps: Sequence[PlannedStep]) -> str:
    """The plan as a table for the task's log."""
    widths = [max(len(step.step) for step in steps), max(len(step.decision) for step in steps)]
    lines = [
        f"{step.step:<{widths[0]}}  {step.decision:<{widths[1]}}  {step.bound_usd:7.2f} USD at most  "
        f"{step.why}"
        for step in steps
    ]
    return "\n".join([*lines, f"all together at most {plan_bound_usd(steps):.2f} USD"])


def document_text(document: Mapping[str, Any]) -> str:
    """The plan of a ``plan.json`` as a table."""
    return plan_text([PlannedStep(**step) for step in document["steps"]])


def _planned(step: str, bound: float, reuse: bool, known: tuple[Decision, str] | None) -> PlannedStep:
    if not reuse:
        return PlannedStep(step, "run", "this run was asked not to reuse anything", bound)
    if known is not None:
        return PlannedStep(step, known[0], known[1], bound)
    return PlannedStep(
        step, "unknown", "decided when its input is known: the same input is not paid twice", bound
    )
