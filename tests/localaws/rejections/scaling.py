"""Application Auto Scaling of endpoints."""

from __future__ import annotations

from rejections import MODEL, MODEL_TEXT, REMOVED, Operation, contract

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
DEREGISTER = Operation(
    "application-autoscaling",
    "DeregisterScalableTarget",
    TARGET | {"ResourceId": "endpoint/@missing/variant/all"},
    "ObjectNotFoundException",
)
DELETE_POLICY = Operation(
    "application-autoscaling",
    "DeleteScalingPolicy",
    TARGET | {"PolicyName": "@missing"},
    "ObjectNotFoundException",
)
TARGETS = Operation("application-autoscaling", "DescribeScalableTargets", {"ServiceNamespace": "sagemaker"})
POLICIES = Operation("application-autoscaling", "DescribeScalingPolicies", {"ServiceNamespace": "sagemaker"})
ACTIVITIES = Operation(
    "application-autoscaling", "DescribeScalingActivities", {"ServiceNamespace": "sagemaker"}
)

FREE = "endpoint/@endpoint/variant/more"
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
    REGISTER.refused(
        "new target without a minimum", {"ResourceId": FREE, "MinCapacity": REMOVED}, "", MODEL_TEXT
    ),
    REGISTER.refused(
        "new target without a maximum", {"ResourceId": FREE, "MaxCapacity": REMOVED}, "", MODEL_TEXT
    ),
    REGISTER.refused("minimum above the maximum", {"MinCapacity": 5}, "", MODEL_TEXT),
    REGISTER.refused("resource that is no variant", {"ResourceId": "endpoint/@endpoint"}, "", RULES),
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
    POLICY.refused(
        "target that is not registered",
        {"ResourceId": "endpoint/@missing/variant/all"},
        "",
        RULES,
        "ObjectNotFoundException",
    ),
    DEREGISTER.refused("target that is not registered", {}, "", RULES),
    DELETE_POLICY.refused("policy that is not there", {}, "", RULES),
    TARGETS.refused("no service", {"ServiceNamespace": REMOVED}, "serviceNamespace", MODEL),
    POLICIES.refused("unknown service", {"ServiceNamespace": "bedrock"}, ENUM, MODEL),
    ACTIVITIES.refused("unknown service", {"ServiceNamespace": "bedrock"}, ENUM, MODEL),
]

ACCEPTED = [
    ACTIVITIES.accepted("all"),
    REGISTER.accepted("plain", source=RULES),
    REGISTER.accepted("again, with another maximum", {"MaxCapacity": 2}, RULES),
    POLICY.accepted("target tracking", source=RULES),
    TARGETS.accepted("all"),
    POLICIES.accepted("all"),
]
