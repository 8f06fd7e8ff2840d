"""CreateTransformJob."""

from __future__ import annotations

from rejections import MODEL, REMOVED, Operation, contract

TRANSFORM = Operation(
    "sagemaker",
    "CreateTransformJob",
    {
        "TransformJobName": "@new",
        "ModelName": "@model",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://@bucket/data/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": "s3://@bucket/transformed", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    },
)
DESCRIBE = Operation("sagemaker", "DescribeTransformJob", {"TransformJobName": "@new"})
STOP = Operation("sagemaker", "StopTransformJob", {"TransformJobName": "@new"})
LIST = Operation("sagemaker", "ListTransformJobs", {"MaxResults": 10})

NAMES = contract("5")
RULES = contract("4.5")
PATTERN = "Member must satisfy regular expression pattern"
LONGEST = "Member must have length less than or equal to"
ENUM = "Member must satisfy enum value set"

REFUSED = [
    TRANSFORM.refused("no model", {"ModelName": REMOVED}, "Value null at 'modelName'", MODEL),
    TRANSFORM.refused("no input", {"TransformInput": REMOVED}, "Value null at 'transformInput'", MODEL),
    TRANSFORM.refused("no output", {"TransformOutput": REMOVED}, "Value null at 'transformOutput'", MODEL),
    TRANSFORM.refused("no resources", {"TransformResources": REMOVED}, "transformResources", MODEL),
    TRANSFORM.refused("underscore in the name", {"TransformJobName": "a_b"}, PATTERN, NAMES),
    TRANSFORM.refused("name of 64 characters", {"TransformJobName": "a" * 64}, f"{LONGEST} 63", NAMES),
    TRANSFORM.refused(
        "missing model", {"ModelName": "@missing"}, "Could not find model", contract("5 missing resources")
    ),
    TRANSFORM.refused(
        "many records without a split",
        {"BatchStrategy": "MultiRecord", "TransformInput.SplitType": REMOVED},
        "SplitType",
        RULES,
    ),
    TRANSFORM.refused(
        "many records with split None",
        {"BatchStrategy": "MultiRecord", "TransformInput.SplitType": "None"},
        "SplitType",
        RULES,
    ),
    TRANSFORM.refused("unknown strategy", {"BatchStrategy": "AllRecords"}, ENUM, RULES),
    TRANSFORM.refused("unknown split", {"TransformInput.SplitType": "Word"}, ENUM, RULES),
    TRANSFORM.refused("unknown assembly", {"TransformOutput.AssembleWith": "Comma"}, ENUM, RULES),
    TRANSFORM.refused("unknown compression", {"TransformInput.CompressionType": "Zip"}, ENUM, MODEL),
    TRANSFORM.refused("payload of 101 MB", {"MaxPayloadInMB": 101}, "100", RULES),
    TRANSFORM.refused("payload of minus one", {"MaxPayloadInMB": -1}, "maxPayloadInMB", MODEL),
    TRANSFORM.refused(
        "payload and concurrency above 100",
        {"MaxPayloadInMB": 11, "MaxConcurrentTransforms": 10},
        "100",
        RULES,
    ),
    TRANSFORM.refused(
        "17 environment variables", {"Environment": {f"V{n}": "1" for n in range(17)}}, f"{LONGEST} 16", RULES
    ),
    TRANSFORM.refused(
        "environment name with a hyphen", {"Environment": {"A-B": "1"}}, "Map keys must satisfy", MODEL
    ),
    TRANSFORM.refused(
        "invocation of more than an hour",
        {"ModelClientConfig": {"InvocationsTimeoutInSeconds": 3601}},
        "less than or equal to 3600",
        RULES,
    ),
    TRANSFORM.refused(
        "four retries",
        {"ModelClientConfig": {"InvocationsMaxRetries": 4}},
        "less than or equal to 3",
        RULES,
    ),
    TRANSFORM.refused(
        "filter of 64 characters",
        {"DataProcessing": {"OutputFilter": "$" + "a" * 63}},
        f"{LONGEST} 63",
        RULES,
    ),
    TRANSFORM.refused("unknown join", {"DataProcessing": {"JoinSource": "Output"}}, ENUM, RULES),
    TRANSFORM.refused(
        "no instance", {"TransformResources.InstanceCount": 0}, "greater than or equal to 1", RULES
    ),
    TRANSFORM.refused("unknown instance type", {"TransformResources.InstanceType": "ml.x1"}, ENUM, MODEL),
    TRANSFORM.refused("output outside S3", {"TransformOutput.S3OutputPath": "/tmp/out"}, PATTERN, NAMES),
    DESCRIBE.refused("missing job", {}, "Could not find requested job with name", NAMES),
    STOP.refused("missing job", {}, "Could not find requested job with name", NAMES),
    LIST.refused("unknown status", {"StatusEquals": "Done"}, ENUM, MODEL),
]

ACCEPTED = [
    TRANSFORM.accepted("plain"),
    TRANSFORM.accepted("many records by line", {"BatchStrategy": "MultiRecord"}, RULES),
    TRANSFORM.accepted(
        "one record without a split",
        {"BatchStrategy": "SingleRecord", "TransformInput.SplitType": REMOVED},
        RULES,
    ),
    TRANSFORM.accepted(
        "payload and concurrency of 100", {"MaxPayloadInMB": 10, "MaxConcurrentTransforms": 10}, RULES
    ),
    TRANSFORM.accepted(
        "longest invocation", {"ModelClientConfig": {"InvocationsTimeoutInSeconds": 3600}}, RULES
    ),
    LIST.accepted("every filter", {"StatusEquals": "Failed", "NameContains": "a", "SortBy": "Name"}),
]
