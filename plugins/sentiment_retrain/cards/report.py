"""The run card: everything a run did, as one JSON document of a versioned form.

Built whatever happened: a part that does not exist is null, and ``missing`` says why. The form is
``include/config/card.schema.json``; :mod:`sentiment_retrain.cards.card_html` makes the page of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from sentiment_retrain.cards.report_endpoint import live_endpoint, next_commands
from sentiment_retrain.error_base import runbook_entry
from sentiment_retrain.runs.costs import paid_and_shared
from sentiment_retrain.runs.run_outputs import PART_TASKS as PART_TASKS
from sentiment_retrain.runs.run_outputs import RunOutputs as RunOutputs
from sentiment_retrain.settings import include_directory

SCHEMA_VERSION = 1
_FAILED_STATES = frozenset({"failed", "upstream_failed"})


def build_card(outputs: RunOutputs, *, run_key: str, run_id: str, created_at: str) -> dict[str, Any]:
    """The card of a run. Never raises for what is missing.

    :param created_at: ISO 8601 time, UTC
    """
    run = outputs.part("run")
    failed = any(state in _FAILED_STATES for state in outputs.states.values()) or bool(outputs.failures)
    jobs = outputs.jobs()
    endpoint = live_endpoint(outputs, _champion(outputs))
    card = {
        "schema_version": SCHEMA_VERSION,
        "run_key": run_key,
        "run_id": run_id,
        "dag_id": run.get("dag_id"),
        "mode": run.get("mode"),
        "region": run.get("region"),
        "created_at": created_at,
        "status": "failed" if failed else "success",
        "failure": _failure(outputs),
        "data": _data(outputs),
        "gates": _gates(outputs),
        "drift": _drift(outputs),
        "analysis": {
            name: _analysis(outputs.part(name)) for name in ("bias", "shap", "explain_bias", "explain_shap")
        },
        "contenders": {name: _contender(outputs, name) for name in outputs.contender_names()},
        "champion": _champion(outputs),
        "verdict": _chosen(
            outputs.part("verdict"),
            "winner",
            "action",
            "reason",
            "metric",
            "scores",
            "paired",
            "floor",
            "concept_drift",
        ),
        "registration": outputs.part("registration") or None,
        "approval": outputs.part("approval") or None,
        "endpoint": endpoint,
        "verification": outputs.part("verification") or None,
        "jobs": jobs,
        "cost": _cost(run, jobs, run_key),
        "timings": {task: round(seconds, 3) for task, seconds in outputs.timings.items()},
        "commands": next_commands(run, endpoint, failed),
        "missing": _missing(outputs),
    }
    return dict(_json_safe(card))


def card_problems(card: Mapping[str, Any]) -> list[str]:
    """Where a card departs from its schema, one line each; empty when it does not."""
    from jsonschema import Draft202012Validator

    schema = json.loads((include_directory() / "config" / "card.schema.json").read_text(encoding="utf-8"))
    errors = sorted(Draft202012Validator(schema).iter_errors(card), key=lambda error: error.json_path)
    return [f"{error.json_path}: {error.message[:200]}" for error in errors]


def _failure(outputs: RunOutputs) -> dict[str, Any] | None:
    """The first error of the run, in the order of the DAG."""
    order = [*PART_TASKS.values()]
    known = sorted(outputs.failures, key=lambda task: order.index(task) if task in order else len(order))
    if known:
        task = known[0]
        error = {
            key: value for key, value in outputs.failures[task].items() if key not in ("result", "gates")
        }
        also = [{"task": name, "code": outputs.failures[name].get("code")} for name in known[1:]]
        return {**error, "task": task, **({"also": also} if also else {})}
    crashed = [task for task, state in outputs.states.items() if state == "failed"]
    if not crashed:
        return None
    return {
        "task": crashed[0],
        "code": None,
        "title": "The task broke off without saying why",
        "observed": None,
        "expected": None,
        "remedy": "Read the task's log in Airflow.",
        "runbook": runbook_entry(None),
    }


def _data(outputs: RunOutputs) -> dict[str, Any]:
    land, datasets, run = outputs.part("land"), outputs.part("datasets"), outputs.part("run")
    profile = outputs.part("drift").get("profile") or {}
    names = [
        "rows_received",
        "rows_accepted",
        "rows_refused",
        "refused_by_reason",
        "partitions",
        "source_sha256",
        "data_until",
        "quarantine_uri",
        "reused",
        "fingerprint",
    ]
    return {
        "source_uri": run.get("source_uri"),
        **{name: land.get(name) for name in names},
        "labels": profile.get("labels"),
        "categories": profile.get("categories"),
        "datasets": _chosen(datasets, "fingerprint", "uri", "rows", "label_counts", "data_until", "reused"),
    }


def _gates(outputs: RunOutputs) -> list[dict[str, Any]]:
    """Every gate of the run in the order of the DAG, once, with the task that judged it."""
    found: list[dict[str, Any]] = []
    for part, task in PART_TASKS.items():
        left = outputs.failures.get(task, {}).get("gates") or []
        gates = outputs.part(part).get("gates") or left
        found.extend({**gate, "task": task} for gate in gates)
    return found


def _drift(outputs: RunOutputs) -> dict[str, Any] | None:
    return _chosen(outputs.part("drift"), "measures", "report_uri")


def _analysis(output: Mapping[str, Any]) -> dict[str, Any] | None:
    """``facets`` and ``top_tokens`` are what the page draws; a task may leave them out."""
    return _chosen(output, "analysis_uri", "report_uri", "facets", "sampled", "top_tokens")


def _contender(outputs: RunOutputs, name: str) -> dict[str, Any] | None:
    training, evaluation = outputs.contender(name), outputs.evaluation(name)
    if not training and not evaluation:
        return None
    job = training.get("job")
    return {
        "test": evaluation.get("test"),
        "job": job,
        "cost_usd": (job or {}).get("cost_usd"),
        "evaluation_job": evaluation.get("job"),
        "model_name": evaluation.get("model_name"),
        "model_fingerprint": evaluation.get("model_fingerprint") or training.get("fingerprint"),
        "containers": evaluation.get("containers") or training.get("containers"),
        "metrics": training.get("metrics"),
        "artifacts": training.get("artifacts"),
        "predictions_uri": evaluation.get("predictions_uri"),
    }


def _champion(outputs: RunOutputs) -> dict[str, Any] | None:
    champion = outputs.part("run").get("champion")
    if not champion:
        return None
    evaluation = outputs.evaluation("champion")
    return {**champion, "test": evaluation.get("test"), "containers": evaluation.get("containers")}


def _cost(run: Mapping[str, Any], jobs: list[dict[str, Any]], run_key: str) -> dict[str, Any]:
    """Estimated from list prices; a job that another run pays for costs nothing again."""
    paid, shared = paid_and_shared(jobs, run_key)
    return {
        "currency": "USD",
        "bound_usd": run.get("cost_bound_usd"),
        "jobs_usd": _sum_of_costs(paid),
        "saved_by_reuse_usd": _sum_of_costs(shared),
        "by_task": {
            task: _sum_of_costs([job for job in paid if job["task"] == task])
            for task in dict.fromkeys(job["task"] for job in paid)
        },
    }


def _sum_of_costs(jobs: Iterable[Mapping[str, Any]]) -> float:
    return round(sum(float(job.get("cost_usd") or 0.0) for job in jobs), 4)


def _missing(outputs: RunOutputs) -> dict[str, str]:
    """Why each part that is null is null."""
    missing = {
        part: outputs.why_missing(task) for part, task in PART_TASKS.items() if not outputs.parts.get(part)
    }
    for name in outputs.contender_names():
        if not outputs.contenders.get(name):
            missing[f"contenders.{name}"] = outputs.why_missing(f"train.{name}")
        if not outputs.evaluations.get(name):
            missing[f"contenders.{name}.test"] = outputs.why_missing(f"evaluate.{name}")
    if outputs.part("run").get("mode") != "rollback":
        missing.pop("rollback", None)
    if outputs.part("run").get("predict", "never") == "never":
        missing.pop("predictions", None)
    if not outputs.part("run").get("champion"):
        missing["champion"] = "no model was live when the run was planned"
    return missing


def _chosen(output: Mapping[str, Any], *names: str) -> dict[str, Any] | None:
    """These keys of an output, None for those it lacks; None for no output."""
    return {name: output.get(name) for name in names} if output else None


def _json_safe(value: Any) -> Any:
    """``value`` with what JSON cannot say (NaN, infinity) as null."""
    if isinstance(value, Mapping):
        return {str(key): _json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_safe(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
