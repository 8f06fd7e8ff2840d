"""Models that speak JSON: what Clarify's templates make of rows, and what its paths find in answers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from analyzer import answers, config, payloads

FEATURES = ["text", "stars"]
ROWS: list[list[Any]] = [
    ['She said "$features", é\n${stars}', 5],
    [None, float("nan")],
    ["so-so", np.int64(3)],
]
VALUES: list[list[Any]] = [['She said "$features", é\n${stars}', 5], [None, None], ["so-so", 3]]


def predictor(**changes: Any) -> config.PredictorConfig:
    return config.PredictorConfig(endpoint_name="e", **changes)


def sent(content_type: str, content: str, record: str | None = None) -> list[str]:
    asked = predictor(content_type=content_type, content_template=content, record_template=record)
    made = payloads.content_of(asked, FEATURES)
    assert made.media_type == content_type
    return [made.body(batch) for batch in payloads.batches(ROWS, made)]


def test_lines_are_made_of_one_template() -> None:
    (body,) = sent("application/jsonlines", '{"data":\n{"features": $features}}')
    assert body.endswith("\n")
    assert [json.loads(line) for line in body.splitlines()] == [{"data": {"features": v}} for v in VALUES]


@pytest.mark.parametrize(
    ("content", "record", "expected"),
    [
        ('{"instances": $records}', "$features", {"instances": VALUES}),
        ("$records", "$features_kvp", [dict(zip(FEATURES, v, strict=True)) for v in VALUES]),
        ("$records", '{"n": $feature_names, "v": $features}', [{"n": FEATURES, "v": v} for v in VALUES]),
        ('{"rows": $records, "k": 3}', '"${text}"', {"rows": [v[0] for v in VALUES], "k": 3}),
        ("$records", '{"s": "${stars}", "t": ["${text}"]}', [{"s": s, "t": [t]} for t, s in VALUES]),
    ],
)
def test_one_request_of_many_records(content: str, record: str, expected: Any) -> None:
    assert [json.loads(body) for body in sent("application/json", content, record)] == [expected]


def test_a_request_for_each_record() -> None:
    bodies = sent("application/json", '{"instance": $record}', "$features")
    assert [json.loads(body) for body in bodies] == [{"instance": values} for values in VALUES]


@pytest.mark.parametrize(
    ("content", "record", "message"),
    [
        ('{"x": $records', "$features", "do not become JSON"),
        ("$records", '"$features"x', "do not become JSON"),
        ("$records", '"${size}"', "names the column 'size', the features are"),
    ],
)
def test_templates_that_do_not_fit_are_refused_before_anything_is_asked(
    content: str, record: str, message: str
) -> None:
    with pytest.raises(config.AnalyzerError, match=message):
        sent("application/json", content, record)


def test_requests_stay_within_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "MAX_BATCH_BYTES", 30)
    asked = predictor(
        content_type="application/json", content_template="$records", record_template="$features"
    )
    made = payloads.content_of(asked, ["text"])
    found = list(payloads.batches([["a" * 8], ["b" * 8], ["c" * 8], ["d" * 40]], made))
    assert [len(batch) for batch in found] == [2, 1, 1]
    assert len(made.body(found[0])) <= 30 + len("[]")


def read(body: Any, number: int, **changes: Any) -> answers.Predictions:
    asked = predictor(**({"accept_type": "application/json"} | changes))
    text = body if isinstance(body, str) else json.dumps(body)
    found = payloads.reader_of(asked)(text, number)
    assert len(found) == number
    return answers.parse_json(found, asked.label, asked.probability)


def test_labels_and_probabilities_of_records() -> None:
    body = {"predictions": [{"y": "1", "p": [0.1, 0.9]}, {"y": "0", "p": [0.8, 0.2]}]}
    found = read(body, 2, label="predictions[*].y", probability="predictions[*].p")
    assert found.labels == ["1", "0"]
    np.testing.assert_array_equal(found.require_scores(), [[0.1, 0.9], [0.8, 0.2]])


@pytest.mark.parametrize(
    ("body", "path"),
    [([{"p": [0.1, 0.9]}], "[*].p"), ({"p": [0.1, 0.9]}, "p"), ([0.1, 0.9], "@")],
)
def test_the_answer_to_one_record_need_not_be_a_list(body: Any, path: str) -> None:
    np.testing.assert_array_equal(read(body, 1, probability=path).require_scores(), [[0.1, 0.9]])


def test_one_score_a_record() -> None:
    found = read({"scores": [0.7, 0.2]}, 2, probability="scores")
    assert found.predicted_labels(None, 0.5) == ["1", "0"]


def test_lines_are_answered_in_lines() -> None:
    body = '{"y": ["a", "b"], "p": [0.1, 0.9]}\n{"y": ["a", "b"], "p": [0.6, 0.4]}\n'
    found = read(body, 2, accept_type="application/jsonlines", label="y", probability="p")
    assert found.label_headers == ["a", "b"]
    assert found.predicted_labels(None, 0.5) == ["b", "a"]


def test_json_in_and_csv_out() -> None:
    reader = payloads.reader_of(predictor(content_type="application/json", accept_type="text/csv"))
    assert reader("0.1,0.9\n0.2,0.8\n", 2) == [["0.1", "0.9"], ["0.2", "0.8"]]


def test_classes_in_another_order_are_refused_instead_of_mixed() -> None:
    """BlazingText names the most probable class first."""
    body = [{"label": ["1", "0"], "prob": [0.9, 0.1]}, {"label": ["0", "1"], "prob": [0.8, 0.2]}]
    with pytest.raises(config.AnalyzerError, match="scores would be mixed"):
        read(body, 2, label="[*].label", probability="[*].prob")


@pytest.mark.parametrize(
    ("path", "message"),
    [(2, "expected a JMESPath: the model answers JSON"), ("a[", "'a\\[', expected a JMESPath")],
)
def test_paths_are_paths(path: Any, message: str) -> None:
    with pytest.raises(config.AnalyzerError, match=message):
        payloads.reader_of(predictor(accept_type="application/json", label=path))


def test_as_many_answers_as_records() -> None:
    reader = payloads.reader_of(predictor(accept_type="application/json", probability="[*].p"))
    with pytest.raises(ValueError, match=r"found \[1\] values in the answer to 2 records"):
        reader('[{"p": 0.1}]', 2)
    assert (
        len(payloads.reader_of(predictor(accept_type="application/jsonlines", label="y"))('{"y": 1}', 2)) == 1
    )


def test_a_path_that_finds_nothing_is_said_so() -> None:
    with pytest.raises(config.AnalyzerError, match="predictor.probability is 'q', but answer 1 has nothing"):
        read('{"p": 1}\n{"p": 1}', 2, accept_type="application/jsonlines", probability="q")
