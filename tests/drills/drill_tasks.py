"""The tasks that a drill's DAG has before its job, and the job as a task of a real Airflow."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sentiment_retrain import naming
from sentiment_retrain import settings as configuration
from sentiment_retrain.operators import abandoned
from sentiment_retrain.operators.base import RetrainOperator

from .tiny_job import TinyJobOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

RETRY_SECONDS = 2
MAX_POLLS = 600


class DrillPlanOperator(RetrainOperator):
    """The part of ``plan`` that matters for jobs: who runs, and what earlier runs left behind."""

    def work(self, context: Context) -> dict[str, Any]:
        """Write ``plan.json``, stop what nobody waits for, hand on the run."""
        dag_run = context["dag_run"]
        bucket = configuration.required_bucket(self.settings)
        run_key = naming.run_key(dag_run.dag_id, dag_run.run_id, dt.datetime.now(dt.UTC).date())
        run = {
            "run_key": run_key,
            "run_id": dag_run.run_id,
            "dag_id": dag_run.dag_id,
            "bucket": bucket,
            "region": "us-east-1",
            "reuse": True,
        }
        self.aws.put_json(f"s3://{bucket}/runs/{run_key}/plan.json", run)
        abandoned.stop_abandoned(self.aws, bucket, context["ti"], self.log)
        return run


class DrillJobOperator(TinyJobOperator):
    """The tiny job; what it is made from comes with the run."""

    template_fields = ("run", "data")
