"""Endpoint configurations: which models serve, in which variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws import state
from localaws.protocol import AwsError, answer, not_implemented
from localaws.services.sagemaker.listing import Listing
from localaws.services.sagemaker.models import runnable_containers
from localaws.services.sagemaker.resources import ENDPOINT_CONFIG, MODEL, Operations

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

Document = dict[str, Any]

LISTING = Listing("EndpointConfigName")
UNSUPPORTED = ("ShadowProductionVariants", "AsyncInferenceConfig", "ExplainerConfig")


class EndpointConfigOperations(Operations):
    """CreateEndpointConfig, DescribeEndpointConfig, DeleteEndpointConfig, ListEndpointConfigs."""

    def create_endpoint_config(self) -> ActionResult:
        """Store a configuration whose models exist."""
        request = self.request()
        refuse_unsupported(request)
        for variant in request["ProductionVariants"]:
            check_variant(variant)
            MODEL.find(self.region, variant["ModelName"])
            variant.setdefault("InitialVariantWeight", 1.0)
        names = [variant["VariantName"] for variant in request["ProductionVariants"]]
        if len(set(names)) < len(names):
            raise AwsError("ValidationException", f"Variant names must be unique, got {', '.join(names)}.")
        document = ENDPOINT_CONFIG.create(self.region, request["EndpointConfigName"], request)
        return answer({"EndpointConfigArn": document["EndpointConfigArn"]})

    def describe_endpoint_config(self) -> ActionResult:
        """The request as it was sent, with default weights, ARN and creation time."""
        return answer(ENDPOINT_CONFIG.find(self.region, self.request()["EndpointConfigName"]))

    def delete_endpoint_config(self) -> ActionResult:
        """Forget the configuration; endpoints that run it keep running, as on AWS."""
        ENDPOINT_CONFIG.delete(self.region, self.request()["EndpointConfigName"])
        return answer({})

    def list_endpoint_configs(self) -> ActionResult:
        """Names, ARNs and creation times."""
        page, token = LISTING.page(state.store().items(ENDPOINT_CONFIG.kind), self.request())
        return answer({"EndpointConfigs": page, "NextToken": token})


def refuse_unsupported(request: Document) -> None:
    """Say what the stand-in does not do with endpoints.

    Raises:
        AwsError: NotImplementedException for shadow variants, asynchronous inference, online explanations,
            data capture.
    """
    for key in UNSUPPORTED:
        if key in request:
            raise not_implemented(f"CreateEndpointConfig: {key}")
    if request.get("DataCaptureConfig", {}).get("EnableCapture"):
        raise not_implemented("CreateEndpointConfig: DataCaptureConfig.EnableCapture=true")


def check_variant(variant: Document) -> None:
    """Check what botocore's model does not say about a production variant.

    Raises:
        AwsError: ValidationException; NotImplementedException for inference components and instance pools.
    """
    name = variant["VariantName"]
    if "ModelName" not in variant:
        raise not_implemented(
            "CreateEndpointConfig: ProductionVariants without ModelName (inference components)"
        )
    if "InstancePools" in variant:
        raise not_implemented("CreateEndpointConfig: ProductionVariants.InstancePools")
    serverless = "ServerlessConfig" in variant
    if serverless == ("InstanceType" in variant):
        message = f"Variant {name} needs either InstanceType and InitialInstanceCount or ServerlessConfig."
        raise AwsError("ValidationException", message)
    if not serverless and "InitialInstanceCount" not in variant:
        raise AwsError("ValidationException", f"Variant {name} needs InitialInstanceCount.")


def runnable_variants(config: Document, region: str) -> list[Document]:
    """The variants of a configuration, each with the `Containers` its model runs.

    Raises:
        AwsError: ValidationException when a model is gone.
    """
    return [
        {**variant, "Containers": runnable_containers(variant["ModelName"], region)}
        for variant in config["ProductionVariants"]
    ]


def variant_summaries(variants: list[Document]) -> list[Document]:
    """ProductionVariants as DescribeEndpoint answers them, of variants that are in service."""
    return [_summary(variant) for variant in variants]


def _summary(variant: Document) -> Document:
    summary: Document = {
        "VariantName": variant["VariantName"],
        "DeployedImages": [
            {
                "SpecifiedImage": container["Image"],
                "ResolvedImage": container["Image"],
                "ResolutionTime": state.now(),
            }
            for container in variant["Containers"]
        ],
        "CurrentWeight": variant["InitialVariantWeight"],
        "DesiredWeight": variant["InitialVariantWeight"],
    }
    if "ServerlessConfig" in variant:
        config = variant["ServerlessConfig"]
        return {**summary, "CurrentServerlessConfig": config, "DesiredServerlessConfig": config}
    count = variant["InitialInstanceCount"]
    return {**summary, "CurrentInstanceCount": count, "DesiredInstanceCount": count}
