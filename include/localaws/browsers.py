"""Web pages may not use the stand-in: whoever reaches it runs programs as the user who started it.

It listens on loopback alone and checks no signature, so that what keeps a page in the user's browser out is
what a browser says of each request: `Origin` and `Sec-Fetch-Site`, which pages cannot change, and `Host`,
which shows a foreign name where somebody's DNS suddenly answers 127.0.0.1. boto3, curl and the AWS CLI send
neither of the first two. moto by itself would let every page in (`Access-Control-Allow-Origin: *`).
"""

from __future__ import annotations

import ipaddress
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

#: Names that no foreign DNS server answers for: the machine itself (RFC 6761), and AWS's, as through a proxy.
_OWN_NAMES = ("localhost", "amazonaws.com", "amazonaws.com.cn", "api.aws")


def refusal(environ: Mapping[str, Any]) -> str | None:
    """Why a request is refused; None for one that no foreign page can have sent."""
    host = environ.get("HTTP_HOST", "")
    if host and not _is_own(host):
        return f"Host: {host} is not a name of this machine"
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and not _is_local(origin):
        return f"Origin: {origin} is not of this machine"
    if environ.get("HTTP_SEC_FETCH_SITE") == "cross-site" and not _is_a_link(environ):
        return "Sec-Fetch-Site: cross-site"
    return None


def refuse(reason: str, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The answer to a request that is refused; a page cannot read it."""
    message = (
        f"{reason}. The stand-in answers programs and pages of this machine alone: it runs what it is told."
    )
    body = json.dumps({"__type": "AccessDeniedException", "message": message}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("403 Forbidden", headers)
    return [body]


def _is_a_link(environ: Mapping[str, Any]) -> bool:
    """Whether somebody followed a link, say to a card, from a mail or a chat."""
    return (
        environ.get("REQUEST_METHOD") in {"GET", "HEAD"}
        and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
        and environ.get("HTTP_SEC_FETCH_DEST") == "document"
        and "Action=" not in environ.get("QUERY_STRING", "")
    )


@lru_cache(maxsize=1024)
def _is_own(host: str) -> bool:
    """Whether a Host header names this machine or AWS; a numeric address cannot be made to mean another."""
    name = _name(f"//{host}")
    return _address(name) is not None or any(name == own or name.endswith(f".{own}") for own in _OWN_NAMES)


@lru_cache(maxsize=64)
def _is_local(origin: str) -> bool:
    """Whether an Origin is a page of this machine; ``null`` is anybody's."""
    name = _name(origin)
    address = _address(name)
    return name == "localhost" or name.endswith(".localhost") or bool(address and address.is_loopback)


def _name(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
