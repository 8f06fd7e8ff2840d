"""One container of an inference pipeline: its server process, its artifacts, its port."""

from __future__ import annotations

import json
import platform
import secrets
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from localaws import artifacts
from localaws.containers.http_client import Client, NoAnswerError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localaws.containers import Box, Container

PING_TIMEOUT_SECONDS = 2.0
PARAMETERS_TIMEOUT_SECONDS = 30.0
STOP_GRACE_SECONDS = 30.0
END_SECONDS = 10.0
_LOOK_INTERVAL_SECONDS = 0.02
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
# Below the range that Linux and macOS take outgoing ports from, so that none is gone when a server binds it.
PORTS = range(20_000, 32_000)


class ServingError(Exception):
    """A pipeline that cannot be started; the message suits a FailureReason."""


class Answer(NamedTuple):
    """What the pipeline answered, and which container did: the last one, or the one that refused.

    `custom_attributes` are those the container itself has set.
    """

    status: int
    content_type: str
    body: bytes
    container: str
    custom_attributes: str = ""


@dataclass
class Server:
    """One container of a pipeline that serves.

    Attributes:
        label: as SageMaker names it in messages: `primary`, or the hostname, or `container-<n>`.
        accept: what it is asked for when another container reads its answer.
        reservation: holds its port, see `reserve_port`.
    """

    label: str
    container: Container
    box: Box
    client: Client
    accept: str
    reservation: socket.socket
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    def invoke(
        self, body: bytes, content_type: str, accept: str, timeout: float, custom_attributes: str = ""
    ) -> Answer:
        """POST /invocations; a failure to answer at all is an Answer of status 500 or 504."""
        headers = {"Content-Type": content_type, "Accept": accept}
        if custom_attributes:
            headers[CUSTOM_ATTRIBUTES] = custom_attributes
        try:
            response = self.client.request("POST", "/invocations", timeout, headers, body)
        except TimedOutError:
            message = (
                f"Your invocation timed out while waiting for a response from container {self.label}. "
                "Review the latency metrics for each container in Amazon CloudWatch, resolve the issue, and "
                "try again."
            )
            return Answer(504, "text/plain", message.encode(), self.label)
        except NoAnswerError as error:
            self._await_end()
            message = f"Container {self.label} closed the connection without an answer: {error}"
            return Answer(500, "text/plain", message.encode(), self.label)
        answered = response.headers.get("content-type", "application/octet-stream")
        attributes = response.headers.get(CUSTOM_ATTRIBUTES.lower(), "")
        return Answer(response.status, answered, response.body, self.label, attributes)

    def _await_end(self) -> None:
        """A server that no longer listens is about to end: once it has, nobody else is sent to it."""
        deadline = time.monotonic() + END_SECONDS
        while (
            self.container.poll() is None and not self.client.is_listened_to() and time.monotonic() < deadline
        ):
            time.sleep(_LOOK_INTERVAL_SECONDS)

    def answers_ping(self) -> bool:
        """Whether GET /ping is answered with 200."""
        try:
            response = self.client.request("GET", "/ping", PING_TIMEOUT_SECONDS)
        except (NoAnswerError, TimedOutError):
            return False
        return response.status == 200

    def execution_parameters(self) -> dict[str, Any]:
        """What GET /execution-parameters says for batch transform; empty when it is not offered.

        A server may answer any path with 200: what is no JSON object is no offer.
        """
        response = self.client.request("GET", "/execution-parameters", PARAMETERS_TIMEOUT_SECONDS)
        try:
            offered = json.loads(response.body) if response.status == 200 else None
        except ValueError:
            offered = None
        return offered if isinstance(offered, dict) else {}

    def stop(self) -> None:
        """Stop the process and delete its directory."""
        if self.container.pid is not None:
            self.container.stop(STOP_GRACE_SECONDS)
        self.client.close()
        self.reservation.close()
        self.box.remove()


def load_model_data(definition: Mapping[str, Any], directory: Path, label: str) -> None:
    """Unpack a container's artifacts into its model directory; a container may have none.

    Raises:
        ServingError: the object is missing or is not a tar.gz.
    """
    source = definition.get("ModelDataSource", {}).get("S3DataSource", {})
    uri = definition.get("ModelDataUrl") or source.get("S3Uri")
    if not uri:
        return
    try:
        if source.get("CompressionType") == "None":
            artifacts.download(uri, directory)
        else:
            artifacts.unpack(artifacts.read(uri), directory)
    except (artifacts.ArtifactError, OSError, EOFError) as error:
        raise ServingError(
            f'Failed to download model data for container "{label}" from URL: "{uri}". Please ensure that '
            "there is a tar.gz archive at the URL and that the role passed to CreateModel may read it. "
            f"{error}"
        ) from error


def reserve_port() -> tuple[int, socket.socket]:
    """A loopback port outside the range of outgoing connections, and the socket that holds it for a server.

    While it is open nobody else who asks this function is given the port, in this process or another; else
    the pings of one container could be answered by another that was quicker to listen. The server itself
    can listen beside it, because servers set SO_REUSEADDR and this socket never listens. Only Linux allows
    that: elsewhere the socket comes closed, and the port is only known to have been free.
    """
    while True:
        holder = socket.socket()
        try:
            # Without SO_REUSEADDR, so that it fails on a port which another process holds in this way.
            holder.bind(("127.0.0.1", PORTS.start + secrets.randbelow(len(PORTS))))
        except OSError:
            holder.close()
            continue
        port = int(holder.getsockname()[1])
        if platform.system() == "Linux":
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            holder.close()
        return port, holder
