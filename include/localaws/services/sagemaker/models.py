"""Models: one container or a pipeline of them, and what must be there to run it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from localaws import state
from localaws.artifacts import split_uri
from localaws.clients import client
from localaws.protocol import AwsError, answer, not_implemented
from localaws.services.sagemaker.image_regions import require_region
from localaws.services.sagemaker.listing import Listing
from localaws.services.sagemaker.packages import find_package
from localaws.services.sagemaker.resources import MODEL, Operations
from localaws.services.sagemaker.roles import require_role

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

Document = dict[str, Any]

LISTING = Listing("ModelName")


class ModelOperations(Operations):
    """CreateModel, DescribeModel, DeleteModel, ListModels."""

    def create_model(self) -> ActionResult:
        """Store a model whose artifacts exist in S3."""
        request = self.request()
        refuse_unsupported(request)
        check_hostnames(definitions(request))
        for container in definitions(request):
            check_container(container, self.region)
        require_role(request.get("ExecutionRoleArn"))
        document = MODEL.create(self.region, request["ModelName"], request)
        return answer({"ModelArn": document["ModelArn"]})

    def describe_model(self) -> ActionResult:
        """The request as it was sent, ARN and creation time."""
        return answer(MODEL.find(self.region, self.request()["ModelName"]))

    def delete_model(self) -> ActionResult:
        """Forget the model; endpoints that run it keep running, as on AWS."""
        MODEL.delete(self.region, self.request()["ModelName"])
        return answer({})

    def list_models(self) -> ActionResult:
        """Names, ARNs and creation times."""
        page, token = LISTING.page(state.store().items(MODEL.kind), self.request())
        return answer({"Models": page, "NextToken": token})


def definitions(model: Document) -> list[Document]:
    """The container definitions of a CreateModel request or stored model, first to last.

    Raises:
        AwsError: ValidationException unless exactly one of PrimaryContainer and Containers is given.
    """
    primary, containers = model.get("PrimaryContainer"), model.get("Containers")
    if bool(primary) == bool(containers):
        raise AwsError("ValidationException", "Specify exactly one of PrimaryContainer and Containers.")
    return list(containers) if containers else [primary or {}]


def refuse_unsupported(request: Document) -> None:
    """Say what the stand-in does not do with models.

    Raises:
        AwsError: NotImplementedException for direct invocation, multi-model, additional model data.
    """
    if request.get("InferenceExecutionConfig", {}).get("Mode") == "Direct":
        raise not_implemented("CreateModel: InferenceExecutionConfig.Mode=Direct")
    for container in definitions(request):
        if container.get("Mode") == "MultiModel":
            raise not_implemented("CreateModel: Mode=MultiModel")
        if "AdditionalModelDataSources" in container:
            raise not_implemented("CreateModel: AdditionalModelDataSources")


def check_hostnames(containers: list[Document]) -> None:
    """Check that either no container of a pipeline has a hostname or each has one of its own.

    Raises:
        AwsError: ValidationException.
    """
    names = [container["ContainerHostname"] for container in containers if "ContainerHostname" in container]
    if len(containers) > 1 and names and len(set(names)) < len(containers):
        raise AwsError(
            "ValidationException",
            "Either each container of a pipeline has a ContainerHostname of its own, or none has one; "
            f"got {', '.join(names)} for {len(containers)} containers.",
        )


def check_container(container: Document, region: str) -> None:
    """Check that a container's image is named and its artifacts exist.

    Raises:
        AwsError: ValidationException with AWS's text.
    """
    if "ModelPackageName" in container:
        approved_containers(container["ModelPackageName"], region)
        return
    if "Image" not in container:
        raise AwsError(
            "ValidationException", "Container definition must have an Image or a ModelPackageName."
        )
    require_region("CreateModel", container["Image"], region)
    url = container.get("ModelDataUrl", "")
    if url and not url.endswith(".tar.gz"):
        raise AwsError("ValidationException", f"ModelDataUrl must end with .tar.gz, got {url}.")
    uri = model_data(container)
    if uri and not exists(uri):
        raise AwsError("ValidationException", f"Could not find model data at {uri}.")


def model_data(container: Document) -> str:
    """The S3 URI of a container's artifacts, empty when it has none."""
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    return str(container.get("ModelDataUrl") or source.get("S3Uri") or "")


def exists(uri: str) -> bool:
    """Whether an object, or an object under the prefix when the URI ends with a slash, is in S3."""
    bucket, key = split_uri(uri)
    try:
        if key.endswith("/"):
            found = client("s3").list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
            return bool(found.get("KeyCount"))
        client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError:
        return False
    return True


def approved_containers(package_name: str, region: str) -> list[Document]:
    """The containers of a model package that may be deployed.

    Raises:
        AwsError: ValidationException when it is missing or not Approved.
    """
    package = find_package(package_name, region)
    status = package.get("ModelApprovalStatus", "Approved")
    if status != "Approved":
        raise AwsError(
            "ValidationException",
            f"Model package {package['ModelPackageArn']} has approval status {status}; only Approved "
            "packages can be deployed.",
        )
    return list(package.get("InferenceSpecification", {}).get("Containers", []))


def runnable_containers(model_name: str, region: str) -> list[Document]:
    """What to start for a model: its containers, model packages replaced by what they hold.

    Raises:
        AwsError: ValidationException when the model or a package is missing.
    """
    containers: list[Document] = []
    for container in definitions(MODEL.find(region, model_name)):
        if "ModelPackageName" not in container:
            containers.append(container)
            continue
        environment = container.get("Environment", {})
        containers += [
            {**packaged, "Environment": {**packaged.get("Environment", {}), **environment}}
            for packaged in approved_containers(container["ModelPackageName"], region)
        ]
    return containers
