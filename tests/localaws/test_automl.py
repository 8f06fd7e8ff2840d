"""Autopilot: the job's life, its candidates, its artefacts, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from reviews import LABELS, WORDS

if TYPE_CHECKING:
    from autopilot import Autopilot

ORDER = (
    *("Starting", "AnalyzingData", "FeatureEngineering", "ModelTuning", "GeneratingExplainabilityReport"),
    *("GeneratingModelInsightsReport", "MergingAutoMLTaskReports"),
)
ENVIRONMENTS = (
    {
        "AUTOML_SPARSE_ENCODE_RECORDIO_PROTOBUF": "1",
        "AUTOML_TRANSFORM_MODE": "feature-transform",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "application/x-recordio-protobuf",
        "SAGEMAKER_PROGRAM": "sagemaker_serve",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    },
    {
        "MAX_CONTENT_LENGTH": "20971520",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
        "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label",
        "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,probabilities",
    },
    {
        "AUTOML_TRANSFORM_MODE": "inverse-label-transform",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
        "SAGEMAKER_INFERENCE_INPUT": "predicted_label",
        "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label",
        "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,labels,probabilities",
        "SAGEMAKER_PROGRAM": "sagemaker_serve",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    },
)


@pytest.fixture(scope="module")
def job(watched_automl_job: tuple[dict[str, Any], list[dict[str, Any]]]) -> dict[str, Any]:
    """The finished job."""
    assert watched_automl_job[0]["AutoMLJobStatus"] == "Completed", watched_automl_job[0].get("FailureReason")
    return watched_automl_job[0]


def test_the_job_passes_the_documented_phases(
    watched_automl_job: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    """In AWS's order; the notebooks are there once the data is analysed, not before."""
    ended, seen = watched_automl_job
    statuses = [description["AutoMLJobSecondaryStatus"] for description in seen]
    assert ended["AutoMLJobSecondaryStatus"] == "Completed"
    assert statuses == sorted(statuses, key=ORDER.index)
    assert {"Starting", "ModelTuning"} <= set(statuses)
    for description in seen:
        phase = description["AutoMLJobSecondaryStatus"]
        assert phase == "AnalyzingData" or ("AutoMLJobArtifacts" in description) == (phase != "Starting")


def test_describe_tells_what_was_resolved(job: dict[str, Any]) -> None:
    """Problem type and objective are found in the data when the request names none."""
    resolved = job["ResolvedAttributes"]
    assert resolved["AutoMLJobObjective"] == {"MetricName": "Accuracy"}
    tabular = {"TabularResolvedAttributes": {"ProblemType": "MulticlassClassification"}}
    assert resolved["AutoMLProblemTypeResolvedAttributes"] == tabular
    assert job["AutoMLProblemTypeConfigName"] == "Tabular"
    assert job["EndTime"] > job["CreationTime"]


def test_three_candidates_are_different_and_measured(autopilot: Autopilot, job: dict[str, Any]) -> None:
    """Three algorithms; the best one is the job's; everything is a held-out measurement."""
    found = autopilot.candidates(job["AutoMLJobName"], SortBy="FinalObjectiveMetricValue")
    values = [candidate["FinalAutoMLJobObjectiveMetric"]["Value"] for candidate in found]
    assert values == sorted(values, reverse=True)
    assert found[0] == job["BestCandidate"]
    assert 0.8 <= values[0] <= 1
    images = {candidate["InferenceContainers"][1]["Image"].rpartition("/")[2] for candidate in found}
    assert images == {"linear-learner:1", "sagemaker-xgboost:1.3-1-cpu-py3", "mlp:1"}
    for candidate in found:
        assert candidate["CandidateStatus"] == "Completed"
        assert candidate["ObjectiveStatus"] == "Succeeded"
        assert candidate["FinalAutoMLJobObjectiveMetric"]["MetricName"] == "validation:accuracy"
        metrics = {
            item["MetricName"]: item["Value"] for item in candidate["CandidateProperties"]["CandidateMetrics"]
        }
        assert metrics["Accuracy"] == candidate["FinalAutoMLJobObjectiveMetric"]["Value"]
        assert set(metrics) == {
            *("Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro", "LogLoss")
        }


def test_candidates_carry_three_containers(autopilot: Autopilot, job: dict[str, Any]) -> None:
    """Exactly the recorded environments; first and third container share their model."""
    for candidate in autopilot.candidates(job["AutoMLJobName"]):
        containers = candidate["InferenceContainers"]
        assert tuple(container["Environment"] for container in containers) == ENVIRONMENTS
        assert containers[0]["Image"].endswith("/sagemaker-sklearn-automl:2.5-1-cpu-py3")
        assert containers[0]["ModelDataUrl"] == containers[2]["ModelDataUrl"]
        for container in containers:
            assert len(autopilot.read(container["ModelDataUrl"])) > 500


def test_steps_can_be_described(autopilot: Autopilot, job: dict[str, Any]) -> None:
    """Every step of every candidate is a job of its kind that has ended well."""
    sagemaker = autopilot.sagemaker
    describe = {
        "AWS::SageMaker::ProcessingJob": lambda name: sagemaker.describe_processing_job(
            ProcessingJobName=name
        ),
        "AWS::SageMaker::TrainingJob": lambda name: sagemaker.describe_training_job(TrainingJobName=name),
        "AWS::SageMaker::TransformJob": lambda name: sagemaker.describe_transform_job(TransformJobName=name),
    }
    for candidate in autopilot.candidates(job["AutoMLJobName"]):
        kinds = [step["CandidateStepType"].rpartition(":")[2] for step in candidate["CandidateSteps"]]
        assert kinds == ["ProcessingJob", "TrainingJob", "TransformJob", "TrainingJob"]
        for kind, step in zip(kinds, candidate["CandidateSteps"], strict=True):
            described = describe[step["CandidateStepType"]](step["CandidateStepName"])
            assert described[f"{kind}Status"] == "Completed"
            assert described[f"{kind}Arn"] == step["CandidateStepArn"]
            assert described["AutoMLJobArn"] == job["AutoMLJobArn"]
        assert candidate["CandidateSteps"][-1]["CandidateStepName"] == candidate["CandidateName"]


def test_the_notebooks_hold_the_findings(autopilot: Autopilot, job: dict[str, Any]) -> None:
    """Data exploration with this dataset's numbers, candidate definitions with runnable modules."""
    places = job["AutoMLJobArtifacts"]
    exploration = json.loads(autopilot.read(places["DataExplorationNotebookLocation"]))
    text = "\n\n".join("".join(cell["source"]) for cell in exploration["cells"])
    for heading in ("Dataset Summary", "Target Analysis", "Data Sample", "Feature Summary", "Duplicate Rows"):
        assert f"## {heading}" in text
    assert "| rows | 600 |" in text
    assert "| -1 | 200 | 33.33% |" in text
    assert "| review_body | text | 0." in text
    definition = json.loads(autopilot.read(places["CandidateDefinitionNotebookLocation"]))
    shown = ["".join(cell["source"]) for cell in definition["cells"] if cell["cell_type"] == "markdown"]
    modules = [text.partition("```python\n")[2].removesuffix("```") for text in shown if "```python" in text]
    assert len(modules) == 4
    for module in modules:
        compile(module, "dpp.py", "exec")
        assert "def build_feature_transform()" in module
    package = f"{places['CandidateDefinitionNotebookLocation'].partition('/notebooks/')[0]}/generated_module"
    written = autopilot.read(f"{package}/candidate_data_processors/dpp0.py").decode()
    assert written in modules


def test_reports_on_the_best_candidate(autopilot: Autopilot, job: dict[str, Any]) -> None:
    """Model quality agrees with the candidate's metric; the explanation names the one column there is."""
    best = job["BestCandidate"]
    places = best["CandidateProperties"]["CandidateArtifactLocations"]
    quality = json.loads(autopilot.read(f"{places['ModelInsights']}/{best['CandidateName']}/statistics.json"))
    measured = quality["multiclass_classification_metrics"]
    assert measured["accuracy"]["value"] == pytest.approx(best["FinalAutoMLJobObjectiveMetric"]["Value"])
    assert sum(sum(row.values()) for row in measured["confusion_matrix"].values()) == 600
    limits = json.loads(autopilot.read(f"{places['ModelInsights']}/{best['CandidateName']}/constraints.json"))
    assert limits["multiclass_classification_constraints"] == {
        name: {"threshold": found["value"], "comparison_operator": "LessThanThreshold"}
        for name, found in measured.items()
        if name != "confusion_matrix" and not name.endswith("_best_constant_classifier")
    }
    # Three classes with 200 rows each: to always say one of them is right once in three times.
    assert measured["accuracy_best_constant_classifier"]["value"] == pytest.approx(1 / 3)
    report = autopilot.read(f"{places['ModelInsights']}/{best['CandidateName']}/report.html").decode()
    assert f"<td>accuracy</td><td>{measured['accuracy']['value']:.4g}</td>" in report
    explained = json.loads(
        autopilot.read(f"{places['Explainability']}/{best['CandidateName']}/analysis.json")
    )
    by_label = explained["explanations"]["kernel_shap"]
    assert list(by_label) == ["-1", "0", "1"]
    assert all(set(values["global_shap_values"]) == {"review_body"} for values in by_label.values())


def test_the_explanation_can_be_recomputed_and_read(autopilot: Autopilot, job: dict[str, Any]) -> None:
    """Local values whose mean is the global one, their baseline, and the words that decide for each class."""
    best = job["BestCandidate"]
    place = f"{best['CandidateProperties']['CandidateArtifactLocations']['Explainability']}"
    place = f"{place}/{best['CandidateName']}"
    analysis = json.loads(autopilot.read(f"{place}/analysis.json"))["explanations"]["kernel_shap"]
    local = list(csv.DictReader(io.StringIO(autopilot.read(f"{place}/explanations_shap/out.csv").decode())))
    assert len(local) == 200
    for label, found in analysis.items():
        mean = sum(abs(float(row[f"review_body_{label}"])) for row in local) / len(local)
        assert mean == pytest.approx(found["global_shap_values"]["review_body"])
    assert autopilot.read(f"{place}/explanations_shap/baseline.csv").split() == [b"review_body", b'""']
    report = autopilot.read(f"{place}/report.html").decode()
    decisive = re.findall(r"<tr><td>(-1|0|1)</td><td>(\w+)</td><td>\d+</td><td>([-.e\d]+)</td></tr>", report)
    for label in LABELS:
        strongest = [word for of, word, change in decisive if of == label and float(change) > 0][:6]
        assert set(strongest) == set(WORDS[label])
    notebook = json.loads(autopilot.read(f"{place}/report.ipynb"))
    assert any("Words that decide" in "".join(cell["source"]) for cell in notebook["cells"])


def test_candidates_are_listed_in_pages(autopilot: Autopilot, job: dict[str, Any]) -> None:
    """Three pages of one, oldest first, and filters by name and status."""
    listing: dict[str, Any] = {
        "AutoMLJobName": job["AutoMLJobName"],
        "SortOrder": "Ascending",
        "MaxResults": 1,
    }
    names: list[str] = []
    answer: dict[str, Any] = {"NextToken": None}
    while "NextToken" in answer:
        token = {"NextToken": answer["NextToken"]} if answer["NextToken"] else {}
        answer = autopilot.sagemaker.list_candidates_for_auto_ml_job(**listing, **token)
        assert len(answer["Candidates"]) == 1
        names.append(answer["Candidates"][0]["CandidateName"])
    assert names == sorted(names)
    assert len(names) == 3
    by_name = autopilot.candidates(job["AutoMLJobName"], CandidateNameEquals=names[1])
    assert [candidate["CandidateName"] for candidate in by_name] == [names[1]]
    assert autopilot.candidates(job["AutoMLJobName"], StatusEquals="Failed") == []


def test_a_name_is_used_once(autopilot: Autopilot, job: dict[str, Any]) -> None:
    """The second job of a name is refused, and the list shows one."""
    with pytest.raises(ClientError) as caught:
        autopilot.sagemaker.create_auto_ml_job_v2(**autopilot.request_v2(AutoMLJobName=job["AutoMLJobName"]))
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"
    listed = autopilot.sagemaker.list_auto_ml_jobs(NameContains=job["AutoMLJobName"])["AutoMLJobSummaries"]
    assert [(item["AutoMLJobName"], item["AutoMLJobSecondaryStatus"]) for item in listed] == [
        (job["AutoMLJobName"], "Completed")
    ]
