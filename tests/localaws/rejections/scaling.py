"""Application Auto Scaling of endpoints."""

from __future__ import annotations

from rejections import MODEL, REMOVED, Operation, contract

TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/@endpoint/variant/all",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
REGISTER = Operation(
    "application-autoscaling", "RegisterScalableTarget", TARGET | {"MinCapacity": 1, "MaxCapacity": 4}
)
TRACKING = {
    "TargetValue": 70.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    "ScaleInCooldown": 300,
    "ScaleOutCooldown": 60,
}
POLICY = Operation(
    "application-autoscaling",
    "PutScalingPolicy",
    TARGET
    | {
        "PolicyName": "@new",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": TRACKING,
    },
)
TARGETS = Operation("application-autoscaling", "DescribeScalableTargets", {"ServiceNamespace": "sagemaker"})
POLICIES = Operation("application-autoscaling", "DescribeScalingPolicies", {"ServiceNamespace": "sagemaker"})

RULES = contract("4.4")
ENUM = "Member must satisfy enum value set"
LONGEST = "Member must have length less than or equal to"
CONFIGURATION = "TargetTrackingScalingPolicyConfiguration"

REFUSED = [
    REGISTER.refused("no service", {"ServiceNamespace": REMOVED}, "serviceNamespace", MODEL),
    REGISTER.refused("unknown service", {"ServiceNamespace": "bedrock"}, ENUM, MODEL),
    REGISTER.refused("no resource", {"ResourceId": REMOVED}, "resourceId", MODEL),
    REGISTER.refused("resource of 1601 characters", {"ResourceId": "r" * 1601}, f"{LONGEST} 1600", MODEL),
    REGISTER.refused("unknown dimension", {"ScalableDimension": "sagemaker:variant:Speed"}, ENUM, MODEL),
    POLICY.refused("no name", {"PolicyName": REMOVED}, "policyName", MODEL),
    POLICY.refused("name of 257 characters", {"PolicyName": "p" * 257}, f"{LONGEST} 256", contract("5")),
    POLICY.refused("unknown type", {"PolicyType": "Guessing"}, ENUM, MODEL),
    POLICY.refused("no value", {f"{CONFIGURATION}.TargetValue": REMOVED}, "targetValue", MODEL),
    POLICY.refused(
        "unknown metric",
        {f"{CONFIGURATION}.PredefinedMetricSpecification": {"PredefinedMetricType": "Mood"}},
        ENUM,
        MODEL,
    ),
    TARGETS.refused("no service", {"ServiceNamespace": REMOVED}, "serviceNamespace", MODEL),
    POLICIES.refused("unknown service", {"ServiceNamespace": "bedrock"}, ENUM, MODEL),
]

ACCEPTED = [
    REGISTER.accepted("plain", source=RULES),
    REGISTER.accepted("again, with another maximum", {"MaxCapacity": 2}, RULES),
    POLICY.accepted("target tracking", source=RULES),
    TARGETS.accepted("all"),
    POLICIES.accepted("all"),
]
