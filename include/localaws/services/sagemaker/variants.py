"""A variant in service: its instances, each a set of processes for the model's containers."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws.cloudwatch_logs import LogStream
from localaws.containers.serving import (
    INVOCATION_TIMEOUT_SECONDS,
    STARTUP_TIMEOUT_SECONDS,
    Pipeline,
    ServingError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

LOG_GROUP = "/aws/sagemaker/Endpoints"


def max_instances() -> int:
    """How many instances of a variant really run, the environment's LOCALAWS_MAX_INSTANCES.

    By default as many as there are processors. Counts above it are recorded and reported as on AWS, and the
    variant's log says how many run.
    """
    return max(1, int(os.environ.get("LOCALAWS_MAX_INSTANCES") or os.cpu_count() or 1))


@dataclass(eq=False)
class Instance:
    """One set of processes, and how many requests it has under way."""

    pipeline: Pipeline
    in_flight: int = 0


class Variant:
    """The instances of one production or shadow variant. Thread-safe."""

    def __init__(self, endpoint_name: str, definition: dict[str, Any], region: str) -> None:
        """Prepare only.

        Args:
            endpoint_name: for log group and messages.
            definition: a ProductionVariant with the `Containers` of its model.
            region: of logs and clients.
        """
        self.name: str = definition["VariantName"]
        self.count: int = definition.get("InitialInstanceCount", 1)
        self._endpoint_name = endpoint_name
        self._definition = definition
        self._region = region
        self._lock = threading.Condition()
        self._resizing = threading.Lock()
        self._instances: list[Instance] = []
        self._turn = 0
        self._closed = False

    def start(self) -> None:
        """Start all instances side by side.

        Raises:
            ServingError: one does not start; nothing keeps running.
        """
        with self._resizing:
            try:
                self._add(min(self.count, max_instances()))
            except BaseException:
                self.close()
                raise

    def resize(self, count: int) -> None:
        """Run `count` instances, at most `max_instances`; those that go finish their requests first.

        Raises:
            ServingError: a new one does not start; the former ones keep running.
        """
        with self._resizing:
            wanted = min(count, max_instances())
            missing = wanted - len(self._instances)
            if missing > 0:
                self._add(missing)
            elif missing < 0:
                self._remove(-missing)
            self.count = count
        if count > wanted:
            self._say(
                f"{count} instances were asked for; {wanted} run here. "
                "Set LOCALAWS_MAX_INSTANCES to run more."
            )

    @contextmanager
    def borrow(self) -> Iterator[Pipeline]:
        """The instance for one request: of those that live the one with the fewest requests under way."""
        with self._lock:
            living = [instance for instance in self._instances if instance.pipeline.alive()]
            self._turn += 1
            candidates = living or self._instances
            if not candidates:
                raise ServingError(f"Variant {self.name} has no instance.")
            turn = self._turn % len(candidates)
            instance = min(candidates[turn:] + candidates[:turn], key=lambda item: item.in_flight)
            instance.in_flight += 1
        try:
            yield instance.pipeline
        finally:
            with self._lock:
                instance.in_flight -= 1
                self._lock.notify_all()

    def replace_dead(self) -> None:
        """Start again what has ended in service; what does not start is tried again at the next call."""
        if not self._resizing.acquire(blocking=False):
            return
        try:
            for dead in [instance for instance in self._instances if not instance.pipeline.alive()]:
                self._say(f"A container of variant {self.name} ended while in service; it is started again.")
                self._add(1)
                self._discard(dead)
        except ServingError as error:
            self._say(f"The container did not start again: {error}")
        finally:
            self._resizing.release()

    def close(self) -> None:
        """Stop all instances; may be called twice."""
        with self._lock:
            self._closed = True
            instances, self._instances = self._instances, []
        stopping = [threading.Thread(target=instance.pipeline.close) for instance in instances]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()

    def _add(self, count: int) -> None:
        pipelines = [self._pipeline() for _ in range(count)]
        with ThreadPoolExecutor(max_workers=count) as pool:
            started = [pool.submit(pipeline.start) for pipeline in pipelines]
        errors = [error for future in started if (error := future.exception())]
        with self._lock:
            keep = not errors and not self._closed
            if keep:
                self._instances += [Instance(pipeline) for pipeline in pipelines]
        if not keep:
            for pipeline in pipelines:
                pipeline.close()
        if errors:
            raise errors[0]

    def _remove(self, count: int) -> None:
        for instance in self._instances[-count:]:
            self._discard(instance)

    def _discard(self, instance: Instance) -> None:
        with self._lock:
            if instance in self._instances:
                self._instances.remove(instance)
            self._lock.wait_for(lambda: instance.in_flight == 0, INVOCATION_TIMEOUT_SECONDS)
        instance.pipeline.close()

    def _pipeline(self) -> Pipeline:
        timeout = self._definition.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_TIMEOUT_SECONDS)
        return Pipeline(
            self._definition["Containers"],
            self._endpoint_name,
            f"{LOG_GROUP}/{self._endpoint_name}",
            owner=f"production variant {self.name}",
            log_stream=f"{self.name}/i-{secrets.token_hex(8)}",
            startup_timeout_seconds=timeout,
            region=self._region,
        )

    def _say(self, message: str) -> None:
        """A line for the people who run the endpoint, in its log group."""
        log.warning("Endpoint %s: %s", self._endpoint_name, message)
        stream = LogStream(f"{LOG_GROUP}/{self._endpoint_name}", f"{self.name}/localaws", self._region)
        stream.write(message)
        stream.close()
