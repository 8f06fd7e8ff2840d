"""CreateTrainingJob, StopTrainingJob and the rest of training."""

from __future__ import annotations

from rejections import ASSUME, ELSEWHERE, MODEL, MODEL_TEXT, REMOVED, REPORTS, ROLES, Operation, contract

TRAIN = Operation(
    "sagemaker",
    "CreateTrainingJob",
    {
        "TrainingJobName": "@new",
        "RoleArn": "@role",
        "AlgorithmSpecification": {
            "TrainingImage": "@image",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+);"}],
        },
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://@bucket/data/"}},
            }
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://@bucket/models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "HyperParameters": {"epochs": "1"},
    },
)
DESCRIBE = Operation("sagemaker", "DescribeTrainingJob", {"TrainingJobName": "@new"})
STOP = Operation("sagemaker", "StopTrainingJob", {"TrainingJobName": "@new"})
DELETE = Operation("sagemaker", "DeleteTrainingJob", {"TrainingJobName": "@new"})
LIST = Operation("sagemaker", "ListTrainingJobs", {"MaxResults": 10})

CHANNEL = TRAIN.valid["InputDataConfig"][0]
SPECIFICATION = "AlgorithmSpecification"
NAMES = contract("5")
PATTERN = "Member must satisfy regular expression pattern"
LONGEST = "Member must have length less than or equal to"
ENUM = "Member must satisfy enum value set"
NULL = "Member must not be null"

REFUSED = [
    TRAIN.refused("no name", {"TrainingJobName": REMOVED}, "Value null at 'trainingJobName'", MODEL),
    TRAIN.refused("no role", {"RoleArn": REMOVED}, "Value null at 'roleArn'", MODEL),
    TRAIN.refused("no algorithm", {SPECIFICATION: REMOVED}, "AlgorithmSpecification", MODEL_TEXT),
    TRAIN.refused("no resources", {"ResourceConfig": REMOVED}, "ResourceConfig", MODEL_TEXT),
    TRAIN.refused(
        "no input mode", {f"{SPECIFICATION}.TrainingInputMode": REMOVED}, "trainingInputMode", MODEL
    ),
    TRAIN.refused("no output", {"OutputDataConfig": REMOVED}, "Value null at 'outputDataConfig'", MODEL),
    TRAIN.refused(
        "no output path", {"OutputDataConfig.S3OutputPath": REMOVED}, "outputDataConfig.s3OutputPath", MODEL
    ),
    TRAIN.refused("underscore in the name", {"TrainingJobName": "a_b"}, PATTERN, NAMES),
    TRAIN.refused("dot in the name", {"TrainingJobName": "a.b"}, PATTERN, NAMES),
    TRAIN.refused("space in the name", {"TrainingJobName": "a b"}, PATTERN, NAMES),
    TRAIN.refused("Airflow's run id as a name", {"TrainingJobName": "manual__2026-11-22"}, PATTERN, NAMES),
    TRAIN.refused("name that begins with a hyphen", {"TrainingJobName": "-a"}, PATTERN, NAMES),
    TRAIN.refused("name that ends with a hyphen", {"TrainingJobName": "a-"}, PATTERN, NAMES),
    TRAIN.refused("name of 64 characters", {"TrainingJobName": "a" * 64}, f"{LONGEST} 63", NAMES),
    TRAIN.refused(
        "role that does not exist", {"RoleArn": "arn:aws:iam::@account:role/@missing"}, ASSUME, ROLES
    ),
    TRAIN.refused(
        "role of another account",
        {"RoleArn": "arn:aws:iam::210987654321:role/r"},
        "Cross-account pass role is not allowed",
        ROLES,
        code="AccessDeniedException",
    ),
    TRAIN.refused("role that is no ARN", {"RoleArn": "sentiment-retrain-role"}, PATTERN, NAMES),
    TRAIN.refused("role of 19 characters", {"RoleArn": "arn:aws:iam::1:role"}, "'roleArn'", NAMES),
    TRAIN.refused("role that is a user", {"RoleArn": "arn:aws:iam::123456789012:user/me"}, PATTERN, NAMES),
    TRAIN.refused(
        "role with an account of 11 digits", {"RoleArn": "arn:aws:iam::12345678901:role/r"}, PATTERN, NAMES
    ),
    TRAIN.refused("unknown input mode", {f"{SPECIFICATION}.TrainingInputMode": "Turbo"}, ENUM, MODEL),
    TRAIN.refused(
        "image of another region",
        {f"{SPECIFICATION}.TrainingImage": ELSEWHERE},
        "Invalid DNS suffix 'amazonaws.com' for region 'eu-west-1' in training image. "
        "Please provide the valid <region>.<dns-suffix>: 'us-east-1.amazonaws.com'",
        REPORTS,
    ),
    TRAIN.refused("neither image nor algorithm", {f"{SPECIFICATION}.TrainingImage": REMOVED}, "", MODEL_TEXT),
    TRAIN.refused(
        "41 metrics",
        {f"{SPECIFICATION}.MetricDefinitions": [{"Name": f"m{n}", "Regex": "a"} for n in range(41)]},
        f"{LONGEST} 40",
        MODEL,
    ),
    TRAIN.refused(
        "metric without a regex",
        {f"{SPECIFICATION}.MetricDefinitions": [{"Name": "loss"}]},
        "metricDefinitions.1.member.regex",
        MODEL,
    ),
    TRAIN.refused("channel name with a slash", {"InputDataConfig.0.ChannelName": "train/a"}, PATTERN, NAMES),
    TRAIN.refused(
        "channel name of 65 characters", {"InputDataConfig.0.ChannelName": "a" * 65}, f"{LONGEST} 64", NAMES
    ),
    TRAIN.refused("channel twice", {"InputDataConfig": [CHANNEL, CHANNEL]}, "train", MODEL_TEXT),
    TRAIN.refused(
        "21 channels",
        {"InputDataConfig": [CHANNEL | {"ChannelName": f"c{n}"} for n in range(21)]},
        f"{LONGEST} 20",
        MODEL,
    ),
    TRAIN.refused(
        "data that is not in S3",
        {"InputDataConfig.0.DataSource.S3DataSource.S3Uri": "gs://elsewhere/data"},
        PATTERN,
        NAMES,
    ),
    TRAIN.refused(
        "unknown kind of data",
        {"InputDataConfig.0.DataSource.S3DataSource.S3DataType": "S3Folder"},
        ENUM,
        MODEL,
    ),
    TRAIN.refused("output that is not in S3", {"OutputDataConfig.S3OutputPath": "/tmp/out"}, PATTERN, NAMES),
    TRAIN.refused(
        "output path of 1025 characters",
        {"OutputDataConfig.S3OutputPath": "s3://bucket/" + "a" * 1013},
        f"{LONGEST} 1024",
        NAMES,
    ),
    TRAIN.refused("unknown instance type", {"ResourceConfig.InstanceType": "ml.z9.huge"}, ENUM, MODEL),
    TRAIN.refused("minus one instance", {"ResourceConfig.InstanceCount": -1}, "instanceCount", MODEL),
    TRAIN.refused("no time at all", {"StoppingCondition.MaxRuntimeInSeconds": 0}, "maxRuntime", MODEL),
    TRAIN.refused(
        "101 hyperparameters",
        {"HyperParameters": {f"h{n}": "1" for n in range(101)}},
        f"{LONGEST} 100",
        NAMES,
    ),
    TRAIN.refused(
        "hyperparameter of 2501 characters", {"HyperParameters": {"h": "1" * 2501}}, f"{LONGEST} 2500", NAMES
    ),
    TRAIN.refused(
        "hyperparameter with a key of 257 characters",
        {"HyperParameters": {"h" * 257: "1"}},
        f"{LONGEST} 256",
        NAMES,
    ),
    TRAIN.refused(
        "hyperparameter that is a number",
        {"HyperParameters": {"epochs": 5}},
        "",
        contract("3"),
        "SerializationException",
    ),
    TRAIN.refused("environment name with a hyphen", {"Environment": {"A-B": "1"}}, PATTERN, MODEL),
    TRAIN.refused(
        "51 tags", {"Tags": [{"Key": f"t{n}", "Value": ""} for n in range(51)]}, f"{LONGEST} 50", NAMES
    ),
    TRAIN.refused("tag without a value", {"Tags": [{"Key": "a"}]}, "tags.1.member.value", MODEL),
    TRAIN.refused(
        "tag value of 257 characters", {"Tags": [{"Key": "a", "Value": "v" * 257}]}, f"{LONGEST} 256", NAMES
    ),
    TRAIN.refused(
        "spot without a longest wait", {"EnableManagedSpotTraining": True}, "MaxWaitTime", MODEL_TEXT
    ),
    TRAIN.refused(
        "spot that waits less than it runs",
        {"EnableManagedSpotTraining": True, "StoppingCondition.MaxWaitTimeInSeconds": 59},
        "MaxWaitTimeInSeconds",
        MODEL_TEXT,
    ),
    TRAIN.refused(
        "name that is a list", {"TrainingJobName": ["a"]}, "", contract("0.4"), "SerializationException"
    ),
    DESCRIBE.refused("missing job", {}, "Requested resource not found", contract("5")),
    STOP.refused("missing job", {}, "Requested resource not found", contract("5")),
    DELETE.refused("missing job", {}, "Requested resource not found", contract("5")),
    LIST.refused("page of 101", {"MaxResults": 101}, "less than or equal to 100", MODEL),
    LIST.refused("page of none", {"MaxResults": 0}, "greater than or equal to 1", MODEL),
    LIST.refused("unknown status", {"StatusEquals": "Finished"}, ENUM, MODEL),
    LIST.refused("unknown order", {"SortOrder": "Random"}, ENUM, MODEL),
    LIST.refused("token that nobody gave", {"NextToken": "abc"}, "token", MODEL_TEXT),
]

ACCEPTED = [
    TRAIN.accepted("plain"),
    TRAIN.accepted("name of 63 characters", {"TrainingJobName": "a" * 40 + "-@new"}, NAMES),
    TRAIN.accepted("100 hyperparameters", {"HyperParameters": {f"h{n}": "1" for n in range(100)}}, NAMES),
    TRAIN.accepted("hyperparameter of 2500 characters", {"HyperParameters": {"h": "1" * 2500}}, NAMES),
    TRAIN.accepted("no data", {"InputDataConfig": REMOVED}),
    TRAIN.accepted(
        "20 channels", {"InputDataConfig": [CHANNEL | {"ChannelName": f"c{n}"} for n in range(20)]}
    ),
    TRAIN.accepted("channel name with dots", {"InputDataConfig.0.ChannelName": "a.b_c-1"}, NAMES),
    TRAIN.accepted(
        "spot with a longer wait",
        {"EnableManagedSpotTraining": True, "StoppingCondition.MaxWaitTimeInSeconds": 60},
        MODEL_TEXT,
    ),
    TRAIN.accepted("50 tags", {"Tags": [{"Key": f"t{n}", "Value": ""} for n in range(50)]}, NAMES),
    TRAIN.accepted("environment", {"Environment": {"A_B": "1"}}),
    LIST.accepted("page of 100", {"MaxResults": 100}),
    LIST.accepted("every filter", {"StatusEquals": "Failed", "NameContains": "a", "SortBy": "Status"}),
]
