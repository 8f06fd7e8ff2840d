"""Models and endpoint configurations."""

from __future__ import annotations

from rejections import ASSUME, ELSEWHERE, MODEL, MODEL_TEXT, REMOVED, REPORTS, ROLES, Operation, contract

CONTAINER = {"Image": "@image", "ModelDataUrl": "s3://@bucket/model.tar.gz"}
CREATE_MODEL = Operation(
    "sagemaker",
    "CreateModel",
    {"ModelName": "@new", "PrimaryContainer": CONTAINER, "ExecutionRoleArn": "@role"},
)
PIPELINE = Operation(
    "sagemaker",
    "CreateModel",
    {"ModelName": "@new", "Containers": [CONTAINER, CONTAINER], "ExecutionRoleArn": "@role"},
)
VARIANT = {
    "VariantName": "all",
    "ModelName": "@model",
    "InitialInstanceCount": 1,
    "InstanceType": "ml.m5.large",
}
CONFIGURE = Operation(
    "sagemaker", "CreateEndpointConfig", {"EndpointConfigName": "@new", "ProductionVariants": [VARIANT]}
)
SERVERLESS = Operation(
    "sagemaker",
    "CreateEndpointConfig",
    {
        "EndpointConfigName": "@new",
        "ProductionVariants": [
            {
                "VariantName": "all",
                "ModelName": "@model",
                "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
            }
        ],
    },
)
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://@bucket/capture",
    "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
}
DESCRIBE_MODEL = Operation("sagemaker", "DescribeModel", {"ModelName": "@model"})
DELETE_MODEL = Operation("sagemaker", "DeleteModel", {"ModelName": "@missing"})
DESCRIBE_CONFIG = Operation("sagemaker", "DescribeEndpointConfig", {"EndpointConfigName": "@config"})
DELETE_CONFIG = Operation("sagemaker", "DeleteEndpointConfig", {"EndpointConfigName": "@missing"})
LIST_MODELS = Operation("sagemaker", "ListModels", {"MaxResults": 10})
LIST_CONFIGS = Operation("sagemaker", "ListEndpointConfigs", {"MaxResults": 10})

NAMES = contract("5")
HOSTING = contract("4.1")
VARIANTS = contract("4.3")
NOT_FOUND = contract("5 missing resources")
PATTERN = "Member must satisfy regular expression pattern"
LONGEST = "Member must have length less than or equal to"
ENUM = "Member must satisfy enum value set"
FIRST = "ProductionVariants.0"

REFUSED = [
    CREATE_MODEL.refused("underscore in the name", {"ModelName": "a_b"}, PATTERN, NAMES),
    CREATE_MODEL.refused("name of 64 characters", {"ModelName": "a" * 64}, f"{LONGEST} 63", NAMES),
    CREATE_MODEL.refused(
        "role that does not exist", {"ExecutionRoleArn": "arn:aws:iam::@account:role/@missing"}, ASSUME, ROLES
    ),
    CREATE_MODEL.refused(
        "role of another account",
        {"ExecutionRoleArn": "arn:aws:iam::210987654321:role/r"},
        "Cross-account pass role is not allowed",
        ROLES,
        code="AccessDeniedException",
    ),
    CREATE_MODEL.refused(
        "role that is no ARN", {"ExecutionRoleArn": "sentiment-retrain-role"}, PATTERN, NAMES
    ),
    CREATE_MODEL.refused("no container", {"PrimaryContainer": REMOVED}, "Containers", HOSTING),
    CREATE_MODEL.refused("container and pipeline", {"Containers": [CONTAINER, CONTAINER]}, "", HOSTING),
    CREATE_MODEL.refused(
        "image of another region",
        {"PrimaryContainer.Image": ELSEWHERE},
        f'Region of "{ELSEWHERE}" does not match expected region of us-east-1. '
        "Cross region ECR image pulls are not allowed.",
        REPORTS,
    ),
    CREATE_MODEL.refused("no image", {"PrimaryContainer.Image": REMOVED}, "Image", MODEL_TEXT),
    CREATE_MODEL.refused(
        "artifacts that are not there",
        {"PrimaryContainer.ModelDataUrl": "s3://@bucket/missing/model.tar.gz"},
        "Could not find model data at",
        MODEL_TEXT,
    ),
    CREATE_MODEL.refused(
        "artifacts that are no tar.gz",
        {"PrimaryContainer.ModelDataUrl": "s3://@bucket/data/rows.csv"},
        "tar.gz",
        HOSTING,
    ),
    CREATE_MODEL.refused(
        "artifacts outside S3", {"PrimaryContainer.ModelDataUrl": "ftp://b/model.tar.gz"}, PATTERN, NAMES
    ),
    CREATE_MODEL.refused(
        "101 environment variables",
        {"PrimaryContainer.Environment": {f"V{n}": "1" for n in range(101)}},
        f"{LONGEST} 100",
        HOSTING,
    ),
    CREATE_MODEL.refused(
        "environment value of 1025 characters",
        {"PrimaryContainer.Environment": {"A": "x" * 1025}},
        f"{LONGEST} 1024",
        HOSTING,
    ),
    CREATE_MODEL.refused("unknown mode", {"PrimaryContainer.Mode": "Dual"}, ENUM, MODEL),
    CREATE_MODEL.refused("taken name", {"ModelName": "@model"}, "already existing model", NAMES),
    CREATE_MODEL.refused(
        "package that does not exist",
        {"PrimaryContainer": {"ModelPackageName": "@missing"}},
        "does not exist",
        contract("4.6"),
    ),
    PIPELINE.refused("16 containers", {"Containers": [CONTAINER] * 16}, f"{LONGEST} 15", HOSTING),
    PIPELINE.refused("pipeline of none", {"Containers": []}, "Containers", HOSTING),
    PIPELINE.refused(
        "hostname for one container of two",
        {"Containers": [CONTAINER | {"ContainerHostname": "first"}, CONTAINER]},
        "ContainerHostname",
        MODEL_TEXT,
    ),
    PIPELINE.refused(
        "hostname twice",
        {"Containers": [CONTAINER | {"ContainerHostname": "same"}] * 2},
        "ContainerHostname",
        MODEL_TEXT,
    ),
    PIPELINE.refused(
        "hostname with an underscore",
        {"Containers": [CONTAINER | {"ContainerHostname": "a_b"}] * 2},
        PATTERN,
        NAMES,
    ),
    CONFIGURE.refused("underscore in the name", {"EndpointConfigName": "a_b"}, PATTERN, NAMES),
    CONFIGURE.refused("taken name", {"EndpointConfigName": "@config"}, "already existing", NAMES),
    CONFIGURE.refused("no variant", {"ProductionVariants": []}, "length greater than or equal to 1", MODEL),
    CONFIGURE.refused(
        "11 variants",
        {"ProductionVariants": [VARIANT | {"VariantName": f"v{n}"} for n in range(11)]},
        f"{LONGEST} 10",
        VARIANTS,
    ),
    CONFIGURE.refused("variant twice", {"ProductionVariants": [VARIANT, VARIANT]}, "all", MODEL_TEXT),
    CONFIGURE.refused("variant without a name", {f"{FIRST}.VariantName": REMOVED}, "variantName", MODEL),
    CONFIGURE.refused("variant with a dot", {f"{FIRST}.VariantName": "a.b"}, PATTERN, NAMES),
    CONFIGURE.refused("missing model", {f"{FIRST}.ModelName": "@missing"}, "Could not find model", NOT_FOUND),
    CONFIGURE.refused("no instance type", {f"{FIRST}.InstanceType": REMOVED}, "InstanceType", VARIANTS),
    CONFIGURE.refused(
        "no instance count", {f"{FIRST}.InitialInstanceCount": REMOVED}, "InitialInstanceCount", VARIANTS
    ),
    CONFIGURE.refused("no instance", {f"{FIRST}.InitialInstanceCount": 0}, "initialInstanceCount", MODEL),
    CONFIGURE.refused("training instance", {f"{FIRST}.InstanceType": "ml.p9.huge"}, ENUM, MODEL),
    CONFIGURE.refused(
        "negative weight", {f"{FIRST}.InitialVariantWeight": -1.0}, "greater than or equal to 0", MODEL
    ),
    CONFIGURE.refused(
        "start-up in 59 seconds",
        {f"{FIRST}.ContainerStartupHealthCheckTimeoutInSeconds": 59},
        "greater than or equal to 60",
        contract("4.2"),
    ),
    CONFIGURE.refused(
        "capture of 101 percent",
        {"DataCaptureConfig": CAPTURE | {"InitialSamplingPercentage": 101}},
        "less than or equal to 100",
        MODEL,
    ),
    CONFIGURE.refused(
        "capture of nothing", {"DataCaptureConfig": CAPTURE | {"CaptureOptions": []}}, "captureOptions", MODEL
    ),
    CONFIGURE.refused(
        "capture into a path of 513 characters",
        {"DataCaptureConfig": CAPTURE | {"DestinationS3Uri": "s3://bucket/" + "a" * 501}},
        f"{LONGEST} 512",
        NAMES,
    ),
    CONFIGURE.refused(
        "unknown capture mode",
        {"DataCaptureConfig": CAPTURE | {"CaptureOptions": [{"CaptureMode": "Both"}]}},
        ENUM,
        VARIANTS,
    ),
    SERVERLESS.refused(
        "serverless with an instance type", {f"{FIRST}.InstanceType": "ml.m5.large"}, "", VARIANTS
    ),
    SERVERLESS.refused(
        "serverless with 6145 MB", {f"{FIRST}.ServerlessConfig.MemorySizeInMB": 6145}, "6144", VARIANTS
    ),
    SERVERLESS.refused(
        "serverless with 1500 MB", {f"{FIRST}.ServerlessConfig.MemorySizeInMB": 1500}, "1500", VARIANTS
    ),
    SERVERLESS.refused(
        "serverless for 201 at once", {f"{FIRST}.ServerlessConfig.MaxConcurrency": 201}, "200", VARIANTS
    ),
    DESCRIBE_MODEL.refused("missing", {"ModelName": "@missing"}, "Could not find model", NOT_FOUND),
    DELETE_MODEL.refused("missing", {}, "Could not find model", NOT_FOUND),
    DESCRIBE_CONFIG.refused(
        "missing", {"EndpointConfigName": "@missing"}, "Could not find endpoint configuration", NOT_FOUND
    ),
    DELETE_CONFIG.refused("missing", {}, "Could not find endpoint configuration", NOT_FOUND),
    LIST_MODELS.refused("page of 101", {"MaxResults": 101}, "less than or equal to 100", MODEL),
    LIST_CONFIGS.refused("unknown order", {"SortBy": "Size"}, ENUM, MODEL),
]

ACCEPTED = [
    LIST_MODELS.accepted("every filter", {"NameContains": "a", "SortBy": "Name"}),
    LIST_CONFIGS.accepted("every filter", {"NameContains": "a", "SortBy": "CreationTime"}),
    CREATE_MODEL.accepted("plain"),
    CREATE_MODEL.accepted("no artifacts", {"PrimaryContainer.ModelDataUrl": REMOVED}),
    CREATE_MODEL.accepted("no role", {"ExecutionRoleArn": REMOVED}),
    CREATE_MODEL.accepted(
        "100 environment variables",
        {"PrimaryContainer.Environment": {f"V{n}": "1" for n in range(100)}},
        HOSTING,
    ),
    CREATE_MODEL.accepted("container list of one", {"PrimaryContainer": REMOVED, "Containers": [CONTAINER]}),
    PIPELINE.accepted("two containers", source=HOSTING),
    PIPELINE.accepted("15 containers", {"Containers": [CONTAINER] * 15}, HOSTING),
    PIPELINE.accepted(
        "hostnames",
        {"Containers": [CONTAINER | {"ContainerHostname": f"host-{n}"} for n in range(3)]},
        MODEL_TEXT,
    ),
    CONFIGURE.accepted("plain"),
    CONFIGURE.accepted("weight of nothing", {f"{FIRST}.InitialVariantWeight": 0.0}),
    CONFIGURE.accepted(
        "ten variants",
        {"ProductionVariants": [VARIANT | {"VariantName": f"v{n}"} for n in range(10)]},
        VARIANTS,
    ),
    CONFIGURE.accepted("data capture", {"DataCaptureConfig": CAPTURE}, VARIANTS),
    SERVERLESS.accepted("serverless", source=VARIANTS),
    SERVERLESS.accepted("largest serverless", {f"{FIRST}.ServerlessConfig.MemorySizeInMB": 6144}, VARIANTS),
    DESCRIBE_MODEL.accepted("there"),
    DESCRIBE_CONFIG.accepted("there"),
]
