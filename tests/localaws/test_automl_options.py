"""Each option of an AutoML job changes what it does: these tests fail when one is ignored."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from automl_notebook import code_cells, execute
from hosting import unique
from reviews import as_csv, reviews

if TYPE_CHECKING:
    from pathlib import Path

    from autopilot import Autopilot

PLANTED_ROW = 301


def split_rows(autopilot: Autopilot, output: str, part: str) -> list[list[str]]:
    """Rows of a part of the split below `<S3OutputPath>/<job>`."""
    content = autopilot.read(f"{output}/preprocessed-data/{part}/chunk_0.csv").decode()
    return list(csv.reader(io.StringIO(content)))


def notebook_text(autopilot: Autopilot, location: str) -> str:
    """All cells of a notebook."""
    return "\n\n".join("".join(cell["source"]) for cell in json.loads(autopilot.read(location))["cells"])


@pytest.fixture(scope="module")
def planted() -> list[tuple[str, str]]:
    """Reviews of which row 301 is no review."""
    rows = reviews(600)
    label, _ = rows[PLANTED_ROW - 1]
    rows[PLANTED_ROW - 1] = (label, " ".join(f"{number}#{number}" for number in range(200)))
    return rows


@pytest.fixture(scope="module")
def definitions(autopilot: Autopilot, planted: list[tuple[str, str]]) -> tuple[dict[str, Any], str]:
    """A job of the first version with every option but the defaults, and where it wrote."""
    uri = autopilot.put(f"{unique('zipped')}/reviews.csv.gz", gzip.compress(as_csv(planted)))
    output = f"s3://{autopilot.bucket}/{unique('elsewhere')}"
    request = autopilot.request_v1(
        InputDataConfig=[autopilot.channel(uri, TargetAttributeName="sentiment", CompressionType="Gzip")],
        OutputDataConfig={"S3OutputPath": output},
        GenerateCandidateDefinitionsOnly=True,
        ProblemType="MulticlassClassification",
        AutoMLJobObjective={"MetricName": "RecallMacro"},
        AutoMLJobConfig={
            "Mode": "HYPERPARAMETER_TUNING",
            "CompletionCriteria": {"MaxCandidates": 7},
            "DataSplitConfig": {"ValidationFraction": 0.5},
            "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["mlp", "xgboost"]}]},
        },
        Tags=[{"Key": "team", "Value": "reviews"}],
    )
    autopilot.sagemaker.create_auto_ml_job(**request)
    autopilot.ended(request["AutoMLJobName"])
    job = autopilot.sagemaker.describe_auto_ml_job(AutoMLJobName=request["AutoMLJobName"])
    assert job["AutoMLJobStatus"] == "Completed", job.get("FailureReason")
    return job, f"{output}/{request['AutoMLJobName']}"


def test_definitions_hold_the_options_of_the_request(
    autopilot: Autopilot, definitions: tuple[dict[str, Any], str]
) -> None:
    """Number of candidates, algorithms, objective; compressed input is read."""
    job, output = definitions
    location = job["AutoMLJobArtifacts"]["CandidateDefinitionNotebookLocation"]
    assert location.startswith(f"{output}/sagemaker-automl-candidates/")
    text = notebook_text(autopilot, location)
    assert "4 data processors with 2 algorithms are 8 candidate definitions" in text
    assert "At most 7 candidates" in text
    assert "the objective is **RecallMacro**" in text
    assert "objective='validation:recall_macro'" in text
    assert "linear-learner'" not in text.partition("STATIC_HYPERPARAMETERS")[2]
    assert job["ResolvedAttributes"]["CompletionCriteria"]["MaxCandidates"] == 7
    tags = autopilot.sagemaker.list_tags(ResourceArn=job["AutoMLJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "reviews"}]


def test_the_notebook_of_a_job_without_candidates_trains_one(
    autopilot: Autopilot, definitions: tuple[dict[str, Any], str], endpoint_url: str, tmp_path: Path
) -> None:
    """With known good settings, measured by the job's objective: there is nothing to repeat."""
    cells = [cell.replace("DRAWS = 1", "DRAWS = 0") for cell in code_cells(autopilot, definitions[0])]
    printed = [line.split() for line in execute(cells, tmp_path, endpoint_url).splitlines()]
    header = next(line for line in printed if line[:2] == ["training", "job"])
    assert "validation:recall_macro" in header
    (trained,) = [line for line in printed if len(line) == 5 and line[3:] == ["-", "-"]]
    assert trained[1] == "dpp2-xgb"
    assert float(trained[2]) > 0.7


def test_the_validation_fraction_splits_the_rows(
    autopilot: Autopilot, definitions: tuple[dict[str, Any], str], planted: list[tuple[str, str]]
) -> None:
    """Half of the rows; both halves together are the input, which `processor_data` has in its order."""
    _, output = definitions
    train, validation = (
        split_rows(autopilot, output, f"tuning_data/{name}") for name in ("train", "validation")
    )
    assert (len(train), len(validation)) == (300, 300)
    rows = [list(row) for row in planted]
    assert sorted(train + validation) == sorted(rows)
    assert split_rows(autopilot, output, "processor_data") == rows


def test_a_planted_row_is_the_most_anomalous(
    autopilot: Autopilot, definitions: tuple[dict[str, Any], str]
) -> None:
    """By its number in the data, with a score below 0, before all others."""
    text = notebook_text(autopilot, definitions[0]["AutoMLJobArtifacts"]["DataExplorationNotebookLocation"])
    section = text.partition("## Anomalous Rows\n")[2].partition("\n## ")[0]
    header, _, first, *_ = [line for line in section.splitlines() if line.startswith("|")]
    assert header == "| row | anomaly score | review_body | sentiment |"
    number, score, cells = (cell.strip() for cell in first.strip("| ").split("|")[:3])
    assert number == str(PLANTED_ROW)
    assert float(score) < 0
    assert cells.startswith("0#0 1#1 2#2")


def test_parquet_is_read_and_numbers_are_labels(autopilot: Autopilot) -> None:
    """Without a validation fraction a fifth of the rows is for validation."""
    rows = reviews(600)
    frame = pd.DataFrame({"mood": [int(label) for label, _ in rows], "words": [text for _, text in rows]})
    body = io.BytesIO()
    frame.to_parquet(body, index=False)
    uri = autopilot.put(f"{unique('parquet')}/reviews.parquet", body.getvalue())
    request = autopilot.request_v2(
        {"TargetAttributeName": "mood", "GenerateCandidateDefinitionsOnly": True},
        AutoMLJobInputDataConfig=[autopilot.channel(uri, ContentType="x-application/vnd.amazon+parquet")],
    )
    ended = autopilot.run(request)
    assert ended["AutoMLJobStatus"] == "Completed", ended.get("FailureReason")
    output = f"{request['OutputDataConfig']['S3OutputPath']}/{request['AutoMLJobName']}"
    assert len(split_rows(autopilot, output, "tuning_data/validation")) == 120
    text = notebook_text(autopilot, ended["AutoMLJobArtifacts"]["DataExplorationNotebookLocation"])
    assert "| -1 | 200 | 33.33% |" in text


def test_the_problem_type_is_what_the_request_says(autopilot: Autopilot) -> None:
    """Three classes are no binary problem, and the objective must suit the one asked for."""
    problem = {"ProblemType": "BinaryClassification"}
    ended = autopilot.run(autopilot.request_v2(problem, AutoMLJobObjective={"MetricName": "AUC"}))
    assert ended["AutoMLJobStatus"] == "Failed"
    assert "BinaryClassification needs two classes; the target has 3" in ended["FailureReason"]


def slow_to_learn() -> bytes:
    """Texts that say nothing of their sixty classes: to learn them takes any algorithm several seconds."""
    chance = random.Random(0)
    words = [f"word{number}" for number in range(300)]
    return as_csv([(str(row % 60), " ".join(chance.choices(words, k=60))) for row in range(1_800)])


@pytest.mark.parametrize(
    "problem",
    [
        {"TabularJobConfig": {"TargetAttributeName": "sentiment"}},
        {"TextClassificationJobConfig": {"ContentColumn": "review_body", "TargetLabelColumn": "sentiment"}},
    ],
    ids=["table", "text"],
)
def test_a_candidate_is_ended_after_its_time(autopilot: Autopilot, problem: dict[str, Any]) -> None:
    """A second for one candidate: it is stopped, and as there is no other the job fails and says why."""
    ((kind, settings),) = problem.items()
    criteria = {"MaxCandidates": 1, "MaxRuntimePerTrainingJobInSeconds": 1}
    uri = autopilot.put("slow/reviews.csv", slow_to_learn())
    ended = autopilot.run(
        autopilot.request_v2(
            AutoMLProblemTypeConfig={kind: {**settings, "CompletionCriteria": criteria}},
            AutoMLJobInputDataConfig=[autopilot.channel(uri)],
        )
    )
    assert ended["AutoMLJobStatus"] == "Failed"
    assert "MaxRuntimeExceeded: not finished after 1 seconds" in ended["FailureReason"]
    (candidate,) = autopilot.candidates(ended["AutoMLJobName"])
    assert candidate["CandidateStatus"] == "Stopped"


def test_a_text_job_has_its_runtime_and_its_split(autopilot: Autopilot) -> None:
    """Of a second nothing is left for a candidate; the rows were split as asked before that was noticed."""
    text = {"ContentColumn": "review_body", "TargetLabelColumn": "sentiment"}
    criteria = {"MaxAutoMLJobRuntimeInSeconds": 1}
    request = autopilot.request_v2(
        AutoMLProblemTypeConfig={"TextClassificationJobConfig": {**text, "CompletionCriteria": criteria}},
        DataSplitConfig={"ValidationFraction": 0.25},
    )
    ended = autopilot.run(request)
    assert ended["AutoMLJobStatus"] == "Failed"
    assert "MaxAutoMLJobRuntimeInSeconds was used up before any candidate" in ended["FailureReason"]
    output = f"{request['OutputDataConfig']['S3OutputPath']}/{request['AutoMLJobName']}"
    assert len(split_rows(autopilot, output, "tuning_data/validation")) == 150
