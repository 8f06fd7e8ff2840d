"""The buttons on a task lead to the job, its log and the card, on AWS and wherever else an API answers."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.types import TaskInstanceKey

from sentiment_retrain.aws import jobs
from sentiment_retrain.operators import links

KEY = TaskInstanceKey("dag", "train.autopilot", "manual__2026-11-22T16:00:00+00:00", 1, -1)


@pytest.fixture
def _left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the task left in XCom."""
    values = {links.LINK_KEY: "https://console/x", links.JOB_KEY: "AutoMLJob/sr-automl-1"}

    def get_value(*, key: str, ti_key: Any) -> Any:
        return values.get(key) if ti_key == KEY else None

    monkeypatch.setattr(BaseXCom, "get_value", get_value)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (
            "https://api.sagemaker.eu-west-1.amazonaws.com",
            "https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/jobs/a%20b",
        ),
        (
            "https://api.sagemaker.cn-north-1.amazonaws.com.cn",
            "https://eu-west-1.console.amazonaws.cn/sagemaker/home?region=eu-west-1#/jobs/a%20b",
        ),
        (
            "https://vpce-1.api.sagemaker.eu-west-1.vpce.amazonaws.com",
            "https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/jobs/a%20b",
        ),
        ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
        ("https://amazonaws.com.example", "https://amazonaws.com.example"),
    ],
)
def test_the_console_follows_from_the_endpoint(endpoint: str, expected: str) -> None:
    assert links.console_url(endpoint, "eu-west-1", jobs.TRAINING, "a b") == expected


@pytest.mark.usefixtures("_left_behind")
@pytest.mark.parametrize("path", ["", "/team"])
def test_buttons_of_a_task(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", f"https://airflow.example{path}")
    operator: Any = None
    run = f"{path}/sentiment-retrain/dags/dag/runs/manual__2026-11-22T16%3A00%3A00%2B00%3A00"
    found = {
        link.name: link.get_link(operator, ti_key=KEY)
        for link in (links.SageMakerJobLink(), links.JobLogLink(), links.RunCardLink())
    }
    assert found == {
        "SageMaker job": "https://console/x",
        "Job and log": f"{run}/jobs/AutoMLJob/sr-automl-1",
        "Run card": f"{run}/card",
    }


@pytest.mark.usefixtures("_left_behind")
def test_a_task_without_a_job_has_no_dead_buttons() -> None:
    operator: Any = None
    other = TaskInstanceKey("dag", "train.blazingtext", "x", 1, -1)
    assert links.SageMakerJobLink().get_link(operator, ti_key=other) == ""
    assert links.JobLogLink().get_link(operator, ti_key=other) == ""


def test_every_button_is_registered_with_airflow() -> None:
    """Airflow shows only links of classes that a plugin names."""
    import sentiment_retrain_plugin
    from sentiment_retrain.operators.sagemaker_job import SageMakerJobOperator

    registered = {type(link) for link in sentiment_retrain_plugin.SentimentRetrainPlugin.operator_extra_links}
    assert {type(link) for link in SageMakerJobOperator.operator_extra_links} <= registered
