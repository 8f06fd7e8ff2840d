"""Candidates of an AutoML job as the API describes them, made from the container's events. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from localaws import ACCOUNT_ID

Document = dict[str, Any]

# Account of the scikit-learn and XGBoost images in us-east-1, as recorded in real candidates.
_FRAMEWORK_REGISTRY = "683313688378.dkr.ecr.{region}.amazonaws.com"
# UNCONFIRMED: no recorded candidate shows the images of these two in hyperparameter tuning mode.
_BUILT_IN_REGISTRY = "382416733822.dkr.ecr.{region}.amazonaws.com"
_ALGORITHM_IMAGES = {
    "xgboost": f"{_FRAMEWORK_REGISTRY}/sagemaker-xgboost:1.3-1-cpu-py3",
    "linear-learner": f"{_BUILT_IN_REGISTRY}/linear-learner:1",
    "mlp": f"{_BUILT_IN_REGISTRY}/mlp:1",
}
STEP_PATHS = {
    "ProcessingJob": "processing-job",
    "TrainingJob": "training-job",
    "TransformJob": "transform-job",
}
_RECORDIO = "application/x-recordio-protobuf"


def automl_image(region: str) -> str:
    """The image of the data processors, and of everything before the tuning."""
    return f"{_FRAMEWORK_REGISTRY}/sagemaker-sklearn-automl:2.5-1-cpu-py3".format(region=region)


def algorithm_image(algorithm: str, region: str) -> str:
    """The image of an algorithm."""
    return _ALGORITHM_IMAGES[algorithm].format(region=region)


def images(region: str) -> dict[str, str]:
    """All images of the candidates, by algorithm, and that of the data processors."""
    algorithms = {name: algorithm_image(name, region) for name in _ALGORITHM_IMAGES}
    return {"data-processor": automl_image(region), **algorithms}


def moment(text: str) -> datetime:
    """A time of an event."""
    return datetime.fromisoformat(text)


def step_arn(kind: str, name: str, region: str) -> str:
    """ARN of a step's job."""
    return f"arn:aws:sagemaker:{region}:{ACCOUNT_ID}:{STEP_PATHS[kind]}/{name}"


def candidate_document(event: Document, output: str, region: str) -> Document:
    """An AutoMLCandidate of a `candidate` event; `output` is `<S3OutputPath>/<job>`."""
    status = event["status"]
    document: Document = {
        "CandidateName": event["name"],
        "CandidateStatus": status,
        "ObjectiveStatus": {"Completed": "Succeeded", "InProgress": "Pending"}.get(status, "Failed"),
        "CandidateSteps": [
            {
                "CandidateStepType": f"AWS::SageMaker::{step['kind']}",
                "CandidateStepArn": step_arn(step["kind"], step["name"], region),
                "CandidateStepName": step["name"],
            }
            for step in event["steps"]
        ],
        "CreationTime": moment(event["started"]),
        "LastModifiedTime": moment(event["time"]),
    }
    if status != "InProgress":
        document["EndTime"] = moment(event["time"])
    if "reason" in event:
        document["FailureReason"] = event["reason"][:1024]
    if status == "Completed":
        document |= _measured(event) | {"InferenceContainers": inference_containers(event, output, region)}
    return document


def _measured(event: Document) -> Document:
    objective = event["objective"]
    return {
        "FinalAutoMLJobObjectiveMetric": {
            "Type": "Maximize",
            "MetricName": objective["tuning_metric"],
            "StandardMetricName": objective["metric"],
            "Value": objective["value"],
        },
        "CandidateProperties": {
            "CandidateMetrics": [
                {"MetricName": name, "StandardMetricName": name, "Set": "Validation", "Value": value}
                for name, value in event["metrics"].items()
            ]
        },
    }


def inference_containers(event: Document, output: str, region: str) -> list[Document]:
    """Data processor, algorithm, data processor again; environments as in recorded candidates."""
    processor = {"Image": automl_image(region), "ModelDataUrl": f"{output}/{event['processor_model']}"}
    program = {"SAGEMAKER_PROGRAM": "sagemaker_serve", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    sparse = event["encoding"] == "rpb"
    features = {
        **({"AUTOML_SPARSE_ENCODE_RECORDIO_PROTOBUF": "1"} if sparse else {}),
        "AUTOML_TRANSFORM_MODE": "feature-transform",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": _RECORDIO if sparse else "text/csv",
        **program,
    }
    algorithm = {
        "MAX_CONTENT_LENGTH": "20971520",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
        "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label",
        "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,probabilities",
    }
    labels = {
        "AUTOML_TRANSFORM_MODE": "inverse-label-transform",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
        "SAGEMAKER_INFERENCE_INPUT": "predicted_label",
        "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label",
        "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,labels,probabilities",
        **program,
    }
    return [
        {**processor, "Environment": features},
        {
            "Image": algorithm_image(event["algorithm"], region),
            "ModelDataUrl": f"{output}/{event['model']}",
            "Environment": algorithm,
        },
        {**processor, "Environment": labels},
    ]


def best(candidates: list[Document]) -> Document | None:
    """The completed candidate with the largest objective value (all objectives here are maximised)."""
    measured = [candidate for candidate in candidates if "FinalAutoMLJobObjectiveMetric" in candidate]
    return max(measured, key=objective_value, default=None)


def objective_value(candidate: Document) -> float:
    """The objective value, minus infinity when there is none."""
    return float(candidate.get("FinalAutoMLJobObjectiveMetric", {}).get("Value", float("-inf")))
