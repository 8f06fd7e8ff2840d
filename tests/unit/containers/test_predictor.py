"""What the model is asked and how its answers are read."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from analyzer import answers, config, payloads, predictor

if TYPE_CHECKING:
    from pathlib import Path

# One line of the serving contract.
LINE = ["1", "0.91", "[0.02, 0.07, 0.91]", "['-1', '0', '1']"]
OTHER = ["-1", "0.5", "[0.5, 0.3, 0.2]", "['-1', '0', '1']"]


def test_label_and_a_list_of_probabilities() -> None:
    answer = answers.parse_csv([LINE, OTHER], 0, 2)
    assert answer.labels == ["1", "-1"]
    np.testing.assert_array_equal(answer.require_scores(), [[0.02, 0.07, 0.91], [0.5, 0.3, 0.2]])
    assert answer.predicted_labels(None, 0.5) == ["1", "-1"]


def test_a_list_of_labels_names_the_classes() -> None:
    answer = answers.parse_csv([LINE, OTHER], 3, 2)
    assert answer.label_headers == ["-1", "0", "1"]
    assert answer.predicted_labels(None, 0.5) == ["1", "-1"]
    assert answer.predicted_labels(["bad", "so-so", "good"], 0.5) == ["good", "bad"]


def test_one_score_is_compared_with_the_threshold() -> None:
    answer = answers.parse_csv([["0.7"], ["0.6"]], None, 0)
    assert answer.predicted_labels(None, 0.6) == ["1", "0"]


def test_without_columns_the_row_is_the_scores() -> None:
    np.testing.assert_array_equal(
        answers.parse_csv([["0.1", "0.9"]], None, None).require_scores(), [[0.1, 0.9]]
    )


@pytest.mark.parametrize(
    ("rows", "label", "probability", "message"),
    [
        ([LINE], 0, 7, "predictor.probability is 7, but answer 1 has 4 columns"),
        ([LINE], "label", None, "predictor.label is 'label', expected a column index"),
        ([["1", "[0.1, 0.2"]], 0, 1, "expected a list of values"),
        (
            [LINE, ["1", "nan", "", ""]],
            None,
            1,
            r"answer 2 has the scores \['nan'\], expected finite",
        ),
        ([["good"]], None, None, "expected as many scores for each row"),
        ([["[0.1]"], ["[0.1, 0.2]"]], None, 0, "expected as many scores for each row"),
        ([["['a', 'b']", "[1, 0]"], ["['b', 'a']", "[1, 0]"]], 0, 1, "scores would be mixed"),
    ],
)
def test_answers_that_cannot_be_read(rows: Any, label: Any, probability: Any, message: str) -> None:
    with pytest.raises(config.AnalyzerError, match=message):
        answers.parse_csv(rows, label, probability)


def test_labels_alone_cannot_be_explained() -> None:
    with pytest.raises(config.AnalyzerError, match="SHAP needs scores"):
        answers.parse_csv([LINE], 0, None).require_scores()
    with pytest.raises(config.AnalyzerError, match="names 2 classes, the model gives 3"):
        answers.parse_csv([LINE], None, 2).predicted_labels(["a", "b"], 0.5)


def test_batches_keep_order_and_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "MAX_BATCH_BYTES", 60)
    monkeypatch.setattr(payloads, "MAX_BATCH_ROWS", 3)
    rows = [["short"], ['comma, "quote"\nbreak'], ["ééééé" * 4], ["x" * 100], ["a"], ["b"], ["c"], ["d"]]
    found = list(payloads.batches(rows, payloads.CsvContent()))
    assert [len(batch) for batch in found] == [2, 1, 1, 3, 1]
    assert all(sum(len(line.encode()) for line in batch) <= 60 for batch in found if len(batch) > 1)
    lines = "".join(line for batch in found for line in batch)
    assert list(csv.reader(io.StringIO(lines, newline=""))) == rows


def test_numbers_are_not_quoted() -> None:
    assert list(payloads.batches([[1.5, "a", 2]], payloads.CsvContent())) == [['1.5,"a",2\n']]


@pytest.mark.parametrize(
    ("environment", "job", "expected"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}, None, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "us-east-1"}, None, "us-east-1"),
        ({}, {"ProcessingJobArn": "arn:aws:sagemaker:us-west-2:123456789012:processing-job/j"}, "us-west-2"),
        ({}, {}, None),
        ({}, None, None),
    ],
)
def test_the_region_is_told_by_the_environment_or_by_the_job(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: dict[str, str], job: Any, expected: str
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    if job is not None:
        (tmp_path / "config").mkdir()
        (tmp_path / "config/processingjobconfig.json").write_text(json.dumps(job))
    assert predictor._region() == expected


NOT_SEEN = "Could not find endpoint configuration"


class LateClient:
    """Refuses to create an endpoint so many times before it sees the configuration."""

    def __init__(self, refusals: list[str]) -> None:
        self.refusals = refusals
        self.created: list[str] = []

    def create_endpoint(self, **request: str) -> None:
        if self.refusals:
            error = {"Error": {"Code": "ValidationException", "Message": self.refusals.pop(0)}}
            raise ClientError(error, "CreateEndpoint")
        self.created.append(request["EndpointName"])


@pytest.mark.parametrize("refusals", [0, 1, 4])
def test_a_configuration_may_be_seen_late(monkeypatch: pytest.MonkeyPatch, refusals: int) -> None:
    monkeypatch.setattr("analyzer.predictor.time.sleep", lambda _seconds: None)
    client = LateClient([NOT_SEEN] * refusals)
    predictor._create_endpoint(client, "e")
    assert client.created == ["e"]


@pytest.mark.parametrize("refusals", [[NOT_SEEN] * 5, ["Could not find model"]])
def test_what_stays_refused_is_raised(monkeypatch: pytest.MonkeyPatch, refusals: list[str]) -> None:
    monkeypatch.setattr("analyzer.predictor.time.sleep", lambda _seconds: None)
    client = LateClient(list(refusals))
    with pytest.raises(ClientError, match=refusals[0]):
        predictor._create_endpoint(client, "e")
    assert client.created == []
