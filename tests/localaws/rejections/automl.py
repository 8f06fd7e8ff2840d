"""CreateAutoMLJob and CreateAutoMLJobV2."""

from __future__ import annotations

from rejections import ASSUME, MODEL, MODEL_TEXT, REMOVED, ROLES, Operation, contract

CHANNEL = {
    "ChannelType": "training",
    "ContentType": "text/csv;header=present",
    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://@bucket/data/"}},
}
V1 = Operation(
    "sagemaker",
    "CreateAutoMLJob",
    {
        "AutoMLJobName": "@new",
        "InputDataConfig": [CHANNEL | {"TargetAttributeName": "sentiment"}],
        "OutputDataConfig": {"S3OutputPath": "s3://@bucket/autopilot"},
        "RoleArn": "@role",
    },
)
V2 = Operation(
    "sagemaker",
    "CreateAutoMLJobV2",
    {
        "AutoMLJobName": "@new",
        "AutoMLJobInputDataConfig": [CHANNEL],
        "OutputDataConfig": {"S3OutputPath": "s3://@bucket/autopilot"},
        "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "sentiment"}},
        "RoleArn": "@role",
    },
)
DESCRIBE = Operation("sagemaker", "DescribeAutoMLJobV2", {"AutoMLJobName": "@short"})
DESCRIBE_V1 = Operation("sagemaker", "DescribeAutoMLJob", {"AutoMLJobName": "@short"})
STOP = Operation("sagemaker", "StopAutoMLJob", {"AutoMLJobName": "@short"})
CANDIDATES = Operation("sagemaker", "ListCandidatesForAutoMLJob", {"AutoMLJobName": "@short"})
LIST = Operation("sagemaker", "ListAutoMLJobs", {"MaxResults": 10})

TABULAR = "AutoMLProblemTypeConfig.TabularJobConfig"
TEXT = {"ContentColumn": "review_body", "TargetLabelColumn": "sentiment"}
OBJECTIVE = "AutoMLJobObjective"
NAMES = contract("5")
RULES = contract("2.1")
PATTERN = "Member must satisfy regular expression pattern"
LONGEST = "Member must have length less than or equal to"
ENUM = "Member must satisfy enum value set"

REFUSED = [
    V2.refused("name of 33 characters", {"AutoMLJobName": "a" * 33}, f"{LONGEST} 32", NAMES),
    V2.refused("underscore in the name", {"AutoMLJobName": "a_b"}, PATTERN, NAMES),
    V2.refused("no data", {"AutoMLJobInputDataConfig": []}, "length greater than or equal to 1", RULES),
    V2.refused("three channels", {"AutoMLJobInputDataConfig": [CHANNEL] * 3}, f"{LONGEST} 2", RULES),
    V2.refused("training twice", {"AutoMLJobInputDataConfig": [CHANNEL] * 2}, "training", RULES),
    V2.refused(
        "validation alone", {"AutoMLJobInputDataConfig.0.ChannelType": "validation"}, "training", RULES
    ),
    V2.refused(
        "split with a validation channel",
        {
            "AutoMLJobInputDataConfig": [CHANNEL, CHANNEL | {"ChannelType": "validation"}],
            "DataSplitConfig": {"ValidationFraction": 0.2},
        },
        "DataSplitConfig",
        RULES,
    ),
    V2.refused("everything is validation", {"DataSplitConfig": {"ValidationFraction": 1.0}}, "", RULES),
    V2.refused(
        "content type that Autopilot does not read",
        {"AutoMLJobInputDataConfig.0.ContentType": "application/json"},
        "application/json",
        RULES,
    ),
    V2.refused("no problem", {"AutoMLProblemTypeConfig": REMOVED}, "autoMLProblemTypeConfig", MODEL),
    V2.refused("empty problem", {"AutoMLProblemTypeConfig": {}}, "Exactly one of", RULES),
    V2.refused(
        "two problems",
        {"AutoMLProblemTypeConfig.TextClassificationJobConfig": TEXT},
        "Exactly one of",
        RULES,
    ),
    V2.refused("no target", {f"{TABULAR}.TargetAttributeName": REMOVED}, "targetAttributeName", RULES),
    V2.refused("unknown mode", {f"{TABULAR}.Mode": "FAST"}, ENUM, RULES),
    V2.refused(
        "problem type without an objective",
        {f"{TABULAR}.ProblemType": "MulticlassClassification"},
        "together",
        RULES,
    ),
    V2.refused("objective without a problem type", {OBJECTIVE: {"MetricName": "F1macro"}}, "together", RULES),
    V2.refused(
        "objective of another problem type",
        {f"{TABULAR}.ProblemType": "MulticlassClassification", OBJECTIVE: {"MetricName": "AUC"}},
        "AUC",
        RULES,
    ),
    V2.refused(
        "classes as a regression metric",
        {f"{TABULAR}.ProblemType": "BinaryClassification", OBJECTIVE: {"MetricName": "MSE"}},
        "MSE",
        RULES,
    ),
    V2.refused("unknown objective", {OBJECTIVE: {"MetricName": "Beauty"}}, ENUM, RULES),
    V2.refused(
        "no candidate", {f"{TABULAR}.CompletionCriteria": {"MaxCandidates": 0}}, "maxCandidates", RULES
    ),
    V2.refused(
        "751 candidates", {f"{TABULAR}.CompletionCriteria": {"MaxCandidates": 751}}, "maxCandidates", RULES
    ),
    V2.refused(
        "no time for a candidate",
        {f"{TABULAR}.CompletionCriteria": {"MaxRuntimePerTrainingJobInSeconds": 0}},
        "maxRuntimePerTrainingJobInSeconds",
        RULES,
    ),
    V2.refused(
        "no time for the job",
        {f"{TABULAR}.CompletionCriteria": {"MaxAutoMLJobRuntimeInSeconds": 0}},
        "maxAutoMLJobRuntimeInSeconds",
        RULES,
    ),
    V2.refused(
        "algorithm of another mode",
        {
            f"{TABULAR}.Mode": "HYPERPARAMETER_TUNING",
            f"{TABULAR}.CandidateGenerationConfig": {
                "AlgorithmsConfig": [{"AutoMLAlgorithms": ["catboost"]}]
            },
        },
        "catboost",
        RULES,
    ),
    V2.refused(
        "no algorithm",
        {f"{TABULAR}.CandidateGenerationConfig": {"AlgorithmsConfig": [{}]}},
        "autoMLAlgorithms",
        MODEL,
    ),
    V2.refused(
        "output path of 513 characters",
        {"OutputDataConfig.S3OutputPath": "s3://bucket/" + "a" * 501},
        "512",
        RULES,
    ),
    V1.refused("role that does not exist", {"RoleArn": "arn:aws:iam::@account:role/@missing"}, ASSUME, ROLES),
    V1.refused(
        "role of another account",
        {"RoleArn": "arn:aws:iam::210987654321:role/r"},
        "Cross-account pass role is not allowed",
        ROLES,
        code="AccessDeniedException",
    ),
    V2.refused("role that does not exist", {"RoleArn": "arn:aws:iam::@account:role/@missing"}, ASSUME, ROLES),
    V2.refused(
        "role of another account",
        {"RoleArn": "arn:aws:iam::210987654321:role/r"},
        "Cross-account pass role is not allowed",
        ROLES,
        code="AccessDeniedException",
    ),
    V2.refused("role that is no ARN", {"RoleArn": "sentiment-retrain-role"}, PATTERN, NAMES),
    V1.refused("name of 33 characters", {"AutoMLJobName": "a" * 33}, f"{LONGEST} 32", NAMES),
    V1.refused("no target", {"InputDataConfig.0.TargetAttributeName": REMOVED}, "targetAttributeName", RULES),
    V1.refused(
        "problem type without an objective", {"ProblemType": "BinaryClassification"}, "together", RULES
    ),
    V1.refused("unknown problem type", {"ProblemType": "Clustering"}, ENUM, RULES),
    V1.refused(
        "751 candidates",
        {"AutoMLJobConfig": {"CompletionCriteria": {"MaxCandidates": 751}}},
        "maxCandidates",
        RULES,
    ),
    V1.refused(
        "two targets",
        {
            "InputDataConfig": [
                CHANNEL | {"TargetAttributeName": "sentiment"},
                CHANNEL | {"TargetAttributeName": "rating", "ChannelType": "validation"},
            ]
        },
        "TargetAttributeName",
        MODEL_TEXT,
    ),
    DESCRIBE.refused("missing job", {}, "", contract("5 missing resources")),
    DESCRIBE_V1.refused("missing job", {}, "", contract("5 missing resources")),
    STOP.refused("missing job", {}, "", contract("5 missing resources")),
    CANDIDATES.refused("missing job", {}, "", contract("5 missing resources")),
    CANDIDATES.refused("page of 301", {"MaxResults": 301}, "less than or equal to 300", contract("2.3")),
    LIST.refused("unknown status", {"StatusEquals": "Done"}, ENUM, MODEL),
    LIST.refused("name filter with an underscore", {"NameContains": "a_b"}, PATTERN, MODEL),
]

ACCEPTED = [
    V2.accepted("plain", source=RULES),
    V2.accepted(
        "problem type with its objective",
        {f"{TABULAR}.ProblemType": "MulticlassClassification", OBJECTIVE: {"MetricName": "F1macro"}},
        RULES,
    ),
    V2.accepted("750 candidates", {f"{TABULAR}.CompletionCriteria": {"MaxCandidates": 750}}, RULES),
    V2.accepted(
        "training and validation",
        {"AutoMLJobInputDataConfig": [CHANNEL, CHANNEL | {"ChannelType": "validation"}]},
        RULES,
    ),
    V1.accepted("plain", source=RULES),
    LIST.accepted("every filter", {"StatusEquals": "Failed", "NameContains": "a", "SortBy": "Name"}),
]
