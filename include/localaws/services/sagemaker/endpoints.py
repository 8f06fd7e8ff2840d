"""Endpoints that really serve."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from localaws import state
from localaws.protocol import AwsError, answer
from localaws.services.cloudwatch import evaluator
from localaws.services.sagemaker import deployments, rollout
from localaws.services.sagemaker.endpoint_configs import (
    EndpointConfigOperations,
    runnable_variants,
    variant_summaries,
)
from localaws.services.sagemaker.fleets import Content
from localaws.services.sagemaker.listing import Listing
from localaws.services.sagemaker.resources import ENDPOINT, ENDPOINT_CONFIG

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

Document = dict[str, Any]

LISTING = Listing("EndpointName", "EndpointStatus")
IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")

_changing = threading.Lock()


class EndpointOperations(EndpointConfigOperations):
    """CreateEndpoint, DescribeEndpoint, UpdateEndpoint, UpdateEndpointWeightsAndCapacities, DeleteEndpoint,
    ListEndpoints, and the operations on endpoint configurations.
    """

    def create_endpoint(self) -> ActionResult:
        """Start the configuration's containers in the background."""
        request = self.request()
        name = request["EndpointName"]
        config = ENDPOINT_CONFIG.find(self.region, request["EndpointConfigName"])
        if "DeploymentConfig" in request:
            deployments.plan(request["DeploymentConfig"], _instances(config))
        document = ENDPOINT.create(
            self.region,
            name,
            request,
            EndpointStatus="Creating",
            LastModifiedTime=state.now(),
            LastDeploymentConfig=request.get("DeploymentConfig"),
            **rollout.stored(configured(config, self.region)),
            Region=self.region,
        )
        rollout.in_background(rollout.create, name, self.region)
        return answer({"EndpointArn": document["EndpointArn"]})

    def describe_endpoint(self) -> ActionResult:
        """Status, variants in service, and the reason of a failure."""
        return answer(ENDPOINT.find(self.region, self.request()["EndpointName"]))

    def list_endpoints(self) -> ActionResult:
        """Names, ARNs, statuses and times."""
        page, token = LISTING.page(state.store().items(ENDPOINT.kind), self.request())
        return answer({"Endpoints": page, "NextToken": token})

    def update_endpoint(self) -> ActionResult:
        """Deploy another configuration in the background; no request is dropped."""
        request = self.request()
        name = request["EndpointName"]
        with _changing:
            document = self._settled(name)
            config = ENDPOINT_CONFIG.find(self.region, request["EndpointConfigName"])
            deployment = deployment_config(request, document)
            plan = deployments.plan(deployment, _instances(config))
            deployments.check_alarms(plan.alarms, self.region)
            content = retained(configured(config, self.region), Content.of(document), request)
            pending = {
                "EndpointConfigName": config["EndpointConfigName"],
                "ProductionVariants": variant_summaries(content.variants),
                "ShadowProductionVariants": variant_summaries(content.shadows) or None,
                "StartTime": state.now(),
            }
            rollout.set_status(
                name,
                "Updating",
                LastDeploymentConfig=deployment,
                PendingDeploymentSummary=pending,
                FailureReason=None,
            )
        rollout.in_background(rollout.update, name, self.region, config["EndpointConfigName"], content, plan)
        return answer({"EndpointArn": document["EndpointArn"]})

    def update_endpoint_weights_and_capacities(self) -> ActionResult:
        """Change weights and instance counts in the background; instances really start and end."""
        request = self.request()
        name = request["EndpointName"]
        with _changing:
            document = self._settled(name)
            variants = changed(document["Variants"], request["DesiredWeightsAndCapacities"])
            rollout.set_status(
                name, "Updating", ProductionVariants=variant_summaries(document["Variants"], variants)
            )
        rollout.in_background(rollout.resize, name, variants)
        return answer({"EndpointArn": document["EndpointArn"]})

    def delete_endpoint(self) -> ActionResult:
        """Stop serving in the background; the name is free again once DescribeEndpoint does not find it."""
        name = self.request()["EndpointName"]
        with _changing:
            document = ENDPOINT.find(self.region, name)
            if document["EndpointStatus"] in IN_PROGRESS:
                raise _in_progress(document)
            rollout.set_status(name, "Deleting")
        rollout.in_background(rollout.delete, name)
        return answer({})

    def _settled(self, name: str) -> Document:
        """The endpoint, which must be InService.

        Raises:
            AwsError: ValidationException when it is missing, under way or Failed.
        """
        document = ENDPOINT.find(self.region, name)
        status = document["EndpointStatus"]
        if status in IN_PROGRESS:
            raise _in_progress(document)
        if status != "InService":
            message = f'Cannot update endpoint "{document["EndpointArn"]}" in status {status}. Delete it.'
            raise AwsError("ValidationException", message)
        return document


def resume() -> None:
    """After a restart: endpoints serve again, alarms are evaluated again."""
    rollout.resume()
    evaluator.resume()


def shutdown() -> None:
    """Before the end: no alarm acts any more, all fleets stop."""
    evaluator.shutdown()
    rollout.shutdown()


def deployment_config(request: Document, endpoint: Document) -> Document | None:
    """The DeploymentConfig an UpdateEndpoint request asks for, the last one when it is to be retained."""
    if request.get("RetainDeploymentConfig"):
        return endpoint.get("LastDeploymentConfig")
    return request.get("DeploymentConfig")


def configured(config: Document, region: str) -> Content:
    """What an endpoint with this configuration serves.

    Raises:
        AwsError: ValidationException when a model is gone.
    """
    return Content(
        runnable_variants(config["ProductionVariants"], region),
        runnable_variants(config.get("ShadowProductionVariants", []), region),
        config.get("DataCaptureConfig"),
    )


def retained(content: Content, current: Content, request: Document) -> Content:
    """What to serve; with RetainAllVariantProperties weights, counts and data capture stay as they are now.

    Args:
        content: of the new configuration.
        current: in service, with the weights and counts it has now.
        request: of UpdateEndpoint.
    """
    if not request.get("RetainAllVariantProperties"):
        return content
    excluded = {item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties", [])}
    keys = {"DesiredWeight": "InitialVariantWeight", "DesiredInstanceCount": "InitialInstanceCount"}
    kept = [key for property_type, key in keys.items() if property_type not in excluded]
    by_name = {variant["VariantName"]: variant for variant in current.variants}
    merged = []
    for variant in content.variants:
        old = by_name.get(variant["VariantName"], {})
        merged.append({**variant, **{key: old[key] for key in kept if key in old and key in variant}})
    capture = content.data_capture if "DataCaptureConfig" in excluded else current.data_capture
    return Content(merged, content.shadows, capture)


def changed(variants: list[Document], desired: list[Document]) -> list[Document]:
    """Variants with the weights and instance counts of UpdateEndpointWeightsAndCapacities.

    Raises:
        AwsError: ValidationException for a variant the endpoint does not have.
    """
    by_name = {variant["VariantName"]: dict(variant) for variant in variants}
    for wish in desired:
        name = wish["VariantName"]
        if name not in by_name:
            known = ", ".join(by_name)
            raise AwsError(
                "ValidationException", f"Variant {name} is not on the endpoint, which has {known}."
            )
        if "DesiredWeight" in wish:
            by_name[name]["InitialVariantWeight"] = wish["DesiredWeight"]
        if "DesiredInstanceCount" in wish:
            by_name[name]["InitialInstanceCount"] = wish["DesiredInstanceCount"]
    return list(by_name.values())


def _in_progress(document: Document) -> AwsError:
    return AwsError("ValidationException", f'Cannot update in-progress endpoint "{document["EndpointArn"]}".')


def _instances(config: Document) -> int:
    return sum(variant.get("InitialInstanceCount", 1) for variant in config["ProductionVariants"])
