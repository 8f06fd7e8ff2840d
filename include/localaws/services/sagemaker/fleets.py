"""Fleets that take an endpoint's traffic: a pipeline a variant, and who gets the next request."""

from __future__ import annotations

import logging
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from localaws.serving import INVOCATION_TIMEOUT_SECONDS, STARTUP_TIMEOUT_SECONDS, Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

LOG_GROUP = "/aws/sagemaker/Endpoints"
RESUME_WAIT_SECONDS = 60.0


class NotServingError(Exception):
    """No fleet takes requests for this endpoint."""


class NoSuchVariantError(Exception):
    """The endpoint has no variant of this name."""


class Fleet:
    """What one endpoint configuration runs: a pipeline for each production variant.

    An instance count is recorded, not run: one set of processes stands for all instances of a variant.
    """

    def __init__(self, endpoint_name: str, variants: list[dict[str, Any]], region: str) -> None:
        """Prepare only.

        Args:
            endpoint_name: name of the endpoint, for log group and messages.
            variants: ProductionVariants, each with the `Containers` of its model.
            region: of logs and clients.
        """
        self.weights = {variant["VariantName"]: variant["InitialVariantWeight"] for variant in variants}
        self._pipelines = {
            variant["VariantName"]: Pipeline(
                variant["Containers"],
                endpoint_name,
                f"{LOG_GROUP}/{endpoint_name}",
                owner=f"production variant {variant['VariantName']}",
                log_stream=f"{variant['VariantName']}/i-{secrets.token_hex(8)}",
                startup_timeout_seconds=variant.get(
                    "ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_TIMEOUT_SECONDS
                ),
                region=region,
            )
            for variant in variants
        }
        self._in_flight = 0
        self._idle = threading.Condition()

    def start(self) -> None:
        """Start all variants side by side.

        Raises:
            ServingError: a variant does not start; nothing keeps running.
        """
        with ThreadPoolExecutor(max_workers=len(self._pipelines)) as pool:
            started = [pool.submit(pipeline.start) for pipeline in self._pipelines.values()]
        for future in started:
            error = future.exception()
            if error is not None:
                self.close()
                raise error

    def choose(self, target: str | None) -> tuple[str, Pipeline]:
        """The variant for the next request: the one asked for, else by weight.

        Raises:
            NoSuchVariantError: there is no variant `target`, or all weights are 0.
        """
        if target is not None:
            if target not in self._pipelines:
                raise NoSuchVariantError(target)
            return target, self._pipelines[target]
        names = [name for name, weight in self.weights.items() if weight > 0]
        if not names:
            raise NoSuchVariantError("with a weight above 0")
        name = pick(names, [self.weights[name] for name in names])
        return name, self._pipelines[name]

    def enter(self) -> None:
        """Count a request in."""
        with self._idle:
            self._in_flight += 1

    def leave(self) -> None:
        """Count a request out."""
        with self._idle:
            self._in_flight -= 1
            self._idle.notify_all()

    def drain(self, timeout: float = INVOCATION_TIMEOUT_SECONDS) -> None:
        """Wait until no request is under way, at most `timeout` seconds; then close."""
        with self._idle:
            self._idle.wait_for(lambda: self._in_flight == 0, timeout)
        self.close()

    def close(self) -> None:
        """Stop all variants."""
        for pipeline in self._pipelines.values():
            pipeline.close()


class Router:
    """The fleets of all endpoints, and the share of traffic a fleet under deployment gets. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._current: dict[str, Fleet] = {}
        self._next: dict[str, tuple[Fleet, float]] = {}

    @contextmanager
    def borrow(self, endpoint_name: str, wait_seconds: float = 0) -> Iterator[Fleet]:
        """A fleet for one request; it is not closed while borrowed.

        Args:
            endpoint_name: the endpoint.
            wait_seconds: how long to wait for its fleet, after a restart of the stand-in.

        Raises:
            NotServingError: the endpoint has no fleet.
        """
        with self._lock:
            if wait_seconds:
                self._lock.wait_for(lambda: endpoint_name in self._current, wait_seconds)
            fleet = self._current.get(endpoint_name)
            if fleet is None:
                raise NotServingError(endpoint_name)
            candidate, share = self._next.get(endpoint_name, (fleet, 0.0))
            if share > 0 and pick([candidate, fleet], [share, 1 - share]) is candidate:
                fleet = candidate
            fleet.enter()
        try:
            yield fleet
        finally:
            fleet.leave()

    def current(self, endpoint_name: str) -> Fleet | None:
        """The fleet in service, None when there is none."""
        with self._lock:
            return self._current.get(endpoint_name)

    def shift(self, endpoint_name: str, fleet: Fleet, share: float) -> None:
        """Send a share (0 to 1) of an endpoint's traffic to the fleet under deployment."""
        with self._lock:
            self._next[endpoint_name] = (fleet, share)

    def unshift(self, endpoint_name: str) -> None:
        """Send all traffic to the fleet in service again."""
        with self._lock:
            self._next.pop(endpoint_name, None)

    def switch(self, endpoint_name: str, fleet: Fleet) -> Fleet | None:
        """Put a fleet into service; return the one it replaces, which may still have requests under way."""
        with self._lock:
            self._next.pop(endpoint_name, None)
            old = self._current.get(endpoint_name)
            self._current[endpoint_name] = fleet
            self._lock.notify_all()
        return old

    def remove(self, endpoint_name: str) -> Fleet | None:
        """Take an endpoint out of service; return its fleet."""
        with self._lock:
            self._next.pop(endpoint_name, None)
            return self._current.pop(endpoint_name, None)

    def close(self) -> None:
        """Stop everything, side by side."""
        with self._lock:
            fleets = [*self._current.values(), *(fleet for fleet, _ in self._next.values())]
            self._current.clear()
            self._next.clear()
        closing = [threading.Thread(target=fleet.close) for fleet in fleets]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()


def pick(choices: list[Any], weights: list[float]) -> Any:
    """One of the choices, at random in proportion to the weights."""
    return secrets.SystemRandom().choices(choices, weights)[0]


router = Router()
