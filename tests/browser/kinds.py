"""Cards of every kind of run that people meet, made by the code that makes real ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sentiment_retrain import errors
from sentiment_retrain.cards import report
from sentiment_retrain.cards.paths import DAG_ID
from sentiment_retrain.runs.run_outputs import RunOutputs
from unit import sample_cards, samples

_CREATED = "2026-11-22T16:00:00+00:00"
_PIN = {
    "model_name": "model-before",
    "pinned_at": "2026-11-22T19:00:00+00:00",
    "reason": "rolled back from config-now",
}


def _card(outputs: RunOutputs) -> dict[str, Any]:
    return report.build_card(outputs, run_key="x", run_id="y", created_at=_CREATED) | {"dag_id": DAG_ID}


def _waits() -> RunOutputs:
    whole: RunOutputs = sample_cards.whole_run()
    pending = {**(whole.parts["registration"] or {}), "approval_status": "PendingManualApproval"}
    waiting: RunOutputs = sample_cards.whole_run(
        approval=None, deployment=None, verification=None, registration=pending
    )
    return waiting


def _gate_failed() -> RunOutputs:
    run = sample_cards.whole_run().parts["run"]
    gate = samples.gate(
        "refused_rows", "fail", observed="312 of 900 rows refused (34.7%)", threshold="fail above 25%"
    )
    task = "ingest.land_reviews"
    failure = {**errors.GateFailed([gate]).as_dict(), "gates": [gate]}
    return RunOutputs({"run": run}, failures={task: failure}, states={"plan": "success", task: "failed"})


def _rolled_back() -> RunOutputs:
    back = {
        "endpoint_name": "sentiment-retrain",
        "endpoint_config_name": "config-before",
        "previous_endpoint_config_name": "config-now",
        "status": "InService",
        "outcome": "rolled_back_by_request",
        "pin": _PIN,
        "said": "sentiment-retrain went back from config-now to config-before and is pinned.",
    }
    run = {**(sample_cards.whole_run().parts["run"] or {}), "mode": "rollback"}
    return RunOutputs({"run": run, "rollback": back}, timings={"plan": 1.0, "rollback": 9.0})


def _planned() -> RunOutputs:
    run = {**(sample_cards.whole_run().parts["run"] or {}), "mode": "plan_only"}
    return RunOutputs({"run": run}, states={"plan": "success"}, timings={"plan": 1.0})


def _undone_by_an_alarm() -> RunOutputs:
    alarm = {"alarm": "sentiment-retrain-errors", "reason": "1 > 0.02", "at": "2026-11-22T15:59:00+00:00"}
    error = errors.DeploymentError("the alarm sentiment-retrain-errors rang", "a quiet canary", "Read on.")
    result = {
        **(sample_cards.whole_run().parts["deployment"] or {}),
        "outcome": "rolled_back",
        "rolled_back_by": [alarm],
    }
    whole: RunOutputs = sample_cards.whole_run(deployment=None, verification=None)
    return replace(whole, failures={"deploy.endpoint": {**error.as_dict(), "result": result}})


def _first() -> RunOutputs:
    run = {**(sample_cards.whole_run().parts["run"] or {}), "champion": None}
    whole: RunOutputs = sample_cards.whole_run(run=run)
    deployment = {**(whole.parts["deployment"] or {}), "previous_endpoint_config_name": None}
    found = replace(whole, parts={**whole.parts, "deployment": deployment})
    return replace(found, evaluations={k: v for k, v in whole.evaluations.items() if k != "champion"})


def _long_names() -> RunOutputs:
    """A category that is called by 200 letters without a blank."""
    name = "L" + "o" * 198 + "ng"
    gate = samples.gate("bias", "warn", observed=f"DPL of {name} is 0.30")
    usual: RunOutputs = sample_cards.whole_run()
    bias = {**(usual.parts["bias"] or {}), "gates": [gate]}
    whole: RunOutputs = sample_cards.whole_run(bias=bias)
    facets = (whole.evaluations["autopilot"] or {})["test"]["facets"]
    facets[name] = next(iter(facets.values()))
    measures = (whole.parts["drift"] or {})["measures"]
    measures["category_psi"]["detail"] = [{"name": name, "before": 0.1, "now": 0.2}]
    return whole


#: Maker of the card by kind.
_MAKERS = {
    "waits": _waits,
    "gate-failed": _gate_failed,
    "rolled-back": _rolled_back,
    "planned": _planned,
    "alarm": _undone_by_an_alarm,
    "first": _first,
    "long-names": _long_names,
}
KINDS = tuple(_MAKERS)


def card_of(kind: str) -> dict[str, Any]:
    """What distinguishes the card of a kind, for any run."""
    card = _card(_MAKERS[kind]())
    return {key: value for key, value in card.items() if key not in ("run_key", "run_id", "created_at")}
