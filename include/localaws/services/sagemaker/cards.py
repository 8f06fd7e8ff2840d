"""Model cards and their versions."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from localaws import ACCOUNT_ID, state
from localaws.protocol import AwsError, answer
from localaws.services.sagemaker.listing import Listing
from localaws.services.sagemaker.packages import CREATED_BY
from localaws.services.sagemaker.resources import Operations

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

Document = dict[str, Any]

KIND = "ModelCard"
LISTING = Listing("ModelCardName")
VERSION_LISTING = Listing("ModelCardVersion")

_editing = threading.Lock()


class CardOperations(Operations):
    """Create, Describe, Update, Delete and List of model cards, and ListModelCardVersions.

    The stored document holds every version of the card, oldest first, under `Versions`.
    """

    def create_model_card(self) -> ActionResult:
        """Store version 1 of a card."""
        request = self.request()
        name = request["ModelCardName"]
        check_content(request["Content"])
        version = {
            **request,
            "ModelCardArn": card_arn(name, self.region),
            "ModelCardVersion": 1,
            "CreationTime": state.now(),
            "CreatedBy": CREATED_BY,
        }
        try:
            document = {
                "ModelCardName": name,
                "ModelCardArn": version["ModelCardArn"],
                "Tags": request.get("Tags", []),
                "Versions": [version],
            }
            state.store().create(KIND, name, document)
        except KeyError as error:
            message = f"Model card {version['ModelCardArn']} already exists."
            raise AwsError("ConflictException", message) from error
        return answer({"ModelCardArn": version["ModelCardArn"]})

    def update_model_card(self) -> ActionResult:
        """Add a version with the new content or status."""
        request = self.request()
        if not {"Content", "ModelCardStatus"} & request.keys():
            raise AwsError("ValidationException", "Specify Content or ModelCardStatus.")
        if "Content" in request:
            check_content(request["Content"])
        with _editing:
            versions = self._versions(request["ModelCardName"])
            if versions[-1]["ModelCardStatus"] == "Archived":
                raise AwsError("ConflictException", f"Model card {versions[-1]['ModelCardArn']} is archived.")
            changed = {
                **versions[-1],
                **request,
                "ModelCardVersion": versions[-1]["ModelCardVersion"] + 1,
                "LastModifiedTime": state.now(),
                "LastModifiedBy": CREATED_BY,
            }
            state.store().update(KIND, request["ModelCardName"], Versions=[*versions, changed])
        return answer({"ModelCardArn": changed["ModelCardArn"]})

    def describe_model_card(self) -> ActionResult:
        """The newest version of a card, or the one asked for."""
        request = self.request()
        versions = self._versions(request["ModelCardName"])
        wanted = request.get("ModelCardVersion", versions[-1]["ModelCardVersion"])
        for version in versions:
            if version["ModelCardVersion"] == wanted:
                return answer(version)
        raise AwsError(
            "ResourceNotFound", f"Model card {versions[-1]['ModelCardArn']} has no version {wanted}."
        )

    def delete_model_card(self) -> ActionResult:
        """Remove a card with all its versions."""
        versions = self._versions(self.request()["ModelCardName"])
        state.store().delete(KIND, versions[-1]["ModelCardName"])
        return answer({})

    def list_model_cards(self) -> ActionResult:
        """The newest version of every card."""
        request = self.request()
        cards = [document["Versions"][-1] for document in state.store().items(KIND)]
        page, token = LISTING.page(_with_status(cards, request), request)
        return answer({"ModelCardSummaries": page, "NextToken": token})

    def list_model_card_versions(self) -> ActionResult:
        """The versions of one card."""
        request = self.request()
        versions = _with_status(self._versions(request["ModelCardName"]), request)
        page, token = VERSION_LISTING.page(versions, request | {"SortBy": "Name"})
        return answer({"ModelCardVersionSummaryList": page, "NextToken": token})

    def _versions(self, name_or_arn: str) -> list[Document]:
        name = name_or_arn.rpartition("/")[2]
        document = state.store().get(KIND, name)
        if document is None:
            raise AwsError(
                "ResourceNotFound", f"Model card {card_arn(name, self.region)} does not exist.", 400
            )
        return list(document["Versions"])


def card_arn(name: str, region: str) -> str:
    """ARN of a model card."""
    return f"arn:aws:sagemaker:{region}:{ACCOUNT_ID}:model-card/{name}"


def check_content(content: str) -> None:
    """Content must be a JSON object.

    Raises:
        AwsError: ValidationException.
    """
    try:
        value = json.loads(content)
    except ValueError as error:
        raise AwsError("ValidationException", f"Model card content is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise AwsError("ValidationException", "Model card content must be a JSON object.")


def _with_status(cards: list[Document], request: Document) -> list[Document]:
    status = request.get("ModelCardStatus")
    return [card for card in cards if status in (None, card["ModelCardStatus"])]
