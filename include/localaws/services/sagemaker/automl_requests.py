"""AutoML requests of both versions as one plan, with the rules that the service model does not hold. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from localaws.protocol import AwsError, not_implemented

Document = dict[str, Any]

HYPERPARAMETER_TUNING_ALGORITHMS = ("linear-learner", "xgboost", "mlp")
# The documented default of hyperparameter tuning mode.
DEFAULT_MAX_CANDIDATES = 100
LONGEST_OUTPUT_PATH = 512
OBJECTIVES = {
    "Regression": ("MAE", "MSE", "R2", "RMSE"),
    "BinaryClassification": ("Accuracy", "AUC", "BalancedAccuracy", "F1", "Precision", "Recall"),
    "MulticlassClassification": (
        *("Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"),
    ),
}


@dataclass(frozen=True)
class Channel:
    """One input channel, `training` or `validation`."""

    name: str
    uri: str
    content_type: str
    compression: str


@dataclass(frozen=True)
class Plan:
    """An AutoML job, whichever version of the API asked for it; `content` is the one column of a text job."""

    channels: tuple[Channel, ...]
    target: str
    output_path: str
    problem_type: str | None
    objective: str | None
    criteria: Document
    algorithms: tuple[str, ...]
    validation_fraction: float
    definitions_only: bool
    content: str | None = None

    @property
    def max_candidates(self) -> int:
        """How many candidates are trained at most."""
        return int(self.criteria.get("MaxCandidates", DEFAULT_MAX_CANDIDATES))


def plan_v1(request: Document) -> Plan:
    """The plan of a CreateAutoMLJob request; raises `AwsError` for what AWS refuses or is not done here."""
    configuration = request.get("AutoMLJobConfig", {})
    channels = request["InputDataConfig"]
    targets = {channel["TargetAttributeName"] for channel in channels}
    if len(targets) > 1:
        raise _invalid(
            f"TargetAttributeName must be the same in all channels, got {', '.join(sorted(targets))}."
        )
    generation = configuration.get("CandidateGenerationConfig", {})
    tabular = {
        "Mode": configuration.get("Mode"),
        "CompletionCriteria": configuration.get("CompletionCriteria", {}),
        "CandidateGenerationConfig": generation,
        "FeatureSpecificationS3Uri": generation.get("FeatureSpecificationS3Uri"),
        "SampleWeightAttributeName": next(
            (
                channel["SampleWeightAttributeName"]
                for channel in channels
                if "SampleWeightAttributeName" in channel
            ),
            None,
        ),
        "ProblemType": request.get("ProblemType"),
        "GenerateCandidateDefinitionsOnly": request.get("GenerateCandidateDefinitionsOnly", False),
        "TargetAttributeName": targets.pop(),
    }
    return _plan("CreateAutoMLJob", request, channels, tabular, configuration.get("DataSplitConfig", {}))


def plan_v2(request: Document) -> Plan:
    """The plan of a CreateAutoMLJobV2 request; raises `AwsError` as `plan_v1` does."""
    problem: Document = request["AutoMLProblemTypeConfig"]
    for name in problem:
        if name not in ("TabularJobConfig", "TextClassificationJobConfig"):
            raise not_implemented(f"CreateAutoMLJobV2: AutoMLProblemTypeConfig.{name}")
    if "AutoMLComputeConfig" in request:
        raise not_implemented("CreateAutoMLJobV2: AutoMLComputeConfig")
    channels = request["AutoMLJobInputDataConfig"]
    split = request.get("DataSplitConfig", {})
    if "TextClassificationJobConfig" in problem:
        return _text_plan(request, channels, problem["TextClassificationJobConfig"], split)
    return _plan("CreateAutoMLJobV2", request, channels, problem["TabularJobConfig"], split)


def _text_plan(request: Document, channels: list[Document], text: Document, split: Document) -> Plan:
    """A text classification job: one column, one candidate, objective Accuracy."""
    criteria = {"MaxCandidates": 1, **text.get("CompletionCriteria", {})}
    if criteria["MaxCandidates"] != 1:
        raise _invalid(f"MaxCandidates of text classification must be 1, got {criteria['MaxCandidates']}.")
    objective = request.get("AutoMLJobObjective", {}).get("MetricName", "Accuracy")
    if objective != "Accuracy":
        raise _invalid(f"AutoMLJobObjective of text classification must be Accuracy, got {objective}.")
    if text["ContentColumn"] == text["TargetLabelColumn"]:
        raise _invalid("ContentColumn and TargetLabelColumn must be different columns.")
    tabular = {
        "TargetAttributeName": text["TargetLabelColumn"],
        "CompletionCriteria": criteria,
        "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["linear-learner"]}]},
    }
    asked = {key: value for key, value in request.items() if key != "AutoMLJobObjective"}
    plan = _plan("CreateAutoMLJobV2", asked, channels, tabular, split)
    return replace(plan, objective=objective, content=text["ContentColumn"])


def _plan(
    operation: str, request: Document, channels: list[Document], tabular: Document, split: Document
) -> Plan:
    _refuse_unsupported(operation, request, tabular)
    objective = request.get("AutoMLJobObjective", {}).get("MetricName")
    _check_problem(operation, tabular.get("ProblemType"), objective)
    output_path = request["OutputDataConfig"]["S3OutputPath"]
    if len(output_path) > LONGEST_OUTPUT_PATH:
        raise _invalid(
            f"S3OutputPath has {len(output_path)} characters, at most {LONGEST_OUTPUT_PATH} are allowed."
        )
    if not output_path.startswith("s3://"):
        raise not_implemented(f"{operation}: S3OutputPath that does not start with s3://")
    if len(channels) == 2 and split:
        raise _invalid("DataSplitConfig cannot be combined with a validation channel.")
    return Plan(
        channels=_channels(operation, channels),
        target=tabular["TargetAttributeName"],
        output_path=output_path.rstrip("/"),
        problem_type=tabular.get("ProblemType"),
        objective=objective,
        criteria=dict(tabular.get("CompletionCriteria", {})),
        algorithms=_algorithms(tabular),
        validation_fraction=_validation_fraction(split),
        definitions_only=bool(tabular.get("GenerateCandidateDefinitionsOnly")),
    )


def _refuse_unsupported(operation: str, request: Document, tabular: Document) -> None:
    unsupported = {
        "Mode ENSEMBLING": tabular.get("Mode") == "ENSEMBLING",
        "FeatureSpecificationS3Uri": tabular.get("FeatureSpecificationS3Uri") is not None,
        "SampleWeightAttributeName": tabular.get("SampleWeightAttributeName") is not None,
        "ModelDeployConfig": "ModelDeployConfig" in request,
    }
    for parameter, present in unsupported.items():
        if present:
            raise not_implemented(f"{operation}: {parameter}")


def _check_problem(operation: str, problem_type: str | None, objective: str | None) -> None:
    if (problem_type is None) != (objective is None):
        raise _invalid("ProblemType and AutoMLJobObjective must be given together, or neither of them.")
    if problem_type is None:
        return
    if objective not in OBJECTIVES[problem_type]:
        allowed = ", ".join(OBJECTIVES[problem_type])
        raise _invalid(
            f"AutoMLJobObjective {objective} is not valid for {problem_type}; expected one of {allowed}."
        )
    if problem_type == "Regression":
        raise not_implemented(f"{operation}: ProblemType Regression")


def _channels(operation: str, documents: list[Document]) -> tuple[Channel, ...]:
    names = [document.get("ChannelType", "training") for document in documents]
    if len(set(names)) != len(names) or "training" not in names:
        raise _invalid(
            f"Channels must be one training and at most one validation channel, got {', '.join(names)}."
        )
    channels = []
    for name, document in zip(names, documents, strict=True):
        source = document.get("DataSource", {}).get("S3DataSource")
        if source is None:
            raise _invalid(f"DataSource.S3DataSource of the {name} channel is missing.")
        if source["S3DataType"] != "S3Prefix":
            raise not_implemented(f"{operation}: S3DataType {source['S3DataType']}")
        if not source["S3Uri"].startswith("s3://"):
            raise not_implemented(f"{operation}: S3Uri that does not start with s3://")
        content_type = document.get("ContentType", "text/csv;header=present")
        _check_content_type(content_type)
        channels.append(Channel(name, source["S3Uri"], content_type, document.get("CompressionType", "None")))
    if len({(channel.content_type, channel.compression) for channel in channels}) > 1:
        raise not_implemented(f"{operation}: channels of different ContentType or CompressionType")
    return tuple(channels)


def _check_content_type(content_type: str) -> None:
    folded = content_type.replace(" ", "").lower()
    if folded not in ("text/csv;header=present", "text/csv", "x-application/vnd.amazon+parquet"):
        raise _invalid(
            f"ContentType {content_type!r} is not supported; expected text/csv;header=present or "
            "x-application/vnd.amazon+parquet."
        )


def _algorithms(tabular: Document) -> tuple[str, ...]:
    configured = tabular.get("CandidateGenerationConfig", {}).get("AlgorithmsConfig", [])
    chosen = configured[0]["AutoMLAlgorithms"] if configured else []
    unknown = [name for name in chosen if name not in HYPERPARAMETER_TUNING_ALGORITHMS]
    if unknown:
        allowed = ", ".join(HYPERPARAMETER_TUNING_ALGORITHMS)
        raise _invalid(
            f"AutoMLAlgorithms {', '.join(unknown)} are not available in this mode; expected {allowed}."
        )
    return tuple(dict.fromkeys(chosen)) or HYPERPARAMETER_TUNING_ALGORITHMS


def _validation_fraction(split: Document) -> float:
    fraction = float(split.get("ValidationFraction", 0.2))
    if not 0 < fraction < 1:
        raise _invalid(f"ValidationFraction must be above 0 and below 1, got {fraction:g}.")
    return fraction


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
