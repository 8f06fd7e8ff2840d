"""
### Retrain the sentiment model of product reviews

Lands new reviews, checks them, trains Autopilot and BlazingText side by side, scores both and the live
champion on the same test reviews, explains the winner, and puts it behind the endpoint if it is better.

* **Woken up?** The endpoint serves the former model until a new one has passed every gate. Customers hurt:
  *Trigger* with `mode: rollback`; it puts back what was live before and pins it until a run with `mode:
  unpin`.
* **It failed?** The last lines of the red task's log have a code such as `SR-GATE-002`, what was observed,
  what was expected and what to do; `docs/runbook.md` has its entry, and begins with a table by symptom. To
  go on: *Clear* the red task **with Downstream** (without it no new card is written); finished jobs are
  reused.
* **It waits?** `approve` asks under *Required Actions*. A deferred task waits for its job on AWS, which is
  linked.
* **Start it** with *Trigger*; every field has a default. `mode: plan_only` shows what a run would cost, and
  does nothing. A clear keeps what the run's form said: after another `budget_usd` or `source_uri`, trigger
  a new run.
* **Past days** are for a backfill (*Trigger*, *Backfill*, or `make backfill`; `docs/backfill.md`). Leave
  *Max Active Runs* at 1 or 2, and *Reprocess Behavior* at *Missing and Errored Runs*: only what is missing
  or failed is done again. Nothing is deployed unless `deploy: force` is asked for; no day sends a message,
  all together send one.
* **What came of it** is on the run's tab *Run card*; *Model timeline* has all runs; `report` logs the
  card's address.
"""

from datetime import UTC, datetime, timedelta
from functools import partial

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TaskGroup, TriggerRule, chain

from sentiment_retrain import operators as do
from sentiment_retrain.notifications.callbacks import FailedRunNotifier, late_run_alert
from sentiment_retrain.runs.assets import asset
from sentiment_retrain.runs.params import run_params
from sentiment_retrain.runs.priority import BACKFILLS_LAST
from sentiment_retrain.settings import load_settings


def output(task_id: str) -> str:
    """What a task handed on, when the task that asks for it starts."""
    return f"{{{{ ti.xcom_pull('{task_id}') }}}}"


defaults = {
    "owner": "ml-platform",
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=4),
    "weight_rule": BACKFILLS_LAST,
}
settings = load_settings()
run, land, tables = output("plan"), output("ingest.land_reviews"), output("ingest.register_tables")
data = {"run": run, "datasets": output("prepare.datasets")}
verdict = {**data, "verdict": output("select_best")}
# Other DAGs can be scheduled on what a run makes.
made = partial(asset, settings)
# What pays for jobs may have to queue for the account's quota.
job_group = partial(TaskGroup, default_args={"pool": settings.job_pool})  # type: ignore[arg-type]

with DAG(
    "review_sentiment_retrain",
    description="Product reviews in S3 to the best sentiment model behind a SageMaker endpoint",
    doc_md=__doc__,
    schedule=settings.schedule,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    is_paused_upon_creation=True,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    on_failure_callback=FailedRunNotifier(),
    deadline=late_run_alert(settings),
    default_args=defaults,
    params=run_params(settings),
    # Outputs of tasks arrive as the objects they are.
    render_template_as_native_obj=True,
    tags=["sentiment", "retrain", "sagemaker"],
):
    plan = do.PlanRunOperator(task_id="plan")
    with TaskGroup("ingest") as ingest:
        landed = do.LandReviewsOperator(task_id="land_reviews", run=run, outlets=[made("raw")])
        landed >> do.RegisterGlueTablesOperator(
            task_id="register_tables", run=run, land=land, outlets=[made("curated")]
        )
    with TaskGroup("check") as check:
        do.AthenaQualityOperator(task_id="reviews", run=run, land=land, tables=tables)
        do.DriftOperator(task_id="drift", run=run, land=land, tables=tables)
    with TaskGroup("prepare") as prepare:
        do.PrepareDatasetsOperator(task_id="datasets", run=run, land=land)
    with job_group("analyze") as analyze:
        do.ClarifyBiasOperator(task_id="bias", **data)
        do.ClarifyShapOperator(task_id="shap", **data)
    with job_group("train") as train:
        autopilot = do.AutopilotOperator(task_id="autopilot", **data)
        blazingtext = do.BlazingTextOperator(task_id="blazingtext", **data)
    with job_group("evaluate") as evaluate:
        for trained in (autopilot, blazingtext):
            contender = output(trained.task_id)
            trained >> do.EvaluateModelOperator(task_id=trained.label, **data, contender=contender)
        champion = do.EvaluateModelOperator(task_id="champion", **data)
    select_best = do.SelectBestModelOperator(
        task_id="select_best",
        **data,
        contenders=[output("train.autopilot"), output("train.blazingtext")],
        evaluations=[output("evaluate.autopilot"), output("evaluate.blazingtext")],
        champion=output("evaluate.champion"),
        # A contender that was not asked for, or a champion that does not exist, is skipped.
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    )
    with job_group("explain") as explain:
        do.ClarifyBiasOperator(task_id="bias", **verdict)
        do.ClarifyShapOperator(task_id="shap", **verdict)
    register_model = do.RegisterModelOperator(
        task_id="register_model",
        **verdict,
        bias=output("analyze.bias"),
        explain_bias=output("explain.bias"),
        explain_shap=output("explain.shap"),
        quality=output("check.reviews"),
        drift=output("check.drift"),
        outlets=[made("model")],
    )
    registration = output("register_model")
    approve = do.ApproveModelOperator(
        task_id="approve", run=run, verdict=output("select_best"), registration=registration
    )
    evaluations = [output("evaluate.autopilot"), output("evaluate.blazingtext")]
    with TaskGroup("deploy") as deploy:
        deployed = do.DeployInferencePipelineOperator(
            task_id="endpoint", **verdict, registration=registration, evaluations=evaluations
        )
        verified = do.VerifyEndpointOperator(
            task_id="verify",
            **verdict,
            deployment=output("deploy.endpoint"),
            registration=registration,
            outlets=[made("endpoint")],
        )
        deployed >> verified >> do.PruneModelsOperator(task_id="prune", run=run, evaluations=evaluations)
    predict = do.PredictOperator(
        task_id="predict",
        run=run,
        land=land,
        # A deployment that was not due is skipped: what is live then scores.
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
        pool=settings.job_pool,
    )
    rollback = do.RollbackEndpointOperator(task_id="rollback", run=run, outlets=[made("endpoint")])
    report = do.PublishReportOperator(task_id="report", run=run)

    chain(plan, ingest, check, prepare, analyze, train)
    analyze >> champion
    chain(evaluate, select_best, explain, register_model, approve, deploy)
    [select_best, deploy] >> predict
    plan >> rollback
    # A teardown runs whatever happened. A failed task fails the run by itself; the report fails it too, when
    # it could not be written or the run was cancelled. If the report followed the tasks directly, Airflow
    # would count it alone: the empty teardown between them, which the scheduler ticks off, prevents that.
    ended = EmptyOperator(task_id="all_ended").as_teardown()
    [check, analyze, train, evaluate, explain, deploy, predict, rollback] >> ended
    ended >> report.as_teardown(on_failure_fail_dagrun=True)
