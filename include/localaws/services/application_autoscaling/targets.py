"""Scalable targets and scaling policies as documents, and what may be asked of them."""

from __future__ import annotations

import re
import uuid
from typing import Any, NamedTuple

from localaws import ACCOUNT_ID, state
from localaws.protocol import AwsError, not_implemented
from localaws.services.cloudwatch import alarms
from localaws.services.cloudwatch.evaluator import evaluator
from localaws.services.sagemaker.resources import ENDPOINT

Document = dict[str, Any]

TARGET, POLICY, ACTIVITY = "ScalableTarget", "ScalingPolicy", "ScalingActivity"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
METRIC = "SageMakerVariantInvocationsPerInstance"
DEFAULT_COOLDOWN_SECONDS = 300
ROLE = (
    f"arn:aws:iam::{ACCOUNT_ID}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
_RESOURCE = re.compile(r"endpoint/(?P<endpoint>[^/]+)/variant/(?P<variant>[^/]+)")
# AlarmHigh at the target for three minutes, AlarmLow at nine tenths of it for fifteen, as AWS makes them.
_ALARMS = (
    ("AlarmHigh", "GreaterThanThreshold", 3, 1.0),
    ("AlarmLow", "LessThanThreshold", 15, 0.9),
)


class Key(NamedTuple):
    """What is scaled."""

    region: str
    resource_id: str
    dimension: str

    @classmethod
    def of(cls, region: str, request: Document) -> Key:
        """Of a request; raises `AwsError` NotImplementedException for all but SageMaker's instance counts."""
        if request["ServiceNamespace"] != "sagemaker":
            raise not_implemented(f"Application Auto Scaling: ServiceNamespace {request['ServiceNamespace']}")
        if request["ScalableDimension"] != DIMENSION:
            raise not_implemented(f"Application Auto Scaling: {request['ScalableDimension']}")
        return cls(region, request["ResourceId"], request["ScalableDimension"])

    @property
    def name(self) -> str:
        """Of the document."""
        return "|".join(self)

    @property
    def members(self) -> Document:
        """As they are in answers."""
        return {
            "ServiceNamespace": "sagemaker",
            "ResourceId": self.resource_id,
            "ScalableDimension": self.dimension,
        }

    def variant(self) -> tuple[str, str]:
        """Endpoint and variant; raises `AwsError` ValidationException for another kind of resource."""
        found = _RESOURCE.fullmatch(self.resource_id)
        if found is None:
            message = "Unsupported service namespace, resource type or scalable dimension"
            raise AwsError("ValidationException", message)
        return found["endpoint"], found["variant"]


def in_service(key: Key) -> Document:
    """The variant of an endpoint that is InService.

    Raises:
        AwsError: ValidationException when it is missing, not InService, or has no instances to count.
    """
    endpoint_name, variant_name = key.variant()
    endpoint = state.store().get(ENDPOINT.kind, endpoint_name)
    if endpoint is None:
        raise AwsError("ValidationException", f"SageMaker endpoint does not exist: {endpoint_name}")
    if endpoint["EndpointStatus"] != "InService":
        message = (
            f"The endpoint {endpoint_name} is in status {endpoint['EndpointStatus']}; it must be InService."
        )
        raise AwsError("ValidationException", message)
    for variant in endpoint["Variants"]:
        if variant["VariantName"] == variant_name:
            return _countable(variant)
    raise AwsError("ValidationException", f"SageMaker variant does not exist: {key.resource_id}")


def _countable(variant: Document) -> Document:
    instance_type = variant.get("InstanceType", "a serverless variant")
    if "ServerlessConfig" in variant or instance_type.startswith("ml.t2."):
        message = f"{DIMENSION} is not supported for {instance_type}."
        raise AwsError("ValidationException", message)
    return variant


def missing(key: Key, what: str = "scalable target registered") -> AwsError:
    """The error of what is not there."""
    return AwsError(
        "ObjectNotFoundException",
        f"No {what} found for service namespace: sagemaker, resource ID: {key.resource_id}, "
        f"scalable dimension: {key.dimension}",
    )


def target_of(key: Key) -> Document:
    """A registered target; raises `AwsError` ObjectNotFoundException."""
    target = state.store().get(TARGET, key.name)
    if target is None:
        raise missing(key)
    return target


def register(key: Key, request: Document) -> Document:
    """Register or change a target, within whose bounds the variant is from now on."""
    former = state.store().get(TARGET, key.name)
    bounds: Document = {name: request[name] for name in ("MinCapacity", "MaxCapacity") if name in request}
    merged: Document = {**(former or {}), **bounds}
    if not {"MinCapacity", "MaxCapacity"} <= set(merged):
        raise AwsError("ValidationException", "MinCapacity and MaxCapacity are required for a new target.")
    if merged["MinCapacity"] > merged["MaxCapacity"]:
        raise AwsError("ValidationException", "Maximum capacity cannot be less than minimum capacity")
    arn = f"arn:aws:application-autoscaling:{key.region}:{ACCOUNT_ID}:scalable-target/{uuid.uuid4().hex}"
    created = {"ScalableTargetARN": arn, "CreationTime": state.now(), "SuspendedState": _NOT_SUSPENDED}
    suspended: Document = {
        **merged.get("SuspendedState", _NOT_SUSPENDED),
        **request.get("SuspendedState", {}),
    }
    document = {**created, **key.members, **merged, "SuspendedState": suspended, "Region": key.region}
    document["RoleARN"] = request.get("RoleARN", document.get("RoleARN", ROLE))
    state.store().put(TARGET, key.name, document)
    return document


_NOT_SUSPENDED = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}


def deregister(key: Key) -> None:
    """Forget a target, its policies and their alarms; raises `AwsError` when there is none."""
    target_of(key)
    for policy in policies(key):
        remove_policy(policy)
    state.store().delete(TARGET, key.name)


def policies(key: Key) -> list[Document]:
    """The policies of a target."""
    members = {**key.members, "Region": key.region}
    return [policy for policy in state.store().items(POLICY) if members.items() <= policy.items()]


def put_policy(key: Key, request: Document) -> Document:
    """Create or change a target tracking policy, and its two alarms."""
    target_of(key)
    config = request["TargetTrackingScalingPolicyConfiguration"]
    name = request["PolicyName"]
    former = next((policy for policy in policies(key) if policy["PolicyName"] == name), None)
    place = f"resource/sagemaker/{key.resource_id}:policyName/{name}"
    arn = f"arn:aws:autoscaling:{key.region}:{ACCOUNT_ID}:scalingPolicy:{uuid.uuid4()}:{place}"
    arn = former["PolicyARN"] if former else arn
    if former:
        remove_policy(former)
    document = {
        **key.members,
        "Region": key.region,
        "PolicyName": name,
        "PolicyARN": arn,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": config,
        "Alarms": _create_alarms(key, arn, config),
        "CreationTime": former["CreationTime"] if former else state.now(),
    }
    state.store().put(POLICY, arn, document)
    return document


def remove_policy(policy: Document) -> None:
    """Forget a policy and its alarms."""
    for alarm in policy["Alarms"]:
        alarms.delete(policy["Region"], alarm["AlarmName"])
    state.store().delete(POLICY, policy["PolicyARN"])


def _create_alarms(key: Key, policy_arn: str, config: Document) -> list[Document]:
    made = []
    for kind, comparison, periods, factor in _ALARMS:
        name = f"TargetTracking-{key.resource_id}-{kind}-{uuid.uuid4()}"
        text = f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy_arn}."
        alarms.put(
            key.region,
            {
                **_metric(key, config),
                "AlarmName": name,
                "AlarmDescription": text,
                "ComparisonOperator": comparison,
                "EvaluationPeriods": periods,
                "Threshold": config["TargetValue"] * factor,
                "Period": 60,
                "AlarmActions": [policy_arn],
            },
        )
        made.append({"AlarmName": name, "AlarmARN": alarms.arn(key.region, name)})
    evaluator.start()
    return made


def _metric(key: Key, config: Document) -> Document:
    custom = config.get("CustomizedMetricSpecification")
    if custom:
        return {"Dimensions": [], **custom}
    endpoint, variant = key.variant()
    return {
        "Namespace": "AWS/SageMaker",
        "MetricName": "InvocationsPerInstance",
        "Dimensions": [
            {"Name": "EndpointName", "Value": endpoint},
            {"Name": "VariantName", "Value": variant},
        ],
        "Statistic": "Sum",
    }
