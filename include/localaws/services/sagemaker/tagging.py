"""Tags of every resource that is kept in our store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.protocol import AwsError, answer
from localaws.services.sagemaker.resources import Operations
from localaws.state import store

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

Document = dict[str, Any]

MAX_TAGS = 50
# The kind of resource by the word in its ARN; the ARN itself is in the document as `<kind>Arn`.
KINDS = {
    "automl-job": "AutoMLJob",
    "endpoint": "Endpoint",
    "endpoint-config": "EndpointConfig",
    "model": "Model",
    "model-card": "ModelCard",
    "model-package": "ModelPackage",
    "model-package-group": "ModelPackageGroup",
    "processing-job": "ProcessingJob",
    "training-job": "TrainingJob",
    "transform-job": "TransformJob",
}


class TagOperations(Operations):
    """AddTags, ListTags, DeleteTags."""

    def add_tags(self) -> ActionResult:
        """Add or replace tags; answers all of them."""
        request = self.request()
        kind, name, document = find(request["ResourceArn"])
        tags = {tag["Key"]: tag["Value"] for tag in document.get("Tags", []) + request["Tags"]}
        if len(tags) > MAX_TAGS:
            raise AwsError(
                "ResourceLimitExceeded", f"A resource has at most {MAX_TAGS} tags, got {len(tags)}."
            )
        merged = [{"Key": key, "Value": value} for key, value in tags.items()]
        store().update(kind, name, Tags=merged)
        return answer({"Tags": merged})

    def list_tags(self) -> ActionResult:
        """All tags of a resource."""
        _, _, document = find(self.request()["ResourceArn"])
        return answer({"Tags": document.get("Tags", [])})

    def delete_tags(self) -> ActionResult:
        """Remove tags by key; a key that is not there is no error."""
        request = self.request()
        kind, name, document = find(request["ResourceArn"])
        kept = [tag for tag in document.get("Tags", []) if tag["Key"] not in request["TagKeys"]]
        store().update(kind, name, Tags=kept)
        return answer({})


def find(arn: str) -> tuple[str, str, Document]:
    """Kind, store name and document of the resource with this ARN; raises `AwsError` when there is none."""
    path = arn.split(":", 5)[-1].partition("/")[0]
    kind = KINDS.get(path)
    for name in store().names(kind) if kind else []:
        document = store().get(kind or "", name)
        if document and document.get(f"{kind}Arn", "").lower() == arn.lower():
            return kind or "", name, document
    raise AwsError("ValidationException", f"Could not find resource with ARN {arn}.")
