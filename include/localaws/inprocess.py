"""Requests of boto3 clients answered by an application in this process, without sockets."""

from __future__ import annotations

import io
import logging
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

_SEND = "before-send"
_READ_BYTES = 1024 * 1024


class _Raw(io.BytesIO):
    """An answer's body as botocore reads it: like urllib3's response."""

    def stream(self, amount: int = _READ_BYTES, **_: Any) -> Iterator[bytes]:
        """The body in pieces of `amount` bytes."""
        while piece := self.read(amount):
            yield piece


class InProcess:
    """Answers the requests of boto3 clients with a WSGI application, in the thread that asks.

    The application sees what a server would hand to it, signature and all, so that nothing in it has to know.
    """

    def __init__(self, application: Callable[..., Any]) -> None:
        """`application` is the one that the server hosts."""
        self._application = application

    def attach(self, client: Any) -> None:
        """Have `client` send here instead of over HTTP; retries and parsing stay botocore's."""
        client.meta.events.register_first(_SEND, self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        try:
            return self._called(request)
        except Exception:  # as over HTTP, where botocore tries again what was answered with 500
            log.exception("A request of our own failed: %s %s", request.method, request.url)
            return AWSResponse(request.url, 500, {}, _Raw(b""))

    def _called(self, request: Any) -> AWSResponse:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:
            started[:] = [status, headers]
            return lambda _data: None

        chunks = self._application(environment(request), start_response)
        try:
            body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        status, headers = started
        return AWSResponse(request.url, int(status[:3]), dict(headers), _Raw(body))


def environment(request: Any) -> dict[str, Any]:
    """The WSGI environment of a prepared request of botocore (PEP 3333), its body read."""
    url = urlsplit(request.url)
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    content = body.encode() if isinstance(body, str) else bytes(body)
    target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
    found: dict[str, Any] = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        # PEP 3333: bytes, each as one character.
        "PATH_INFO": unquote(url.path or "/", "latin-1"),
        "QUERY_STRING": url.query,
        "REQUEST_URI": target,
        "RAW_URI": target,
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": url.hostname or "",
        "SERVER_PORT": str(url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": url.netloc,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        found[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = text
    found.pop("HTTP_TRANSFER_ENCODING", None)  # the body is here as a whole
    found["CONTENT_LENGTH"] = str(len(content))
    return found
