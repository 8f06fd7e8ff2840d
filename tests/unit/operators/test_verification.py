"""The live endpoint is asked; a model that is not well does not stay live, nor pass for a champion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred
from botocore.stub import Stubber

from sentiment_retrain.aws.hooks import Aws
from sentiment_retrain.cards import report
from sentiment_retrain.endpoint import champion
from sentiment_retrain.endpoint.live import find_live
from sentiment_retrain.notifications import messages
from sentiment_retrain.operators import VerifyEndpointOperator
from sentiment_retrain.operators.base import FAILURE_KEY
from sentiment_retrain.runs.run_outputs import RunOutputs

from .test_deployments import ALARMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .hosted import World

QUICK = {"alarms": {**ALARMS, "quality": False}, "bake_seconds": 0, "strategy": "all_at_once"}


def verify_of(world: World, verdict: Any, deployed: Any) -> VerifyEndpointOperator:
    """The verification of a deployment."""
    run = world.run("run-2")
    return VerifyEndpointOperator(
        task_id="verify", run=run, datasets=world.datasets(), verdict=verdict, deployment=deployed
    )


@pytest.mark.parametrize("manner", ["failing", "garbled"])
def test_a_first_model_that_cannot_answer_is_no_champion(
    world: World, execute: Callable[..., Any], manner: str
) -> None:
    deployed = world.deploy(bad := world.verdict(manner))
    pushed: dict[str, Any] = {}

    with pytest.raises(AirflowFailException, match="SR-GATE-009"):
        execute(verify_of(world, bad, deployed), pushed)

    found = pushed[FAILURE_KEY]["result"]
    assert "nothing was live before" in found["put_back"]
    assert {one["answer"] for one in found["golden"]} == {None}
    assert found["agreement"]["equal"] == 0
    assert champion.find_verified_champion(world.aws, world.endpoint) is None


def test_a_model_that_cannot_answer_is_put_back(world: World, execute: Callable[..., Any]) -> None:
    world.configure(deployment={**QUICK, "alarms": {**ALARMS, "quality": False, "maximum_error_share": None}})
    created = world.deploy(world.verdict())
    deployed = world.deploy(bad := world.verdict("failing"), name="run-2")

    with pytest.raises(AirflowFailException, match="SR-GATE-009"):
        execute(verify_of(world, bad, deployed))

    assert world.describe()["EndpointConfigName"] == created["endpoint_config_name"]


@pytest.mark.parametrize("has_ended", [False, True])
def test_an_update_whose_first_try_died_is_put_back_all_the_same(
    world: World, execute: Callable[..., Any], has_ended: bool
) -> None:
    world.configure(deployment=QUICK, short_wait_seconds=0)
    created = world.deploy(world.verdict(), name="run-1")
    bad = world.verdict("wrong")
    with pytest.raises(TaskDeferred):
        world.deploy(bad, name="run-2", deferrable=True)
    if has_ended:
        world.wait_until_at_rest()

    deployed = world.deploy(bad, name="run-2")

    # It is this run's own work, and told of as that.
    assert deployed["outcome"] == "reconnected"
    assert deployed["previous_endpoint_config_name"] == created["endpoint_config_name"]
    pushed: dict[str, Any] = {}
    with pytest.raises(AirflowFailException, match="SR-GATE-009"):
        execute(verify_of(world, bad, deployed), pushed)
    assert world.describe()["EndpointConfigName"] == created["endpoint_config_name"]
    assert " was put back to " in pushed[FAILURE_KEY]["result"]["put_back"]


def test_what_was_put_back_is_not_rolled_back_to_the_model_that_failed(
    world: World, execute: Callable[..., Any]
) -> None:
    world.configure(deployment=QUICK)
    oldest = world.deploy(world.verdict())
    former = world.deploy(world.verdict(sure=0.8), name="run-1")
    deployed = world.deploy(bad := world.verdict("wrong"), name="run-2")
    with pytest.raises(AirflowFailException, match="SR-GATE-009"):
        execute(verify_of(world, bad, deployed))
    assert world.describe()["EndpointConfigName"] == former["endpoint_config_name"]

    # As after a deployment that its alarms have undone: the way back is the one that was known before.
    assert world.roll_back()["endpoint_config_name"] == oldest["endpoint_config_name"]


def test_another_runs_model_that_is_live_already_is_not_this_runs_work(world: World) -> None:
    world.deploy(same := world.verdict(), name="run-1")
    assert world.deploy(same, name="run-2")["outcome"] == "unchanged"


def test_a_model_that_could_not_be_put_back_is_no_champion(
    world: World, execute: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.configure(deployment=QUICK)
    created = world.deploy(world.verdict())
    deployed = world.deploy(bad := world.verdict("wrong"), name="run-2")
    # The former model was deleted by hand: it does not start any more.
    config = world.aws.sagemaker(
        "describe_endpoint_config", EndpointConfigName=created["endpoint_config_name"]
    )
    world.aws.sagemaker("delete_model", ModelName=config["ProductionVariants"][0]["ModelName"])
    monkeypatch.setattr("sentiment_retrain.aws.hooks.SEEN_LATE_SECONDS", ())
    pushed: dict[str, Any] = {}

    with pytest.raises(AirflowFailException):
        execute(verify_of(world, bad, deployed), pushed)

    assert world.describe()["EndpointConfigName"] == deployed["endpoint_config_name"]
    assert champion.find_verified_champion(world.aws, world.endpoint) is None
    assert pushed[FAILURE_KEY]["code"] == "SR-GATE-009"


def refuse_questions(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """The endpoint's answer to any question is this error."""
    client_of = Aws.client

    def client(aws: Aws, service: str) -> Any:
        if service != "sagemaker-runtime":
            return client_of(aws, service)
        runtime = boto3.client(service, region_name="us-east-1")
        stub = Stubber(runtime)
        stub.add_client_error("invoke_endpoint", code, "not now")
        stub.activate()
        return runtime

    monkeypatch.setattr(Aws, "client", client)


@pytest.mark.parametrize(("is_first", "code"), [(True, "ThrottlingException"), (False, "ServiceUnavailable")])
def test_a_model_that_could_not_be_asked_is_live_but_unverified_until_it_answers(
    world: World,
    execute: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    is_first: bool,
    code: str,
) -> None:
    world.configure(deployment=QUICK)
    if not is_first:
        world.deploy(world.verdict(sure=0.8), name="run-1")
    deployed = world.deploy(good := world.verdict(), name="run-2")
    pushed: dict[str, Any] = {}

    with monkeypatch.context() as patch:
        refuse_questions(patch, code)
        with pytest.raises(AirflowException):
            execute(verify_of(world, good, deployed), pushed)

    assert world.describe()["EndpointConfigName"] == deployed["endpoint_config_name"]
    assert champion.find_verified_champion(world.aws, world.endpoint) is None
    # Nobody knows that a customer is hurt: it is told of, but wakes nobody.
    live = find_live(world.aws, world.endpoint)
    assert "UNVERIFIED: its verification came to no end" in str(live)
    assert not live.is_hurt
    outputs = RunOutputs(
        parts={"run": world.run("run-2"), "deployment": deployed, "verdict": good},
        failures={"deploy.verify": pushed[FAILURE_KEY]},
        states={"deploy.verify": "failed"},
    )
    card = report.build_card(outputs, run_key="run-2", run_id="manual__run-2", created_at="2026-03-01")
    assert report.card_problems(card) == []
    assert "live but unverified" in card["endpoint"]["said"]
    message = messages.of_card(card, "a link", live)
    assert message is not None
    assert message.severity == "warning"
    assert "live but unverified" in message.text

    execute(verify_of(world, good, deployed))

    found = champion.find_verified_champion(world.aws, world.endpoint)
    assert found is not None
    assert found["endpoint_config_name"] == deployed["endpoint_config_name"]


def test_a_champion_that_could_not_be_asked_again_stays_the_champion(
    world: World, execute: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.configure(deployment=QUICK)
    world.deploy(same := world.verdict(), name="run-1")
    unchanged = world.deploy(same, name="run-2")

    with monkeypatch.context() as patch:
        refuse_questions(patch, "ThrottlingException")
        with pytest.raises(AirflowException):
            execute(verify_of(world, same, unchanged))

    assert champion.find_verified_champion(world.aws, world.endpoint) is not None
