"""``plan``: freezes what the run is about, before anything is paid for."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sentiment_retrain import naming
from sentiment_retrain import settings as configuration
from sentiment_retrain.aws.images import image_uris
from sentiment_retrain.data.sources import find_sources
from sentiment_retrain.endpoint import champion, pins
from sentiment_retrain.operators import rollback
from sentiment_retrain.operators.abandoned import stop_abandoned
from sentiment_retrain.operators.base import RetrainOperator
from sentiment_retrain.operators.foresight import foresee_steps
from sentiment_retrain.runs import plan, reuse, scoring
from sentiment_retrain.runs.costs import bound_usd
from sentiment_retrain.verdict import gates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.settings import Settings


class PlanRunOperator(RetrainOperator):
    """Lists the sources with their hashes, finds the champion, bounds the cost, writes ``plan.json``."""

    def work(self, context: Context) -> dict[str, Any]:
        """The run of docs/contracts.md section 2; the budget gate raises after the plan is written."""
        dag_run = context["dag_run"]
        day = (dag_run.logical_date or dag_run.run_after).astimezone(dt.UTC).date()
        run, document = draft(
            self.aws,
            self.settings,
            params=context["params"],
            day=day,
            dag_id=dag_run.dag_id,
            run_id=dag_run.run_id,
            run_type=str(getattr(dag_run.run_type, "value", dag_run.run_type)),
        )
        self.aws.put_json(run["plan_uri"], document)
        if run["mode"] != "plan_only":
            stop_abandoned(self.aws, run["bucket"], context["ti"], self.log)
        sources = document["sources"]
        self.log.info("champion: %s", run["champion"])
        if run["pin"]:
            self.log.warning("%s", pins.explain(run["pin"]))
        self.log.info(
            "%d source objects, %d new", len(sources), sum(not s["landed_partition"] for s in sources)
        )
        if document["steps"]:
            self.log.info("plan:\n%s", plan.document_text(document))
        return self.settle([gates.budget(run["cost_bound_usd"], run["budget_usd"], run["plan_uri"])], run)


def draft(
    aws: Aws,
    settings: Settings,
    *,
    params: Mapping[str, Any],
    day: dt.date,
    dag_id: str,
    run_id: str,
    run_type: str,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The run of docs/contracts.md section 2, and its ``plan.json``. Writes nothing.

    :param day: logical date of the run: it trains on data as of this day
    :raises SourceNotFound: when there is nothing to train on
    """
    bucket = configuration.required_bucket(settings)
    run_key = naming.run_key(dag_id, run_id, day)
    region = aws.session.region_name or "us-east-1"
    run_uri = f"s3://{bucket}/runs/{run_key}"
    run: dict[str, Any] = {
        "run_key": run_key,
        "run_id": run_id,
        "run_type": run_type,
        "dag_id": dag_id,
        "mode": params["mode"],
        "bucket": bucket,
        "run_uri": run_uri,
        "source_uri": params["source_uri"] or settings.source_uri or f"s3://{bucket}/inbox/",
        "partition": day.isoformat(),
        "window_days": int(params["window_days"]),
        "contenders": list(params["contenders"]),
        "deploy": params["deploy"],
        "approval": params["approval"],
        "rollback_to": params["rollback_to"],
        "predict": params.get("predict", settings.defaults.predict),
        "reuse": reuse.wire_policy(params["reuse"]),
        "budget_usd": float(params["budget_usd"]),
        "role_arn": configuration.required_role_arn(settings),
        "region": region,
        "images": image_uris(region),
        "plan_uri": f"{run_uri}/plan.json",
    }
    run["champion"] = champion.find_verified_champion(aws, settings.endpoint_name)
    run["pin"] = pins.find_pin(aws, bucket, settings.endpoint_name)
    if run["mode"] in rollback.MODES:
        run["cost_bound_usd"] = 0.0
        return run, {**run, "sources": [], "steps": []}
    sources = find_sources(aws, run)
    steps = _steps(aws, settings, run, sources)
    run["cost_bound_usd"] = plan.plan_bound_usd(steps)
    return run, {**run, "sources": sources, "steps": [step.as_dict() for step in steps]}


def _steps(
    aws: Aws, settings: Settings, run: Mapping[str, Any], sources: list[dict[str, Any]]
) -> list[plan.PlannedStep]:
    has_champion = run["champion"] is not None
    known = foresee_steps(aws, settings, run, sources) if run["reuse"] else {}
    steps = plan.plan_steps(
        settings,
        contenders=run["contenders"],
        has_champion=has_champion,
        reuse=bool(run["reuse"]),
        known=known,
    )
    if not has_champion:
        bound = bound_usd(settings.jobs.blazingtext, settings.prices)
        decision, why = known.get(
            plan.REFERENCE,
            ("run", "nothing is live that could be explained: a baseline is trained"),
        )
        steps.insert(1, plan.PlannedStep(plan.REFERENCE, decision, why, bound))
    if scoring.why_not(run) is None:
        bound = bound_usd(settings.jobs.transform, settings.prices)
        why = "what is live at the end scores the newest reviews, unless it has done so"
        steps.append(plan.PlannedStep(plan.PREDICT, "run", why, bound))
    return steps
