"""``train.autopilot``: SageMaker searches for the best pipeline by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from sentiment_retrain import errors
from sentiment_retrain.aws import jobs, models
from sentiment_retrain.operators.input_records import noted
from sentiment_retrain.operators.job_request import JobRequest
from sentiment_retrain.operators.sagemaker_job import SageMakerJobOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

CONTENDER = "autopilot"
#: Short, because an AutoML job's name has only 32 characters.
STEP = "automl"
#: What the pipeline answers, in the order of the serving contract; only the last container knows `labels`.
ALGORITHM_KEYS = "predicted_label,probability,probabilities"
RESPONSE_KEYS = f"{ALGORITHM_KEYS},labels"


class AutopilotOperator(SageMakerJobOperator):
    """Runs an AutoML job on the review text and takes its best candidate.

    :param run: output of ``plan``
    :param datasets: output of ``prepare.datasets``
    """

    template_fields: Sequence[str] = ("run", "datasets")

    def __init__(self, *, datasets: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.datasets = datasets

    def next_job(self, done: Mapping[str, dict[str, Any]]) -> JobRequest | None:
        """The AutoML job."""
        if CONTENDER not in self.run["contenders"]:
            raise AirflowSkipException(f"{CONTENDER} is not among the contenders {self.run['contenders']}")
        if done:
            return None
        rules = self.settings.jobs.autopilot
        body = self._body()
        request = JobRequest(
            kind=jobs.AUTOML,
            step=STEP,
            inputs={
                "problem": body["AutoMLProblemTypeConfig"],
                "objective": body["AutoMLJobObjective"],
                "data": self.datasets["sha256"]["autopilot_train"],
            },
            body=lambda _name: body,
            data_until=self.datasets["data_until"],
            instance_type=rules.instance_type,
            instance_count=rules.max_candidates,
            timeout_seconds=rules.max_runtime_seconds,
        )
        return noted(self, request)

    def _body(self) -> dict[str, Any]:
        rules = self.settings.jobs.autopilot
        source = {"S3DataType": "S3Prefix", "S3Uri": self.datasets["files"]["autopilot_train"]}
        return {
            "AutoMLJobInputDataConfig": [
                {
                    "ChannelType": "training",
                    "ContentType": "text/csv;header=present",
                    "CompressionType": "None",
                    "DataSource": {"S3DataSource": source},
                }
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.run['bucket']}/jobs"},
            "AutoMLProblemTypeConfig": {
                "TabularJobConfig": {
                    "TargetAttributeName": "sentiment",
                    "ProblemType": "MulticlassClassification",
                    "Mode": rules.mode,
                    "CompletionCriteria": {
                        "MaxCandidates": rules.max_candidates,
                        "MaxRuntimePerTrainingJobInSeconds": rules.max_runtime_per_training_job_seconds,
                        "MaxAutoMLJobRuntimeInSeconds": rules.max_runtime_seconds,
                    },
                }
            },
            "AutoMLJobObjective": {"MetricName": rules.objective},
            "RoleArn": self.run["role_arn"],
        }

    def parse(self, context: Context, done: Mapping[str, dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG002
        """The contender of docs/contracts.md section 2."""
        job = done[STEP]
        description = self.aws.describe_job(jobs.AUTOML, job["name"]) or {}
        containers = self.containers(description)
        best = description["BestCandidate"]
        candidates = self._candidates(job["name"])
        metrics = best.get("CandidateProperties", {}).get("CandidateMetrics", [])
        return {
            "contender": CONTENDER,
            "job": job,
            "containers": containers,
            "fingerprint": models.model_fingerprint(containers),
            "metrics": {f"{item['Set']}:{item['MetricName']}": item["Value"] for item in metrics},
            "artifacts": {
                **description.get("AutoMLJobArtifacts", {}),
                **best.get("CandidateProperties", {}).get("CandidateArtifactLocations", {}),
                "best_candidate": best["CandidateName"],
                "candidates": candidates,
            },
        }

    def containers(self, description: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The inference pipeline of a completed job, from its description."""
        best = description.get("BestCandidate") or {}
        if not best.get("InferenceContainers"):
            raise errors.ResultMalformed(
                f"AutoMLJob {description.get('AutoMLJobName')} has no best candidate with containers",
                "BestCandidate.InferenceContainers",
                "Look at the job's candidates; raise its maximum runtime when none finished in time.",
            )
        return selecting_all_keys(best["InferenceContainers"])

    def _candidates(self, job_name: str) -> list[dict[str, Any]]:
        """Every candidate with its objective, the best first."""
        answer = self.aws.sagemaker(
            "list_candidates_for_auto_ml_job",
            AutoMLJobName=job_name,
            SortBy="FinalObjectiveMetricValue",
            SortOrder="Descending",
            MaxResults=100,
        )
        found = [
            {
                "name": candidate["CandidateName"],
                "status": candidate["CandidateStatus"],
                "metric": candidate.get("FinalAutoMLJobObjectiveMetric", {}).get("MetricName"),
                "value": candidate.get("FinalAutoMLJobObjectiveMetric", {}).get("Value"),
                "algorithm": _algorithm(candidate),
            }
            for candidate in answer["Candidates"]
        ]
        for candidate in found:
            self.log.info("candidate %(name)s (%(algorithm)s) %(status)s: %(metric)s %(value)s", candidate)
        return found


def _algorithm(candidate: Mapping[str, Any]) -> str | None:
    """Image repository of the container that predicts, e.g. ``sagemaker-xgboost``."""
    containers = candidate.get("InferenceContainers") or []
    if not containers:
        return None
    image = str(containers[len(containers) // 2]["Image"])
    return image.rsplit("/", 1)[-1].split(":")[0]


def selecting_all_keys(containers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A candidate's containers, told to answer all four keys instead of the label alone.

    In a pipeline of three the algorithm hands its keys to the last container, which adds the labels; asked
    for ``labels`` itself it would refuse. An ensemble of one container knows all four.
    """
    chosen = [
        {**container, "Environment": dict(container.get("Environment", {}))} for container in containers
    ]
    if len(chosen) == 1:
        chosen[0]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = RESPONSE_KEYS
        return chosen
    if len(chosen) != 3:
        raise errors.ResultMalformed(
            f"a candidate of {len(chosen)} containers",
            "one container, or three: transform, algorithm, inverse label",
        )
    chosen[1]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = ALGORITHM_KEYS
    chosen[2]["Environment"]["SAGEMAKER_INFERENCE_INPUT"] = ALGORITHM_KEYS
    chosen[2]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = RESPONSE_KEYS
    return chosen
