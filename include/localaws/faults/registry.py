"""Faults on purpose: what AWS does to its callers on a bad day, switched on by API or environment.

A fault says what happens (`action`), to what (service, operation, resource; or job and stage), and how often
(count, after, probability). docs/faults.md tells people how to use them.
"""

from __future__ import annotations

import fnmatch
import itertools
import json
import threading
from dataclasses import dataclass, field, fields
from pathlib import Path
from random import Random
from typing import Any

REQUEST_ACTIONS = frozenset(
    {"throttle", "resource_limit", "error", "latency", "lost_request", "lost_response"}
    | {"clock_skew", "expired_token"}
)
JOB_ACTIONS = frozenset({"capacity", "job_failure", "job_delay"})
ENDPOINT_ACTIONS = frozenset({"endpoint_error", "endpoint_latency"})
NEED_SECONDS = frozenset({"latency", "job_delay", "endpoint_latency", "clock_skew"})
STARTING, COMPLETING = "Starting", "Completing"  # stages that every job has

_ALWAYS = {"action", "count", "after", "probability", "seed"}
_REQUEST = _ALWAYS | {"service", "operation", "resource"}
_JOB = _ALWAYS | {"job", "resource"}
_ENDPOINT = _ALWAYS | {"resource", "variant"}
_FIELDS: dict[str, set[str]] = {
    **dict.fromkeys(REQUEST_ACTIONS, _REQUEST),
    "error": _REQUEST | {"code", "message", "status"},
    "resource_limit": _REQUEST | {"message"},
    "latency": _REQUEST | {"seconds"},
    "clock_skew": _REQUEST | {"seconds"},
    "capacity": _JOB,
    "job_failure": _JOB | {"stage", "message"},
    "job_delay": _JOB | {"stage", "seconds"},
    "endpoint_error": _ENDPOINT | {"status", "message"},
    "endpoint_latency": _ENDPOINT | {"seconds"},
}


class FaultError(ValueError):
    """A fault that cannot be set; the message says why."""


@dataclass
class Fault:
    """One fault and its counters. Patterns are shell patterns (`Put*`), matched with case.

    Attributes:
        action: what happens; one of the keys of docs/faults.md.
        service: as boto3 names it, e.g. ``sagemaker-runtime``.
        operation: as the API names it, e.g. ``CreateTrainingJob``.
        resource: bucket/key, or the first name in the request; the job's or endpoint's name.
        job: kind of job, e.g. ``TrainingJob``.
        stage: ``Starting``, ``Completing`` or a secondary status.
        variant: production variant.
        count: how often it happens; None for always.
        after: how many matching requests or jobs are left alone first: the nth has ``after = n - 1``.
        probability: of each matching one to be hit, 0 to 1.
        seed: of that chance; the same seed hits the same ones.
        seconds: of a delay, or of the clock.
        code, message, status: of the error answered.
    """

    action: str
    service: str = "*"
    operation: str = "*"
    resource: str = "*"
    job: str = "*"
    stage: str = STARTING
    variant: str = "*"
    count: int | None = None
    after: int = 0
    probability: float = 1.0
    seed: int = 0
    seconds: float = 0.0
    code: str = ""
    message: str = ""
    status: int = 500
    id: str = ""
    matched: int = 0
    used: int = 0
    _random: Random = field(default_factory=Random, repr=False)

    def strikes(self) -> bool:
        """Count a match; whether the fault happens to it."""
        if self.count is not None and self.used >= self.count:
            return False
        self.matched += 1
        if self.matched <= self.after or self._random.random() >= self.probability:
            return False
        self.used += 1
        return True

    def document(self) -> dict[str, Any]:
        """As the API shows it."""
        shown = {key: getattr(self, key) for key in sorted(_FIELDS[self.action] - {"action"})}
        remaining = None if self.count is None else self.count - self.used
        counters = {"matched": self.matched, "used": self.used, "remaining": remaining}
        return {"id": self.id, "action": self.action, **shown, **counters}


def parse(document: object) -> Fault:
    """A fault from its JSON form; raises `FaultError`."""
    if not isinstance(document, dict) or not isinstance(document.get("action"), str):
        raise FaultError(f"Expected an object with an action, one of {_names(_FIELDS)}; got {document!r}.")
    action = document["action"]
    allowed = _FIELDS.get(action)
    if allowed is None:
        raise FaultError(f"Unknown action {action!r}; expected one of {_names(_FIELDS)}.")
    unknown = set(document) - allowed
    if unknown:
        raise FaultError(f"{action} has no {_names(unknown)}; it takes {_names(allowed - {'action'})}.")
    for name, value in document.items():
        _check(name, value)
    if action in NEED_SECONDS and "seconds" not in document:
        raise FaultError(f"{action} needs seconds.")
    fault = Fault(**document)
    fault._random.seed(fault.seed)
    return fault


def _check(name: str, value: object) -> None:
    kind = next(item.type for item in fields(Fault) if item.name == name)
    if name == "count" and value is None:
        return
    expected: tuple[type, ...] = {"str": (str,), "float": (int, float)}.get(str(kind), (int,))
    if not isinstance(value, expected) or isinstance(value, bool):
        raise FaultError(f"{name} is {value!r}; expected {'a string' if str in expected else 'a number'}.")
    limits = {"probability": (0, 1), "status": (400, 599), "count": (1, 10**9), "after": (0, 10**9)}
    low, high = limits.get(name, (float("-inf"), float("inf")))
    if name != "seed" and isinstance(value, (int, float)) and not low <= value <= high:
        raise FaultError(f"{name} is {value}; expected {low} to {high}.")


def _names(names: Any) -> str:
    return ", ".join(sorted(names))


class Faults:
    """The faults that are set. Thread-safe."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def add(self, documents: object) -> list[dict[str, Any]]:
        """Set one fault (an object) or several (a list), all or none; raises `FaultError`."""
        parsed = [parse(item) for item in (documents if isinstance(documents, list) else [documents])]
        with self._lock:
            for fault in parsed:
                fault.id = f"fault-{next(self._numbers)}"
            self._faults = [*self._faults, *parsed]
            return [fault.document() for fault in parsed]

    def documents(self) -> list[dict[str, Any]]:
        """All faults with their counters, the used-up ones too."""
        with self._lock:
            return [fault.document() for fault in self._faults]

    def remove(self, fault_id: str | None = None) -> int:
        """Remove one fault, or all; return how many there were."""
        with self._lock:
            kept = [] if fault_id is None else [fault for fault in self._faults if fault.id != fault_id]
            removed = len(self._faults) - len(kept)
            self._faults = kept
            return removed

    def has(self, fault_id: str) -> bool:
        """Whether a fault is set, used up or not."""
        return any(fault.id == fault_id for fault in self._faults)

    def any(self, actions: frozenset[str]) -> bool:
        """Whether a fault of one of these actions is set."""
        return any(fault.action in actions for fault in self._faults)

    def strike(self, actions: frozenset[str], **target: str) -> list[Fault]:
        """The faults of these actions that happen to `target`, in the order they were set.

        An error ends the list: nothing can happen to a request after it was answered.
        """
        struck = []
        with self._lock:
            for fault in self._faults:
                if fault.action not in actions or not _matches(fault, target):
                    continue
                if fault.strikes():
                    struck.append(fault)
                    if fault.action not in NEED_SECONDS and fault.action != "lost_response":
                        break
        return struck


def _matches(fault: Fault, target: dict[str, str]) -> bool:
    return all(fnmatch.fnmatchcase(value, getattr(fault, name)) for name, value in target.items())


active = Faults()


def from_environment(text: str) -> None:
    """Set the faults of ``LOCALAWS_FAULTS``: JSON, or the path of a JSON file. Raises `FaultError`."""
    if not text.strip():
        return
    try:
        content = text if text.lstrip()[:1] in "[{" else Path(text).read_text()
        active.add(json.loads(content))
    except (OSError, ValueError) as error:
        raise FaultError(f"LOCALAWS_FAULTS cannot be used: {error}") from error
