"""``plan``: freezes what the run is about, before anything is paid for."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from sentiment_retrain import champion, errors, gates, naming, plan
from sentiment_retrain import settings as configuration
from sentiment_retrain.costs import bound_usd
from sentiment_retrain.hooks import split_uri
from sentiment_retrain.images import image_uris
from sentiment_retrain.operators.base import RetrainOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

_MANIFEST = re.compile(r"/dt=(?P<partition>\d{4}-\d{2}-\d{2})/(?P<digest>[0-9a-f]{16})/_manifest\.json$")


class PlanRunOperator(RetrainOperator):
    """Lists the sources with their hashes, finds the champion, bounds the cost, writes ``plan.json``."""

    def work(self, context: Context) -> dict[str, Any]:
        """The run of docs/contracts.md section 2; the budget gate raises after the plan is written."""
        params, dag_run = context["params"], context["dag_run"]
        settings = self.settings
        day = (dag_run.logical_date or dag_run.run_after).astimezone(dt.UTC).date()
        bucket = configuration.required_bucket(settings)
        run_key = naming.run_key(dag_run.dag_id, dag_run.run_id, day)
        source_uri = params["source_uri"] or settings.source_uri or f"s3://{bucket}/inbox/"
        region = self.aws.session.region_name or "us-east-1"
        run_uri = f"s3://{bucket}/runs/{run_key}"
        run: dict[str, Any] = {
            "run_key": run_key,
            "run_id": dag_run.run_id,
            "run_type": str(getattr(dag_run.run_type, "value", dag_run.run_type)),
            "dag_id": dag_run.dag_id,
            "mode": params["mode"],
            "bucket": bucket,
            "run_uri": run_uri,
            "source_uri": source_uri,
            "partition": day.isoformat(),
            "window_days": int(params["window_days"]),
            "contenders": list(params["contenders"]),
            "deploy": params["deploy"],
            "approval": settings.defaults.approval,
            "reuse": bool(params["reuse"]),
            "budget_usd": float(params["budget_usd"]),
            "role_arn": configuration.required_role_arn(settings),
            "region": region,
            "images": image_uris(region),
            "plan_uri": f"{run_uri}/plan.json",
        }
        run["champion"] = champion.find_champion(self.aws, settings.endpoint_name)
        sources = self._sources(run)
        steps = self._steps(run)
        run["cost_bound_usd"] = plan.plan_bound_usd(steps)
        document = {**run, "sources": sources, "steps": [step.as_dict() for step in steps]}
        self.aws.put_json(run["plan_uri"], document)
        self.log.info("champion: %s", run["champion"])
        self.log.info(
            "%d source objects, %d new", len(sources), sum(not s["landed_partition"] for s in sources)
        )
        self.log.info("plan:\n%s", plan.plan_text(steps))
        return self.settle([gates.budget(run["cost_bound_usd"], run["budget_usd"], run["plan_uri"])], run)

    def _steps(self, run: Mapping[str, Any]) -> list[plan.PlannedStep]:
        has_champion = run["champion"] is not None
        steps = plan.plan_steps(
            self.settings, contenders=run["contenders"], has_champion=has_champion, reuse=run["reuse"]
        )
        if not has_champion:
            bound = bound_usd(self.settings.jobs.blazingtext, self.settings.prices)
            why = "nothing is live that could be explained: a quick baseline is trained"
            steps.insert(1, plan.PlannedStep("analyze.shap (reference)", "unknown", why, bound))
        return steps

    def _sources(self, run: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The source objects that this run is about, each once, oldest landing first.

        An object landed after this run's day, or before its window, is another run's.
        """
        landed = self._landed(run["bucket"])
        today = dt.date.fromisoformat(run["partition"])
        first = (today - dt.timedelta(days=run["window_days"])).isoformat()
        found: dict[str, dict[str, Any]] = {}
        outside = 0
        for entry in self._listing(run["source_uri"]):
            digest = self.aws.sha256(entry.uri)
            partition = landed.get(digest[: naming.PATH_FINGERPRINT_LENGTH])
            if partition and not first <= partition <= run["partition"]:
                outside += 1
                continue
            found.setdefault(
                digest,
                {
                    "uri": entry.uri,
                    "etag": entry.etag,
                    "size_bytes": entry.size_bytes,
                    "sha256": digest,
                    "landed_partition": partition,
                },
            )
        if not found:
            raise errors.SourceNotFound(
                f"no object under {run['source_uri']} for this run"
                + (
                    f" ({outside} were landed on days outside {first} to {run['partition']})"
                    if outside
                    else ""
                ),
                "at least one CSV object",
            )
        return sorted(found.values(), key=lambda source: (source["landed_partition"] or "9", source["uri"]))

    def _listing(self, source_uri: str) -> list[Any]:
        try:
            split_uri(source_uri)
        except ValueError as error:
            raise errors.SourceNotFound(str(error), "an S3 URI such as s3://bucket/inbox/") from error
        try:
            objects = list(self.aws.list_objects(source_uri))
        except errors.AwsError as error:
            if "NoSuchBucket" in error.observed:
                raise errors.SourceNotFound(error.observed, "a bucket that exists") from error
            raise
        # s3://bucket/reviews.csv must not mean reviews.csv.bak as well.
        exact = [entry for entry in objects if entry.uri == source_uri]
        inside = [
            entry for entry in objects if source_uri.endswith("/") or entry.uri.startswith(f"{source_uri}/")
        ]
        return exact or inside

    def _landed(self, bucket: str) -> dict[str, str]:
        """Partition by the first 16 hex digits of each object that has been landed."""
        found: dict[str, str] = {}
        for entry in self.aws.list_objects(f"s3://{bucket}/raw/reviews/"):
            match = _MANIFEST.search(entry.uri)
            if match:
                found.setdefault(match["digest"], match["partition"])
        return found
