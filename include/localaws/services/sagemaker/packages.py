"""Versioned model packages in groups, and unversioned ones."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from localaws import ACCOUNT_ID, state
from localaws.protocol import AwsError, answer
from localaws.services.sagemaker.listing import Listing
from localaws.services.sagemaker.resources import Operations

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

Document = dict[str, Any]

KIND = "ModelPackage"
GROUP_KIND = "ModelPackageGroup"
LISTING = Listing("Key", descending=False)
GROUP_LISTING = Listing("ModelPackageGroupName", descending=False)
CREATED_BY = {
    "IamIdentity": {"Arn": f"arn:aws:iam::{ACCOUNT_ID}:root", "PrincipalId": ACCOUNT_ID},
}
# UpdateModelPackage replaces these members as they are.
REPLACED = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelLifeCycle",
    "ModelCard",
    "ModelPackageRegistrationType",
)

_numbering = threading.Lock()


class GroupOperations(Operations):
    """CreateModelPackageGroup, DescribeModelPackageGroup, DeleteModelPackageGroup, ListModelPackageGroups."""

    def create_model_package_group(self) -> ActionResult:
        """Store an empty group."""
        request = self.request()
        name = request["ModelPackageGroupName"]
        arn = group_arn(name, self.region)
        document = {
            **request,
            "ModelPackageGroupArn": arn,
            "ModelPackageGroupStatus": "Completed",
            "CreationTime": state.now(),
            "CreatedBy": CREATED_BY,
            "LastVersion": 0,
        }
        try:
            state.store().create(GROUP_KIND, name, document)
        except KeyError as error:
            raise AwsError("ValidationException", f"Model Package Group already exists: {arn}") from error
        return answer({"ModelPackageGroupArn": arn})

    def describe_model_package_group(self) -> ActionResult:
        """The request as it was sent, and its status."""
        return answer(find_group(self.request()["ModelPackageGroupName"], self.region))

    def delete_model_package_group(self) -> ActionResult:
        """Remove an empty group."""
        group = find_group(self.request()["ModelPackageGroupName"], self.region)
        name = group["ModelPackageGroupName"]
        if any(package.get("ModelPackageGroupName") == name for package in state.store().items(KIND)):
            message = f"Model Package Group {name} still has model packages. Delete them first."
            raise AwsError("ConflictException", message)
        state.store().delete(GROUP_KIND, name)
        return answer({})

    def list_model_package_groups(self) -> ActionResult:
        """Groups, oldest first."""
        page, token = GROUP_LISTING.page(state.store().items(GROUP_KIND), self.request())
        return answer({"ModelPackageGroupSummaryList": page, "NextToken": token})


class PackageOperations(Operations):
    """CreateModelPackage, DescribeModelPackage, UpdateModelPackage, DeleteModelPackage, ListModelPackages."""

    def create_model_package(self) -> ActionResult:
        """Store a package: the next version of its group, or one with a name of its own."""
        request = self.request()
        if ("ModelPackageGroupName" in request) == ("ModelPackageName" in request):
            raise AwsError(
                "ValidationException", "Specify exactly one of ModelPackageGroupName and ModelPackageName."
            )
        if "InferenceSpecification" not in request and "SourceAlgorithmSpecification" not in request:
            raise AwsError(
                "ValidationException", "InferenceSpecification is missing: it names the containers."
            )
        document = {
            **request,
            "CreationTime": state.now(),
            "CreatedBy": CREATED_BY,
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        }
        with _numbering:
            document |= self._identity(request)
            key = document["Key"]
            try:
                state.store().create(KIND, key, document)
            except KeyError as error:
                message = f"Model Package already exists: {document['ModelPackageArn']}"
                raise AwsError("ValidationException", message) from error
        return answer({"ModelPackageArn": document["ModelPackageArn"]})

    def _identity(self, request: Document) -> Document:
        """Key, ARN and, in a group, version and approval status of a new package."""
        if "ModelPackageName" in request:
            key = request["ModelPackageName"]
            return {"Key": key, "ModelPackageArn": package_arn(key, self.region)}
        group = find_group(request["ModelPackageGroupName"], self.region)
        name, version = group["ModelPackageGroupName"], group["LastVersion"] + 1
        state.store().update(GROUP_KIND, name, LastVersion=version)
        key = f"{name}/{version}"
        return {
            "Key": key,
            "ModelPackageArn": package_arn(key, self.region),
            "ModelPackageGroupName": name,
            "ModelPackageVersion": version,
            "ModelApprovalStatus": request.get("ModelApprovalStatus", "PendingManualApproval"),
        }

    def describe_model_package(self) -> ActionResult:
        """The request as it was sent, version, status and approval."""
        return answer(find_package(self.request()["ModelPackageName"], self.region))

    def update_model_package(self) -> ActionResult:
        """Change approval, metadata or specification of a package."""
        request = self.request()
        package = find_package(request["ModelPackageArn"], self.region)
        metadata = {
            **package.get("CustomerMetadataProperties", {}),
            **request.get("CustomerMetadataProperties", {}),
        }
        for name in request.get("CustomerMetadataPropertiesToRemove", []):
            metadata.pop(name, None)
        changes = {key: request[key] for key in REPLACED if key in request}
        if metadata or "CustomerMetadataPropertiesToRemove" in request:
            changes["CustomerMetadataProperties"] = metadata
        if "AdditionalInferenceSpecificationsToAdd" in request:
            earlier = package.get("AdditionalInferenceSpecifications", [])
            added = request["AdditionalInferenceSpecificationsToAdd"]
            changes["AdditionalInferenceSpecifications"] = earlier + added
        state.store().update(
            KIND, package["Key"], LastModifiedTime=state.now(), LastModifiedBy=CREATED_BY, **changes
        )
        return answer({"ModelPackageArn": package["ModelPackageArn"]})

    def delete_model_package(self) -> ActionResult:
        """Remove a package; its version number is not given out again."""
        package = find_package(self.request()["ModelPackageName"], self.region)
        state.store().delete(KIND, package["Key"])
        return answer({})

    def list_model_packages(self) -> ActionResult:
        """Packages, oldest first: the versions of a group when one is named, else unversioned ones."""
        request = self.request()
        group = request.get("ModelPackageGroupName")
        if group:
            group = find_group(group, self.region)["ModelPackageGroupName"]
        kind = request.get("ModelPackageType", "Versioned" if group else "Unversioned")
        wanted = [
            package for package in state.store().items(KIND) if _is_listed(package, request, group, kind)
        ]
        page, token = LISTING.page(wanted, request)
        return answer({"ModelPackageSummaryList": page, "NextToken": token})


def _is_listed(package: Document, request: Document, group: str | None, kind: str) -> bool:
    approval = request.get("ModelApprovalStatus")
    return (
        (group is None or package.get("ModelPackageGroupName") == group)
        and (approval is None or package.get("ModelApprovalStatus") == approval)
        and (kind == "Both" or (kind == "Versioned") == ("ModelPackageVersion" in package))
    )


def group_arn(name: str, region: str) -> str:
    """ARN of a model package group."""
    return f"arn:aws:sagemaker:{region}:{ACCOUNT_ID}:model-package-group/{name}"


def package_arn(key: str, region: str) -> str:
    """ARN of a model package; `key` is `<group>/<version>` or the package's own name."""
    return f"arn:aws:sagemaker:{region}:{ACCOUNT_ID}:model-package/{key}"


def find_group(name_or_arn: str, region: str) -> Document:
    """The stored group.

    Raises:
        AwsError: ValidationException when there is none, in AWS's words.
    """
    name = name_or_arn.rpartition("/")[2]
    document = state.store().get(GROUP_KIND, name)
    if document is None:
        message = f"ModelPackageGroup {group_arn(name, region)} does not exist."
        raise AwsError("ValidationException", message)
    return document


def find_package(name_or_arn: str, region: str) -> Document:
    """The stored package, by ARN, `<group>/<version>` or its own name.

    Raises:
        AwsError: ValidationException when there is none, in AWS's words.
    """
    key = name_or_arn.partition(":model-package/")[2] or name_or_arn
    document = state.store().get(KIND, key)
    if document is None:
        raise AwsError("ValidationException", f"ModelPackage {package_arn(key, region)} does not exist.")
    return document
