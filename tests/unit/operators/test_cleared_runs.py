"""A run that somebody clears lives again: what its earlier life left behind is not what it does now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from sentiment_retrain.operators.base import SKIP_KEY
from sentiment_retrain.operators.report import PublishReportOperator

from .conftest import context
from .test_approval import asked as asked
from .test_approval import asking
from .test_run_end import SkippingOperator, WholeRun

if TYPE_CHECKING:
    from sentiment_retrain.aws.hooks import Aws

    from .hosted import World

DEPLOYED = {"endpoint_name": "e", "endpoint_config_name": "c", "outcome": "updated", "status": "InService"}


@pytest.mark.parametrize(
    ("states", "is_told"),
    [
        ({"select_best": "success", "deploy.endpoint": "success"}, True),
        # Airflow takes away what a task has handed on when it starts anew: these two do not start.
        ({"select_best": "failed", "deploy.endpoint": "upstream_failed"}, False),
        ({"select_best": "skipped", "deploy.endpoint": "skipped"}, False),
        # A card that is written for an approver: it has not got there yet.
        ({"select_best": "success"}, False),
    ],
)
def test_the_card_tells_of_nothing_that_an_earlier_life_of_the_run_did(
    aws: Aws, bucket: str, states: dict[str, str], is_told: bool
) -> None:
    run = {"bucket": bucket, "region": "us-east-1", "run_key": "key", "dag_id": "d"}
    left: dict[tuple[str, str], Any] = {
        ("plan", "return_value"): run,
        ("deploy.endpoint", "return_value"): DEPLOYED,
        ("select_best", SKIP_KEY): "the champion stays",
    }
    with DAG("d", schedule=None):
        report = PublishReportOperator(task_id="report", run=run)
        chain = SkippingOperator(task_id="plan") >> SkippingOperator(task_id="select_best")
        chain >> SkippingOperator(task_id="deploy.endpoint") >> report

    report.execute(context() | {"ti": WholeRun({"plan": "success"} | states, left)})

    card = aws.get_json(f"s3://{bucket}/runs/key/card.json")
    assert ((card["endpoint"] or {}).get("outcome") == "updated") is is_told
    assert ("deployment" not in card["missing"]) is is_told


def test_a_question_that_nobody_answered_is_asked_again_when_its_task_is_cleared(
    world: World, asked: dict[str, Any]
) -> None:
    world.configure(approval={"deadline_hours": 1 / 3600})
    registered = world.register(verdict := world.verdict())
    operator = asking(world, registered, verdict)
    with pytest.raises(TaskDeferred):
        operator.execute(context())
    with pytest.raises(AirflowFailException, match="SR-DEPLOY-004"):
        operator.resume(context(), {"timed_out": True})
    asked.clear()
    world.configure(approval={"deadline_hours": 1})

    with pytest.raises(TaskDeferred) as deferred:
        asking(world, registered, verdict).execute(context())

    assert asked["options"] == ["Approve", "Reject"]
    assert world.package(registered)["ModelApprovalStatus"] == "PendingManualApproval"
    # A further try of the same question does not extend its deadline.
    with pytest.raises(TaskDeferred) as retried:
        asking(world, registered, verdict).execute(context())
    assert retried.value.trigger.deadline == deferred.value.trigger.deadline
