"""Target tracking really changes what runs; a minute lasts a second in these tests."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hosting import Hosting, unique, variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def autoscaling(aws: Callable[[str], Any]) -> Any:
    """A client."""
    return aws("application-autoscaling")


@pytest.fixture
def endpoint(hosting: Hosting) -> Iterator[str]:
    """An endpoint of one instance."""
    name = hosting.endpoint(hosting.config({hosting.web_model(): 1}))
    hosting.settled(name)
    yield name
    hosting.settled(name)
    hosting.delete(name)


def of(endpoint: str) -> dict[str, str]:
    """What names the endpoint's variant."""
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/variant-1",
        "ScalableDimension": DIMENSION,
    }


def policy(endpoint: str, target: float, **more: Any) -> dict[str, Any]:
    """A PutScalingPolicy request of so many invocations an instance and minute."""
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    config = {"TargetValue": target, "PredefinedMetricSpecification": metric, **more}
    return {
        **of(endpoint),
        "PolicyName": "track",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": config,
    }


def count(hosting: Hosting, endpoint: str) -> int:
    """The instances of the variant."""
    return int(hosting.settled(endpoint)["ProductionVariants"][0]["CurrentInstanceCount"])


def refusal(call: Callable[..., Any], **request: Any) -> str:
    """The code of the error that a request is answered with."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


class Traffic:
    """Requests to an endpoint at a rate, until the block ends."""

    def __init__(self, hosting: Hosting, endpoint: str, per_second: float) -> None:
        """Nothing runs before the block."""
        self._hosting = hosting
        self._endpoint = endpoint
        self._pause = 1 / per_second
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            self._hosting.invoke(self._endpoint, b"x")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def wait_for_count(hosting: Hosting, endpoint: str, wanted: int) -> None:
    """Wait until the variant has so many instances."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := count(hosting, endpoint)) != wanted:
        if time.monotonic() > deadline:
            pytest.fail(f"{found} instances, not {wanted}")
        time.sleep(0.2)


def test_traffic_scales_out_to_the_maximum_and_little_traffic_in_to_the_minimum(
    hosting: Hosting, autoscaling: Any, endpoint: str
) -> None:
    autoscaling.register_scalable_target(**of(endpoint), MinCapacity=1, MaxCapacity=2)
    autoscaling.put_scaling_policy(**policy(endpoint, 4, ScaleInCooldown=60, ScaleOutCooldown=60))
    with Traffic(hosting, endpoint, 15):
        wait_for_count(hosting, endpoint, 2)
        assert len({hosting.invoke(endpoint, b"who") for _ in range(10)}) == 2
        time.sleep(3)
        assert count(hosting, endpoint) == 2
    with Traffic(hosting, endpoint, 1):
        wait_for_count(hosting, endpoint, 1)
    activities = autoscaling.describe_scaling_activities(
        ServiceNamespace="sagemaker", ResourceId=of(endpoint)["ResourceId"]
    )
    descriptions = [item["Description"] for item in activities["ScalingActivities"]]
    assert descriptions == ["Setting desired instance count to 1.", "Setting desired instance count to 2."]
    first = activities["ScalingActivities"][-1]
    assert first["StatusCode"] == "Successful"
    assert "AlarmHigh" in first["Cause"]
    autoscaling.deregister_scalable_target(**of(endpoint))


def test_a_policy_comes_with_its_two_alarms_and_goes_with_them(
    hosting: Hosting, autoscaling: Any, endpoint: str
) -> None:
    cloudwatch = hosting.client("cloudwatch")
    autoscaling.register_scalable_target(**of(endpoint), MinCapacity=1, MaxCapacity=2)
    answer = autoscaling.put_scaling_policy(**policy(endpoint, 70.0))
    names = [alarm["AlarmName"] for alarm in answer["Alarms"]]
    high, low = sorted(
        cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"], key=lambda item: str(item["AlarmName"])
    )
    assert high["AlarmName"].startswith(f"TargetTracking-endpoint/{endpoint}/variant/variant-1-AlarmHigh-")
    assert (high["Threshold"], high["EvaluationPeriods"], high["Period"]) == (70.0, 3, 60)
    assert (low["Threshold"], low["EvaluationPeriods"]) == (63.0, 15)
    assert high["AlarmActions"] == [answer["PolicyARN"]]
    (found,) = autoscaling.describe_scaling_policies(
        ServiceNamespace="sagemaker", PolicyNames=["track"], ResourceId=of(endpoint)["ResourceId"]
    )["ScalingPolicies"]
    assert found["PolicyARN"] == answer["PolicyARN"]
    assert found["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 70.0
    changed = autoscaling.put_scaling_policy(**policy(endpoint, 50.0))
    assert changed["PolicyARN"] == answer["PolicyARN"]
    assert cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"] == []
    autoscaling.delete_scaling_policy(**of(endpoint), PolicyName="track")
    left = [alarm["AlarmName"] for alarm in changed["Alarms"]]
    assert cloudwatch.describe_alarms(AlarmNames=left)["MetricAlarms"] == []
    code = refusal(autoscaling.delete_scaling_policy, **of(endpoint), PolicyName="track")
    assert code == "ObjectNotFoundException"
    autoscaling.deregister_scalable_target(**of(endpoint))


def test_registering_brings_the_count_within_the_bounds(
    hosting: Hosting, autoscaling: Any, endpoint: str
) -> None:
    arn = autoscaling.register_scalable_target(**of(endpoint), MinCapacity=2, MaxCapacity=3)[
        "ScalableTargetARN"
    ]
    wait_for_count(hosting, endpoint, 2)
    autoscaling.register_scalable_target(**of(endpoint), MinCapacity=1, MaxCapacity=1)
    wait_for_count(hosting, endpoint, 1)
    (target,) = autoscaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[of(endpoint)["ResourceId"]]
    )["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"], target["ScalableTargetARN"]) == (1, 1, arn)
    autoscaling.deregister_scalable_target(**of(endpoint))
    assert refusal(autoscaling.deregister_scalable_target, **of(endpoint)) == "ObjectNotFoundException"


def test_wrong_requests_are_refused(hosting: Hosting, autoscaling: Any, endpoint: str) -> None:
    register = autoscaling.register_scalable_target
    bounds = {"MinCapacity": 1, "MaxCapacity": 2}
    assert refusal(register, **of("nothing-here"), **bounds) == "ValidationException"
    assert refusal(register, **of(endpoint)) == "ValidationException"
    assert refusal(register, **of(endpoint), MinCapacity=3, MaxCapacity=2) == "ValidationException"
    assert refusal(register, **of(endpoint) | {"ResourceId": "endpoint/a"}, **bounds) == "ValidationException"
    table = {"ServiceNamespace": "dynamodb", "ScalableDimension": "dynamodb:table:ReadCapacityUnits"}
    assert refusal(register, **of(endpoint) | table, **bounds) == "NotImplementedException"
    put = autoscaling.put_scaling_policy
    assert refusal(put, **policy(endpoint, 5)) == "ObjectNotFoundException"
    register(**of(endpoint), **bounds)
    assert refusal(put, **policy(endpoint, 0)) == "ValidationException"
    step = {**of(endpoint), "PolicyName": "step", "PolicyType": "StepScaling"}
    assert refusal(put, **step) == "NotImplementedException"
    autoscaling.deregister_scalable_target(**of(endpoint))


def test_an_endpoint_must_be_in_service_and_count_instances(hosting: Hosting, autoscaling: Any) -> None:
    config = unique("config")
    serverless = variant("variant-1", hosting.web_model())
    del serverless["InstanceType"], serverless["InitialInstanceCount"]
    serverless["ServerlessConfig"] = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    hosting.client("sagemaker").create_endpoint_config(
        EndpointConfigName=config, ProductionVariants=[serverless]
    )
    name = hosting.endpoint(config)
    hosting.settled(name)
    register = autoscaling.register_scalable_target
    assert refusal(register, **of(name), MinCapacity=1, MaxCapacity=2) == "ValidationException"
    hosting.delete(name)
    assert refusal(register, **of(name), MinCapacity=1, MaxCapacity=2) == "ValidationException"
