"""Faults on purpose: the registry of those that are set; `requests` and `endpoints` let them happen."""

from localaws.faults.registry import (
    COMPLETING,
    ENDPOINT_ACTIONS,
    JOB_ACTIONS,
    NEED_SECONDS,
    REQUEST_ACTIONS,
    STARTING,
    Fault,
    FaultError,
    Faults,
    active,
    from_environment,
    parse,
)

__all__ = [
    "COMPLETING",
    "ENDPOINT_ACTIONS",
    "JOB_ACTIONS",
    "NEED_SECONDS",
    "REQUEST_ACTIONS",
    "STARTING",
    "Fault",
    "FaultError",
    "Faults",
    "active",
    "from_environment",
    "parse",
]
