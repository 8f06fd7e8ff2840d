"""The DAGs of the drills in a real Airflow: one paid job, by our operators and by the provider's."""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.amazon.aws.operators.sagemaker import (
    SageMakerProcessingOperator,
    SageMakerTrainingOperator,
)
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from drills.drill_tasks import MAX_POLLS, RETRY_SECONDS, DrillJobOperator, DrillPlanOperator
from drills.tiny_job import IMAGE, ROLE, STEP
from sentiment_retrain.operators.report import PublishReportOperator

RUN = "{{ ti.xcom_pull('plan') }}"
DATA = "{{ dag_run.conf['data'] }}"
LOCAL = "/opt/ml/processing"
BUCKET = "{{ dag_run.conf['bucket'] }}"
LIMITS: dict[str, dict[str, Any]] = {
    "plain": {},
    "dagrun_timeout": {"dagrun_timeout": timedelta(seconds=25)},
    "execution_timeout": {"execution_timeout": timedelta(seconds=10)},
    # Retries as far apart as those of the product: they outlast a restart of the API server.
    "patient": {"retry_delay": timedelta(seconds=30), "retry_exponential_backoff": True},
}


def drill_dag(name: str, **arguments: Any) -> DAG:
    """A DAG that runs when it is told to, with quick retries."""
    return DAG(
        name,
        schedule=None,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        is_paused_upon_creation=False,
        max_active_runs=8,
        default_args={"retries": 2, "retry_delay": timedelta(seconds=RETRY_SECONDS)},
        render_template_as_native_obj=True,
        **arguments,
    )


def ours(mode: str, limit: str) -> None:
    """Plan, one job, and the report as the teardown that it is in the DAG of the product."""
    limits = dict(LIMITS[limit])
    run_limits = {key: limits.pop(key) for key in ("dagrun_timeout",) if key in limits}
    with drill_dag(f"ours_{mode}_{limit}", **run_limits):
        plan = DrillPlanOperator(task_id="plan")
        job = DrillJobOperator(task_id=STEP, run=RUN, data=DATA, deferrable=mode == "deferred", **limits)
        report = PublishReportOperator(task_id="report", run=RUN)
        plan >> job
        ended = EmptyOperator(task_id="all_ended").as_teardown()
        job >> ended >> report.as_teardown(on_failure_fail_dagrun=True)


def upstream(kind: str, mode: str) -> None:
    """The same job by an operator of the Amazon provider, as its documentation uses it."""
    common: dict[str, Any] = {
        "task_id": STEP,
        "aws_conn_id": None,
        "region_name": "us-east-1",
        "check_interval": 1,
        "max_attempts": MAX_POLLS,
        "deferrable": mode == "deferred",
    }
    machines = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    with drill_dag(f"upstream_{kind}_{mode}"):
        if kind == "processing":
            rows = {"S3Uri": f"s3://{BUCKET}/in", "S3DataType": "S3Prefix", "S3InputMode": "File"}
            result = {"S3Uri": f"s3://{BUCKET}/out/{DATA}", "S3UploadMode": "EndOfJob"}
            config: dict[str, Any] = {
                "ProcessingJobName": DATA,
                "RoleArn": ROLE,
                "AppSpecification": {"ImageUri": IMAGE, "ContainerArguments": ["copy"]},
                "ProcessingResources": {"ClusterConfig": machines},
                "ProcessingInputs": [
                    {"InputName": "rows", "S3Input": {**rows, "LocalPath": f"{LOCAL}/input"}},
                ],
                "ProcessingOutputConfig": {
                    "Outputs": [
                        {"OutputName": "rows", "S3Output": {**result, "LocalPath": f"{LOCAL}/output"}}
                    ]
                },
            }
            SageMakerProcessingOperator(config=config, **common)
        else:
            source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/"}}
            config = {
                "TrainingJobName": DATA,
                "RoleArn": ROLE,
                "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
                "InputDataConfig": [{"ChannelName": "train", "DataSource": source}],
                "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
                "ResourceConfig": machines,
                "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            }
            SageMakerTrainingOperator(config=config, **common)


for waiting in ("worker", "deferred"):
    for limit_name in LIMITS:
        ours(waiting, limit_name)
    for job_kind in ("processing", "training"):
        upstream(job_kind, waiting)
