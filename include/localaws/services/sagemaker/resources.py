"""What the resources of SageMaker have in common: ARNs, names that are taken, names that are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from localaws import ACCOUNT_ID, state
from localaws.protocol import AwsError, StrictResponse

Document = dict[str, Any]


class Operations(StrictResponse):
    """Base of the operation mixins; `region` is set by moto's request handling."""

    region: str


@dataclass(frozen=True)
class Resource:
    """One kind of named resource, kept in the store under `kind`.

    Attributes:
        kind: as in the API's operation names, e.g. `EndpointConfig`.
        path: as in its ARN, e.g. `endpoint-config`.
        title: as in AWS's messages, e.g. `endpoint configuration`.
    """

    kind: str
    path: str
    title: str

    def arn(self, region: str, name: str) -> str:
        """The resource's ARN."""
        return f"arn:aws:sagemaker:{region}:{ACCOUNT_ID}:{self.path}/{name}"

    def find(self, region: str, name: str) -> Document:
        """The stored document.

        Raises:
            AwsError: ValidationException `Could not find <title> "<arn>".`, as AWS answers.
        """
        document = state.store().get(self.kind, name)
        if document is None:
            arn = self.arn(region, name)
            raise AwsError("ValidationException", f'Could not find {self.title} "{arn}".')
        return document

    def create(self, region: str, name: str, request: Document, **more: Any) -> Document:
        """Store a new document: the request, its ARN under `<kind>Arn`, CreationTime and `more`.

        Raises:
            AwsError: ValidationException `Cannot create already existing <title> "<arn>".`
        """
        arn = self.arn(region, name)
        document = {**request, f"{self.kind}Arn": arn, "CreationTime": state.now(), **more}
        try:
            state.store().create(self.kind, name, document)
        except KeyError as error:
            message = f'Cannot create already existing {self.title} "{arn}".'
            raise AwsError("ValidationException", message) from error
        return document

    def delete(self, region: str, name: str) -> None:
        """Remove the document.

        Raises:
            AwsError: ValidationException when there is none.
        """
        self.find(region, name)
        state.store().delete(self.kind, name)


MODEL = Resource("Model", "model", "model")
ENDPOINT_CONFIG = Resource("EndpointConfig", "endpoint-config", "endpoint configuration")
ENDPOINT = Resource("Endpoint", "endpoint", "endpoint")
