"""What every List operation of SageMaker has in common: filters, order, pages. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localaws.protocol import AwsError

DEFAULT_PAGE_SIZE = 10

Document = dict[str, Any]


@dataclass(frozen=True)
class Listing:
    """How one kind of resource is listed.

    Attributes:
        name_key: the member that NameContains and SortBy=Name look at.
        status_key: the member that StatusEquals looks at, empty when there is none.
        descending: the order when the request names none.
    """

    name_key: str
    status_key: str = ""
    descending: bool = True

    def page(self, documents: list[Document], request: Document) -> tuple[list[Document], str | None]:
        """One page of the documents a List request asks for.

        Args:
            documents: all of the kind, each with CreationTime, perhaps LastModifiedTime.
            request: the operation's input.

        Returns:
            The page and the NextToken, None on the last page.

        Raises:
            AwsError: ValidationException for a NextToken this operation did not give out.
        """
        chosen = [document for document in documents if self._matches(document, request)]
        sort_key = {"Name": self.name_key, "Status": self.status_key}.get(
            request.get("SortBy", ""), "CreationTime"
        )
        descending = request["SortOrder"] == "Descending" if "SortOrder" in request else self.descending
        chosen.sort(key=lambda document: document[sort_key], reverse=descending)
        return slice_page(chosen, request)

    def _matches(self, document: Document, request: Document) -> bool:
        name = str(document[self.name_key]).lower()
        return (
            request.get("NameContains", "").lower() in name
            and request.get("StatusEquals", document.get(self.status_key)) == document.get(self.status_key)
            and all(_within(document, request, key) for key in ("CreationTime", "LastModifiedTime"))
        )


def slice_page(chosen: list[Document], request: Document) -> tuple[list[Document], str | None]:
    """The page of sorted documents that NextToken and MaxResults ask for, and the next token."""
    start = _offset(request.get("NextToken"))
    end = start + request.get("MaxResults", DEFAULT_PAGE_SIZE)
    return chosen[start:end], _token(end) if end < len(chosen) else None


def _within(document: Document, request: Document, key: str) -> bool:
    after, before = request.get(f"{key}After"), request.get(f"{key}Before")
    moment = document.get(key) or document["CreationTime"]
    return (after is None or moment > _moment(after)) and (before is None or moment < _moment(before))


def _moment(value: float | str | datetime) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return datetime.fromisoformat(value).astimezone(UTC)
    return datetime.fromtimestamp(value, UTC)


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"offset": offset}).encode()).decode()


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(token))["offset"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise AwsError("ValidationException", "Invalid pagination token given.") from error
