"""Inference pipelines that really serve: one HTTP server process a container, bodies handed on."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Self

from localaws import ACCOUNT_ID
from localaws.containers import Box, Container, ImageNotFound
from localaws.containers.http_client import Client
from localaws.containers.inference_server import (
    PORTS,
    Answer,
    Server,
    ServingError,
    load_model_data,
    reserve_port,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Answer", "Pipeline", "ServingError"]

ANY = "*/*"
DEFAULT_ACCEPT = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
STARTUP_TIMEOUT_SECONDS = 240.0
INVOCATION_TIMEOUT_SECONDS = 60.0
_PING_INTERVAL_SECONDS = 0.05


class Pipeline:
    """The containers of a model, each served by a process of its own, in series.

    The answer's body and content type of one container are the next one's request. Between containers Accept
    is the answering container's SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT; the last container gets the caller's.
    Use it as a context manager, or call `start` and `close`. `invoke` is thread-safe.
    """

    def __init__(
        self,
        containers: Sequence[Mapping[str, Any]],
        name: str,
        log_group: str,
        *,
        owner: str = "",
        log_stream: str | None = None,
        environment: Mapping[str, str] | None = None,
        startup_timeout_seconds: float = STARTUP_TIMEOUT_SECONDS,
        region: str = "us-east-1",
    ) -> None:
        """Prepare only.

        Args:
            containers: container definitions as in CreateModel (Image, ModelDataUrl or ModelDataSource,
                Environment, ContainerHostname), first to last.
            name: of the endpoint or job, for scratch directories.
            log_group: CloudWatch log group of the containers' output.
            owner: for messages, what they serve for, e.g. `production variant AllTraffic`.
            log_stream: prefix of their log streams, `name` by default.
            environment: more variables for every container.
            startup_timeout_seconds: until every container must answer /ping.
            region: of the containers' AWS clients and logs.
        """
        self.name = name
        self.log_group = log_group
        self.region = region
        self._definitions = [dict(container) for container in containers]
        self._owner = owner or name
        self._log_stream = log_stream or name
        self._environment = dict(environment or {})
        self._startup_timeout = startup_timeout_seconds
        self._servers: list[Server] = []
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start all containers and wait until each answers /ping.

        Raises:
            ServingError: an image is unknown, artifacts are missing or no archive, a container ended or
                stayed silent; nothing keeps running.
        """
        try:
            for index in range(len(self._definitions)):
                server = self._prepare(index)
                self._servers.append(server)
                self._check_open()
                server.container.start()
            deadline = time.monotonic() + self._startup_timeout
            self._await_pings(list(self._servers), deadline)
            self._check_open()
        except FileNotFoundError as error:
            self.close()
            raise ServingError(f"ClientError: {error}") from error
        except BaseException:
            self.close()
            raise

    def invoke(
        self,
        body: bytes,
        content_type: str,
        accept: str = "",
        timeout: float = INVOCATION_TIMEOUT_SECONDS,
        custom_attributes: str = "",
    ) -> Answer:
        """Send one request through all containers.

        Args:
            body: the request's bytes.
            content_type: its content type.
            accept: what the caller wants from the last container; empty for that container's default.
            timeout: seconds for each container.
            custom_attributes: the caller's CustomAttributes, handed to every container.

        Returns:
            The last container's answer, or the first one whose status is not 2xx.
        """
        servers = self._servers
        if not servers:
            raise RuntimeError(f"Pipeline {self.name} does not serve; call start() first.")
        last = servers[-1]
        for server in servers:
            wanted = (accept or last.accept) if server is last else server.accept
            answer = server.invoke(body, content_type, wanted, timeout, custom_attributes)
            if not 200 <= answer.status < 300:
                break
            content_type, body = answer.content_type, answer.body
        return answer

    def alive(self) -> bool:
        """Whether every container's process runs."""
        return all(server.container.poll() is None for server in self._servers)

    def execution_parameters(self) -> dict[str, Any]:
        """What the first container says about batch transform."""
        return self._servers[0].execution_parameters()

    def log_stream_arn(self, label: str) -> str:
        """The ARN of one container's log stream."""
        group = f"arn:aws:logs:{self.region}:{ACCOUNT_ID}:log-group:{self.log_group}"
        return f"{group}:log-stream:{self._stream(label)}"

    def close(self) -> None:
        """Stop all containers and delete their directories; may be called twice."""
        self._closed.set()
        servers, self._servers = self._servers, []
        stopping = [threading.Thread(target=server.stop) for server in servers]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()

    def _prepare(self, index: int) -> Server:
        definition = self._definitions[index]
        label = self._label(index)
        port, reservation = reserve_port()
        environment = {
            **definition.get("Environment", {}),
            **self._environment,
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "SAGEMAKER_SAFE_PORT_RANGE": f"{PORTS.start}-{PORTS.stop - 1}",
        }
        box = Box.create(f"{self.name}-{label}")
        where = (self.log_group, self._stream(label), self.region)
        try:
            load_model_data(definition, box.directory("/opt/ml/model"), label)
            container = Container(definition["Image"], ["serve"], box, environment, *where)
        except ImageNotFound as error:
            reservation.close()
            box.remove()
            raise ServingError(f"ClientError: {error}") from error
        except ServingError:
            reservation.close()
            box.remove()
            raise
        accept = environment.get(DEFAULT_ACCEPT, ANY)
        server = Server(label, container, box, Client(port), accept, reservation)
        container.lines.append(server.last_lines.append)
        return server

    def _stream(self, label: str) -> str:
        return f"{self._log_stream}/{label}" if len(self._definitions) > 1 else self._log_stream

    def _label(self, index: int) -> str:
        hostname = self._definitions[index].get("ContainerHostname")
        if hostname:
            return str(hostname)
        return "primary" if len(self._definitions) == 1 else f"container-{index + 1}"

    def _await_pings(self, waiting: list[Server], deadline: float) -> None:
        while waiting := [server for server in waiting if not self._is_ready(server)]:
            self._closed.wait(_PING_INTERVAL_SECONDS)
            self._check_open()
            if time.monotonic() > deadline:
                why = f"No answer with 200 within {self._startup_timeout:.0f} s."
                raise ServingError(self._unhealthy(waiting[0], why))

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise ServingError(f"The containers for {self._owner} were stopped while they started.")

    def _is_ready(self, server: Server) -> bool:
        code = server.container.poll()
        if code is None:
            return server.answers_ping()
        server.container.wait(10)
        said = server.last_lines[-1] if server.last_lines else "it printed nothing"
        raise ServingError(self._unhealthy(server, f"Its server exited with code {code}: {said}"))

    def _unhealthy(self, server: Server, why: str) -> str:
        return (
            f"The {server.label} container for {self._owner} did not pass the ping health check. "
            f"Please check CloudWatch logs, group {self.log_group}. {why}"
        )
