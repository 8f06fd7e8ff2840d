"""Who asked for what: one JSON line a request in the file that ``LOCALAWS_TRAIL`` names, like CloudTrail.

Each line is ``{source, application, service, operation, path, query, request}``. ``source`` is ``client`` for
whoever uses the stand-in, ``container`` for a program in a container, ``service`` for the stand-in's own
engine, which acts where AWS itself acts with a role that it was given. ``application`` is what the client
calls itself (``AWS_SDK_UA_APP_ID``). ``request`` is the JSON body, or the form of a query protocol; the
bodies of S3 requests are data and left out.
"""

from __future__ import annotations

import json
import os
import re
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from localaws import clients, wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

VARIABLE = "LOCALAWS_TRAIL"
#: Longer bodies are data (a batch of records), not parameters.
_LONGEST_BODY = 1_000_000
_APPLICATION = re.compile(r"\bapp/([^ ]+)")


class Trail:
    """WSGI middleware that writes down each request before it is answered."""

    def __init__(self, application: Any, path: str) -> None:
        """Append to the file `path`."""
        self._application = application
        self._path = path
        self._lock = threading.Lock()

    def __call__(self, environ: wire.Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        caller = wire.caller(environ)
        if caller.service:
            line = json.dumps(_entry(caller, environ))
            with self._lock, open(self._path, "a", encoding="utf-8") as file:  # noqa: PTH123
                file.write(line + "\n")
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer


def install(application: Any) -> Any:
    """`application`, with a trail where the environment asks for one."""
    path = os.environ.get(VARIABLE)
    return Trail(application, path) if path else application


def _entry(caller: wire.Caller, environ: wire.Environment) -> dict[str, Any]:
    body = b"" if caller.service == "s3" else wire.hold_body(environ)
    found = _APPLICATION.search(environ.get("HTTP_USER_AGENT", ""))
    application = found[1] if found else ""
    source = "client"
    if caller.internal:
        source = "container" if application == clients.CONTAINER_APPLICATION_ID else "service"
    return {
        "source": source,
        "application": application,
        "service": caller.service,
        "operation": wire.operation(caller.service, environ, body),
        "path": environ.get("PATH_INFO", ""),
        "query": environ.get("QUERY_STRING", ""),
        "request": _request(environ, body),
    }


def _request(environ: wire.Environment, body: bytes) -> Any:
    if not body or len(body) > _LONGEST_BODY:
        return {}
    if "HTTP_X_AMZ_TARGET" in environ:
        return json.loads(body)
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    return {}
