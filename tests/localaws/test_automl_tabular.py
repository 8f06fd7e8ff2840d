"""A table of numbers and categories with two classes, measured on a validation channel."""

from __future__ import annotations

import csv
import io
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from automl_notebook import code_cells, execute

if TYPE_CHECKING:
    from pathlib import Path

    from autopilot import Autopilot

COLUMNS = ("age", "department", "noise")


def customers(rows: int, seed: int) -> bytes:
    """CSV: the old recommend, of dresses also the less old, with exceptions; `noise` tells nothing."""
    chance = random.Random(seed)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*COLUMNS, "recommended"])
    for _ in range(rows):
        age, department = chance.randint(18, 80), chance.choice(["dresses", "trousers"])
        likes = age > (35 if department == "dresses" else 60)
        label = "yes" if likes != (chance.random() < 0.1) else "no"
        writer.writerow([age, department, round(chance.random(), 3), label])
    return out.getvalue().encode()


@pytest.fixture(scope="module")
def job(autopilot: Autopilot) -> dict[str, Any]:
    """A finished job of one XGBoost candidate."""
    channels = [
        autopilot.channel(autopilot.put("customers/train.csv", customers(600, 0))),
        autopilot.channel(
            autopilot.put("customers-held-out/validation.csv", customers(240, 1)), ChannelType="validation"
        ),
    ]
    tabular = {
        "TargetAttributeName": "recommended",
        "ProblemType": "BinaryClassification",
        "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["xgboost"]}]},
    }
    ended = autopilot.run(
        autopilot.request_v2(
            tabular, AutoMLJobInputDataConfig=channels, AutoMLJobObjective={"MetricName": "AUC"}
        )
    )
    assert ended["AutoMLJobStatus"] == "Completed", ended.get("FailureReason")
    return ended


def report(autopilot: Autopilot, job: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """A JSON report on the best candidate."""
    best = job["BestCandidate"]
    place = best["CandidateProperties"]["CandidateArtifactLocations"][kind]
    found: dict[str, Any] = json.loads(autopilot.read(f"{place}/{best['CandidateName']}/{name}"))
    return found


def test_only_the_algorithm_asked_for_is_trained(autopilot: Autopilot, job: dict[str, Any]) -> None:
    """Without the option the first candidate is a linear one."""
    (candidate,) = autopilot.candidates(job["AutoMLJobName"])
    assert candidate["InferenceContainers"][1]["Image"].endswith("/sagemaker-xgboost:1.3-1-cpu-py3")


def test_quality_of_two_classes_is_that_of_model_monitor(autopilot: Autopilot, job: dict[str, Any]) -> None:
    """The names of a binary problem, which agree with each other and with the candidate's metric."""
    quality = report(autopilot, job, "ModelInsights", "statistics.json")
    assert quality["dataset"]["item_count"] == 240
    measured = quality["binary_classification_metrics"]
    value = {name: found["value"] for name, found in measured.items() if "value" in found}
    matrix = measured["confusion_matrix"]
    positives, negatives = sum(matrix["yes"].values()), sum(matrix["no"].values())
    assert value["auc"] == pytest.approx(job["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]["Value"])
    assert value["auc"] > 0.8
    assert value["accuracy"] == pytest.approx((matrix["yes"]["yes"] + matrix["no"]["no"]) / 240)
    assert value["recall"] == value["true_positive_rate"] == pytest.approx(matrix["yes"]["yes"] / positives)
    assert value["false_positive_rate"] == pytest.approx(matrix["no"]["yes"] / negatives)
    assert value["precision_best_constant_classifier"] == pytest.approx(positives / 240)
    assert 0 < measured["accuracy"]["standard_deviation"] < 0.1
    curve = measured["receiver_operating_characteristic_curve"]
    assert (curve["false_positive_rates"][0], curve["true_positive_rates"][-1]) == (0, 1)
    limits = report(autopilot, job, "ModelInsights", "constraints.json")["binary_classification_constraints"]
    assert limits["false_positive_rate"]["comparison_operator"] == "GreaterThanThreshold"
    assert limits["auc"] == {"threshold": value["auc"], "comparison_operator": "LessThanThreshold"}


def test_columns_that_decide_are_explained_as_such(autopilot: Autopilot, job: dict[str, Any]) -> None:
    """Age and department matter, noise little."""
    explained = report(autopilot, job, "Explainability", "analysis.json")["explanations"]["kernel_shap"]
    importance = explained["yes"]["global_shap_values"]
    assert set(importance) == set(COLUMNS)
    assert min(importance["age"], importance["department"]) > 2 * importance["noise"]


def test_the_notebook_reaches_the_metric_on_the_validation_channel(
    autopilot: Autopilot, job: dict[str, Any], endpoint_url: str, tmp_path: Path
) -> None:
    """Dense rows travel as CSV; without a draw the one training job repeats the candidate."""
    cells = [cell.replace("DRAWS = 1", "DRAWS = 0") for cell in code_cells(autopilot, job)]
    printed = [line.split() for line in execute(cells, tmp_path, endpoint_url).splitlines()]
    best = job["BestCandidate"]
    (trained,) = [line for line in printed if best["CandidateName"] in line]
    assert trained[1] == "dpp0-xgb"
    assert float(trained[2]) == best["FinalAutoMLJobObjectiveMetric"]["Value"]
