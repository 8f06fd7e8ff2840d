"""Fleets that take an endpoint's traffic, and who gets the next request."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localaws.containers.serving import INVOCATION_TIMEOUT_SECONDS
from localaws.services.sagemaker.data_capture import Capture
from localaws.services.sagemaker.variants import LOG_GROUP, Variant

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

__all__ = ["LOG_GROUP", "Content", "Fleet", "Router", "router"]

RESUME_WAIT_SECONDS = 60.0
_HEALTH_INTERVAL_SECONDS = 1.0


class NotServingError(Exception):
    """No fleet takes requests for this endpoint."""


class NoSuchVariantError(Exception):
    """The endpoint has no variant of this name."""


@dataclass(frozen=True)
class Content:
    """What an endpoint serves.

    Attributes:
        variants: ProductionVariants, each with the `Containers` of its model.
        shadows: ShadowProductionVariants likewise, none or one.
        data_capture: the DataCaptureConfig, None for no capture.
    """

    variants: list[dict[str, Any]]
    shadows: list[dict[str, Any]] = field(default_factory=list)
    data_capture: dict[str, Any] | None = None

    @classmethod
    def of(cls, document: dict[str, Any]) -> Content:
        """What an endpoint's stored document says it serves."""
        capture = document.get("CaptureConfig")
        return cls(document["Variants"], document.get("ShadowVariants") or [], capture)

    def shadow_share(self) -> float:
        """The share of requests the shadow variant gets too: its weight over the production variant's."""
        if not self.shadows:
            return 0.0
        production = sum(item["InitialVariantWeight"] for item in self.variants)
        shadow: float = self.shadows[0]["InitialVariantWeight"]
        return min(1.0, shadow / production) if production else 0.0


class Fleet:
    """What one endpoint configuration runs: a pipeline for each instance of each variant."""

    def __init__(self, endpoint_name: str, content: Content, region: str) -> None:
        """Prepare only.

        Args:
            endpoint_name: name of the endpoint, for log group and messages.
            content: its variants, and what is captured of their traffic.
            region: of logs and clients.
        """
        self.weights = {item["VariantName"]: item["InitialVariantWeight"] for item in content.variants}
        self.capture = Capture.of(endpoint_name, content.data_capture)
        self.shadow_share = content.shadow_share()
        self._variants = {
            item["VariantName"]: Variant(endpoint_name, item, region)
            for item in [*content.variants, *content.shadows]
        }
        self.shadow = next((self._variants[item["VariantName"]] for item in content.shadows), None)
        self._in_flight = 0
        self._idle = threading.Condition()

    def start(self) -> None:
        """Start all variants side by side.

        Raises:
            ServingError: a variant does not start; nothing keeps running.
        """
        with ThreadPoolExecutor(max_workers=len(self._variants)) as pool:
            started = [pool.submit(variant.start) for variant in self._variants.values()]
        for future in started:
            error = future.exception()
            if error is not None:
                self.close()
                raise error

    def choose(self, target: str | None) -> Variant:
        """The production variant for the next request: the one asked for, else by weight.

        Raises:
            NoSuchVariantError: there is no variant `target`, or all weights are 0.
        """
        if target is not None:
            if target not in self.weights:
                raise NoSuchVariantError(target)
            return self._variants[target]
        names = [name for name, weight in self.weights.items() if weight > 0]
        if not names:
            raise NoSuchVariantError("with a weight above 0")
        return self._variants[pick(names, [self.weights[name] for name in names])]

    def change(self, variants: list[dict[str, Any]]) -> None:
        """Follow the weights and instance counts of ProductionVariants.

        Raises:
            ServingError: a new instance does not start.
        """
        self.weights = {item["VariantName"]: item["InitialVariantWeight"] for item in variants}
        for item in variants:
            variant = self._variants[item["VariantName"]]
            if item.get("InitialInstanceCount", variant.count) != variant.count:
                variant.resize(item["InitialInstanceCount"])

    def replace_dead(self) -> None:
        """Start again the containers that have ended."""
        for variant in self._variants.values():
            variant.replace_dead()

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
        """Stop all variants, and write what was captured."""
        for variant in self._variants.values():
            variant.close()
        if self.capture:
            self.capture.close()


class Router:
    """The fleets of all endpoints, and the share of traffic a fleet under deployment gets. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._current: dict[str, Fleet] = {}
        self._next: dict[str, tuple[Fleet, float]] = {}
        self._nurse: threading.Thread | None = None

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
            if self._nurse is None:
                self._nurse = threading.Thread(target=self._watch, name="endpoint-health", daemon=True)
                self._nurse.start()
        return old

    def remove(self, endpoint_name: str) -> Fleet | None:
        """Take an endpoint out of service; return its fleet."""
        with self._lock:
            self._next.pop(endpoint_name, None)
            return self._current.pop(endpoint_name, None)

    def _watch(self) -> None:
        """Restart containers that die in service, for as long as the stand-in runs."""
        while True:
            time.sleep(_HEALTH_INTERVAL_SECONDS)
            with self._lock:
                fleets = list(self._current.values())
            for fleet in fleets:
                try:
                    fleet.replace_dead()
                except Exception:
                    log.exception("The containers of an endpoint could not be looked after")

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
