"""Endpoints really serve, change without dropping a request, and say why they failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hosting import BROKEN, IMAGE, SHOUT, WITNESS, Hosting, unique

if TYPE_CHECKING:
    from collections.abc import Callable

    from stand_in import StandIn

UNKNOWN_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/no-such-image:1"


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


def test_weights_and_targets_choose_the_variant(hosting: Hosting, endpoint: tuple[str, str, str]) -> None:
    name, former, model = endpoint
    other = hosting.model(hosting.container(SHOUT, "?"))
    hosting.update(name, hosting.config({model: 1, other: 0}))
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
    hosting.update(name, former)


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
    before = hosting.settled(name)
    own_stand_in.client("sagemaker").delete_endpoint_config(EndpointConfigName=config)
    assert own_stand_in.stop() == 0
    own_stand_in.start()
    assert hosting.invoke(name) == "hello!?\n"
    described = hosting.settled(name)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", config)
    # What serves has not changed.
    assert described["LastModifiedTime"] == before["LastModifiedTime"]
