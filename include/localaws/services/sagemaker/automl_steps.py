"""The steps of an AutoML job as jobs of their own, so that they can be described as on AWS.

The work is done by the AutoML job's one container; these documents tell of it under the names the candidates
carry. Pure but for `record`.
"""

from __future__ import annotations

from typing import Any

from localaws.services.sagemaker.automl_candidates import (
    algorithm_image,
    automl_image,
    moment,
    step_arn,
)
from localaws.state import store

Document = dict[str, Any]

# What recorded Autopilot jobs used; nothing of it is needed here.
_INSTANCE = {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 1}
_TIMES = {
    "ProcessingJob": ("ProcessingStartTime", "ProcessingEndTime"),
    "TrainingJob": ("TrainingStartTime", "TrainingEndTime"),
    "TransformJob": ("TransformStartTime", "TransformEndTime"),
}


def record(document: Document, kind: str) -> None:
    """Write a step's document."""
    store().put(kind, document[f"{kind}Name"], document)


def step_document(event: Document, job: Document, output: str, region: str) -> Document:
    """The document of a `step` event; `job` is the AutoML job's, `output` is `<S3OutputPath>/<job>`."""
    kind, name = event["kind"], event["name"]
    document = _common(kind, name, event, job, region, "Completed")
    place = f"{output}/{event['output']}"
    if kind == "ProcessingJob":
        return document | _processing(place, region)
    if kind == "TransformJob":
        return document | _transform(name, place, output)
    return document | _training(name, place, event, {}, automl_image(region), "Completed")


def candidate_training_document(event: Document, job: Document, output: str, region: str) -> Document:
    """The training job of a `candidate` event."""
    name, status = event["name"], event["status"]
    document = _common("TrainingJob", name, event, job, region, status)
    image = algorithm_image(event["algorithm"], region)
    hyperparameters = {key: str(value) for key, value in event["hyperparameters"].items()}
    document |= _training(name, f"{output}/{event['model']}", event, hyperparameters, image, status)
    if "objective" in event:
        objective = event["objective"]
        document["FinalMetricDataList"] = [
            {
                "MetricName": objective["tuning_metric"],
                "Value": objective["value"],
                "Timestamp": moment(event["time"]),
            }
        ]
    if "reason" in event:
        document["FailureReason"] = event["reason"][:1024]
    return document


def _common(kind: str, name: str, event: Document, job: Document, region: str, status: str) -> Document:
    started, ended = moment(event["started"]), moment(event["time"])
    start_key, end_key = _TIMES[kind]
    document = {
        f"{kind}Name": name,
        f"{kind}Arn": step_arn(kind, name, region),
        f"{kind}Status": status,
        "AutoMLJobArn": job["AutoMLJobArn"],
        "RoleArn": job["RoleArn"],
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400},
        "CreationTime": started,
        start_key: started,
        "LastModifiedTime": ended,
    }
    return document if status == "InProgress" else document | {end_key: ended}


def _processing(place: str, region: str) -> Document:
    return {
        "AppSpecification": {"ImageUri": automl_image(region)},
        "ProcessingResources": {"ClusterConfig": {**_INSTANCE, "VolumeSizeInGB": 50}},
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "output",
                    "S3Output": {
                        "S3Uri": place,
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
    }


def _transform(name: str, place: str, output: str) -> Document:
    return {
        "ModelName": name,
        "TransformInput": {
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{output}/preprocessed-data/tuning_data"}
            },
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": place},
        "TransformResources": _INSTANCE,
    }


def _training(
    name: str, model: str, event: Document, hyperparameters: Document, image: str, status: str
) -> Document:
    started, ended = moment(event["started"]), moment(event["time"])
    transition: Document = {"Status": "Training", "StartTime": started, "StatusMessage": "Training"}
    document: Document = {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "HyperParameters": hyperparameters,
        "InputDataConfig": [],
        "OutputDataConfig": {"S3OutputPath": model.removesuffix(f"/{name}/output/model.tar.gz")},
        "ResourceConfig": {**_INSTANCE, "VolumeSizeInGB": 50},
        "ModelArtifacts": {"S3ModelArtifacts": model},
        "SecondaryStatus": "Training",
        "SecondaryStatusTransitions": [transition],
    }
    if status == "InProgress":
        return document
    seconds = max(1, round((ended - started).total_seconds()))
    transition["EndTime"] = ended
    return document | {
        "SecondaryStatus": status,
        "SecondaryStatusTransitions": [
            transition,
            {"Status": status, "StartTime": ended, "EndTime": ended, "StatusMessage": ""},
        ],
        "TrainingTimeInSeconds": seconds,
        "BillableTimeInSeconds": seconds,
    }
