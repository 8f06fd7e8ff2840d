"""What the tasks of a run handed on, as far as they got."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Output = Mapping[str, Any] | None

#: Part of the card and the task that gives it. Contenders and evaluations are one part a model.
PART_TASKS: Mapping[str, str] = {
    "run": "plan",
    "land": "ingest.land_reviews",
    "tables": "ingest.register_tables",
    "quality": "check.reviews",
    "drift": "check.drift",
    "bias": "analyze.bias",
    "shap": "analyze.shap",
    "datasets": "prepare.datasets",
    "verdict": "select_best",
    "explain_bias": "explain.bias",
    "explain_shap": "explain.shap",
    "registration": "register_model",
    "approval": "approve",
    "deployment": "deploy.endpoint",
    "verification": "deploy.verify",
    "predictions": "predict",
    "rollback": "rollback",
}


@dataclass(frozen=True)
class RunOutputs:
    """What the tasks of a run handed on (docs/contracts.md section 2).

    :param parts: output by key of PART_TASKS; absent or None where the task gave none
    :param contenders: output of each ``train.*`` task, by contender
    :param evaluations: output of each ``evaluate.*`` task, by contender, and ``champion``
    :param failures: by task id, what :meth:`sentiment_retrain.errors.RetrainError.as_dict` gives, and
        optionally ``gates`` and ``result`` (what the task had found until then)
    :param states: Airflow's state by task id
    :param timings: seconds by task id
    :param unused_jobs: jobs that the run has started and no task handed on
    """

    parts: Mapping[str, Output] = field(default_factory=dict)
    contenders: Mapping[str, Output] = field(default_factory=dict)
    evaluations: Mapping[str, Output] = field(default_factory=dict)
    failures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    unused_jobs: Sequence[Mapping[str, Any]] = ()

    def part(self, name: str) -> dict[str, Any]:
        """An output, else what the failed task left, else an empty mapping."""
        return self._found(self.parts.get(name), PART_TASKS[name])

    def contender(self, name: str) -> dict[str, Any]:
        """The training output of a contender, else what its failed task left."""
        return self._found(self.contenders.get(name), f"train.{name}")

    def evaluation(self, name: str) -> dict[str, Any]:
        """The evaluation of a contender or of ``champion``, else what its failed task left."""
        return self._found(self.evaluations.get(name), f"evaluate.{name}")

    def contender_names(self) -> list[str]:
        """Contenders that were meant to run."""
        planned = self.part("run").get("contenders") or []
        others = {*self.contenders, *self.evaluations} - {"champion", *planned}
        return [*planned, *sorted(others)]

    def jobs(self) -> list[dict[str, Any]]:
        """Every remote job of the run, with the task it belongs to."""
        names = self.contender_names()
        found = [
            *((PART_TASKS[part], self.part(part)) for part in ("bias", "shap")),
            *((f"train.{name}", self.contender(name)) for name in names),
            *((f"evaluate.{name}", self.evaluation(name)) for name in (*names, "champion")),
            *((PART_TASKS[part], self.part(part)) for part in ("explain_bias", "explain_shap")),
            (PART_TASKS["predictions"], self.part("predictions")),
        ]
        # analyze.shap may train a reference model before it can explain one.
        used = [
            {"task": task, **job}
            for task, output in found
            for job in (output.get("reference_job"), output.get("job"))
            if job
        ]
        return [*used, *map(dict, self.unused_jobs)]

    def why_missing(self, task: str) -> str:
        """Why a task gave no output."""
        if task in self.failures:
            return f"{task} failed with {self.failures[task].get('code', 'an error')}"
        state = self.states.get(task)
        if state == "upstream_failed":
            return f"{task} did not run because an earlier task failed"
        return f"{task} {'was ' + state if state else 'did not run'}"

    def _found(self, output: Output, task: str) -> dict[str, Any]:
        if output:
            return dict(output)
        return dict(self.failures.get(task, {}).get("result") or {})
