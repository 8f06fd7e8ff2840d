"""Endpoints really serve, change without dropping a request, and say why they failed."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hosting import BROKEN, IMAGE, SHOUT, WITNESS, Hosting, unique

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stand_in import StandIn

HALF = {"Type": "CAPACITY_PERCENT", "Value": 50}
UNKNOWN_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/no-such-image:1"


@pytest.fixture(scope="module")
def hosting(aws: Callable[[str], Any]) -> Hosting:
    """A bucket with models."""
    return Hosting(aws)


@pytest.fixture(scope="module")
def endpoint(hosting: Hosting) -> Iterator[tuple[str, str, str]]:
    """An endpoint in service that shouts `!`; its configuration and its model."""
    model = hosting.model(hosting.container(SHOUT, "!"))
    config = hosting.config({model: 1})
    name = hosting.endpoint(config)
    assert hosting.settled(name)["EndpointStatus"] == "InService"
    yield name, config, model
    hosting.delete(name)


def update(hosting: Hosting, name: str, config: str, **more: Any) -> dict[str, Any]:
    """Update an endpoint and wait; return its description."""
    hosting.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=config, **more)
    return hosting.settled(name)


def test_bodies_and_content_types_go_from_container_to_container(hosting: Hosting) -> None:
    """Between containers each answers its own default; the caller's Accept reaches the last."""
    model = hosting.model(
        hosting.container(SHOUT, "!", SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="text/csv"),
        hosting.container(WITNESS),
        hosting.container(WITNESS, SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="text/csv"),
    )
    name = hosting.endpoint(hosting.config({model: 1}))
    described = hosting.settled(name)
    assert described["EndpointStatus"] == "InService", described.get("FailureReason")
    assert len(described["ProductionVariants"][0]["DeployedImages"]) == 3
    seen = "hello![bytes text/csv; charset=utf-8|application/json][bytes text/csv; charset=utf-8|{}]\n"
    assert hosting.invoke(name, Accept="application/jsonlines") == seen.format("application/jsonlines")
    runtime = hosting.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=name, Body=b"hello", ContentType="text/csv")
    assert answer["Body"].read().decode() == seen.format("text/csv")
    assert answer["ContentType"] == "text/csv; charset=utf-8"
    hosting.delete(name)
    with pytest.raises(ClientError, match="not found"):
        hosting.invoke(name)


def test_an_update_drops_no_request(hosting: Hosting, endpoint: tuple[str, str, str]) -> None:
    name, former, _ = endpoint
    config = hosting.config({hosting.model(hosting.container(SHOUT, "?")): 1})
    stop = threading.Event()

    def ask() -> list[str]:
        answers = []
        while not stop.is_set():
            answers.append(hosting.invoke(name))
        return answers

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        try:
            hosting.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=config)
            with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
                hosting.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=config)
            with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
                hosting.client("sagemaker").delete_endpoint(EndpointName=name)
            described = hosting.settled(name)
            time.sleep(0.5)
        finally:
            stop.set()
        answers = [future.result() for future in asking]
    assert described["EndpointConfigName"] == config
    for of_one_thread in answers:
        assert set(of_one_thread) == {"hello!\n", "hello?\n"}
        first_new = of_one_thread.index("hello?\n")
        assert set(of_one_thread[first_new:]) == {"hello?\n"}
    assert update(hosting, name, former)["EndpointConfigName"] == former


def test_a_failed_update_leaves_the_former_configuration_in_service(
    hosting: Hosting, endpoint: tuple[str, str, str]
) -> None:
    name, former, _ = endpoint
    described = update(hosting, name, hosting.config({hosting.model(hosting.container(BROKEN)): 1}))
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == former
    assert "the weights are missing" in described["FailureReason"]
    assert hosting.invoke(name) == "hello!\n"


@pytest.mark.parametrize("kind", ["CANARY", "LINEAR"])
def test_failing_requests_roll_a_deployment_back_by_an_alarm(hosting: Hosting, kind: str) -> None:
    former = hosting.config({hosting.web_model("old "): 1})
    name = hosting.endpoint(former)
    hosting.settled(name)
    alarm = unique("alarm")
    dimensions = {"EndpointName": name, "VariantName": "variant-1"}
    hosting.client("cloudwatch").put_metric_alarm(
        AlarmName=alarm,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="Invocation5XXErrors",
        Namespace="AWS/SageMaker",
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Period=60,
        Statistic="Sum",
        Threshold=0,
    )
    routing = {"Type": kind, "WaitIntervalInSeconds": 30}
    routing["CanarySize" if kind == "CANARY" else "LinearStepSize"] = HALF
    deployment = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }
    config = hosting.config({hosting.web_model("new "): 1})
    sagemaker = hosting.client("sagemaker")
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config, DeploymentConfig=deployment)
    assert answers_until(hosting, name, {"old hello\n", "new hello\n"}) == {"old hello\n", "new hello\n"}
    pending = sagemaker.describe_endpoint(EndpointName=name)["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == config
    with pytest.raises(ClientError, match="ModelError"):
        hosting.invoke(name, b"refuse 500")
    described = hosting.settled(name)
    assert described["EndpointConfigName"] == former
    assert alarm in described["FailureReason"]
    assert {hosting.invoke(name) for _ in range(10)} == {"old hello\n"}
    hosting.delete(name)


def test_a_linear_deployment_moves_the_traffic_step_by_step(hosting: Hosting) -> None:
    name = hosting.endpoint(hosting.config({hosting.web_model("old "): 1}))
    hosting.settled(name)
    config = hosting.config({hosting.web_model("new "): 1})
    routing = {"Type": "LINEAR", "WaitIntervalInSeconds": 1, "LinearStepSize": HALF}
    begin = time.monotonic()
    hosting.client("sagemaker").update_endpoint(
        EndpointName=name,
        EndpointConfigName=config,
        DeploymentConfig={"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}},
    )
    assert answers_until(hosting, name, {"old hello\n", "new hello\n"}) == {"old hello\n", "new hello\n"}
    described = hosting.settled(name)
    assert time.monotonic() - begin > 2  # two steps of a second each
    assert described["EndpointConfigName"] == config
    assert (
        described["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"] == routing
    )
    assert {hosting.invoke(name) for _ in range(10)} == {"new hello\n"}
    hosting.delete(name)


def test_a_step_beyond_half_of_the_fleet_is_refused(hosting: Hosting, endpoint: tuple[str, str, str]) -> None:
    routing = {
        "Type": "LINEAR",
        "WaitIntervalInSeconds": 1,
        "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 60},
    }
    with pytest.raises(ClientError) as caught:
        hosting.client("sagemaker").update_endpoint(
            EndpointName=endpoint[0],
            EndpointConfigName=endpoint[1],
            DeploymentConfig={"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}},
        )
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_weights_and_counts_are_retained_only_when_asked(hosting: Hosting) -> None:
    config = hosting.config({hosting.web_model(): 1})
    name = hosting.endpoint(config)
    hosting.settled(name)
    hosting.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=name,
        DesiredWeightsAndCapacities=[
            {"VariantName": "variant-1", "DesiredWeight": 7, "DesiredInstanceCount": 2}
        ],
    )
    hosting.settled(name)

    def after(**more: Any) -> tuple[float, int]:
        variant = update(hosting, name, config, **more)["ProductionVariants"][0]
        return variant["CurrentWeight"], variant["CurrentInstanceCount"]

    assert after(RetainAllVariantProperties=True) == (7, 2)
    excluded = [{"VariantPropertyType": "DesiredInstanceCount"}]
    assert after(RetainAllVariantProperties=True, ExcludeRetainedVariantProperties=excluded) == (7, 1)
    assert after() == (1, 1)
    hosting.delete(name)


def answers_until(hosting: Hosting, name: str, wanted: set[str]) -> set[str]:
    """The different answers of an endpoint, until all that are wanted were there."""
    deadline = time.monotonic() + 30
    answers: set[str] = set()
    while answers != wanted and time.monotonic() < deadline:
        answers.add(hosting.invoke(name))
    return answers


def test_weights_and_targets_choose_the_variant(hosting: Hosting, endpoint: tuple[str, str, str]) -> None:
    name, former, model = endpoint
    other = hosting.model(hosting.container(SHOUT, "?"))
    update(hosting, name, hosting.config({model: 1, other: 0}))
    assert {hosting.invoke(name) for _ in range(10)} == {"hello!\n"}
    assert hosting.invoke(name, TargetVariant="variant-2") == "hello?\n"
    wish = [
        {"VariantName": "variant-1", "DesiredWeight": 0},
        {"VariantName": "variant-2", "DesiredWeight": 2, "DesiredInstanceCount": 3},
    ]
    hosting.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=wish
    )
    first, second = hosting.settled(name)["ProductionVariants"]
    assert first["CurrentWeight"] == 0
    assert second["CurrentWeight"] == 2
    assert second["CurrentInstanceCount"] == 3
    assert {hosting.invoke(name) for _ in range(10)} == {"hello?\n"}
    update(hosting, name, former)


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        ("broken", "the weights are missing"),
        ("unknown image", "No local image for repository 'no-such-image'"),
        ("no archive", "Failed to download model data"),
    ],
)
def test_a_model_that_cannot_start_fails_the_endpoint_with_the_reason(
    hosting: Hosting, container: str, reason: str
) -> None:
    definitions: dict[str, Callable[[], dict[str, Any]]] = {
        "broken": lambda: hosting.container(BROKEN),
        "unknown image": lambda: {"Image": UNKNOWN_IMAGE},
        "no archive": lambda: {"Image": IMAGE, "ModelDataUrl": hosting.put(b"this is no archive")},
    }
    definition = definitions[container]()
    config = hosting.config({hosting.model(definition): 1})
    name = hosting.endpoint(config)
    described = hosting.settled(name)
    assert described["EndpointStatus"] == "Failed"
    assert reason in described["FailureReason"]
    with pytest.raises(ClientError, match="in status Failed"):
        hosting.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=config)
    with pytest.raises(ClientError, match="not found"):
        hosting.invoke(name)
    hosting.delete(name)


def test_configurations_are_checked(hosting: Hosting, endpoint: tuple[str, str, str]) -> None:
    sagemaker = hosting.client("sagemaker")
    _, former, model = endpoint
    described = sagemaker.describe_endpoint_config(EndpointConfigName=former)
    assert described["ProductionVariants"][0]["InitialVariantWeight"] == 1
    with pytest.raises(ClientError, match="Cannot create already existing endpoint configuration"):
        sagemaker.create_endpoint_config(
            EndpointConfigName=former, ProductionVariants=described["ProductionVariants"]
        )
    with pytest.raises(ClientError, match='Could not find model ".*:model/nothing-here"'):
        hosting.config({"nothing-here": 1})
    with pytest.raises(ClientError, match="needs InitialInstanceCount"):
        sagemaker.create_endpoint_config(
            EndpointConfigName=unique("config"),
            ProductionVariants=[{"VariantName": "a", "ModelName": model, "InstanceType": "ml.m5.large"}],
        )
    with pytest.raises(ClientError, match="Variant names must be unique"):
        sagemaker.create_endpoint_config(
            EndpointConfigName=unique("config"),
            ProductionVariants=described["ProductionVariants"],
            ShadowProductionVariants=described["ProductionVariants"],
        )
    with pytest.raises(ClientError, match="NotImplemented: CreateEndpointConfig: AsyncInferenceConfig"):
        sagemaker.create_endpoint_config(
            EndpointConfigName=unique("config"),
            ProductionVariants=described["ProductionVariants"],
            AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://bucket/out"}},
        )
    missing = 'Could not find endpoint configuration ".*:endpoint-config/nothing-here"'
    with pytest.raises(ClientError, match=missing):
        hosting.endpoint("nothing-here")


def test_a_serverless_variant_serves(hosting: Hosting, endpoint: tuple[str, str, str]) -> None:
    sagemaker = hosting.client("sagemaker")
    config = unique("config")
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    sagemaker.create_endpoint_config(
        EndpointConfigName=config,
        ProductionVariants=[{"VariantName": "all", "ModelName": endpoint[2], "ServerlessConfig": serverless}],
    )
    name = hosting.endpoint(config)
    described = hosting.settled(name)
    assert described["ProductionVariants"][0]["CurrentServerlessConfig"] == serverless
    assert hosting.invoke(name) == "hello!\n"
    hosting.delete(name)


def test_an_endpoint_serves_again_after_a_restart(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    hosting = Hosting(own_stand_in.client)
    model = hosting.model(hosting.container(SHOUT, "!"), hosting.container(SHOUT, "?"))
    config = hosting.config({model: 1})
    name = hosting.endpoint(config)
    hosting.settled(name)
    own_stand_in.client("sagemaker").delete_endpoint_config(EndpointConfigName=config)
    assert own_stand_in.stop() == 0
    own_stand_in.start()
    assert hosting.invoke(name) == "hello!?\n"
    described = hosting.settled(name)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", config)
