"""Text classification of CreateAutoMLJobV2, and class weights: the request decides what is trained."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest
from reviews import reviews

if TYPE_CHECKING:
    from autopilot import Autopilot


def table(rows: list[tuple[str, str]], header: tuple[str, ...], leak: bool = False) -> bytes:
    """CSV of texts and labels; with `leak` a further column gives the label away."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*header, "leak"] if leak else header)
    writer.writerows([text, label, f"word {label}"] if leak else [text, label] for label, text in rows)
    return out.getvalue().encode()


@pytest.fixture(scope="module")
def text_job(autopilot: Autopilot) -> dict[str, Any]:
    """A finished text classification job whose table has a column that it must not look at."""
    uri = autopilot.put("text/train.csv", table(reviews(600), ("comment", "mood"), leak=True))
    problem = {"TextClassificationJobConfig": {"ContentColumn": "comment", "TargetLabelColumn": "mood"}}
    channels = [autopilot.channel(uri)]
    return autopilot.run(
        autopilot.request_v2(AutoMLProblemTypeConfig=problem, AutoMLJobInputDataConfig=channels)
    )


def test_text_classification_ends_with_one_candidate(autopilot: Autopilot, text_job: dict[str, Any]) -> None:
    """Named as the API names it, measured by accuracy, containers by processor."""
    assert text_job["AutoMLJobStatus"] == "Completed", text_job.get("FailureReason")
    assert text_job["AutoMLProblemTypeConfigName"] == "TextClassification"
    assert text_job["ResolvedAttributes"] == {
        "AutoMLJobObjective": {"MetricName": "Accuracy"},
        "CompletionCriteria": {"MaxCandidates": 1},
    }
    (candidate,) = autopilot.candidates(text_job["AutoMLJobName"])
    assert candidate == text_job["BestCandidate"]
    assert "InferenceContainers" not in candidate
    containers = candidate["InferenceContainerDefinitions"]["CPU"]
    assert [container["Image"].rpartition("/")[2].split(":")[0] for container in containers] == [
        *("sagemaker-sklearn-automl", "linear-learner", "sagemaker-sklearn-automl")
    ]


def test_text_classification_reads_the_content_column_only(
    autopilot: Autopilot, text_job: dict[str, Any]
) -> None:
    """The leaking column would make every prediction right; one in ten texts has another label's words."""
    candidate = text_job["BestCandidate"]
    assert 0.75 < candidate["FinalAutoMLJobObjectiveMetric"]["Value"] < 0.97
    header = autopilot.read(
        f"s3://{autopilot.bucket}/autopilot/{text_job['AutoMLJobName']}/preprocessed-data/header/headers.csv"
    )
    assert header == b"mood,comment\n"


def test_a_missing_content_column_fails_the_job(autopilot: Autopilot) -> None:
    """With a reason that names the columns there are."""
    problem = {"TextClassificationJobConfig": {"ContentColumn": "body", "TargetLabelColumn": "sentiment"}}
    ended = autopilot.run(autopilot.request_v2(AutoMLProblemTypeConfig=problem))
    assert ended["AutoMLJobStatus"] == "Failed"
    assert "ContentColumn 'body' is not in the data; its columns are: review_body" in ended["FailureReason"]


@pytest.mark.parametrize(("objective", "balanced"), [("F1macro", "1.0"), ("Accuracy", "0.0")])
def test_classes_weigh_as_they_do_in_the_objective(
    autopilot: Autopilot, objective: str, balanced: str
) -> None:
    """The first candidate's training job tells whether classes were weighted, and of the metric tuned for."""
    tabular = {
        "ProblemType": "MulticlassClassification",
        "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["linear-learner"]}]},
    }
    ended = autopilot.run(autopilot.request_v2(tabular, AutoMLJobObjective={"MetricName": objective}))
    best = ended["BestCandidate"]
    assert best["FinalAutoMLJobObjectiveMetric"]["StandardMetricName"] == objective
    trained = autopilot.sagemaker.describe_training_job(TrainingJobName=best["CandidateName"])
    assert trained["HyperParameters"]["balance_multiclass_weights"] == balanced
