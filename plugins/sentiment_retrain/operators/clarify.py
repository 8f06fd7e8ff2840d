"""What ``analyze.*`` and ``explain.*`` share: a SageMaker Clarify processing job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.aws import jobs, models
from sentiment_retrain.operators.input_records import noted
from sentiment_retrain.operators.job_request import JobRequest
from sentiment_retrain.operators.sagemaker_job import SageMakerJobOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ClarifyOperator(SageMakerJobOperator):
    """What the two analyses share: the processing job's request.

    :param run: output of ``plan``
    :param datasets: output of ``prepare.datasets``
    :param verdict: output of ``select_best``; without it the analysis is of what is there before training
    """

    template_fields: Sequence[str] = ("run", "datasets", "verdict")

    def __init__(self, *, datasets: Any, verdict: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.datasets = datasets
        self.verdict = verdict

    def analysis_request(
        self, step: str, inputs: Mapping[str, Any], config: Mapping[str, Any], dataset: str | bytes
    ) -> JobRequest:
        """A Clarify job.

        :param inputs: identity of what is analysed, besides the configuration
        :param config: ``analysis_config.json``
        :param dataset: S3 URI of the rows, or their content, which is then put beside the configuration
        """
        rules = self.settings.jobs.analysis
        image = rules.image_uri or self.run["images"]["clarify"]

        def folder(name: str) -> str:
            return f"s3://{self.run['bucket']}/jobs/{name}"

        def prepare(name: str) -> None:
            self.aws.put_json(f"{folder(name)}/input/analysis_config.json", config)
            if isinstance(dataset, bytes):
                self.aws.put_bytes(f"{folder(name)}/input/dataset.csv", dataset, "text/csv")

        def body(name: str) -> dict[str, Any]:
            rows = f"{folder(name)}/input/dataset.csv" if isinstance(dataset, bytes) else dataset
            return {
                "ProcessingResources": {
                    "ClusterConfig": {
                        "InstanceType": rules.instance_type,
                        "InstanceCount": rules.instance_count,
                        "VolumeSizeInGB": rules.volume_gb,
                    }
                },
                "AppSpecification": {"ImageUri": image},
                "RoleArn": self.run["role_arn"],
                "ProcessingInputs": [
                    _s3_input("dataset", rows, "data"),
                    _s3_input("analysis_config", f"{folder(name)}/input/analysis_config.json", "config"),
                ],
                "ProcessingOutputConfig": {
                    "Outputs": [
                        {
                            "OutputName": "analysis_result",
                            "S3Output": {
                                "S3Uri": f"{folder(name)}/output",
                                "LocalPath": "/opt/ml/processing/output",
                                "S3UploadMode": "EndOfJob",
                            },
                        }
                    ]
                },
                "StoppingCondition": {"MaxRuntimeInSeconds": rules.max_runtime_seconds},
                **self._network(),
            }

        request = JobRequest(
            kind=jobs.PROCESSING,
            step=step,
            inputs={**inputs, "config": config, "image": image},
            body=body,
            prepare=prepare,
            data_until=self.datasets["data_until"],
            instance_type=rules.instance_type,
            fallback_instance_types=rules.fallback_instance_types,
            instance_count=rules.instance_count,
            timeout_seconds=rules.max_runtime_seconds,
        )
        return noted(self, request)

    def _network(self) -> dict[str, Any]:
        """Clarify must be in the network of the model that it asks, and may not be isolated:
        https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-configure-parameters.html.
        """
        network = models.network_of(self.settings).get("VpcConfig")
        is_clarify = self.settings.jobs.analysis.engine == "clarify"
        return {"NetworkConfig": {"VpcConfig": network}} if is_clarify and network else {}

    def analysis_of(self, job: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """URI and content of the job's ``analysis.json``."""
        uri = f"{job['output_uri']}/analysis.json"
        return uri, dict(self.aws.get_json(uri))


def _s3_input(name: str, uri: str, folder: str) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/input/{folder}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }
