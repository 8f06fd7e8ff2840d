"""Autoscaling of the live variant: taken off before an update, put on again after it.

An update that changes what a scalable target stands on is refused while it is registered:
https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling.html.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sentiment_retrain.endpoint.requests import VARIANT

if TYPE_CHECKING:
    from sentiment_retrain.hooks import Aws
    from sentiment_retrain.settings_deployment import Autoscaling

log = logging.getLogger(__name__)

SERVICE = "application-autoscaling"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
METRIC = "SageMakerVariantInvocationsPerInstance"


def _target(endpoint_name: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint_name}/variant/{VARIANT}",
        "ScalableDimension": DIMENSION,
    }


def is_registered(aws: Aws, endpoint_name: str) -> bool:
    """Whether the live variant is scaled."""
    target = _target(endpoint_name)
    found = aws.call(
        SERVICE,
        "describe_scalable_targets",
        ServiceNamespace=target["ServiceNamespace"],
        ResourceIds=[target["ResourceId"]],
        ScalableDimension=DIMENSION,
    )
    return bool(found["ScalableTargets"])


def deregister(aws: Aws, endpoint_name: str) -> bool:
    """Stop scaling, which deletes its policies and alarms; False when nothing was scaled."""
    if not is_registered(aws, endpoint_name):
        return False
    aws.call(SERVICE, "deregister_scalable_target", **_target(endpoint_name))
    log.info("autoscaling of %s deregistered", endpoint_name)
    return True


def register(aws: Aws, endpoint_name: str, rules: Autoscaling | None) -> str | None:
    """Scale as the configuration says, not at all where it says nothing; what was done in words."""
    if rules is None:
        return "deregistered" if deregister(aws, endpoint_name) else None
    target = _target(endpoint_name)
    aws.call(
        SERVICE, "register_scalable_target", **target, MinCapacity=rules.minimum, MaxCapacity=rules.maximum
    )
    aws.call(
        SERVICE,
        "put_scaling_policy",
        **target,
        PolicyName=f"{endpoint_name}-invocations",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": rules.target_invocations,
            "PredefinedMetricSpecification": {"PredefinedMetricType": METRIC},
            "ScaleInCooldown": rules.scale_in_seconds,
            "ScaleOutCooldown": rules.scale_out_seconds,
        },
    )
    words = (
        f"{rules.minimum} to {rules.maximum} instances, {rules.target_invocations:g} requests a minute each"
    )
    log.info("autoscaling of %s: %s", endpoint_name, words)
    return words
