"""Autoscaling of the live variant: taken off before an update, put on again after it.

An update that changes what a scalable target stands on is refused while it is registered:
https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling.html. A tag of the endpoint says that it is
off for an update: a task that dies in between leaves it to its next try, or to the report of any run.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sentiment_retrain.endpoint.requests import VARIANT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.settings.deployment import Autoscaling

log = logging.getLogger(__name__)

SERVICE = "application-autoscaling"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
METRIC = "SageMakerVariantInvocationsPerInstance"
#: Tag of the endpoint: whether its scaling is off for an update.
TAG, OFF, ON = "retrain:autoscaling", "off", "on"


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


def suspend(aws: Aws, endpoint: Mapping[str, Any]) -> bool:
    """Stop scaling for an update, which deletes its policies and alarms.

    :param endpoint: its description
    :returns: whether it was scaled, also when an earlier try has stopped that already
    """
    name, arn = endpoint["EndpointName"], endpoint["EndpointArn"]
    if not is_registered(aws, name):
        return _is_off(aws, arn)
    # First the note, so that a task that dies in between is found out.
    aws.add_tag(arn, TAG, OFF)
    aws.call(SERVICE, "deregister_scalable_target", **_target(name))
    log.info("autoscaling of %s deregistered", name)
    return True


def resume(aws: Aws, endpoint: Mapping[str, Any], rules: Autoscaling | None) -> str | None:
    """Scale as the configuration says, not at all where it says nothing; what was done in words.

    :param endpoint: its description; it is in service
    """
    name, arn = endpoint["EndpointName"], endpoint["EndpointArn"]
    said = _register(aws, name, rules) if rules else _deregister(aws, name)
    if _is_off(aws, arn):
        aws.add_tag(arn, TAG, ON)
    return said


def restore(aws: Aws, endpoint_name: str, rules: Autoscaling | None) -> str | None:
    """Put on what an update that nobody waits for any more has left off; None when nothing was.

    AWS registers a variant of an endpoint in service only, so that one that still changes is left to the
    next run.
    """
    endpoint = aws.find("describe_endpoint", EndpointName=endpoint_name)
    if endpoint is None or not _is_off(aws, endpoint["EndpointArn"]):
        return None
    if endpoint["EndpointStatus"] != "InService":
        log.warning(
            "autoscaling of %s is off and the endpoint is %s: the next run's report puts it on again",
            endpoint_name,
            endpoint["EndpointStatus"],
        )
        return None
    log.warning("an update of %s was left without anybody; its autoscaling is restored", endpoint_name)
    return resume(aws, endpoint, rules)


def _is_off(aws: Aws, endpoint_arn: str) -> bool:
    return aws.tags(endpoint_arn).get(TAG) == OFF


def _deregister(aws: Aws, endpoint_name: str) -> str | None:
    if not is_registered(aws, endpoint_name):
        return None
    aws.call(SERVICE, "deregister_scalable_target", **_target(endpoint_name))
    return "deregistered"


def _register(aws: Aws, endpoint_name: str, rules: Autoscaling) -> str:
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
