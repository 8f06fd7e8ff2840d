"""Endpoints are updated without dropping a request: at once, in steps, and back again."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hosting import BROKEN, SHOUT, Hosting, unique

HALF = {"Type": "CAPACITY_PERCENT", "Value": 50}


def test_an_update_drops_no_request(hosting: Hosting, endpoint: tuple[str, str, str]) -> None:
    name, former, _ = endpoint
    config = hosting.config({hosting.model(hosting.container(SHOUT, "?")): 1})
    stop = threading.Event()
    all_answered = threading.Barrier(4)

    def ask() -> list[str]:
        answers = [hosting.invoke(name)]
        all_answered.wait(60)
        while not stop.is_set():
            answers.append(hosting.invoke(name))
        return answers

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        try:
            all_answered.wait(60)
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
    assert hosting.update(name, former)["EndpointConfigName"] == former


def test_a_failed_update_leaves_the_former_configuration_in_service(
    hosting: Hosting, endpoint: tuple[str, str, str]
) -> None:
    name, former, _ = endpoint
    described = hosting.update(name, hosting.config({hosting.model(hosting.container(BROKEN)): 1}))
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
    assert hosting.answers_until(name, {"old hello\n", "new hello\n"}) == {"old hello\n", "new hello\n"}
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
    assert hosting.invoke(name) == "old hello\n"  # making a client may take longer than both steps
    begin = time.monotonic()
    hosting.client("sagemaker").update_endpoint(
        EndpointName=name,
        EndpointConfigName=config,
        DeploymentConfig={"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}},
    )
    assert hosting.answers_until(name, {"old hello\n", "new hello\n"}) == {"old hello\n", "new hello\n"}
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
        variant = hosting.update(name, config, **more)["ProductionVariants"][0]
        return variant["CurrentWeight"], variant["CurrentInstanceCount"]

    assert after(RetainAllVariantProperties=True) == (7, 2)
    excluded = [{"VariantPropertyType": "DesiredInstanceCount"}]
    assert after(RetainAllVariantProperties=True, ExcludeRetainedVariantProperties=excluded) == (7, 1)
    assert after() == (1, 1)
    hosting.delete(name)
