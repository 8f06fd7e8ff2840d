"""Who may deploy: the rule, somebody in Airflow, somebody in the registry, nobody in time."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred

from sentiment_retrain.aws import packages
from sentiment_retrain.endpoint.triggers import ApprovalTrigger
from sentiment_retrain.operators.approve import ApproveModelOperator
from sentiment_retrain.operators.base import FAILURE_KEY
from sentiment_retrain.operators.report import PublishReportOperator
from sentiment_retrain.runs.code_version import code_digest, commit_id

from .conftest import context

if TYPE_CHECKING:
    from sentiment_retrain.aws.hooks import Aws

    from .hosted import World


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, aws: Aws, bucket: str) -> dict[str, Any]:
    """What Airflow's UI was given to ask: neither Airflow nor a run whose card could be drawn is there."""
    seen: dict[str, Any] = {}
    monkeypatch.setattr(
        "airflow.sdk.execution_time.hitl.upsert_hitl_detail", lambda **given: seen.update(given)
    )
    card = {"html_uri": aws.put_bytes(f"s3://{bucket}/runs/run-1/card.html", b"the card")}
    monkeypatch.setattr(PublishReportOperator, "publish", lambda *_, **__: card)
    return seen


def asking(
    world: World, registered: dict[str, Any], verdict: dict[str, Any], **run: Any
) -> ApproveModelOperator:
    run = world.run(**{"approval": "manual"} | run)
    return ApproveModelOperator(task_id="approve", run=run, verdict=verdict, registration=registered)


def test_one_describe_call_answers_which_data_code_metrics_and_who_approved(world: World) -> None:
    verdict = world.verdict()
    champion = {"model_name": "the-old-one", "endpoint_config_name": "the-old-config"}
    run = world.run(champion=champion)
    registered = world.register(verdict, run)
    assert registered["approval_status"] == "PendingManualApproval"
    assert world.approve(verdict, registered)["decision"] == "approved"

    package = world.package(registered)

    known, datasets = package["CustomerMetadataProperties"], world.datasets()
    metrics, baselines = package["ModelMetrics"], package["DriftCheckBaselines"]
    # Which data.
    assert (known["dataset"], known["dataset_uri"]) == (datasets["fingerprint"], datasets["uri"])
    assert (known["data_until"], known["data_source"]) == ("2026-03-01", run["source_uri"])
    assert known["training_rows"] == "100"
    # Which code.
    assert known["code_digest"] == code_digest()
    assert known.get("code_commit") == package["MetadataProperties"].get("CommitId") == commit_id()
    # Which metrics: the score, and links to every report.
    assert known["macro_f1"] == "0.8000"
    assert metrics["ModelQuality"]["Statistics"]["S3Uri"] == known["verdict_uri"] == verdict["verdict_uri"]
    assert {"ModelQuality", "ModelDataQuality", "Bias", "Explainability"} == set(metrics) == set(baselines)
    assert {"PreTrainingReport", "PostTrainingReport"} == set(metrics["Bias"])
    # Who approved.
    assert package["ModelApprovalStatus"] == "Approved"
    assert (known["approved_by"], known["approved_how"]) == ("run run-1", "rule")
    assert dt.datetime.fromisoformat(known["approved_at"]) <= package["LastModifiedTime"]
    # What it replaced.
    assert (known["replaces_model"], known["replaces_config"]) == ("the-old-one", "the-old-config")
    # And the run, with its plan and its card.
    assert package["MetadataProperties"]["GeneratedBy"] == known["run_key"] == "run-1"
    assert (known["plan_uri"], known["card_uri"]) == (run["plan_uri"], f"{run['run_uri']}/card.html")
    card = world.aws.sagemaker("describe_model_card", ModelCardName=f"{world.endpoint}-1")
    assert "the-old" not in card["Content"]
    assert verdict["model_name"] in card["Content"]


def test_somebody_is_asked_in_airflow_and_says_yes(world: World, asked: dict[str, Any]) -> None:
    verdict = world.verdict()
    registered = world.register(verdict)
    operator = asking(world, registered, verdict)

    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context())

    assert asked["options"] == ["Approve", "Reject"]
    assert asked["params"] == {}  # the API refuses None
    assert "blazingtext" in asked["subject"]
    assert "0.700 to 0.900" in asked["body"]
    assert f"/{world.bucket}/runs/run-1/card.html" in asked["body"]
    assert isinstance(deferred.value.trigger, ApprovalTrigger)
    answer = {"chosen_options": ["Approve"], "responded_by_user": {"id": "7", "name": "Ada"}}
    decision = getattr(operator, deferred.value.method_name)(context(), answer)
    assert (decision["decision"], decision["by"], decision["how"]) == ("approved", "Ada", "Airflow")
    package = world.package(registered)
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["CustomerMetadataProperties"]["approved_by"] == "Ada"


def test_a_no_in_airflow_rejects_the_package_for_good(world: World, asked: dict[str, Any]) -> None:
    verdict = world.verdict()
    registered = world.register(verdict)
    operator, pushed = asking(world, registered, verdict), dict[str, Any]()
    with pytest.raises(TaskDeferred):
        operator.execute(context())
    answer = {"chosen_options": ["Reject"], "responded_by_user": {"id": "7", "name": "Ada"}}
    with pytest.raises(AirflowSkipException, match="rejected by Ada"):
        operator.resume(context(pushed), answer)
    assert pushed["return_value"]["decision"] == "rejected"
    assert world.package(registered)["ModelApprovalStatus"] == "Rejected"
    asked.clear()
    with pytest.raises(AirflowSkipException, match="rejected before"):
        asking(world, world.register(verdict), verdict, name="run-2").execute(context())
    assert asked == {}
    assert world.approve(verdict, registered, name="run-3", deploy="force")["decision"] == "approved"


@pytest.mark.usefixtures("asked")
def test_the_registry_decides_as_well_and_first_come_counts(world: World) -> None:
    verdict = world.verdict()
    registered = world.register(verdict)
    operator = asking(world, registered, verdict)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context())
    packages.mark(world.aws, registered["model_package_arn"], status="Rejected", description="not now")
    assert fired(deferred.value.trigger) == {"status": "Rejected", "timed_out": False}
    # The registry was first: a yes in Airflow comes too late.
    answer = {"chosen_options": ["Approve"], "responded_by_user": {"id": "7", "name": "Ada"}}
    with pytest.raises(AirflowSkipException, match="not now"):
        operator.resume(context(), answer)
    packages.mark(world.aws, registered["model_package_arn"], status="Approved")
    assert operator.resume(context(), {"status": "Approved"})["how"] == "registry"


def test_nobody_decides_in_time(world: World, asked: dict[str, Any]) -> None:
    topic = world.aws.call("sns", "create_topic", Name=world.endpoint)["TopicArn"]
    queue = world.aws.call("sqs", "create_queue", QueueName=world.endpoint)["QueueUrl"]
    arn = world.aws.call("sqs", "get_queue_attributes", QueueUrl=queue, AttributeNames=["QueueArn"])
    world.aws.call("sns", "subscribe", TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
    hours = {"deadline_hours": 10 / 3600, "reminder_hours": 1 / 3600, "topic_arn": topic}
    world.configure(approval=hours)
    verdict = world.verdict()
    registered = world.register(verdict)
    operator, pushed = asking(world, registered, verdict), dict[str, Any]()
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context())

    assert fired(deferred.value.trigger)["timed_out"] is True
    with pytest.raises(AirflowFailException, match="SR-DEPLOY-004"):
        operator.resume(context(pushed), {"timed_out": True})

    assert pushed[FAILURE_KEY]["result"]["decision"] == "timed out"
    assert world.package(registered)["ModelApprovalStatus"] == "Rejected"
    told = world.aws.call("sqs", "receive_message", QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert any("Nobody has decided yet" in message["Body"] for message in told)
    # Want of time is no decision: the next run asks again.
    asked.clear()
    with pytest.raises(TaskDeferred):
        asking(world, world.register(verdict), verdict, name="run-2").execute(context())
    assert asked["options"] == ["Approve", "Reject"]
    assert world.package(registered)["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_package_that_was_live_is_superseded_however_many_came_between(world: World) -> None:
    world.configure(deployment={"bake_seconds": 0, "strategy": "all_at_once"})
    first = world.register(verdict := world.verdict())
    world.deploy(verdict, first)
    for _ in range(packages.LOOK_BACK):
        world.register({**verdict, "model_fingerprint": uuid.uuid4().hex * 2})
    newest = world.register(better := world.verdict(sure=0.8))
    world.deploy(better, newest, name="run-2")

    stages = [world.package(one)["ModelLifeCycle"]["StageStatus"] for one in (first, newest)]
    assert stages == ["Superseded", "Live"]


def test_the_triggers_wait_survives_a_restart(world: World) -> None:
    trigger = ApprovalTrigger("arn", "us-east-1", 2.0, time.time() + 9, 3.0, "Deploy it?", None)
    path, arguments = trigger.serialize()
    assert path == f"{ApprovalTrigger.__module__}.{ApprovalTrigger.__qualname__}"
    assert ApprovalTrigger(**arguments).serialize() == (path, arguments)
    assert world.endpoint


def fired(trigger: Any) -> dict[str, Any]:
    """The payload of the trigger's one event."""

    async def first() -> dict[str, Any]:
        async for event in trigger.run():
            return dict(event.payload)
        raise AssertionError("it did not fire")

    return asyncio.run(first())
