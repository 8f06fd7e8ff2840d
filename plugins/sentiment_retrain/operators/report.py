"""``report``: the run card, whatever happened before."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule

from sentiment_retrain import errors, naming
from sentiment_retrain import settings as configuration
from sentiment_retrain.aws.objects import split_uri
from sentiment_retrain.cards import figures, report, timeline
from sentiment_retrain.endpoint import scaling
from sentiment_retrain.notifications import telling
from sentiment_retrain.operators.abandoned import stop_abandoned
from sentiment_retrain.operators.base import FAILURE_KEY, SKIP_KEY, RetrainOperator
from sentiment_retrain.operators.input_records import why_submitted
from sentiment_retrain.operators.unused_jobs import unused_jobs
from sentiment_retrain.runs import run_end

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow.sdk import Context

CONTENDERS = ("autopilot", "blazingtext")
_FAILED = "failed"


class PublishReportOperator(RetrainOperator):
    """Writes the card of the run and its drawings, and adds it to the timeline and ``runs/latest.json``.

    Fails, when all that is done, if the run was cancelled in a way that fails no other task of it.
    """

    def work(self, context: Context) -> dict[str, Any]:
        """Publish and hand on ``run_key, status, card_uri, html_uri``; raises RunCutShort."""
        outputs = self._outputs(context)
        skipped = self._skipped_from_outside(context, outputs.states)
        broken_off = run_end.cut_short(skipped)
        if broken_off and not outputs.failures:
            outputs = replace(outputs, failures={skipped[0]: broken_off.as_dict()})
        result = self._publish(context, outputs, is_final=True)
        bucket = split_uri(result["card_uri"])[0]
        self.aws.put_json(f"s3://{bucket}/runs/latest.json", result)
        timeline.read_timeline(self.aws, bucket)
        telling.tell_of_run(self.aws, self.settings, result, context, self.log)
        if broken_off:
            raise broken_off
        return result

    def publish(self, context: Context) -> dict[str, Any]:
        """Write the card as far as the run has got, for an approver; gives what :meth:`work` does."""
        return self._publish(context, self._outputs(context), is_final=False)

    def _publish(self, context: Context, outputs: report.RunOutputs, *, is_final: bool) -> dict[str, Any]:
        from sentiment_retrain.cards import card_html

        dag_run = context["dag_run"]
        day = (dag_run.logical_date or dag_run.run_after).astimezone(dt.UTC).date()
        run = outputs.part("run")
        bucket = run.get("bucket") or configuration.required_bucket(self.settings)
        run_key = run.get("run_key") or naming.run_key(dag_run.dag_id, dag_run.run_id, day)
        folder = f"s3://{bucket}/runs/{run_key}"
        # Nothing of this run waits any more; a task that was killed could not stop its job.
        if is_final:
            stop_abandoned(self.aws, bucket, context["ti"], self.log, ended=[run_key])
            self._restore_autoscaling()
            outputs = replace(outputs, unused_jobs=self._unused_jobs(outputs, bucket, run_key))
        created_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        card = report.build_card(outputs, run_key=run_key, run_id=dag_run.run_id, created_at=created_at)
        # A run that fails in `plan` has handed on none of these.
        card["dag_id"] = card["dag_id"] or dag_run.dag_id
        card["mode"] = card["mode"] or context["params"].get("mode")
        card["plan"] = self._plan(run)
        for job in card["jobs"]:
            if job.get("outcome") == "submitted" and job not in outputs.unused_jobs:
                job["why"] = why_submitted(self.aws, bucket, job) or job.get("why")
        for problem in report.card_problems(card):
            self.log.warning("the card departs from its schema: %s", problem)
        result = {"run_key": run_key, "status": card["status"], "card_uri": f"{folder}/card.json"}
        drawings = card_html.draw(card)
        self.aws.put_json(f"{folder}/figures.json", figures.document(drawings, self._drawn_reviews(folder)))
        self.aws.put_json(result["card_uri"], card)
        html = card_html.render_card(card, drawings).encode()
        result["html_uri"] = self.aws.put_bytes(f"{folder}/card.html", html, "text/html; charset=utf-8")
        self.log.info("run %s: %s, %s", run_key, card["status"], result["html_uri"])
        return result

    def _unused_jobs(self, outputs: report.RunOutputs, bucket: str, run_key: str) -> list[dict[str, Any]]:
        """What the run has paid for in vain; the card is written without it when AWS cannot be asked."""
        run, land, datasets = (outputs.part(name) for name in ("run", "land", "datasets"))
        newest = (run.get("partition"), land.get("data_until"), datasets.get("data_until"))
        dates = {str(date) for date in newest if date}
        used = {str(job["name"]) for job in outputs.jobs()}
        try:
            return unused_jobs(
                self.aws, self.settings, bucket=bucket, run_key=run_key, dates=dates, used=used
            )
        except errors.RetrainError as error:
            self.log.warning("jobs whose results were not used could not be looked for: %s", error)
            return []

    def _restore_autoscaling(self) -> None:
        """Put on what an update has left off whose task died; the card does not depend on it."""
        try:
            scaling.restore(self.aws, self.settings.endpoint_name, self.settings.deployment.autoscaling)
        except errors.RetrainError as error:
            self.log.warning("autoscaling could not be restored: %s", error)

    def _drawn_reviews(self, folder: str) -> dict[str, list[str]]:
        """Drawings of what ``check.drift`` counted; none where the run did not get there."""
        from sentiment_retrain.cards.exploration_plots import draw_exploration

        found = self.aws.find_json(f"{folder}/reviews.json")
        return draw_exploration(found) if found else {}

    def _plan(self, run: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """The planned steps, None where the run was not planned."""
        document = self.aws.find_json(run["plan_uri"]) if run.get("plan_uri") else None
        return list(document["steps"]) if document else None

    def _skipped_from_outside(self, context: Context, states: Mapping[str, str]) -> list[str]:
        ti = context["ti"]
        return run_end.skipped_from_outside(
            states,
            **self._graph(),
            has_skipped_itself=lambda task: ti.xcom_pull(task_ids=task, key=SKIP_KEY) is not None,
        )

    def _graph(self) -> dict[str, Any]:
        """``upstream`` and ``joins`` as :mod:`.run_end` takes them; empty for a card before approval."""
        tasks = self.dag.task_dict if self.has_dag() else {}  # type: ignore[no-untyped-call]
        return {
            "upstream": {name: task.upstream_task_ids for name, task in tasks.items()},
            "joins": [name for name, task in tasks.items() if task.trigger_rule != TriggerRule.ALL_SUCCESS],
        }

    def _outputs(self, context: Context) -> report.RunOutputs:
        """What every task of the run handed on or left behind."""
        ti = context["ti"]
        # The protocol that types `ti` lacks this method of the real one.
        crumbs = list(ti.get_task_breadcrumbs(ti.dag_id, ti.run_id))  # type: ignore[attr-defined]
        states = {crumb["task_id"]: str(crumb["state"]) for crumb in crumbs}
        graph = self._graph()

        def pull(task_id: str, key: str = "return_value") -> Any:
            if not run_end.has_run(task_id, states, **graph):
                return None
            return ti.xcom_pull(task_ids=task_id, key=key)

        def pull_all(group: str, names: Iterable[str]) -> dict[str, Any]:
            return {name: found for name in names if (found := pull(f"{group}.{name}"))}

        failures: dict[str, Mapping[str, Any]] = {
            task_id: found
            for task_id, state in states.items()
            if state == _FAILED and (found := pull(task_id, FAILURE_KEY))
        }
        return report.RunOutputs(
            parts={part: pull(task_id) for part, task_id in report.PART_TASKS.items()},
            contenders=pull_all("train", CONTENDERS),
            evaluations=pull_all("evaluate", (*CONTENDERS, "champion")),
            failures=failures,
            states=states,
            timings={crumb["task_id"]: float(crumb["duration"]) for crumb in crumbs if crumb["duration"]},
        )
