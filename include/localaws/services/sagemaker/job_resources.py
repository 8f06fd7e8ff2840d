"""What training and processing jobs have in common: names, lists, stop, delete, configuration files."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws import jobs
from localaws.containers import ImageNotFound, image_directory
from localaws.containers.sandbox import HOST
from localaws.protocol import AwsError, not_implemented
from localaws.services.sagemaker.listing import Listing
from localaws.services.sagemaker.resources import Resource
from localaws.state import now, store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from localaws.containers import Box

Document = dict[str, Any]
DEFAULT_MAX_RUNTIME_SECONDS = 86_400


@dataclass(frozen=True)
class JobResource(Resource):
    """A kind of job, with AWS's wording.

    Attributes:
        taken: text for a name in use, formatted with `arn`.
        missing: text for a job that is not there, formatted with `name`.
    """

    taken: str
    missing: str

    @property
    def name_key(self) -> str:
        """E.g. ``TrainingJobName``."""
        return f"{self.kind}Name"

    @property
    def status_key(self) -> str:
        """E.g. ``TrainingJobStatus``."""
        return f"{self.kind}Status"

    def find(self, region: str, name: str) -> Document:  # noqa: ARG002  the message has no ARN here
        """The stored document; raises `AwsError` ValidationException with AWS's text."""
        document = store().get(self.kind, name)
        if document is None:
            raise AwsError("ValidationException", self.missing.format(name=name))
        return document

    def create(self, region: str, name: str, request: Document, **more: Any) -> Document:
        """Store a new job in progress; raises `AwsError` ResourceInUse when the name is taken."""
        arn = self.arn(region, name)
        moment = now()
        document = {
            **request,
            f"{self.kind}Arn": arn,
            self.status_key: jobs.IN_PROGRESS,
            "CreationTime": moment,
            "LastModifiedTime": moment,
            **more,
        }
        try:
            store().create(self.kind, name, document)
        except KeyError as error:
            raise AwsError("ResourceInUse", self.taken.format(arn=arn)) from error
        return document

    def page(self, request: Document) -> tuple[list[Document], str | None]:
        """One page of a List operation, and its NextToken."""
        return Listing(self.name_key, self.status_key).page(store().items(self.kind), request)

    def stop(self, region: str, name: str) -> None:
        """Ask the job to stop; raises `AwsError` when it has ended already."""
        status = self.find(region, name)[self.status_key]
        job = jobs.running(self.kind, name)
        if status in jobs.TERMINAL or job is None:
            raise AwsError(
                "ValidationException",
                f"The request was rejected because the {self.title} is in status {status}.",
            )
        job.stop()

    def delete(self, region: str, name: str) -> None:
        """Forget an ended job; raises `AwsError` while it runs."""
        status = self.find(region, name)[self.status_key]
        if status not in jobs.TERMINAL:
            raise AwsError(
                "ResourceInUse",
                f"The request was rejected because the {self.title} is in status {status}; stop it first.",
            )
        store().delete(self.kind, name)


def require_image(operation: str, image_uri: str) -> None:
    """Refuse an image that has no local stand-in before a job is made of it."""
    try:
        image_directory(image_uri)
    except ImageNotFound as error:
        raise not_implemented(f"{operation}: {error}") from error


def refuse(operation: str, **unsupported: bool) -> None:
    """Answer NotImplemented for the first parameter whose condition is true; ``__`` stands for a dot."""
    for parameter, present in unsupported.items():
        if present:
            raise not_implemented(f"{operation}: {parameter.replace('__', '.')}")


def write_json(box: Box, path: str, document: Any) -> None:
    """Write a configuration file into the container's ``/opt/ml``."""
    target = box.local(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document, default=str), encoding="utf-8")


def resource_config(instance_type: str, hosts: Sequence[str] = (HOST,), current: str = HOST) -> Document:
    """The content of resourceconfig.json for the instance `current` of `hosts`."""
    group = {
        "instance_group_name": "homogeneousCluster",
        "instance_type": instance_type,
        "hosts": list(hosts),
    }
    return {
        "current_host": current,
        "current_instance_type": instance_type,
        "current_group_name": group["instance_group_name"],
        "hosts": list(hosts),
        "instance_groups": [group],
        "network_interface_name": "eth0",
    }


def log_stream(name: str, host: str = HOST) -> str:
    """The log stream of one of a job's instances."""
    return f"{name}/{host}-{int(time.time())}"


def seconds_since(start: datetime) -> int:
    """Whole seconds since `start`, at least 1, as AWS bills."""
    return max(1, math.ceil((now() - start).total_seconds()))


def failure_reason(code: int, failure: str | None) -> str:
    """FailureReason of a container that ended with `code` and perhaps wrote /opt/ml/output/failure."""
    text = failure or "See job logs for more information"
    prefix = "" if text.startswith(("ClientError:", "AlgorithmError:")) else "AlgorithmError: "
    return f"{prefix}{text}, exit code: {code}"
