"""The model registry: groups, versions, approval, deployment from a package, cards."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hosting import SHOUT, Hosting, unique

ARN = "arn:aws:sagemaker:us-east-1:123456789012"


@pytest.fixture
def group(hosting: Hosting) -> str:
    """An empty model package group."""
    name = unique("group")
    answer = hosting.client("sagemaker").create_model_package_group(
        ModelPackageGroupName=name, ModelPackageGroupDescription="for a test"
    )
    assert answer["ModelPackageGroupArn"] == f"{ARN}:model-package-group/{name}"
    return name


def package(hosting: Hosting, group: str, **more: Any) -> str:
    """Register a version of two containers; return its ARN."""
    containers = [
        {key: container[key] for key in ("Image", "ModelDataUrl", "Environment")}
        for container in (hosting.container(SHOUT, "!"), hosting.container(SHOUT, "?"))
    ]
    specification = {
        "Containers": containers,
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
        "SupportedRealtimeInferenceInstanceTypes": ["ml.m5.large"],
    }
    answer = hosting.client("sagemaker").create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification, **more
    )
    return str(answer["ModelPackageArn"])


def test_a_group_exists_once(hosting: Hosting, group: str) -> None:
    sagemaker = hosting.client("sagemaker")
    described = sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    assert described["ModelPackageGroupStatus"] == "Completed"
    assert described["ModelPackageGroupDescription"] == "for a test"
    with pytest.raises(ClientError, match="Model Package Group already exists") as caught:
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    listed = sagemaker.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
    assert [item["ModelPackageGroupName"] for item in listed] == [group]
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    missing = f"ModelPackageGroup {ARN}:model-package-group/{group} does not exist."
    with pytest.raises(ClientError, match=missing):
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match=missing):
        package(hosting, group)


def test_versions_count_from_one_and_are_never_given_out_again(hosting: Hosting, group: str) -> None:
    sagemaker = hosting.client("sagemaker")
    arns = [package(hosting, group) for _ in range(2)]
    assert arns == [f"{ARN}:model-package/{group}/{version}" for version in (1, 2)]
    with pytest.raises(sagemaker.exceptions.ConflictException):
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    sagemaker.delete_model_package(ModelPackageName=arns[1])
    arns.append(package(hosting, group))
    assert arns[2] == f"{ARN}:model-package/{group}/3"
    listed = sagemaker.list_model_packages(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending"
    )["ModelPackageSummaryList"]
    assert [item["ModelPackageVersion"] for item in listed] == [3, 1]
    with pytest.raises(ClientError, match=f"ModelPackage {arns[1]} does not exist."):
        sagemaker.describe_model_package(ModelPackageName=arns[1])


def test_what_was_registered_is_described(hosting: Hosting, group: str) -> None:
    report = {"ContentType": "application/json", "S3Uri": f"s3://{hosting.bucket}/report.json"}
    metrics = {
        "ModelQuality": {"Statistics": report},
        "Bias": {"PreTrainingReport": report, "PostTrainingReport": report},
        "Explainability": {"Report": report},
    }
    baselines = {"Bias": {"PreTrainingConstraints": report}}
    arn = package(
        hosting,
        group,
        ModelMetrics=metrics,
        DriftCheckBaselines=baselines,
        CustomerMetadataProperties={"retrain:run": "r1", "winner": "autopilot"},
        ModelPackageDescription="first",
    )
    described = hosting.client("sagemaker").describe_model_package(ModelPackageName=arn)
    assert described["ModelMetrics"] == metrics
    assert described["DriftCheckBaselines"] == baselines
    assert described["CustomerMetadataProperties"] == {"retrain:run": "r1", "winner": "autopilot"}
    assert described["ModelPackageVersion"] == 1
    assert described["ModelPackageStatus"] == "Completed"
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    assert len(described["InferenceSpecification"]["Containers"]) == 2


def test_only_an_approved_package_is_deployed(hosting: Hosting, group: str) -> None:
    sagemaker = hosting.client("sagemaker")
    arn = package(hosting, group)
    container = {"ModelPackageName": arn}
    with pytest.raises(ClientError, match="approval status PendingManualApproval"):
        hosting.model(container)
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="looked at",
        CustomerMetadataProperties={"by": "me"},
    )
    approved = sagemaker.list_model_packages(ModelPackageGroupName=group, ModelApprovalStatus="Approved")
    assert [item["ModelPackageArn"] for item in approved["ModelPackageSummaryList"]] == [arn]
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["ApprovalDescription"] == "looked at"
    assert described["CustomerMetadataProperties"] == {"by": "me"}
    model = hosting.model(container)
    assert sagemaker.describe_model(ModelName=model)["PrimaryContainer"] == container
    name = hosting.endpoint(hosting.config({model: 1}))
    assert hosting.settled(name)["EndpointStatus"] == "InService"
    assert hosting.invoke(name) == "hello!?\n"
    hosting.delete(name)


def test_a_package_may_stand_alone(hosting: Hosting) -> None:
    sagemaker = hosting.client("sagemaker")
    name = unique("package")
    specification = {
        "Containers": [{"Image": hosting.container(SHOUT)["Image"]}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    sagemaker.create_model_package(ModelPackageName=name, InferenceSpecification=specification)
    listed = sagemaker.list_model_packages(NameContains=name)["ModelPackageSummaryList"]
    assert [item["ModelPackageArn"] for item in listed] == [f"{ARN}:model-package/{name}"]
    with pytest.raises(ClientError, match="exactly one of ModelPackageGroupName and ModelPackageName"):
        sagemaker.create_model_package(InferenceSpecification=specification)


def test_tags_of_packages_are_found(hosting: Hosting, group: str) -> None:
    sagemaker = hosting.client("sagemaker")
    arn = f"{ARN}:model-package-group/{group}"
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "retrain:run", "Value": "r1"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "retrain:run", "Value": "r1"}]


def test_a_card_keeps_its_versions(hosting: Hosting) -> None:
    sagemaker = hosting.client("sagemaker")
    name = unique("card")
    first, second = ({"model_overview": {"model_description": text}} for text in ("one", "two"))
    with pytest.raises(ClientError, match="not valid JSON"):
        sagemaker.create_model_card(ModelCardName=name, Content="{", ModelCardStatus="Draft")
    arn = sagemaker.create_model_card(ModelCardName=name, Content=json.dumps(first), ModelCardStatus="Draft")[
        "ModelCardArn"
    ]
    assert arn == f"{ARN}:model-card/{name}"
    with pytest.raises(sagemaker.exceptions.ConflictException):
        sagemaker.create_model_card(ModelCardName=name, Content="{}", ModelCardStatus="Draft")
    sagemaker.update_model_card(ModelCardName=name, Content=json.dumps(second), ModelCardStatus="Approved")
    newest = sagemaker.describe_model_card(ModelCardName=name)
    assert (newest["ModelCardVersion"], newest["ModelCardStatus"]) == (2, "Approved")
    assert json.loads(newest["Content"]) == second
    oldest = sagemaker.describe_model_card(ModelCardName=name, ModelCardVersion=1)
    assert json.loads(oldest["Content"]) == first
    versions = sagemaker.list_model_card_versions(ModelCardName=name, SortOrder="Ascending")
    assert [item["ModelCardVersion"] for item in versions["ModelCardVersionSummaryList"]] == [1, 2]
    sagemaker.delete_model_card(ModelCardName=name)
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_model_card(ModelCardName=name)
