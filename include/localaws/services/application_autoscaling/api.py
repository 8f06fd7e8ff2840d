"""Application Auto Scaling: target tracking of SageMaker variants, which really changes what runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from moto.core.responses import BaseResponse

from localaws import state
from localaws.protocol import AwsError, StrictResponse, answer, not_implemented
from localaws.services.application_autoscaling import scaling, targets
from localaws.services.application_autoscaling.targets import Key

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

Document = dict[str, Any]

_PAGE = 50


class ApplicationAutoScaling(StrictResponse, BaseResponse):
    """Scalable targets, target tracking policies, activities; nothing of moto's."""

    region: str

    def __init__(self) -> None:
        super().__init__(service_name="application-autoscaling")

    def register_scalable_target(self) -> ActionResult:
        """Register a variant of an endpoint in service; its count is brought within the bounds."""
        request = self.request()
        key = Key.of(self.region, request)
        targets.in_service(key)
        target = targets.register(key, request)
        threading.Thread(
            target=scaling.keep_within_bounds, args=(key, target), name="scaling-bounds", daemon=True
        ).start()
        return answer({"ScalableTargetARN": target["ScalableTargetARN"]})

    def deregister_scalable_target(self) -> ActionResult:
        """Forget a target with its policies and alarms."""
        key = Key.of(self.region, self.request())
        targets.deregister(key)
        return answer({})

    def describe_scalable_targets(self) -> ActionResult:
        """Targets by resource and dimension."""
        request = self.request()
        found = [
            target
            for target in self._items(targets.TARGET, request)
            if "ResourceIds" not in request or target["ResourceId"] in request["ResourceIds"]
        ]
        page, token = _paged(found, request)
        return answer({"ScalableTargets": page, "NextToken": token})

    def put_scaling_policy(self) -> ActionResult:
        """Create or change a target tracking policy; AlarmHigh and AlarmLow come with it."""
        request = self.request()
        key = Key.of(self.region, request)
        targets.target_of(key)
        check_policy(request)
        policy = targets.put_policy(key, request)
        return answer({"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]})

    def describe_scaling_policies(self) -> ActionResult:
        """Policies by name, resource and dimension."""
        request = self.request()
        found = [
            policy
            for policy in self._items(targets.POLICY, request)
            if "PolicyNames" not in request or policy["PolicyName"] in request["PolicyNames"]
        ]
        page, token = _paged(found, request)
        return answer({"ScalingPolicies": page, "NextToken": token})

    def delete_scaling_policy(self) -> ActionResult:
        """Forget a policy with its alarms."""
        request = self.request()
        key = Key.of(self.region, request)
        for policy in targets.policies(key):
            if policy["PolicyName"] == request["PolicyName"]:
                targets.remove_policy(policy)
                return answer({})
        raise targets.missing(key, f"scaling policy named {request['PolicyName']}")

    def describe_scaling_activities(self) -> ActionResult:
        """What was scaled and why, the newest first."""
        request = self.request()
        if request.get("IncludeNotScaledActivities"):
            raise not_implemented("DescribeScalingActivities: IncludeNotScaledActivities")
        page, token = _paged(list(reversed(self._items(targets.ACTIVITY, request))), request)
        return answer({"ScalingActivities": page, "NextToken": token})

    def _items(self, kind: str, request: Document) -> list[Document]:
        if request["ServiceNamespace"] != "sagemaker":
            raise not_implemented(f"Application Auto Scaling: ServiceNamespace {request['ServiceNamespace']}")
        if "ScalableDimension" in request and "ResourceId" not in request and "ResourceIds" not in request:
            message = "Resource ID must be specified when scalable dimension is"
            raise AwsError("ValidationException", f"{message} {request['ScalableDimension']}.")
        wanted: Document = {"Region": self.region}
        wanted |= {name: request[name] for name in ("ResourceId", "ScalableDimension") if name in request}
        return [item for item in state.store().items(kind) if wanted.items() <= item.items()]


def check_policy(request: Document) -> None:
    """What works is target tracking on a predefined metric, or on one metric; raises `AwsError`."""
    kind = request.get("PolicyType", "StepScaling")
    if kind != "TargetTrackingScaling":
        raise not_implemented(f"PutScalingPolicy: PolicyType {kind}")
    config = request.get("TargetTrackingScalingPolicyConfiguration")
    if config is None:
        message = "TargetTrackingScalingPolicyConfiguration is required for PolicyType TargetTrackingScaling."
        raise AwsError("ValidationException", message)
    predefined, custom = (config.get(f"{kind}MetricSpecification") for kind in ("Predefined", "Customized"))
    if (predefined is None) == (custom is None):
        message = "Exactly one of Predefined- and CustomizedMetricSpecification is required."
        raise AwsError("ValidationException", message)
    if config["TargetValue"] <= 0:
        raise AwsError("ValidationException", "TargetValue must be greater than 0.")
    if predefined and predefined["PredefinedMetricType"] != targets.METRIC:
        raise not_implemented(f"PutScalingPolicy: PredefinedMetricType {predefined['PredefinedMetricType']}")
    if custom and "Metrics" in custom:
        raise not_implemented("PutScalingPolicy: CustomizedMetricSpecification.Metrics")
    if custom and not {"MetricName", "Namespace", "Statistic"} <= set(custom):
        message = "CustomizedMetricSpecification needs MetricName, Namespace and Statistic."
        raise AwsError("ValidationException", message)


def _paged(found: list[Document], request: Document) -> tuple[list[Document], str | None]:
    token = request.get("NextToken", "0")
    if not token.isdigit():
        raise AwsError("InvalidNextTokenException", "The next token supplied is invalid.")
    begin = int(token)
    end = begin + request.get("MaxResults", _PAGE)
    return found[begin:end], str(end) if end < len(found) else None
