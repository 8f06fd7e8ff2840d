"""Endpoints, their deployments and invocations."""

from __future__ import annotations

from rejections import MODEL, MODEL_TEXT, REMOVED, Operation, contract

CREATE = Operation("sagemaker", "CreateEndpoint", {"EndpointName": "@new", "EndpointConfigName": "@missing"})
CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 30},
            "WaitIntervalInSeconds": 60,
        },
        "TerminationWaitInSeconds": 60,
        "MaximumExecutionTimeoutInSeconds": 1800,
    },
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "@alarm"}]},
}
UPDATE = Operation(
    "sagemaker",
    "UpdateEndpoint",
    {"EndpointName": "@endpoint", "EndpointConfigName": "@config", "DeploymentConfig": CANARY},
)
WEIGHTS = Operation(
    "sagemaker",
    "UpdateEndpointWeightsAndCapacities",
    {
        "EndpointName": "@endpoint",
        "DesiredWeightsAndCapacities": [{"VariantName": "all", "DesiredWeight": 1}],
    },
)
INVOKE = Operation(
    "sagemaker-runtime",
    "InvokeEndpoint",
    {"EndpointName": "@endpoint", "Body": b"hello\n", "ContentType": "text/csv"},
    "ValidationError",
)
DESCRIBE_ENDPOINT = Operation("sagemaker", "DescribeEndpoint", {"EndpointName": "@endpoint"})
DELETE_ENDPOINT = Operation("sagemaker", "DeleteEndpoint", {"EndpointName": "@missing"})
LIST_ENDPOINTS = Operation("sagemaker", "ListEndpoints", {"MaxResults": 10})

NAMES = contract("5")
VARIANTS = contract("4.3")
NOT_FOUND = contract("5 missing resources")
PATTERN = "Member must satisfy regular expression pattern"
LONGEST = "Member must have length less than or equal to"
ENUM = "Member must satisfy enum value set"
POLICY = "DeploymentConfig.BlueGreenUpdatePolicy"
ROUTING = f"{POLICY}.TrafficRoutingConfiguration"
LINEAR = {"Type": "LINEAR", "WaitIntervalInSeconds": 0}

REFUSED = [
    CREATE.refused("missing configuration", {}, "Could not find endpoint configuration", NOT_FOUND),
    CREATE.refused("underscore in the name", {"EndpointName": "a_b"}, PATTERN, NAMES),
    CREATE.refused(
        "taken name",
        {"EndpointName": "@endpoint", "EndpointConfigName": "@config"},
        "already existing endpoint",
        NAMES,
    ),
    UPDATE.refused("missing endpoint", {"EndpointName": "@missing"}, "Could not find endpoint", NOT_FOUND),
    UPDATE.refused(
        "missing configuration", {"EndpointConfigName": "@missing"}, "Could not find endpoint conf", NOT_FOUND
    ),
    UPDATE.refused(
        "canary above half", {f"{ROUTING}.CanarySize.Value": 51}, "CanarySize must be at most 50%", VARIANTS
    ),
    UPDATE.refused("canary without a size", {f"{ROUTING}.CanarySize": REMOVED}, "CanarySize", VARIANTS),
    UPDATE.refused("linear without a step", {ROUTING: LINEAR}, "LinearStepSize", VARIANTS),
    UPDATE.refused(
        "linear in steps of 5 percent",
        {ROUTING: LINEAR | {"LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 5}}},
        "LinearStepSize",
        VARIANTS,
    ),
    UPDATE.refused(
        "wait of more than an hour",
        {f"{ROUTING}.WaitIntervalInSeconds": 3601},
        "less than or equal to 3600",
        VARIANTS,
    ),
    UPDATE.refused(
        "timeout of 599 seconds",
        {f"{POLICY}.MaximumExecutionTimeoutInSeconds": 599},
        "greater than or equal to 600",
        VARIANTS,
    ),
    UPDATE.refused(
        "timeout below the sum of waits",
        {f"{ROUTING}.WaitIntervalInSeconds": 3000},
        "MaximumExecutionTimeoutInSeconds",
        VARIANTS,
    ),
    UPDATE.refused("unknown routing", {f"{ROUTING}.Type": "RANDOM"}, ENUM, VARIANTS),
    UPDATE.refused(
        "11 alarms",
        {"DeploymentConfig.AutoRollbackConfiguration.Alarms": [{"AlarmName": f"a{n}"} for n in range(11)]},
        f"{LONGEST} 10",
        VARIANTS,
    ),
    UPDATE.refused(
        "alarm that does not exist",
        {"DeploymentConfig.AutoRollbackConfiguration.Alarms": [{"AlarmName": "@missing"}]},
        "alarm",
        VARIANTS,
    ),
    WEIGHTS.refused("missing endpoint", {"EndpointName": "@missing"}, "Could not find endpoint", NOT_FOUND),
    WEIGHTS.refused(
        "variant that the endpoint does not have",
        {"DesiredWeightsAndCapacities.0.VariantName": "other"},
        "other",
        MODEL_TEXT,
    ),
    WEIGHTS.refused(
        "negative weight", {"DesiredWeightsAndCapacities.0.DesiredWeight": -1.0}, "desiredWeight", MODEL
    ),
    WEIGHTS.refused("no variant", {"DesiredWeightsAndCapacities": []}, "length greater than", MODEL),
    DESCRIBE_ENDPOINT.refused("missing", {"EndpointName": "@missing"}, "Could not find endpoint", NOT_FOUND),
    DELETE_ENDPOINT.refused("missing", {}, "Could not find endpoint", NOT_FOUND),
    LIST_ENDPOINTS.refused("unknown status", {"StatusEquals": "Ready"}, ENUM, VARIANTS),
    INVOKE.refused("missing endpoint", {"EndpointName": "@missing"}, "not found", VARIANTS),
    INVOKE.refused("bad name", {"EndpointName": "a_b"}, PATTERN, NAMES),
    INVOKE.refused("missing variant", {"TargetVariant": "other"}, "other", VARIANTS),
    INVOKE.refused("bad inference id", {"InferenceId": "é" * 65}, "inferenceId", MODEL),
    INVOKE.refused("content type of 1025", {"ContentType": "t" * 1025}, f"{LONGEST} 1024", MODEL),
]

ACCEPTED = [
    WEIGHTS.accepted("weight"),
    WEIGHTS.accepted("weight of nothing", {"DesiredWeightsAndCapacities.0.DesiredWeight": 0}),
    DESCRIBE_ENDPOINT.accepted("there"),
    LIST_ENDPOINTS.accepted("every filter", {"StatusEquals": "InService", "SortBy": "Name"}),
    INVOKE.accepted("plain"),
    INVOKE.accepted("variant", {"TargetVariant": "all"}),
    INVOKE.accepted("inference id", {"InferenceId": "request-1"}),
]
