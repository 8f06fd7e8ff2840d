"""Endpoint configurations: which models serve, in which variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws import state
from localaws.protocol import AwsError, answer, not_implemented
from localaws.services.sagemaker.listing import Listing
from localaws.services.sagemaker.models import runnable_containers
from localaws.services.sagemaker.resources import ENDPOINT_CONFIG, MODEL, Operations
from localaws.services.sagemaker.roles import require_role

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

Document = dict[str, Any]

LISTING = Listing("EndpointConfigName")
SERVERLESS_MEMORY_STEP = 1024
UNSUPPORTED = ("AsyncInferenceConfig", "ExplainerConfig")


class EndpointConfigOperations(Operations):
    """CreateEndpointConfig, DescribeEndpointConfig, DeleteEndpointConfig, ListEndpointConfigs."""

    def create_endpoint_config(self) -> ActionResult:
        """Store a configuration whose models exist."""
        request = self.request()
        refuse_unsupported(request)
        variants = [*request["ProductionVariants"], *request.get("ShadowProductionVariants", [])]
        for variant in variants:
            check_variant(variant)
            MODEL.find(self.region, variant["ModelName"])
            variant.setdefault("InitialVariantWeight", 1.0)
        check_shadows(request)
        names = [variant["VariantName"] for variant in variants]
        if len(set(names)) < len(names):
            raise AwsError("ValidationException", f"Variant names must be unique, got {', '.join(names)}.")
        require_role(request.get("ExecutionRoleArn"))
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
        AwsError: NotImplementedException for asynchronous inference and online explanations.
    """
    for key in UNSUPPORTED:
        if key in request:
            raise not_implemented(f"CreateEndpointConfig: {key}")


def check_shadows(request: Document) -> None:
    """Check that a shadow variant shadows one production variant.

    Raises:
        AwsError: ValidationException for several of either, or a serverless one.
    """
    shadows, production = request.get("ShadowProductionVariants", []), request["ProductionVariants"]
    if not shadows:
        return
    if len(shadows) > 1 or len(production) > 1:
        raise AwsError(
            "ValidationException",
            "With ShadowProductionVariants there must be exactly one production and one shadow variant, got "
            f"{len(production)} and {len(shadows)}.",
        )
    if any("ServerlessConfig" in variant for variant in (*shadows, *production)):
        raise AwsError("ValidationException", "Shadow variants are not supported with serverless variants.")


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
    memory = variant.get("ServerlessConfig", {}).get("MemorySizeInMB", SERVERLESS_MEMORY_STEP)
    if memory % SERVERLESS_MEMORY_STEP:
        message = f"MemorySizeInMB of variant {name} must be a multiple of 1024, got {memory}."
        raise AwsError("ValidationException", message)


def runnable_variants(variants: list[Document], region: str) -> list[Document]:
    """Variants of a configuration, each with the `Containers` its model runs.

    Raises:
        AwsError: ValidationException when a model is gone.
    """
    return [
        {**variant, "Containers": runnable_containers(variant["ModelName"], region)} for variant in variants
    ]


def variant_summaries(variants: list[Document], desired: list[Document] | None = None) -> list[Document]:
    """ProductionVariants as DescribeEndpoint answers them.

    Args:
        variants: in service.
        desired: the same variants as they are to become; by default they stay as they are.
    """
    wishes = {variant["VariantName"]: variant for variant in desired or variants}
    return [_summary(variant, wishes[variant["VariantName"]]) for variant in variants]


def _summary(variant: Document, desired: Document) -> Document:
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
        "DesiredWeight": desired["InitialVariantWeight"],
    }
    if "ServerlessConfig" in variant:
        config = variant["ServerlessConfig"]
        return {**summary, "CurrentServerlessConfig": config, "DesiredServerlessConfig": config}
    return {
        **summary,
        "CurrentInstanceCount": variant["InitialInstanceCount"],
        "DesiredInstanceCount": desired["InitialInstanceCount"],
    }
