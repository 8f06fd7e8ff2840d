"""The card bears the cost of what a run started in vain, once, and of nothing that is another run's."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from sentiment_retrain import errors
from sentiment_retrain.aws.hooks import Aws

from .conftest import context
from .test_run_end import report_on
from .test_sagemaker_job import ProbeOperator, names, run_of

DATE = {"data_until": "2026-03-01"}


def attempt(bucket: str, run_key: str, **probe: Any) -> dict[str, Any] | None:
    """The job that a task hands on, None where it fails."""
    try:
        return dict(ProbeOperator(run=run_of(bucket, run_key), **probe).execute(context()))
    except AirflowException:
        return None


def published(aws: Aws, bucket: str, **left: Any) -> dict[str, Any]:
    """The card of the run ``key``."""
    handed = {(task, "return_value"): found for task, found in left.items()}
    report, surroundings = report_on(
        bucket,
        dict.fromkeys(("plan", "prepare.datasets", *left), "success"),
        handed | {("prepare.datasets", "return_value"): DATE},
    )
    report.execute(surroundings)
    return dict(aws.find_json(f"s3://{bucket}/runs/key/card.json") or {})


def test_a_failed_attempt_is_on_the_card_with_its_reason_and_cost(aws: Aws, bucket: str) -> None:
    assert attempt(bucket, "key", command="fail") is None
    assert attempt(bucket, "other", command="fail", data="theirs") is None
    done = attempt(bucket, "key", data="good")
    assert done is not None
    assert len(names(aws)) == 3

    card = published(aws, bucket, **{"analyze.bias": {"job": done}})

    failed, used = sorted(card["jobs"], key=lambda job: str(job["status"]), reverse=True)
    assert (used["task"], used["name"], used["status"]) == ("analyze.bias", done["name"], "Completed")
    assert (failed["task"], failed["status"], failed["outcome"]) == ("probe", "Failed", "submitted")
    assert failed["why"].startswith("Failed, its result was not used: ")
    assert "AlgorithmError" in failed["why"]
    assert failed["billable_seconds"] > 0
    assert failed["cost_usd"] > 0
    assert card["cost"]["by_task"]["probe"] == pytest.approx(failed["cost_usd"], abs=1e-4)
    assert card["cost"]["jobs_usd"] == pytest.approx(failed["cost_usd"] + used["cost_usd"], abs=1e-4)


def test_a_job_whose_task_never_came_back_is_on_the_card(aws: Aws, bucket: str) -> None:
    """It completed: only nobody was there to hand it on."""
    done = attempt(bucket, "key")
    assert done is not None
    (job,) = published(aws, bucket)["jobs"]
    assert (job["name"], job["status"]) == (done["name"], "Completed")
    assert "no task waited for it to the end" in job["why"]
    assert job["cost_usd"] == done["cost_usd"]


def test_the_card_is_written_when_aws_cannot_be_asked(
    aws: Aws, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise errors.ServiceUnavailable("no answer", "an answer")

    monkeypatch.setattr(Aws, "jobs_named", refuse)
    assert attempt(bucket, "key") is not None
    card = published(aws, bucket)
    assert (card["status"], card["jobs"]) == ("success", [])
