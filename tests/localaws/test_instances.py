"""Instances are processes: counts change what runs, dead containers come back, shadows only listen."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hosting import Hosting, unique, variant

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def endpoint(hosting: Hosting) -> Iterator[str]:
    """An endpoint of one variant with two instances."""
    name = hosting.endpoint(hosting.config({hosting.web_model(): 1}, instances=2))
    assert hosting.settled(name)["EndpointStatus"] == "InService"
    yield name
    hosting.delete(name)


def processes(hosting: Hosting, endpoint: str, requests: int = 12) -> set[str]:
    """The processes that answered."""
    return {hosting.invoke(endpoint, b"who") for _ in range(requests)}


def resize(hosting: Hosting, endpoint: str, count: int) -> dict[str, Any]:
    """Ask for `count` instances of the only variant; the endpoint's description afterwards."""
    hosting.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": "variant-1", "DesiredInstanceCount": count}],
    )
    return hosting.settled(endpoint)


def test_requests_are_spread_over_the_instances_that_run(hosting: Hosting, endpoint: str) -> None:
    two = processes(hosting, endpoint)
    assert len(two) == 2
    described = resize(hosting, endpoint, 3)
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 3
    three = processes(hosting, endpoint)
    assert len(three) == 3
    assert two < three
    resize(hosting, endpoint, 1)
    assert len(processes(hosting, endpoint)) == 1


def test_describe_tells_the_desired_count_while_instances_start(hosting: Hosting, endpoint: str) -> None:
    sagemaker = hosting.client("sagemaker")
    wish = [{"VariantName": "variant-1", "DesiredInstanceCount": 3, "DesiredWeight": 2}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=wish)
    during = sagemaker.describe_endpoint(EndpointName=endpoint)
    if during["EndpointStatus"] == "Updating":
        counts = during["ProductionVariants"][0]
        assert (counts["CurrentInstanceCount"], counts["DesiredInstanceCount"]) == (2, 3)
        assert (counts["CurrentWeight"], counts["DesiredWeight"]) == (1, 2)
    after = hosting.settled(endpoint)["ProductionVariants"][0]
    assert (after["CurrentInstanceCount"], after["CurrentWeight"]) == (3, 2)


def test_shrinking_drops_no_request(hosting: Hosting, endpoint: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(hosting.invoke, endpoint, b"slow 1") for _ in range(6)]
        time.sleep(0.4)
        resize(hosting, endpoint, 1)
        assert [answer.result() for answer in answers] == ["slow 1"] * 6


def test_a_count_above_what_this_machine_runs_is_recorded_and_said(hosting: Hosting, endpoint: str) -> None:
    described = resize(hosting, endpoint, 5)
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 5
    assert len(processes(hosting, endpoint)) == 3
    events = hosting.client("logs").filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}")
    assert any("LOCALAWS_MAX_INSTANCES" in event["message"] for event in events["events"])


def test_an_unknown_variant_is_refused(hosting: Hosting, endpoint: str) -> None:
    with pytest.raises(ClientError, match="Variant nobody is not on the endpoint") as caught:
        hosting.client("sagemaker").update_endpoint_weights_and_capacities(
            EndpointName=endpoint,
            DesiredWeightsAndCapacities=[{"VariantName": "nobody", "DesiredInstanceCount": 1}],
        )
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_a_container_that_dies_in_service_is_started_again(hosting: Hosting, endpoint: str) -> None:
    resize(hosting, endpoint, 1)
    (before,) = processes(hosting, endpoint, 1)
    with pytest.raises(ClientError) as caught:
        hosting.invoke(endpoint, b"die")
    assert caught.value.response["Error"]["Code"] == "ModelError"
    assert caught.value.response["OriginalStatusCode"] == 500
    after = before
    deadline = time.monotonic() + 30
    while after == before and time.monotonic() < deadline:
        time.sleep(0.1)
        try:
            after = hosting.invoke(endpoint, b"who")
        except ClientError:
            continue
    assert after not in (before, "")
    described = hosting.settled(endpoint)
    assert described["EndpointStatus"] == "InService"


@pytest.mark.parametrize("how", [b"die", b"die 0.5"], ids=["at once", "some time after it hung up"])
def test_one_dead_instance_of_two_fails_no_further_request(
    hosting: Hosting, endpoint: str, how: bytes
) -> None:
    with pytest.raises(ClientError):
        hosting.invoke(endpoint, how)
    answers = {hosting.invoke(endpoint, b"who") for _ in range(20)}
    assert answers
    deadline = time.monotonic() + 30
    while len(processes(hosting, endpoint)) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert len(processes(hosting, endpoint)) == 2


def test_a_shadow_variant_gets_copies_and_its_answers_are_discarded(hosting: Hosting) -> None:
    production, shadow = hosting.web_model("p:"), hosting.web_model("s:")
    config = hosting.config({production: 1}, ShadowProductionVariants=[variant("shadow", shadow, 1)])
    name = hosting.endpoint(config)
    described = hosting.settled(name)
    assert described["ShadowProductionVariants"][0]["VariantName"] == "shadow"
    assert {hosting.invoke(name, f"word-{number}".encode()) for number in range(5)} == {
        f"p:word-{number}" for number in range(5)
    }
    streams = printed(hosting, name, "answered word-4", times=2)
    assert {stream.partition("/")[0] for stream in streams} == {"variant-1", "shadow"}
    with pytest.raises(ClientError, match="Variant shadow not found"):
        hosting.invoke(name, b"x", TargetVariant="shadow")
    hosting.delete(name)


def test_a_failing_shadow_harms_nobody(hosting: Hosting) -> None:
    production, shadow = hosting.web_model("p:"), hosting.web_model("s:")
    config = hosting.config({production: 1}, ShadowProductionVariants=[variant("shadow", shadow, 1)])
    name = hosting.endpoint(config)
    hosting.settled(name)
    with pytest.raises(ClientError):
        hosting.invoke(name, b"die")
    deadline = time.monotonic() + 30
    answer = ""
    while answer != "p:x" and time.monotonic() < deadline:
        try:
            answer = hosting.invoke(name, b"x")
        except ClientError:
            time.sleep(0.1)
    assert answer == "p:x"
    hosting.delete(name)


def test_shadows_need_one_production_variant(hosting: Hosting) -> None:
    first, second, shadow = (hosting.web_model() for _ in range(3))
    with pytest.raises(ClientError, match="exactly one production and one shadow variant"):
        hosting.config({first: 1, second: 1}, ShadowProductionVariants=[variant(unique("s"), shadow)])


def printed(hosting: Hosting, endpoint: str, line: str, times: int) -> list[str]:
    """The log streams with a line, once it is there so many times."""
    deadline = time.monotonic() + 20
    streams: list[str] = []
    while len(streams) < times and time.monotonic() < deadline:
        time.sleep(0.2)
        logs = hosting.client("logs")
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            continue
        streams = [event["logStreamName"] for event in events if event["message"] == line]
    return streams
