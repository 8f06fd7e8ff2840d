"""CreateProcessingJob, Clarify's own rules among them."""

from __future__ import annotations

from rejections import ASSUME, ELSEWHERE, MODEL, MODEL_TEXT, REMOVED, REPORTS, ROLES, Operation, contract

SOURCE = {
    "S3Uri": "s3://@bucket/data/",
    "LocalPath": "/opt/ml/processing/input",
    "S3DataType": "S3Prefix",
    "S3InputMode": "File",
}
TARGET = {
    "S3Uri": "s3://@bucket/out",
    "LocalPath": "/opt/ml/processing/output",
    "S3UploadMode": "EndOfJob",
}
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
PROCESS = Operation(
    "sagemaker",
    "CreateProcessingJob",
    {
        "ProcessingJobName": "@new",
        "RoleArn": "@role",
        "AppSpecification": {"ImageUri": "@image", "ContainerArguments": ["crash"]},
        "ProcessingResources": {"ClusterConfig": CLUSTER},
        "ProcessingInputs": [{"InputName": "data", "S3Input": SOURCE}],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "result", "S3Output": TARGET}]},
    },
)
CONFIGURATION = {
    "InputName": "analysis_config",
    "S3Input": SOURCE | {"LocalPath": "/opt/ml/processing/input/config"},
}
CLARIFY = Operation(
    "sagemaker",
    "CreateProcessingJob",
    PROCESS.valid
    | {
        "AppSpecification": {"ImageUri": "@clarify"},
        "ProcessingInputs": [
            CONFIGURATION,
            {"InputName": "dataset", "S3Input": SOURCE | {"LocalPath": "/opt/ml/processing/input/data"}},
        ],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "analysis_result", "S3Output": TARGET}]},
    },
)
DESCRIBE = Operation("sagemaker", "DescribeProcessingJob", {"ProcessingJobName": "@new"})
STOP = Operation("sagemaker", "StopProcessingJob", {"ProcessingJobName": "@new"})
DELETE = Operation("sagemaker", "DeleteProcessingJob", {"ProcessingJobName": "@new"})
LIST = Operation("sagemaker", "ListProcessingJobs", {"MaxResults": 10})

INPUT = PROCESS.valid["ProcessingInputs"][0]
OUTPUT = PROCESS.valid["ProcessingOutputConfig"]["Outputs"][0]
CLUSTER_PATH = "ProcessingResources.ClusterConfig"
NAMES = contract("5")
RULES = contract("1.2")
PATTERN = "Member must satisfy regular expression pattern"
LONGEST = "Member must have length less than or equal to"
ENUM = "Member must satisfy enum value set"

REFUSED = [
    PROCESS.refused("no name", {"ProcessingJobName": REMOVED}, "Value null at 'processingJobName'", MODEL),
    PROCESS.refused("no image", {"AppSpecification.ImageUri": REMOVED}, "appSpecification.imageUri", MODEL),
    PROCESS.refused(
        "image of another region",
        {"AppSpecification.ImageUri": ELSEWHERE},
        f"Invalid region eu-west-1 in image URI {ELSEWHERE}. "
        "Please provide an image URI in region us-east-1.",
        REPORTS,
    ),
    PROCESS.refused("no resources", {"ProcessingResources": REMOVED}, "processingResources", MODEL),
    PROCESS.refused(
        "role that does not exist", {"RoleArn": "arn:aws:iam::@account:role/@missing"}, ASSUME, ROLES
    ),
    PROCESS.refused(
        "role of another account",
        {"RoleArn": "arn:aws:iam::210987654321:role/r"},
        "Cross-account pass role is not allowed",
        ROLES,
        code="AccessDeniedException",
    ),
    PROCESS.refused("no role", {"RoleArn": REMOVED}, "Value null at 'roleArn'", MODEL),
    PROCESS.refused("underscore in the name", {"ProcessingJobName": "a_b"}, PATTERN, NAMES),
    PROCESS.refused("name of 64 characters", {"ProcessingJobName": "a" * 64}, f"{LONGEST} 63", NAMES),
    PROCESS.refused("unknown instance type", {f"{CLUSTER_PATH}.InstanceType": "ml.m5.tiny"}, ENUM, MODEL),
    PROCESS.refused("no instance", {f"{CLUSTER_PATH}.InstanceCount": 0}, "instanceCount", MODEL),
    PROCESS.refused("no volume", {f"{CLUSTER_PATH}.VolumeSizeInGB": 0}, "volumeSizeInGB", MODEL),
    PROCESS.refused(
        "volume above 16 TB", {f"{CLUSTER_PATH}.VolumeSizeInGB": 16_385}, "less than or equal to 16384", MODEL
    ),
    PROCESS.refused(
        "more than nine days",
        {"StoppingCondition": {"MaxRuntimeInSeconds": 777_601}},
        "less than or equal to 777600",
        RULES,
    ),
    PROCESS.refused(
        "no runtime", {"StoppingCondition": {"MaxRuntimeInSeconds": 0}}, "greater than or equal to 1", MODEL
    ),
    PROCESS.refused("input twice", {"ProcessingInputs": [INPUT, INPUT]}, "data", MODEL_TEXT),
    PROCESS.refused(
        "output twice", {"ProcessingOutputConfig.Outputs": [OUTPUT, OUTPUT]}, "result", MODEL_TEXT
    ),
    PROCESS.refused(
        "11 inputs",
        {"ProcessingInputs": [INPUT | {"InputName": f"i{n}"} for n in range(11)]},
        f"{LONGEST} 10",
        MODEL,
    ),
    PROCESS.refused(
        "11 outputs",
        {"ProcessingOutputConfig.Outputs": [OUTPUT | {"OutputName": f"o{n}"} for n in range(11)]},
        f"{LONGEST} 10",
        MODEL,
    ),
    PROCESS.refused(
        "input that is not in S3", {"ProcessingInputs.0.S3Input.S3Uri": "file:///data"}, PATTERN, NAMES
    ),
    PROCESS.refused("unknown kind of data", {"ProcessingInputs.0.S3Input.S3DataType": "Folder"}, ENUM, MODEL),
    PROCESS.refused(
        "input without a source", {"ProcessingInputs": [{"InputName": "data"}]}, "data", MODEL_TEXT
    ),
    PROCESS.refused(
        "unknown upload mode",
        {"ProcessingOutputConfig.Outputs.0.S3Output.S3UploadMode": "Later"},
        ENUM,
        MODEL,
    ),
    PROCESS.refused(
        "output without an upload mode",
        {"ProcessingOutputConfig.Outputs.0.S3Output.S3UploadMode": REMOVED},
        "s3UploadMode",
        MODEL,
    ),
    PROCESS.refused(
        "101 environment variables",
        {"Environment": {f"V{n}": "1" for n in range(101)}},
        f"{LONGEST} 100",
        MODEL,
    ),
    PROCESS.refused(
        "environment value of 257 characters", {"Environment": {"A": "x" * 257}}, f"{LONGEST} 256", NAMES
    ),
    PROCESS.refused(
        "environment name with a dot", {"Environment": {"A.B": "x"}}, "Map keys must satisfy", MODEL
    ),
    PROCESS.refused(
        "argument of 257 characters",
        {"AppSpecification.ContainerArguments": ["x" * 257]},
        f"{LONGEST} 256",
        MODEL,
    ),
    PROCESS.refused(
        "no entry point",
        {"AppSpecification.ContainerEntrypoint": []},
        "length greater than or equal to 1",
        MODEL,
    ),
    PROCESS.refused("tag with a key of 129", {"Tags": [{"Key": "k" * 129, "Value": ""}]}, LONGEST, NAMES),
    PROCESS.refused("tag with an exclamation mark", {"Tags": [{"Key": "a!", "Value": ""}]}, PATTERN, MODEL),
    PROCESS.refused(
        "instance count in words",
        {f"{CLUSTER_PATH}.InstanceCount": "one"},
        "",
        contract("0.4"),
        "SerializationException",
    ),
    CLARIFY.refused(
        "Clarify without its configuration",
        {"ProcessingInputs": [{"InputName": "dataset", "S3Input": SOURCE}]},
        "analysis_config",
        RULES,
    ),
    CLARIFY.refused(
        "Clarify with an input of another name",
        {"ProcessingInputs": [CONFIGURATION, {"InputName": "data", "S3Input": SOURCE}]},
        "dataset",
        RULES,
    ),
    CLARIFY.refused(
        "Clarify with an output of another name",
        {"ProcessingOutputConfig.Outputs.0.OutputName": "result"},
        "analysis_result",
        RULES,
    ),
    CLARIFY.refused(
        "Clarify with two outputs",
        {
            "ProcessingOutputConfig.Outputs": [
                {"OutputName": "analysis_result", "S3Output": TARGET},
                {"OutputName": "other", "S3Output": TARGET},
            ]
        },
        "analysis_result",
        RULES,
    ),
    CLARIFY.refused(
        "Clarify with an entry point",
        {"AppSpecification.ContainerEntrypoint": ["python3"]},
        "ContainerEntrypoint",
        RULES,
    ),
    CLARIFY.refused(
        "Clarify with arguments",
        {"AppSpecification.ContainerArguments": ["--verbose"]},
        "ContainerArguments",
        RULES,
    ),
    CLARIFY.refused(
        "Clarify in isolation",
        {"NetworkConfig": {"EnableNetworkIsolation": True}},
        "EnableNetworkIsolation",
        RULES,
    ),
    DESCRIBE.refused("missing job", {}, "Could not find requested job with name", contract("5")),
    DESCRIBE.refused("bad name", {"ProcessingJobName": "a b"}, PATTERN, NAMES),
    STOP.refused("missing job", {}, "Could not find requested job with name", contract("5")),
    DELETE.refused("missing job", {}, "Could not find requested job with name", contract("5")),
    LIST.refused("unknown order", {"SortBy": "Size"}, ENUM, MODEL),
    LIST.refused("page of 101", {"MaxResults": 101}, "less than or equal to 100", MODEL),
]

ACCEPTED = [
    PROCESS.accepted("plain"),
    PROCESS.accepted("no inputs", {"ProcessingInputs": []}),
    PROCESS.accepted("no outputs", {"ProcessingOutputConfig": REMOVED}),
    PROCESS.accepted("longest runtime", {"StoppingCondition": {"MaxRuntimeInSeconds": 777_600}}, RULES),
    PROCESS.accepted(
        "ten inputs",
        {"ProcessingInputs": [INPUT | {"InputName": f"i{n}"} for n in range(10)]},
    ),
    PROCESS.accepted("100 environment variables", {"Environment": {f"V{n}": "1" for n in range(100)}}),
    PROCESS.accepted("empty tag value", {"Tags": [{"Key": "retrain:run", "Value": ""}]}),
    CLARIFY.accepted("Clarify as the SDK sends it", source=RULES),
    CLARIFY.accepted("Clarify without a dataset input", {"ProcessingInputs": [CONFIGURATION]}, RULES),
    LIST.accepted(
        "every filter", {"StatusEquals": "Completed", "NameContains": "a", "SortOrder": "Ascending"}
    ),
]
