"""Jobs, models and endpoints of a run of the notebook, each waited for until it has ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Document = dict[str, Any]

_UNFINISHED = ("InProgress", "Stopping", "Creating", "Updating")


class JobFailedError(RuntimeError):
    """A job that a cell started has not completed."""


class Jobs:
    """What one run starts, all under one role."""

    def __init__(self, role_arn: str) -> None:
        """Take the role of the AutoML job."""
        self._sagemaker = boto3.client("sagemaker")
        self._role_arn = role_arn

    def train(
        self,
        name: str,
        image: str,
        hyperparameters: Mapping[str, str],
        channels: Mapping[str, tuple[str, str]],
        output: str,
        resources: Document,
        metrics: Sequence[str] = (),
    ) -> str:
        """Start a training job; `channels` are (S3 prefix, content type) by name; returns its name."""
        specification: Document = {"TrainingImage": image, "TrainingInputMode": "File"}
        if metrics:
            specification["MetricDefinitions"] = [
                {"Name": metric, "Regex": f"{metric}=([0-9.eE+-]+)"} for metric in metrics
            ]
        self._sagemaker.create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification=specification,
            HyperParameters=dict(hyperparameters),
            InputDataConfig=[
                {"ChannelName": channel, "DataSource": _source(uri), "ContentType": content_type}
                for channel, (uri, content_type) in channels.items()
            ],
            OutputDataConfig={"S3OutputPath": output},
            ResourceConfig={
                "InstanceType": resources["instance_type"],
                "InstanceCount": resources["instance_count"],
                "VolumeSizeInGB": resources["volume_size_in_gb"],
            },
            RoleArn=self._role_arn,
            StoppingCondition={"MaxRuntimeInSeconds": 86_400},
        )
        return name

    def trained(self, name: str) -> Document:
        """The description of a completed training job; raises `JobFailedError` for another end."""
        return self._completed("TrainingJob", self._sagemaker.describe_training_job, name)

    def metric(self, name: str, metric: str) -> float:
        """A metric of a completed training job."""
        found = {item["MetricName"]: item["Value"] for item in self.trained(name)["FinalMetricDataList"]}
        return float(found[metric])

    def transform(self, name: str, source: str, content_type: str, output: str, resources: Document) -> str:
        """Start a transform job of the model of the same name; returns the name."""
        self._sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName=name,
            MaxPayloadInMB=100,
            MaxConcurrentTransforms=1,
            # Whole objects: a text may hold line ends.
            TransformInput={"DataSource": _source(source), "ContentType": content_type, "SplitType": "None"},
            TransformOutput={"S3OutputPath": output},
            TransformResources={
                "InstanceType": resources["instance_type"],
                "InstanceCount": resources["instance_count"],
            },
        )
        return name

    def transformed(self, name: str) -> Document:
        """The description of a completed transform job; raises `JobFailedError` for another end."""
        return self._completed("TransformJob", self._sagemaker.describe_transform_job, name)

    def model(self, name: str, containers: Sequence[Document]) -> str:
        """A model of these containers; returns its name."""
        self._sagemaker.create_model(
            ModelName=name, Containers=list(containers), ExecutionRoleArn=self._role_arn
        )
        return name

    def endpoint(self, name: str, model: str, instance_type: str) -> str:
        """An endpoint of the model, in service; raises `JobFailedError` when it does not come up."""
        variant = {"VariantName": "AllTraffic", "ModelName": model}
        capacity = {"InstanceType": instance_type, "InitialInstanceCount": 1}
        self._sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[{**variant, **capacity}]
        )
        self._sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        described = _ended("Endpoint", self._sagemaker.describe_endpoint, name)
        if described["EndpointStatus"] != "InService":
            raise JobFailedError(f"Endpoint {name}: {described.get('FailureReason')}")
        return name

    def _completed(self, kind: str, describe: Any, name: str) -> Document:
        described = _ended(kind, describe, name)
        if described[f"{kind}Status"] != "Completed":
            reason = described.get("FailureReason", "it was stopped")
            raise JobFailedError(f"{kind} {name} is {described[f'{kind}Status']}: {reason}")
        return described


def _ended(kind: str, describe: Any, name: str) -> Document:
    while True:
        described: Document = describe(**{f"{kind}Name": name})
        if described[f"{kind}Status"] not in _UNFINISHED:
            return described
        time.sleep(0.5)


def _source(uri: str) -> Document:
    return {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}
