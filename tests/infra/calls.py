"""Recorded requests as questions to IAM: who asks, which action, which resource. Pure.

Actions and the types of their resources come from AWS's service authorization reference (in cfn-lint).
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote

import cfnlint

from .general import general
from .policy import Access
from .template import ACCOUNT, REGION, Template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LAUNCHER = "sentiment-retrain-launcher"
AIRFLOW, JOB, MODEL = "AirflowRole", "JobRole", "ModelRole"
PREFIXES = {"sagemaker-runtime": "sagemaker", "service-quotas": "servicequotas"}
# What the API calls otherwise than IAM does.
S3_ACTIONS = {
    "HeadObject": "GetObject",
    "HeadBucket": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjects": "ListBucket",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
}
# Members of SageMaker's requests that name a resource, and its type in an ARN.
NAMES = {
    "AutoMLJobName": "automl-job",
    "EndpointConfigName": "endpoint-config",
    "EndpointName": "endpoint",
    "ModelCardName": "model-card",
    "ModelName": "model",
    "ModelPackageGroupName": "model-package-group",
    "ProcessingJobName": "processing-job",
    "TrainingJobName": "training-job",
    "TransformJobName": "transform-job",
}
# What a model's containers and batch transform, which works as its model, read and write; the rest is jobs'.
READING = {"GetObject", "HeadObject"}
WRITING = {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}
MODELS_READ = re.compile(r"containers/|scoring/|datasets/[^/]+/test/|jobs/.+/model\.tar\.gz$")
MODELS_WRITE = re.compile(r"capture/|jobs/[^/]+-(transform|predict)-\d{8}-")
LOGS_OF_MODELS = ("/aws/sagemaker/Endpoints", "/aws/sagemaker/TransformJobs")
ARNS = ("ResourceArn", "ModelPackageName", "ModelPackageArn")
ROLES = {"RoleArn": JOB, "ExecutionRoleArn": MODEL}


class Call(NamedTuple):
    """One access and the roles of which any one would do it on AWS."""

    roles: tuple[str, ...]
    access: Access


@lru_cache(maxsize=1)
def _reference() -> dict[str, Any]:
    path = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"
    return dict(json.loads(path.read_text()))


def resource_types(action: str) -> list[str] | None:
    """Types of the resources that an action can be restricted to; empty: none. None: no such action."""
    service, _, name = action.partition(":")
    found = _reference().get(service, {}).get("Actions", {}).get(name.lower())
    return None if found is None else list(found.get("Resources", []))


def read(lines: Iterable[str], template: Template) -> set[Call]:
    """The distinct accesses of a trail (include/localaws/trail.py), as in the stack's account."""
    return {call for line in lines for call in _calls(json.loads(line), template)}


def _calls(entry: Mapping[str, Any], template: Template) -> Iterator[Call]:
    roles = _who(entry)
    if roles:
        for access in _accesses(entry, template):
            yield Call(roles, access._replace(resource=general(access.resource)))


def _who(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The roles that may be behind a request; empty for a person and for AWS's own doing."""
    service = entry["service"]
    if entry["source"] == "client":
        return () if entry["application"] == LAUNCHER else (AIRFLOW,)
    if entry["source"] == "container":
        return (JOB,)
    if service == "glue":
        return (AIRFLOW,)  # Athena looks into the catalog as whoever asked it
    if service == "s3":
        return _behind_object(entry["operation"], _key(entry))
    if service == "logs":
        group = str(entry["request"]["logGroupName"])
        return (MODEL,) if group.startswith(LOGS_OF_MODELS) else (JOB,)
    # Endpoints' metrics, roles that are looked up, alarms of the engine: AWS's own.
    return ()


def _behind_object(operation: str, key: str) -> tuple[str, ...]:
    """As whom AWS does what the stand-in's engine does to an object."""
    if key.startswith(("athena/", "curated/", "raw/")):
        return (AIRFLOW,)
    of_model = MODELS_READ if operation in READING else MODELS_WRITE
    if of_model.match(key):
        return (MODEL,)
    # A listing of a job's own folder may be either's.
    return (JOB,) if operation in {*READING, *WRITING} else (JOB, MODEL)


def _key(entry: Mapping[str, Any]) -> str:
    """Key, or the prefix that is listed, of an S3 request."""
    if entry["service"] != "s3":
        return ""
    key = str(entry["path"]).lstrip("/").partition("/")[2]
    return key or parse_qs(entry["query"]).get("prefix", [""])[0]


def _accesses(entry: Mapping[str, Any], template: Template) -> Iterator[Access]:
    service, operation, request = entry["service"], entry["operation"], entry["request"]
    if service == "s3":
        yield _of_s3(entry, template)
        return
    action = f"{PREFIXES.get(service, service)}:{operation}"
    if action == "sts:GetCallerIdentity":
        return  # needs no permission
    context = _context(service, request)
    for resource in _resources(service, action, entry, template):
        yield Access(action, resource, context)
        if service == "sagemaker" and operation.startswith("Create") and request.get("Tags"):
            yield Access("sagemaker:AddTags", resource)
    if operation.startswith("Create"):
        for member, role in ROLES.items():
            if member in request:
                context = (("iam:PassedToService", "sagemaker.amazonaws.com"),)
                yield Access("iam:PassRole", template.arn(role), context)


def _of_s3(entry: Mapping[str, Any], template: Template) -> Access:
    """The bucket of the recording stands for the stack's."""
    operation, bucket = entry["operation"], template.arn("Bucket")
    action = f"s3:{S3_ACTIONS.get(operation, operation)}"
    has_key = "/" in str(entry["path"]).lstrip("/")
    key = unquote(str(entry["path"]).lstrip("/").partition("/")[2])
    return Access(action, f"{bucket}/{key}" if has_key and key else bucket)


def _context(service: str, request: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    if service == "cloudwatch" and "Namespace" in request:
        return (("cloudwatch:namespace", str(request["Namespace"])),)
    if service == "application-autoscaling":
        return (("application-autoscaling:service-namespace", str(request["ServiceNamespace"])),)
    return ()


def _resources(service: str, action: str, entry: Mapping[str, Any], template: Template) -> set[str]:
    """ARNs of what a request is about; ``*`` where its action knows no resources."""
    types = resource_types(action)
    if types is None:
        raise ValueError(f"AWS knows no action {action}")
    if not types or action == "cloudwatch:DescribeAlarms":
        return {"*"}
    request = entry["request"]
    return {
        "athena": lambda: {_arn("athena", f"workgroup/{template.properties('Workgroup')['Name']}")},
        "glue": lambda: set(_of_glue(request)),
        "logs": lambda: {_arn("logs", f"log-group:{request['logGroupName']}:log-stream:{_stream(request)}")},
        "cloudwatch": lambda: _alarms(request),
        "application-autoscaling": lambda: {_arn("application-autoscaling", "scalable-target/x")},
        "sagemaker": lambda: _of_sagemaker(request, types),
        "sagemaker-runtime": lambda: {_arn("sagemaker", f"endpoint/{entry['path'].split('/')[2].lower()}")},
        "sns": lambda: {template.arn("Topic")},
        "iam": lambda: {template.arn(AIRFLOW if "PolicySourceArn" in request else JOB)},
        "ecr": lambda: {
            f"arn:aws:ecr:{REGION}:{request['registryId']}:repository/{request['repositoryName']}"
        },
    }[service]()


def _stream(request: Mapping[str, Any]) -> str:
    """The stream of a log that a request is about, named after its job; any where it names none."""
    name = str(request.get("logStreamName") or request.get("logStreamNamePrefix") or "")
    return name.partition("/")[0] or "any"


def _of_glue(request: Mapping[str, Any]) -> Iterator[str]:
    yield _arn("glue", "catalog")
    name = request.get("DatabaseName") or request.get("Name") or request["DatabaseInput"]["Name"]
    yield _arn("glue", f"database/{name}")
    table = request.get("TableName") or request.get("TableInput", {}).get("Name")
    if table or "DatabaseName" in request:
        yield _arn("glue", f"table/{name}/{table or request.get('Name')}")


def _alarms(request: Mapping[str, Any]) -> set[str]:
    names = request.get("AlarmNames") or [request["AlarmName"]] if "MetricData" not in request else []
    return {_arn("cloudwatch", f"alarm:{name}") for name in names} or {"*"}


def _of_sagemaker(request: Mapping[str, Any], types: list[str]) -> set[str]:
    named = {
        _arn("sagemaker", f"{kind}/{request[member].lower()}")
        for member, kind in NAMES.items()
        if member in request and kind in types and not str(request[member]).startswith("arn:")
    }
    given = (str(request[member]) for member in ARNS if member in request)
    arns = {_arn("sagemaker", arn.split(":", 5)[5]) for arn in given}
    if "ModelPackageGroupName" in request and "model-package" in types:
        named.add(_arn("sagemaker", f"model-package/{request['ModelPackageGroupName']}/1"))
    if not named | arns:
        raise ValueError(f"no resource of {types} in {sorted(request)}")
    return named | arns


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"
