"""Faults of endpoints: latency, and answers that look as if the container had failed."""

from __future__ import annotations

import time

from localaws import faults
from localaws.containers.inference_server import Answer

MESSAGE = "a fault was set for this endpoint"


def answer(endpoint: str, variant: str) -> Answer | None:
    """Wait and answer as the faults set for this variant say; None when its containers shall answer."""
    if not faults.active.any(faults.ENDPOINT_ACTIONS):
        return None
    for fault in faults.active.strike(faults.ENDPOINT_ACTIONS, resource=endpoint, variant=variant):
        if fault.action == "endpoint_error":
            text = fault.message or MESSAGE
            return Answer(fault.status, "text/plain", text.encode(), "primary")
        time.sleep(fault.seconds)
    return None
