"""The candidate definition notebook, run from top to bottom in a process of its own with boto3 alone."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest
from automl_notebook import code_cells, execute

if TYPE_CHECKING:
    from autopilot import Autopilot
    from hosting import Hosting

# Of the candidates that the session's job has trained, and those of one data processor.
TRAINED = ["dpp0-ll", "dpp2-xgb", "dpp0-mlp"]
RUN = ["dpp0-ll", "dpp0-mlp"]


@pytest.fixture(scope="module")
def job(watched_automl_job: tuple[dict[str, Any], Any]) -> dict[str, Any]:
    """The session's job of three candidates."""
    return watched_automl_job[0]


@pytest.fixture(scope="module")
def printed(
    autopilot: Autopilot, job: dict[str, Any], endpoint_url: str, tmp_path_factory: pytest.TempPathFactory
) -> list[list[str]]:
    """The words of each line that the notebook printed, with two trained definitions and an endpoint."""
    cells = code_cells(autopilot, job)
    cells = [
        cell.replace("DEPLOY = False", "DEPLOY = True").replace(
            "transformed =", f"assert RUN[0] in {TRAINED}\nRUN = {RUN}\ntransformed ="
        )
        for cell in cells
    ]
    text = execute(cells, tmp_path_factory.mktemp("notebook"), endpoint_url)
    return [line.split() for line in text.splitlines()]


def test_training_jobs_of_the_notebook_reach_what_the_job_reported(
    autopilot: Autopilot, job: dict[str, Any], printed: list[list[str]]
) -> None:
    """Given a candidate's hyperparameters, a training job of its algorithm's image has its very metric."""
    candidates = {item["CandidateName"]: item for item in autopilot.candidates(job["AutoMLJobName"])}
    repeated = {line[3]: line for line in printed if len(line) == 5 and line[3] in candidates}
    assert {line[1] for line in repeated.values()} == set(RUN)
    for name, (trained, _, value, _, reported) in repeated.items():
        measured = candidates[name]["FinalAutoMLJobObjectiveMetric"]["Value"]
        assert float(value) == float(reported) == measured
        described = autopilot.sagemaker.describe_training_job(TrainingJobName=trained)
        original = autopilot.sagemaker.describe_training_job(TrainingJobName=name)
        assert described["HyperParameters"] == original["HyperParameters"]
        # Of few rows with clear words accuracy says little; the log loss tells any other fold or model.
        losses = {item["MetricName"]: item["Value"] for item in described["FinalMetricDataList"]}
        metrics = candidates[name]["CandidateProperties"]["CandidateMetrics"]
        reported_losses = {item["MetricName"]: item["Value"] for item in metrics}
        assert losses["validation:logloss"] == pytest.approx(reported_losses["LogLoss"], abs=1e-9)
        image = candidates[name]["InferenceContainers"][1]["Image"]
        assert described["AlgorithmSpecification"]["TrainingImage"] == image


def test_other_training_jobs_are_drawn_from_the_ranges(
    autopilot: Autopilot, job: dict[str, Any], printed: list[list[str]]
) -> None:
    """One more for each definition, with hyperparameters of its own between the ends of their ranges."""
    drawn = [line for line in printed if len(line) == 5 and line[3:] == ["-", "-"]]
    assert [line[1] for line in drawn] == RUN
    described = autopilot.sagemaker.describe_training_job(TrainingJobName=drawn[0][0])["HyperParameters"]
    assert 1e-5 <= float(described["wd"]) <= 1e-2
    assert float(described["wd"]) != 1.5e-4
    assert float(described["balance_multiclass_weights"]) in (0, 1)


def test_the_notebook_ends_with_an_endpoint_of_its_best_model(
    hosting: Hosting, printed: list[list[str]]
) -> None:
    """Made of what its own jobs have trained, it answers as a candidate of the job does."""
    (name,) = [line[1] for line in printed if line[0] == "endpoint"]
    answer = hosting.invoke(name, b'"love this perfect gorgeous dress"\n')
    hosting.delete(name)
    label, probability, probabilities = next(csv.reader([answer]))
    assert label == "1"
    assert float(probability) == max(json.loads(probabilities)) > 0.4


def test_the_notebook_shows_each_definition(autopilot: Autopilot, job: dict[str, Any]) -> None:
    """Twelve selections, and the ranges of the three algorithms that can be edited before they are used."""
    cells = code_cells(autopilot, job)
    assert sum(cell.startswith("runner.select_candidate(") for cell in cells) == 12
    ranges = next(cell for cell in cells if "ALGORITHM_TUNABLE_HYPERPARAMETER_RANGES = {" in cell)
    for name in ("linear-learner", "xgboost", "mlp", "num_round", "weight_decay"):
        assert f"{name!r}: " in ranges
