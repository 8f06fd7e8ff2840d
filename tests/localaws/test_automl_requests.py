"""What CreateAutoMLJob and CreateAutoMLJobV2 refuse before any job is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopilot import Autopilot

SERIES = {
    **{"ForecastFrequency": "1D", "ForecastHorizon": 1},
    "TimeSeriesConfig": {
        **{"TargetAttributeName": "y", "TimestampAttributeName": "t", "ItemIdentifierAttributeName": "i"}
    },
}
MULTICLASS = {"ProblemType": "MulticlassClassification"}


def text_problem(**changes: Any) -> dict[str, Any]:
    """AutoMLProblemTypeConfig of a text classification."""
    job = {"ContentColumn": "review_body", "TargetLabelColumn": "label", **changes}
    return {"TextClassificationJobConfig": job}


def refused(create: Callable[..., Any], request: dict[str, Any]) -> tuple[str, str]:
    """Code and message of the refusal."""
    with pytest.raises(ClientError) as caught:
        create(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("tabular", "changes", "code", "text"),
    [
        ({}, {"AutoMLJobName": "a" * 33}, "ValidationException", "length less than or equal to 32"),
        ({}, {"AutoMLJobName": "under_score"}, "ValidationException", "regular expression pattern"),
        ({"Mode": "ENSEMBLING"}, {}, "NotImplementedException", "Mode ENSEMBLING"),
        (MULTICLASS, {}, "ValidationException", "must be given together"),
        ({}, {"AutoMLJobObjective": {"MetricName": "F1"}}, "ValidationException", "must be given together"),
        (
            *(MULTICLASS, {"AutoMLJobObjective": {"MetricName": "F1"}}),
            *("ValidationException", "F1 is not valid for MulticlassClassification"),
        ),
        (
            *({"ProblemType": "Regression"}, {"AutoMLJobObjective": {"MetricName": "MSE"}}),
            *("NotImplementedException", "ProblemType Regression"),
        ),
        (
            {
                "CandidateGenerationConfig": {
                    "AlgorithmsConfig": [{"AutoMLAlgorithms": ["xgboost", "catboost"]}]
                }
            },
            *({}, "ValidationException", "catboost"),
        ),
        ({"CompletionCriteria": {"MaxCandidates": 751}}, {}, "ValidationException", "maxCandidates"),
        (
            {"FeatureSpecificationS3Uri": "s3://b/k"},
            {},
            "NotImplementedException",
            "FeatureSpecificationS3Uri",
        ),
        ({"SampleWeightAttributeName": "w"}, {}, "NotImplementedException", "SampleWeightAttributeName"),
        (
            *({}, {"AutoMLProblemTypeConfig": text_problem(CompletionCriteria={"MaxCandidates": 2})}),
            *("ValidationException", "MaxCandidates of text classification must be 1, got 2"),
        ),
        (
            {},
            {"AutoMLProblemTypeConfig": text_problem(), "AutoMLJobObjective": {"MetricName": "F1macro"}},
            *("ValidationException", "must be Accuracy, got F1macro"),
        ),
        (
            *({}, {"AutoMLProblemTypeConfig": text_problem(ContentColumn="label")}),
            *("ValidationException", "must be different columns"),
        ),
        (
            *({}, {"AutoMLProblemTypeConfig": {"TimeSeriesForecastingJobConfig": SERIES}}),
            *("NotImplementedException", "TimeSeriesForecastingJobConfig"),
        ),
        ({}, {"ModelDeployConfig": {"EndpointName": "e"}}, "NotImplementedException", "ModelDeployConfig"),
        (
            *({}, {"OutputDataConfig": {"S3OutputPath": f"s3://bucket/{'k' * 505}"}}),
            *("ValidationException", "at most 512"),
        ),
        ({}, {"DataSplitConfig": {"ValidationFraction": 1.0}}, "ValidationException", "below 1"),
    ],
)
def test_what_the_second_version_refuses(
    autopilot: Autopilot, tabular: dict[str, Any], changes: dict[str, Any], code: str, text: str
) -> None:
    """Cross-field rules of AWS answer ValidationException, what is not done here NotImplementedException."""
    request = autopilot.request_v2(tabular, **changes)
    found_code, message = refused(autopilot.sagemaker.create_auto_ml_job_v2, request)
    assert (found_code, text in message) == (code, True), message


def test_channels_must_differ(autopilot: Autopilot) -> None:
    """Two training channels, and a split beside a validation channel."""
    create = autopilot.sagemaker.create_auto_ml_job_v2
    twice = autopilot.request_v2(AutoMLJobInputDataConfig=[autopilot.channel(), autopilot.channel()])
    assert refused(create, twice)[0] == "ValidationException"
    both = [autopilot.channel(), autopilot.channel(ChannelType="validation")]
    split = autopilot.request_v2(AutoMLJobInputDataConfig=both, DataSplitConfig={"ValidationFraction": 0.3})
    assert "cannot be combined" in refused(create, split)[1]


@pytest.mark.parametrize("data_type", ["ManifestFile", "AugmentedManifestFile"])
def test_manifests_are_not_read(autopilot: Autopilot, data_type: str) -> None:
    """Said at once, not after the start."""
    channel = autopilot.channel()
    channel["DataSource"]["S3DataSource"]["S3DataType"] = data_type
    request = autopilot.request_v2(AutoMLJobInputDataConfig=[channel])
    assert refused(autopilot.sagemaker.create_auto_ml_job_v2, request)[0] == "NotImplementedException"


def test_other_content_types_are_refused(autopilot: Autopilot) -> None:
    """Autopilot reads CSV with a header, and Parquet."""
    request = autopilot.request_v2(
        AutoMLJobInputDataConfig=[autopilot.channel(ContentType="application/json")]
    )
    code, message = refused(autopilot.sagemaker.create_auto_ml_job_v2, request)
    assert code == "ValidationException"
    assert "application/json" in message


def test_the_first_version_has_the_same_rules(autopilot: Autopilot) -> None:
    """Problem type without objective, and the ensembling mode."""
    create = autopilot.sagemaker.create_auto_ml_job
    assert "together" in refused(create, autopilot.request_v1(ProblemType="BinaryClassification"))[1]
    ensembling = autopilot.request_v1(AutoMLJobConfig={"Mode": "ENSEMBLING"})
    assert refused(create, ensembling)[0] == "NotImplementedException"


@pytest.mark.parametrize("operation", ["describe_auto_ml_job", "describe_auto_ml_job_v2", "stop_auto_ml_job"])
def test_an_unknown_job_is_a_validation_error(autopilot: Autopilot, operation: str) -> None:
    """As Describe of SageMaker's jobs answers, whatever the model declares."""
    code, message = refused(getattr(autopilot.sagemaker, operation), {"AutoMLJobName": "no-such-job"})
    assert code == "ValidationException"
    assert "no-such-job" in message
