"""What the steps of a run would come to, found out without starting or writing anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sentiment_retrain.aws import models
from sentiment_retrain.aws.jobs import TRAINING, TRANSFORM, output_uri
from sentiment_retrain.data.sources import newest_plans
from sentiment_retrain.operators.autopilot import AutopilotOperator, selecting_all_keys
from sentiment_retrain.operators.blazingtext import BlazingTextOperator, planned_pipeline
from sentiment_retrain.operators.clarify_bias import ClarifyBiasOperator
from sentiment_retrain.operators.clarify_shap import REFERENCE_STEP, ClarifyShapOperator
from sentiment_retrain.operators.evaluate import EvaluateModelOperator
from sentiment_retrain.operators.ingest import land_fingerprint
from sentiment_retrain.operators.input_records import newest_record
from sentiment_retrain.operators.job_start import judge
from sentiment_retrain.operators.prepare import datasets_fingerprint, described, find_built
from sentiment_retrain.runs import plan, reuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.operators.job_request import JobRequest
    from sentiment_retrain.runs.plan import Decision
    from sentiment_retrain.settings import Settings

#: Looking further would cost a call each; after so many failed attempts a person should look anyway.
_ATTEMPTS = 5
#: Analyses of the winner, who is known only after the verdict.
EXPLAIN = ("explain.bias", "explain.shap")

#: Of several rollbacks in a row, each has written a plan.
_PLANS_LOOKED_AT = 10


class Foreseen(NamedTuple):
    """One job: what would become of it, why, and the description of the one that would be used."""

    decision: Decision
    why: str
    description: dict[str, Any] | None = None


def foresee_steps(
    aws: Aws, settings: Settings, run: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[Decision, str]]:
    """Decision and reason of each paid step that can be told now.

    :param sources: as :func:`sentiment_retrain.data.sources.find_sources` gives them
    """
    digests = [str(source["sha256"]) for source in sources]
    fingerprint = datasets_fingerprint(settings, land_fingerprint(settings, digests))
    manifest = find_built(aws, run["bucket"], fingerprint)
    if manifest is None:
        why = _why_not_built(aws, run, sources)
        first = [plan.BIAS, plan.SHAP, plan.REFERENCE, *(f"train.{name}" for name in run["contenders"])]
        then = [plan.CHAMPION, *(f"evaluate.{name}" for name in run["contenders"]), *EXPLAIN]
        return dict.fromkeys(first, ("run", why)) | dict.fromkeys(then, ("run", "its test rows are new"))
    data_until = max(str(source["partition"]) for source in sources)
    foresight = _Foresight(aws, settings, run, described(manifest, data_until, reused=True))
    return {step: (found.decision, found.why) for step, found in foresight.steps().items()}


class _Foresight:
    """Asks the operators themselves which jobs they would want."""

    def __init__(
        self, aws: Aws, settings: Settings, run: Mapping[str, Any], datasets: Mapping[str, Any]
    ) -> None:
        self.aws = aws
        self.settings = settings
        self.run = run
        self.given = {"run": run, "datasets": datasets}
        # By contender: who its model is, and its evaluation.
        self._evaluated: dict[str, tuple[dict[str, str], Foreseen]] = {}

    def steps(self) -> dict[str, Foreseen]:
        """By step; a step whose inputs an earlier one has yet to make is left out or follows from it."""
        found = {
            plan.BIAS: self._look(plan.BIAS, ClarifyBiasOperator(task_id="plan", **self.given).next_job({}))
        }
        found |= self._explanation()
        for name in self.run["contenders"]:
            found |= self._contender(name)
        found |= self._explained_winner(found)
        if self.run["champion"]:
            request = EvaluateModelOperator(task_id="plan", **self.given).request(self.run["champion"])
            found[plan.CHAMPION] = self._look(plan.CHAMPION, request)
        return found

    def _explanation(self) -> dict[str, Foreseen]:
        operator = ClarifyShapOperator(task_id="plan", **self.given)
        request = operator.next_job({})
        if request is None or request.step != REFERENCE_STEP:
            return {plan.SHAP: self._look(plan.SHAP, request)}
        reference = self._look(plan.SHAP, request)
        if reference.description is None:
            return {
                plan.REFERENCE: reference,
                plan.SHAP: Foreseen("run", "its baseline model is trained anew"),
            }
        identity = self._identity(REFERENCE_STEP, planned_pipeline(self.run, reference.description))
        return {
            plan.REFERENCE: reference,
            plan.SHAP: self._look(plan.SHAP, operator.explanation_request(*identity)),
        }

    def _contender(self, name: str) -> dict[str, Foreseen]:
        kind = {"autopilot": AutopilotOperator, "blazingtext": BlazingTextOperator}[name]
        train, evaluate = f"train.{name}", f"evaluate.{name}"
        trained = self._look(train, kind(task_id="plan", **self.given).next_job({}))
        containers = self._containers(name, trained.description)
        if containers is None:
            return {train: trained, evaluate: Foreseen("run", f"{train} has yet to make its model")}
        model, digest = self._identity(name, containers)
        identity = {"model_name": model, "model_fingerprint": digest}
        request = EvaluateModelOperator(task_id="plan", **self.given).request(identity)
        evaluated = self._look(evaluate, request)
        self._evaluated[name] = identity, evaluated
        return {train: trained, evaluate: evaluated}

    def _containers(self, name: str, trained: Mapping[str, Any] | None) -> list[dict[str, Any]] | None:
        """What a finished training made, None when it has not finished."""
        if trained is None:
            return None
        if name == "blazingtext":
            return planned_pipeline(self.run, trained) if output_uri(TRAINING, trained) else None
        best = trained.get("BestCandidate") or {}
        found = best.get("InferenceContainers")
        return selecting_all_keys(found) if found else None

    def _explained_winner(self, found: Mapping[str, Foreseen]) -> dict[str, Foreseen]:
        """The analyses of the winner: it is one of the contenders, and reuse is sure when each has them."""
        unknown = [name for name in self.run["contenders"] if found[f"evaluate.{name}"].decision != "reuse"]
        if unknown:
            why = f"the winner may be one that is yet to be evaluated: {' or '.join(unknown)}"
            return dict.fromkeys(EXPLAIN, Foreseen("run", why))
        looked = {name: self._explained(name) for name in self.run["contenders"]}
        return {step: _whoever_wins({name: looked[name][step] for name in looked}) for step in EXPLAIN}

    def _explained(self, name: str) -> dict[str, Foreseen]:
        """The analyses of one contender, if it wins."""
        identity, evaluated = self._evaluated[name]
        uri = output_uri(TRANSFORM, evaluated.description or {})
        predictions = [entry.uri for entry in self.aws.list_objects(f"{uri}/") if entry.uri.endswith(".out")]
        if len(predictions) != 1:
            return dict.fromkeys(EXPLAIN, Foreseen("run", f"the evaluation of {name} goes on"))
        verdict = {**identity, "predictions_uri": predictions[0]}
        given = {**self.given, "verdict": verdict}
        return {
            EXPLAIN[0]: self._look(EXPLAIN[0], ClarifyBiasOperator(task_id="plan", **given).next_job({})),
            EXPLAIN[1]: self._look(EXPLAIN[1], ClarifyShapOperator(task_id="plan", **given).next_job({})),
        }

    def _identity(self, name: str, containers: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
        until = self.given["datasets"]["data_until"]
        return models.model_identity(self.settings, name, containers, until)

    def _look(self, task_id: str, request: JobRequest | None) -> Foreseen:
        """Look for the job by its names."""
        if request is None:
            return Foreseen("reuse", "the task wants no job")
        refused = ""
        for attempt in range(_ATTEMPTS):
            name = request.name(self.settings.prefix, attempt)
            description = self.aws.describe_job(request.kind, name)
            if description is None:
                break
            claim = judge(self.aws, self.run, request, description)
            if claim.outcome == "reconnected":
                why = f"{name}: {claim.why}; it is joined, and followed by a new one should it fail"
                return Foreseen("unknown", why, description)
            if claim.outcome:
                return Foreseen("reuse", f"{name}: {claim.why}", description)
            refused = f"{name} is not used: {claim.why}"
        return Foreseen("run", refused or self._what_changed(task_id, request))

    def _what_changed(self, task_id: str, request: JobRequest) -> str:
        record = newest_record(self.aws, self.run["bucket"], task_id, request.step)
        if record is None:
            return "this step has not run before"
        changes = reuse.changed_inputs(record["inputs"], json.loads(json.dumps(dict(request.inputs))))
        return reuse.changes_text(changes, str(record["run_key"]))


def _whoever_wins(by_contender: Mapping[str, Foreseen]) -> Foreseen:
    """One decision about an analysis of the winner, whoever that will be."""
    if len(by_contender) == 1:
        return next(iter(by_contender.values()))
    words = "; ".join(f"if {name} wins: {one.decision}, {one.why}" for name, one in by_contender.items())
    runs = any(one.decision != "reuse" for one in by_contender.values())
    return Foreseen("run" if runs else "reuse", words)


def _why_not_built(aws: Aws, run: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]) -> str:
    """Which source objects are not those of the newest earlier plan with any; a rollback has none."""
    earlier = newest_plans(aws, run["bucket"], _PLANS_LOOKED_AT)
    plans = (aws.get_json(entry.uri) for entry in earlier if entry.uri != run["plan_uri"])
    newest = next((plan for plan in plans if plan.get("sources")), None)
    if newest is None:
        return "nothing was built of these reviews before"
    before = {source["uri"]: source["sha256"] for source in newest["sources"]}
    after = {str(source["uri"]): source["sha256"] for source in sources}
    if before == after:
        return f"the sources are those of run {newest['run_key']}, but no datasets of them and these settings"
    return reuse.changes_text(reuse.changed_inputs(before, after), str(newest["run_key"]))
