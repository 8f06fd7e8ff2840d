"""What the steps of a run would come to, found out without starting or writing anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sentiment_retrain import models, naming, plan, reuse
from sentiment_retrain.operators.autopilot import AutopilotOperator, selecting_all_keys
from sentiment_retrain.operators.blazingtext import BlazingTextOperator, planned_pipeline
from sentiment_retrain.operators.clarify_bias import ClarifyBiasOperator
from sentiment_retrain.operators.clarify_shap import REFERENCE_STEP, ClarifyShapOperator
from sentiment_retrain.operators.evaluate import EvaluateModelOperator
from sentiment_retrain.operators.ingest import land_fingerprint
from sentiment_retrain.operators.input_records import newest_record
from sentiment_retrain.operators.job_start import judge
from sentiment_retrain.operators.prepare import datasets_fingerprint, described, find_built

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sentiment_retrain.hooks import Aws
    from sentiment_retrain.operators.job_request import JobRequest
    from sentiment_retrain.plan import Decision
    from sentiment_retrain.settings import Settings

#: Looking further would cost a call each; after so many failed attempts a person should look anyway.
_ATTEMPTS = 5


class Foreseen(NamedTuple):
    """One job: what would become of it, why, and the description of the one that would be used."""

    decision: Decision
    why: str
    description: dict[str, Any] | None = None


def foresee_steps(
    aws: Aws, settings: Settings, run: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[Decision, str]]:
    """Decision and reason of each paid step that can be told now.

    :param sources: as :func:`sentiment_retrain.sources.find_sources` gives them
    """
    digests = [str(source["sha256"]) for source in sources]
    fingerprint = datasets_fingerprint(settings, land_fingerprint(settings, digests))
    manifest = find_built(aws, run["bucket"], fingerprint)
    if manifest is None:
        why = _why_not_built(aws, run, sources)
        first: list[str] = [plan.BIAS, plan.SHAP, plan.REFERENCE]
        return dict.fromkeys([*first, *(f"train.{name}" for name in run["contenders"])], ("run", why))
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

    def steps(self) -> dict[str, Foreseen]:
        """By step; a step whose inputs an earlier one has yet to make is left out or follows from it."""
        found = {
            plan.BIAS: self._look(plan.BIAS, ClarifyBiasOperator(task_id="plan", **self.given).next_job({}))
        }
        found |= self._explanation()
        for name in self.run["contenders"]:
            found |= self._contender(name)
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
        if trained.description is None:
            return {train: trained, evaluate: Foreseen("run", f"{train} makes a new model")}
        if name == "blazingtext":
            containers = planned_pipeline(self.run, trained.description)
        else:
            best = trained.description.get("BestCandidate") or {}
            if not best.get("InferenceContainers"):
                return {train: trained}
            containers = selecting_all_keys(best["InferenceContainers"])
        model, digest = self._identity(name, containers)
        request = EvaluateModelOperator(task_id="plan", **self.given).request(
            {"model_name": model, "model_fingerprint": digest}
        )
        return {train: trained, evaluate: self._look(evaluate, request)}

    def _identity(self, name: str, containers: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
        until = self.given["datasets"]["data_until"]
        return models.model_identity(self.settings, name, containers, until)

    def _look(self, task_id: str, request: JobRequest | None) -> Foreseen:
        """Look for the job by its names."""
        if request is None:
            return Foreseen("unknown", "the task wants no job")
        refused = ""
        for attempt in range(_ATTEMPTS):
            name = naming.job_name(
                self.settings.prefix,
                request.step,
                request.data_until,
                request.fingerprint,
                attempt,
                request.kind.name_limit,
            )
            description = self.aws.describe_job(request.kind, name)
            if description is None:
                break
            claim = judge(self.aws, self.run, request, description)
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


def _why_not_built(aws: Aws, run: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]) -> str:
    """Which source objects are not those of the newest earlier plan."""
    earlier = [
        entry
        for entry in aws.list_objects(f"s3://{run['bucket']}/runs/")
        if entry.uri.endswith("/plan.json") and entry.uri != run["plan_uri"]
    ]
    if not earlier:
        return "nothing was built of these reviews before"
    newest = aws.get_json(max(earlier, key=lambda entry: (entry.modified, entry.uri)).uri)
    before = {source["uri"]: source["sha256"] for source in newest.get("sources", [])}
    after = {str(source["uri"]): source["sha256"] for source in sources}
    if before == after:
        return f"the sources are those of run {newest['run_key']}, but no datasets of them and these settings"
    return reuse.changes_text(reuse.changed_inputs(before, after), str(newest["run_key"]))
