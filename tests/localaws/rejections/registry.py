"""Model packages, their groups, model cards and tags."""

from __future__ import annotations

from rejections import MODEL, MODEL_TEXT, REMOVED, Operation, contract

CONTAINER = {"Image": "@image", "ModelDataUrl": "s3://@bucket/model.tar.gz"}
SPECIFICATION = {
    "Containers": [CONTAINER],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}
GROUP = Operation("sagemaker", "CreateModelPackageGroup", {"ModelPackageGroupName": "@new"})
PACKAGE = Operation(
    "sagemaker",
    "CreateModelPackage",
    {
        "ModelPackageGroupName": "@group",
        "InferenceSpecification": SPECIFICATION,
        "ModelApprovalStatus": "PendingManualApproval",
    },
)
UPDATE = Operation(
    "sagemaker", "UpdateModelPackage", {"ModelPackageArn": "@package", "ModelApprovalStatus": "Approved"}
)
DESCRIBE = Operation("sagemaker", "DescribeModelPackage", {"ModelPackageName": "@package"})
DELETE = Operation("sagemaker", "DeleteModelPackage", {"ModelPackageName": "@package"})
DESCRIBE_GROUP = Operation("sagemaker", "DescribeModelPackageGroup", {"ModelPackageGroupName": "@group"})
DELETE_GROUP = Operation(
    "sagemaker", "DeleteModelPackageGroup", {"ModelPackageGroupName": "@group"}, "ConflictException"
)
LIST = Operation("sagemaker", "ListModelPackages", {"ModelPackageGroupName": "@group"})
CARD = Operation(
    "sagemaker",
    "CreateModelCard",
    {"ModelCardName": "@new", "Content": "{}", "ModelCardStatus": "Draft"},
)
UPDATE_CARD = Operation(
    "sagemaker", "UpdateModelCard", {"ModelCardName": "@missing", "Content": "{}"}, "ResourceNotFound"
)
DESCRIBE_CARD = Operation("sagemaker", "DescribeModelCard", {"ModelCardName": "@missing"}, "ResourceNotFound")
DELETE_CARD = Operation("sagemaker", "DeleteModelCard", {"ModelCardName": "@missing"}, "ResourceNotFound")
CARD_VERSIONS = Operation(
    "sagemaker", "ListModelCardVersions", {"ModelCardName": "@missing"}, "ResourceNotFound"
)
TAG = Operation("sagemaker", "AddTags", {"ResourceArn": "@package", "Tags": [{"Key": "a", "Value": "b"}]})
UNTAG = Operation("sagemaker", "DeleteTags", {"ResourceArn": "@package", "TagKeys": ["a"]})
LIST_TAGS = Operation("sagemaker", "ListTags", {"ResourceArn": "@package"})
LIST_GROUPS = Operation("sagemaker", "ListModelPackageGroups", {"MaxResults": 10})
LIST_CARDS = Operation("sagemaker", "ListModelCards", {"MaxResults": 10})

MISSING_ARN = "arn:aws:sagemaker:us-east-1:@account:model/@missing"
NAMES = contract("5")
RULES = contract("4.6")
PATTERN = "Member must satisfy regular expression pattern"
LONGEST = "Member must have length less than or equal to"
ENUM = "Member must satisfy enum value set"

REFUSED = [
    GROUP.refused("underscore in the name", {"ModelPackageGroupName": "a_b"}, PATTERN, NAMES),
    GROUP.refused("name of 64 characters", {"ModelPackageGroupName": "a" * 64}, f"{LONGEST} 63", NAMES),
    GROUP.refused(
        "taken name", {"ModelPackageGroupName": "@group"}, "Model Package Group already exists", NAMES
    ),
    GROUP.refused(
        "description of 1025 characters",
        {"ModelPackageGroupDescription": "d" * 1025},
        f"{LONGEST} 1024",
        MODEL,
    ),
    PACKAGE.refused("missing group", {"ModelPackageGroupName": "@missing"}, "does not exist", NAMES),
    PACKAGE.refused("group and a name", {"ModelPackageName": "@new"}, "ModelPackageGroupName", MODEL_TEXT),
    PACKAGE.refused("nothing to run", {"InferenceSpecification": REMOVED}, "InferenceSpecification", RULES),
    PACKAGE.refused(
        "no container", {"InferenceSpecification.Containers": []}, "length greater than or equal to 1", RULES
    ),
    PACKAGE.refused(
        "16 containers", {"InferenceSpecification.Containers": [CONTAINER] * 16}, f"{LONGEST} 15", RULES
    ),
    PACKAGE.refused("unknown approval", {"ModelApprovalStatus": "Maybe"}, ENUM, RULES),
    PACKAGE.refused(
        "51 properties",
        {"CustomerMetadataProperties": {f"p{n}": "1" for n in range(51)}},
        f"{LONGEST} 50",
        RULES,
    ),
    PACKAGE.refused(
        "metric without a content type",
        {"ModelMetrics": {"Bias": {"Report": {"S3Uri": "s3://b/k"}}}},
        "contentType",
        RULES,
    ),
    PACKAGE.refused(
        "life cycle without a status", {"ModelLifeCycle": {"Stage": "Development"}}, "stageStatus", RULES
    ),
    PACKAGE.refused(
        "card of 100001 characters",
        {"ModelCard": {"ModelCardContent": "x" * 100_001, "ModelCardStatus": "Draft"}},
        f"{LONGEST} 100000",
        RULES,
    ),
    UPDATE.refused("unknown approval", {"ModelApprovalStatus": "Yes"}, ENUM, RULES),
    UPDATE.refused("no ARN", {"ModelPackageArn": "package"}, PATTERN, MODEL),
    UPDATE.refused(
        "missing package",
        {"ModelPackageArn": "arn:aws:sagemaker:us-east-1:@account:model-package/@missing/1"},
        "does not exist",
        NAMES,
    ),
    DESCRIBE.refused("missing package", {"ModelPackageName": "@missing"}, "does not exist", NAMES),
    DELETE.refused("missing package", {"ModelPackageName": "@missing"}, "does not exist", NAMES),
    DESCRIBE_GROUP.refused("missing", {"ModelPackageGroupName": "@missing"}, "does not exist", NAMES),
    DELETE_GROUP.refused("group with packages", {}, "model packages", RULES),
    DELETE_GROUP.refused(
        "missing", {"ModelPackageGroupName": "@missing"}, "does not exist", NAMES, "ValidationException"
    ),
    LIST.refused("missing group", {"ModelPackageGroupName": "@missing"}, "does not exist", NAMES),
    LIST.refused("unknown type", {"ModelPackageType": "Some"}, ENUM, MODEL),
    CARD.refused("content that is no JSON", {"Content": "hello"}, "JSON", RULES),
    CARD.refused("content of 100001 characters", {"Content": "x" * 100_001}, f"{LONGEST} 100000", RULES),
    CARD.refused("unknown status", {"ModelCardStatus": "Done"}, ENUM, RULES),
    CARD.refused("underscore in the name", {"ModelCardName": "a_b"}, PATTERN, NAMES),
    UPDATE_CARD.refused("missing", {}, "does not exist", MODEL),
    DESCRIBE_CARD.refused("missing", {}, "does not exist", MODEL),
    DELETE_CARD.refused("missing", {}, "does not exist", MODEL),
    CARD_VERSIONS.refused("missing", {}, "does not exist", MODEL),
    TAG.refused("missing resource", {"ResourceArn": MISSING_ARN}, "Could not find", NAMES),
    TAG.refused("no ARN", {"ResourceArn": "model"}, PATTERN, MODEL),
    TAG.refused("51 tags", {"Tags": [{"Key": f"t{n}", "Value": ""} for n in range(51)]}, LONGEST, NAMES),
    UNTAG.refused("no key", {"TagKeys": []}, "length greater than or equal to 1", MODEL),
    UNTAG.refused("missing resource", {"ResourceArn": MISSING_ARN}, "Could not find", NAMES),
    LIST_TAGS.refused("missing resource", {"ResourceArn": MISSING_ARN}, "Could not find", NAMES),
    LIST_TAGS.refused("page of 49", {"MaxResults": 49}, "greater than or equal to 50", MODEL),
    LIST_GROUPS.refused("page of 101", {"MaxResults": 101}, "less than or equal to 100", MODEL),
    LIST_CARDS.refused("unknown status", {"ModelCardStatus": "Done"}, ENUM, MODEL),
]

ACCEPTED = [
    LIST_GROUPS.accepted("every filter", {"NameContains": "a", "SortBy": "Name"}),
    LIST_CARDS.accepted("every filter", {"ModelCardStatus": "Draft", "SortBy": "Name"}),
    GROUP.accepted("plain"),
    GROUP.accepted("longest name", {"ModelPackageGroupName": "g" * 40 + "-@new"}, NAMES),
    PACKAGE.accepted("plain", source=RULES),
    PACKAGE.accepted("15 containers", {"InferenceSpecification.Containers": [CONTAINER] * 15}, RULES),
    PACKAGE.accepted(
        "50 properties", {"CustomerMetadataProperties": {f"p{n}": "1" for n in range(50)}}, RULES
    ),
    UPDATE.accepted("approved", source=RULES),
    DESCRIBE.accepted("there"),
    LIST.accepted("there"),
    CARD.accepted("plain"),
    CARD.accepted("approved", {"ModelCardStatus": "Approved"}, RULES),
    TAG.accepted("plain"),
    UNTAG.accepted("key that is not there", {"TagKeys": ["nothing"]}),
    LIST_TAGS.accepted("page of 50", {"MaxResults": 50}),
]
