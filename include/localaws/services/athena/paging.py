"""Pages of a list: MaxResults in, NextToken out."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from localaws.services.athena.errors import InvalidRequestError


def page(key: str, items: list[Any], request: dict[str, Any], maximum: int) -> dict[str, Any]:
    """``{key: items of this page, "NextToken": …}``; raise InvalidRequestException for a token not ours."""
    size = min(int(request.get("MaxResults") or maximum), maximum)
    start = _offset(request["NextToken"]) if request.get("NextToken") else 0
    shown: dict[str, Any] = {key: items[start : start + size]}
    if start + size < len(items):
        shown["NextToken"] = base64.urlsafe_b64encode(f"offset:{start + size}".encode()).decode()
    return shown


def _offset(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("offset:"))
    except (ValueError, binascii.Error) as error:
        raise InvalidRequestError(f"Invalid NextToken: {token}") from error
