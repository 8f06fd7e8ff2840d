"""The HTTP server every image's `serve.py` runs: SageMaker's container contract for inference.

GET /ping, POST /invocations and GET /execution-parameters on SAGEMAKER_BIND_TO_PORT (8080 when alone),
loopback only. The socket opens once the model is loaded, so a ping that answers means ready.
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Protocol

import uvicorn

LOG = logging.getLogger("serving")

ANY = "*/*"
DEFAULT_PORT = 8080
# The router keeps its connections open between requests; uvicorn's own 5 seconds would close them under it.
KEEP_ALIVE_SECONDS = 900
# SageMaker sends SIGKILL 30 seconds after SIGTERM.
SHUTDOWN_SECONDS = 25

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class InvocationError(Exception):
    """A request the container refuses: `status` (4xx or 5xx) and the text sent back."""

    def __init__(self, status: int, message: str, content_type: str = "text/plain; charset=utf-8") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.content_type = content_type


class UnsupportedContentType(InvocationError):  # noqa: N818  (the field's name for HTTP 415)
    """415: the container does not read this content type."""

    def __init__(self, content_type: str, supported: str) -> None:
        super().__init__(
            415, f"Content-type {content_type or '(none)'} not supported. Supported: {supported}"
        )


class NotAcceptable(InvocationError):  # noqa: N818  (the field's name for HTTP 406)
    """406: the container does not write this content type."""

    def __init__(self, accept: str, supported: str) -> None:
        super().__init__(406, f"Accept {accept} not supported. Supported: {supported}")


class Model(Protocol):
    """A loaded model. It may also offer `execution_parameters() -> dict`, read by batch transform."""

    def invocations(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """Answer one request.

        Args:
            body: the request's bytes.
            content_type: its Content-Type header as sent, empty when there was none.
            accept: its Accept header; when missing or `*/*`, SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT, else
                `*/*`.

        Returns:
            The answer's bytes and content type.

        Raises:
            InvocationError: the request is refused with that status; any other exception is answered 500.
        """
        ...


def base_directory() -> Path:
    """Where SageMaker's `/opt/ml` is for this process."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def media_type(header: str) -> str:
    """`text/csv` of `Text/CSV; charset=utf-8`."""
    return header.partition(";")[0].strip().lower()


def serve(load: Callable[[Path], Model]) -> None:
    """Load the model from `<base>/model` and answer requests until SIGTERM.

    Args:
        load: gets the model directory, returns the model; what it raises ends the process with exit code 1.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    model = load(base_directory() / "model")
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", DEFAULT_PORT))
    LOG.info("Model loaded, listening on port %d", port)
    uvicorn.run(
        application(model),
        host="127.0.0.1",
        port=port,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def application(model: Model) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The ASGI application that answers for `model`."""
    default_accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", ANY)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        route = (scope["method"], scope["path"])
        if route == ("POST", "/invocations"):
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            answer = _invoke(model, await _body(receive), headers, default_accept)
        elif route == ("GET", "/ping"):
            answer = (200, b"", "text/plain")
        elif route == ("GET", "/execution-parameters") and hasattr(model, "execution_parameters"):
            answer = (200, json.dumps(model.execution_parameters()).encode(), "application/json")
        else:
            answer = (404, f"No route {route[0]} {route[1]}".encode(), "text/plain; charset=utf-8")
        await _send(send, *answer)

    return app


def _invoke(
    model: Model, body: bytes, headers: dict[str, str], default_accept: str
) -> tuple[int, bytes, str]:
    accept = headers.get("accept", ANY)
    try:
        content, content_type = model.invocations(
            body, headers.get("content-type", ""), default_accept if accept == ANY else accept
        )
    except InvocationError as error:
        LOG.warning("Answered %d: %s", error.status, error.message)
        return error.status, error.message.encode(), error.content_type
    except Exception as error:
        LOG.exception("Answered 500")
        return 500, f"{type(error).__name__}: {error}".encode(), "text/plain; charset=utf-8"
    return 200, content, content_type


async def _body(receive: Receive) -> bytes:
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _send(send: Send, status: int, body: bytes, content_type: str) -> None:
    headers = [
        (b"content-type", content_type.encode("latin-1")),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
