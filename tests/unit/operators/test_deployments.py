"""Deploying to the stand-in: steps, alarms, rollbacks, pins, scaling. Models are tiny web servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    TaskDeferred,
)
from fault_client import Faults

from sentiment_retrain.aws import packages
from sentiment_retrain.endpoint import champion, pins, scaling
from sentiment_retrain.operators import PruneModelsOperator, VerifyEndpointOperator
from sentiment_retrain.operators.base import FAILURE_KEY
from sentiment_retrain.settings import load_settings

from .test_run_end import report_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from stand_in import StandIn

    from .hosted import World


def test_a_good_model_replaces_another_step_by_step_and_back_again(world: World) -> None:
    first = world.verdict()
    registered = world.register(first)
    world.approve(first, registered)
    created = world.deploy(first, registered)
    assert (created["outcome"], created["previous_endpoint_config_name"]) == ("created", None)
    second = world.verdict(sure=0.8)
    newer = world.register(second)
    world.approve(second, newer)

    updated = world.deploy(second, newer, name="run-2")

    assert (updated["outcome"], updated["strategy"]) == ("updated", "canary")
    assert updated["previous_endpoint_config_name"] == created["endpoint_config_name"]
    asked = world.describe()["LastDeploymentConfig"]
    assert asked["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "CANARY"
    guards = [alarm["AlarmName"] for alarm in asked["AutoRollbackConfiguration"]["Alarms"]]
    assert (
        guards
        == updated["alarms"]
        == [f"{world.endpoint}-{n}" for n in ("errors", "latency", "golden", "agreement")]
    )
    # The new fleet was asked, and its answers are metrics of this deployment.
    plan = world.aws.get_json(f"s3://{world.bucket}/runs/run-2/canary.json")
    measured = world.aws.call(
        "cloudwatch", "list_metrics", Namespace="SentimentRetrain", Dimensions=plan["dimensions"]
    )
    assert {one["MetricName"] for one in measured["Metrics"]} == {"GoldenShareCorrect", "AgreementShare"}
    assert world.package(registered)["ModelLifeCycle"]["StageStatus"] == "Superseded"
    live = world.package(newer)
    assert live["ModelLifeCycle"]["StageStatus"] == "Live"
    assert live["CustomerMetadataProperties"]["replaced_config"] == created["endpoint_config_name"]

    back = world.roll_back()

    assert back["outcome"] == "rolled_back_by_request"
    assert world.describe()["EndpointConfigName"] == created["endpoint_config_name"]
    assert back["model_name"] == first["model_name"]
    assert "is pinned" in back["said"]
    assert world.package(newer)["ModelApprovalStatus"] == "Rejected"
    again = world.package(registered)
    assert again["ModelLifeCycle"]["StageStatus"] == "Live"
    assert "superseded_by" not in again["CustomerMetadataProperties"]
    with pytest.raises(AirflowSkipException, match="pinned to .* run-back"):
        world.deploy(world.verdict(sure=0.7), name="run-3")
    assert world.roll_back(mode="unpin", name="run-4")["outcome"] == "unpinned"
    assert pins.find_pin(world.aws, world.bucket, world.endpoint) is None
    # Unpinned, a run that finds the same model again does not deploy what a person has taken off.
    with pytest.raises(AirflowSkipException, match="rolled back by run run-back"):
        world.approve(second, world.register(second), name="run-5")
    # A named model: the one that was rolled back, by the version of its package.
    named = world.roll_back(name="run-6", rollback_to=newer["model_package_arn"].rpartition("/")[2])
    assert named["model_name"] == second["model_name"]


@pytest.mark.parametrize(
    ("manner", "alarms"),
    # No answer is a wrong answer, too: which of the two rings first is a matter of moments.
    [("failing", {"errors", "golden"}), ("slow", {"latency"}), ("wrong", {"golden"})],
)
def test_a_bad_model_is_rolled_back_by_its_alarm(world: World, manner: str, alarms: set[str]) -> None:
    # Long enough for an alarm to see it; the rollback ends the wait.
    world.configure(deployment={"bake_seconds": 25})
    created = world.deploy(world.verdict())
    bad = world.verdict(manner)
    registered = world.register(bad)
    pushed: dict[str, Any] = {}

    with pytest.raises(AirflowFailException, match="SR-DEPLOY-002") as caught:
        world.deploy(bad, registered, pushed, name="run-2")

    left = pushed[FAILURE_KEY]["result"]
    rang = {one["alarm"] for one in left["rolled_back_by"]}
    assert rang & {f"{world.endpoint}-{alarm}" for alarm in alarms}
    assert all(alarm in str(caught.value) for alarm in rang)
    assert left["outcome"] == "rolled_back"
    assert left["endpoint_config_name"] == created["endpoint_config_name"]
    assert world.describe()["EndpointStatus"] == "InService"
    package = world.package(registered)
    assert package["ModelApprovalStatus"] == "Rejected"
    assert all(alarm in package["ApprovalDescription"] for alarm in rang)
    # The way back that was known before the failed update still is.
    with pytest.raises(AirflowFailException, match="SR-DEPLOY-003"):
        world.roll_back()


def test_a_model_that_fails_verification_is_put_back(world: World, execute: Callable[..., Any]) -> None:
    world.configure(deployment={"alarms": {**ALARMS, "quality": False}, "bake_seconds": 0})
    created = world.deploy(world.verdict())
    bad = world.verdict("wrong")
    registered = world.register(bad)
    deployed = world.deploy(bad, registered, name="run-2")
    assert deployed["outcome"] == "updated"
    pushed: dict[str, Any] = {}
    verify = VerifyEndpointOperator(
        task_id="verify",
        run=world.run("run-2"),
        datasets=world.datasets(),
        verdict=bad,
        deployment=deployed,
        registration=registered,
    )

    with pytest.raises(AirflowFailException, match="SR-GATE-009"):
        execute(verify, pushed)

    assert world.describe()["EndpointConfigName"] == created["endpoint_config_name"]
    assert "put back" in pushed[FAILURE_KEY]["result"]["put_back"]
    assert world.package(registered)["ModelApprovalStatus"] == "Rejected"


def test_a_first_deployment_that_fails_verification_is_no_champion(
    world: World, execute: Callable[..., Any]
) -> None:
    bad = world.verdict("wrong")
    deployed = world.deploy(bad)
    assert deployed["outcome"] == "created"

    def verify(verdict: dict[str, Any], deployment: dict[str, Any]) -> Any:
        operator = VerifyEndpointOperator(
            task_id="verify",
            run=world.run(),
            datasets=world.datasets(),
            verdict=verdict,
            deployment=deployment,
        )
        return execute(operator, pushed)

    pushed: dict[str, Any] = {}
    with pytest.raises(AirflowFailException, match="SR-GATE-009"):
        verify(bad, deployed)

    assert "nothing was live before" in pushed[FAILURE_KEY]["result"]["put_back"]
    assert champion.find_champion(world.aws, world.endpoint) is not None
    assert champion.find_verified_champion(world.aws, world.endpoint) is None

    good = world.verdict()
    verify(good, world.deploy(good, name="run-2"))

    live = champion.find_verified_champion(world.aws, world.endpoint)
    assert live is not None
    assert live["model_name"] == good["model_name"]


ALARMS = {
    "maximum_error_share": 0.02,
    "maximum_latency_ms": 1000,
    "latency_percentile": 90,
    "quality": True,
    "existing": [],
}


SCALING = {
    "minimum": 1,
    "maximum": 3,
    "target_invocations": 1000,
    "scale_in_seconds": 300,
    "scale_out_seconds": 60,
}


def scale_out(world: World) -> None:
    """What autoscaling does under load; it is under way when this returns."""
    wish = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    world.aws.sagemaker(
        "update_endpoint_weights_and_capacities",
        EndpointName=world.endpoint,
        DesiredWeightsAndCapacities=wish,
    )


def instances(world: World) -> int:
    (variant,) = world.describe()["ProductionVariants"]
    return int(variant["CurrentInstanceCount"])


def test_scaling_is_taken_off_for_an_update_and_keeps_its_instances(world: World) -> None:
    world.configure(deployment={"autoscaling": SCALING, "bake_seconds": 0})
    created = world.deploy(world.verdict())
    assert created["autoscaling"].startswith("1 to 3 instances")
    # Scaled out meanwhile; the next update comes while that is under way.
    scale_out(world)

    updated = world.deploy(world.verdict(sure=0.8), name="run-2")

    assert updated["outcome"] == "updated"
    assert instances(world) == 2
    assert world.scalable_targets() == [(1, 3)]
    world.configure(deployment={"autoscaling": None})
    assert world.deploy(world.verdict(sure=0.7), name="run-3")["autoscaling"] is None
    assert world.scalable_targets() == []


def test_a_task_that_dies_in_an_update_does_not_leave_scaling_off(
    world: World, stand_in: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    world.configure(deployment={"autoscaling": SCALING, "bake_seconds": 0, "strategy": "all_at_once"})
    world.deploy(world.verdict())
    scale_out(world)
    world.wait_until_at_rest()
    second, faults = world.verdict(sure=0.8), Faults(stand_in.url)
    refuse = {"code": "ValidationException", "message": "no", "status": 400, "operation": "UpdateEndpoint"}

    # It dies between taking the scaling off and the update; its next try keeps the instances all the same.
    faults.set("error", service="sagemaker", **refuse, count=1)
    with pytest.raises(AirflowException, match="no"):
        world.deploy(second, name="run-2")
    assert world.scalable_targets() == []
    world.deploy(second, name="run-2")
    assert (instances(world), world.scalable_targets()) == (2, [(1, 3)])

    # It is marked failed while it waits: nothing of it runs any more, and the run's report comes too early.
    world.configure(deployment={"bake_seconds": 2}, short_wait_seconds=0)
    with pytest.raises(TaskDeferred):
        world.deploy(world.verdict(sure=0.7), name="run-3", deferrable=True)
    rules = load_settings().deployment.autoscaling
    assert scaling.restore(world.aws, world.endpoint, rules) is None
    assert "the next run's report puts it on again" in caplog.text
    world.wait_until_at_rest()
    assert world.scalable_targets() == []
    report, surroundings = report_on(world.bucket, {"plan": "success"}, {})
    report.execute(surroundings)
    assert world.scalable_targets() == [(1, 3)]
    # What a person takes off stays off.
    world.aws.call("application-autoscaling", "deregister_scalable_target", **scaling._target(world.endpoint))
    assert scaling.restore(world.aws, world.endpoint, rules) is None
    assert world.scalable_targets() == []


def test_a_rollback_whose_task_dies_does_not_go_forth_again(world: World) -> None:
    world.configure(deployment={"bake_seconds": 0, "strategy": "all_at_once"})
    world.deploy(first := world.verdict())
    world.deploy(world.verdict(sure=0.8), name="run-2")
    with pytest.raises(TaskDeferred):
        world.roll_back(deferrable=True)
    world.wait_until_at_rest()

    back = world.roll_back()

    assert (back["outcome"], back["model_name"]) == ("rolled_back_by_request", first["model_name"])
    assert world.describe()["EndpointConfigName"] == back["endpoint_config_name"]
    pin = pins.find_pin(world.aws, world.bucket, world.endpoint)
    assert pin is not None
    assert pin["model_name"] == first["model_name"]


def test_what_the_configuration_asks_for_reaches_the_endpoint(world: World) -> None:
    world.configure(
        deployment={
            "bake_seconds": 0,
            "data_capture": {"sampling_percent": 100},
            "shadow": True,
            "kms_key_id": "1234abcd-12ab-34cd-56ef-1234567890ab",
            "network_isolation": True,
            "vpc": {"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]},
            "tags": {"team": "reviews"},
        }
    )
    verdict, loser = world.verdict(), world.verdict(sure=0.6, contender="autopilot")
    evaluations = [
        {"contender": item["winner"], "model_name": item["model_name"]} for item in (loser, verdict)
    ]

    made = world.deploy(verdict, evaluations=evaluations)

    config = world.aws.sagemaker("describe_endpoint_config", EndpointConfigName=made["endpoint_config_name"])
    assert config["DataCaptureConfig"]["DestinationS3Uri"] == f"s3://{world.bucket}/capture/"
    assert config["KmsKeyId"] == config["DataCaptureConfig"]["KmsKeyId"]
    assert [one["ModelName"] for one in config["ShadowProductionVariants"]] == [loser["model_name"]]
    model = world.aws.sagemaker("describe_model", ModelName=verdict["model_name"])
    assert model["EnableNetworkIsolation"] is True
    assert model["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    for arn in (model["ModelArn"], config["EndpointConfigArn"], world.describe()["EndpointArn"]):
        assert world.aws.tags(arn)["team"] == "reviews"


def test_an_endpoint_that_another_run_updated_with_newer_data_stays(world: World) -> None:
    world.deploy(world.verdict())
    older = world.verdict(sure=0.8)
    with pytest.raises(AirflowSkipException, match="data until 2026-03-01 went live meanwhile"):
        world.deploy(older, name="run-2", data_until="2026-02-01")


def test_nothing_was_live_to_roll_back(world: World) -> None:
    with pytest.raises(AirflowFailException, match="SR-DEPLOY-003"):
        world.roll_back()


def test_a_pruned_model_comes_back_from_its_package_and_needed_ones_stay(
    world: World, execute: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.configure(deployment={"bake_seconds": 0, "strategy": "all_at_once", "keep": 2})
    verdicts = [world.verdict(sure=sure) for sure in (0.9, 0.8, 0.7)]
    registrations = [world.register(verdict) for verdict in verdicts]
    made = [
        world.deploy(verdict, registered, name=f"run-{number}")
        for number, (verdict, registered) in enumerate(zip(verdicts, registrations, strict=True))
    ]

    gone = execute(PruneModelsOperator(task_id="prune", run=world.run("run-9")))

    assert gone["configs"] == [made[0]["endpoint_config_name"]]
    assert gone["models"] == [verdicts[0]["model_name"]]
    assert world.roll_back()["model_name"] == verdicts[1]["model_name"]
    # By its name too, however many packages have been registered since.
    newer = packages.describe(world.aws, registrations[2]["model_package_arn"])
    assert newer
    for _ in range(packages.LOOK_BACK + 1):
        request = {key: newer[key] for key in ("ModelPackageGroupName", "InferenceSpecification")}
        world.aws.sagemaker("create_model_package", **request)
    monkeypatch.setattr(packages, "_PAGE", 10)
    group, oldest = newer["ModelPackageGroupName"], verdicts[0]["model_name"]
    assert packages.of_model(world.aws, group, name=oldest) is None
    back = world.roll_back(name="run-b", rollback_to=oldest)
    assert back["model_name"] == oldest
    again = world.roll_back(name="run-c", rollback_to=registrations[0]["model_package_arn"])
    assert again["model_name"] == oldest
    assert packages.describe(world.aws, registrations[0]["model_package_arn"])
