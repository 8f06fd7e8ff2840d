"""``train.blazingtext``: the built-in text classifier, inside our pipeline of three containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from sentiment_retrain.aws import jobs, models
from sentiment_retrain.operators.input_records import noted
from sentiment_retrain.operators.job_request import JobRequest
from sentiment_retrain.operators.sagemaker_job import SageMakerJobOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from sentiment_retrain.settings import Settings

CONTENDER = "blazingtext"


class BlazingTextOperator(SageMakerJobOperator):
    """Trains BlazingText in supervised mode.

    :param run: output of ``plan``
    :param datasets: output of ``prepare.datasets``
    """

    template_fields: Sequence[str] = ("run", "datasets")

    def __init__(self, *, datasets: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.datasets = datasets

    def next_job(self, done: Mapping[str, dict[str, Any]]) -> JobRequest | None:
        """The training job."""
        if CONTENDER not in self.run["contenders"]:
            raise AirflowSkipException(f"{CONTENDER} is not among the contenders {self.run['contenders']}")
        if done:
            return None
        return noted(self, training_request(self.settings, self.run, self.datasets, CONTENDER))

    def parse(self, context: Context, done: Mapping[str, dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG002
        """The contender of docs/contracts.md section 2."""
        job = done[CONTENDER]
        description = self.aws.describe_job(jobs.TRAINING, job["name"]) or {}
        metrics = {item["MetricName"]: item["Value"] for item in description.get("FinalMetricDataList", [])}
        self.log.info("metrics %s", metrics)
        adapter_uri = models.upload_adapter(self.aws, self.run["bucket"])
        containers = models.blazingtext_pipeline(self.run["images"], adapter_uri, job["output_uri"])
        return {
            "contender": CONTENDER,
            "job": job,
            "containers": containers,
            "fingerprint": models.model_fingerprint(containers),
            "metrics": metrics,
            "artifacts": {"model": job["output_uri"], "adapter": adapter_uri},
        }


def planned_pipeline(run: Mapping[str, Any], description: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The three containers around the model of a completed training job; uploads nothing."""
    scripts_uri = models.adapter_uri(run["bucket"], models.pack_adapter())
    model_uri = jobs.output_uri(jobs.TRAINING, description) or ""
    return models.blazingtext_pipeline(run["images"], scripts_uri, model_uri)


def training_request(
    settings: Settings,
    run: Mapping[str, Any],
    datasets: Mapping[str, Any],
    step: str,
    overrides: Mapping[str, str] | None = None,
) -> JobRequest:
    """A BlazingText training job.

    :param overrides: hyperparameters that differ from the configuration's
    """
    rules = settings.jobs.blazingtext
    hyperparameters = {**rules.wire_hyperparameters(), **(overrides or {})}
    channels = {"train": "blazingtext_train", "validation": "blazingtext_validation"}

    def body(name: str) -> dict[str, Any]:  # noqa: ARG001 - the service adds the job's name to the path itself
        return {
            "AlgorithmSpecification": {
                "TrainingImage": run["images"]["blazingtext"],
                "TrainingInputMode": "File",
            },
            "RoleArn": run["role_arn"],
            "HyperParameters": hyperparameters,
            "InputDataConfig": [
                {
                    "ChannelName": channel,
                    "ContentType": "text/plain",
                    "CompressionType": "None",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": datasets["files"][file],
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                }
                for channel, file in channels.items()
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{run['bucket']}/jobs"},
            "ResourceConfig": {
                "InstanceType": rules.instance_type,
                "InstanceCount": rules.instance_count,
                "VolumeSizeInGB": rules.volume_gb,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": rules.max_runtime_seconds},
        }

    return JobRequest(
        kind=jobs.TRAINING,
        step=step,
        inputs={
            "image": run["images"]["blazingtext"],
            "hyperparameters": hyperparameters,
            "instance_type": rules.instance_type,
            "data": {file: datasets["sha256"][file] for file in channels.values()},
        },
        body=body,
        data_until=datasets["data_until"],
        instance_type=rules.instance_type,
        fallback_instance_types=rules.fallback_instance_types,
        instance_count=rules.instance_count,
        timeout_seconds=rules.max_runtime_seconds,
    )
