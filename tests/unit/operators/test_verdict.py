"""The champion then and now, as ``select_best`` reads it from the bucket."""

from __future__ import annotations

from typing import Any

import pytest

from sentiment_retrain.operators.verdict import SelectBestModelOperator

OLD, NEW = "a" * 64, "b" * 64
LIVE = {"run_key": "before", "model_fingerprint": "model"}
MATRIX = [[80, 10, 10], [10, 80, 10], [10, 10, 80]]


class Bucket:
    """Objects by URI."""

    def __init__(self, objects: dict[str, Any]) -> None:
        self.objects = objects

    def find_json(self, uri: str) -> Any:
        return self.objects.get(uri)

    def get_bytes(self, uri: str) -> bytes:
        return str(self.objects[uri]).encode()


def compared(new_rows: int, **changes: Any) -> dict[str, Any] | str:
    """What the operator finds: as many rows of the champion's own source as new ones, the new ones wrong."""
    labels, answers = ["review_id,sentiment,product_category,review_length"], []
    for digest, right, rows in ((OLD, True, 60), (NEW, False, new_rows)):
        for number in range(rows):
            sentiment = (-1, 0, 1)[number % 3]
            labels.append(f"{digest[:16]}-{number:07d},{sentiment},Knits,short")
            said = sentiment if right else (0, 1, -1)[number % 3]
            answers.append(f"""{said},0.8,"[0.1, 0.1, 0.8]","['-1', '0', '1']\"""")
    objects = {
        "s3://b/runs/before/verdict.json": {"confusion_matrix": MATRIX, "model_fingerprint": "model"},
        "s3://b/runs/before/plan.json": {"sources": [{"sha256": OLD}]},
        "labels": "\n".join(labels),
        "predictions": "\n".join(answers),
        **changes,
    }
    operator = SelectBestModelOperator(
        task_id="select_best",
        run={"bucket": "b", "champion": LIVE},
        datasets={"files": {"test_labels": "labels"}},
        contenders=[],
        evaluations=[],
        champion={"predictions_uri": "predictions"},
    )
    operator.__dict__["aws"] = Bucket(objects)
    return operator._champion_then_and_now()


def test_only_rows_of_new_sources_are_new() -> None:
    found = compared(90)
    assert isinstance(found, dict)
    assert (found["rows"], found["baseline_rows"], found["rows_per_class"]) == (90, 300, 30)
    assert found["value"] == pytest.approx(0.8)
    assert found["p_value"] < 0.001


def test_without_new_rows_or_a_baseline_it_says_why() -> None:
    assert compared(0) == "no test review is newer than the champion"
    for missing in ("verdict", "plan"):
        said = compared(90, **{f"s3://b/runs/before/{missing}.json": None})
        assert said == "the champion's own run did not leave how it was tested"


def test_the_verdict_of_another_model_is_no_baseline() -> None:
    other = {"confusion_matrix": MATRIX, "model_fingerprint": "another"}
    assert isinstance(compared(90, **{"s3://b/runs/before/verdict.json": other}), str)
