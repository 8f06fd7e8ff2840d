"""Shadow variants: they get copies of requests, and their answers are discarded."""

from __future__ import annotations

import contextlib
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from localaws.containers.serving import ServingError

if TYPE_CHECKING:
    from localaws.services.sagemaker.fleets import Fleet
    from localaws.services.sagemaker.variants import Variant
    from localaws.services.sagemaker_runtime.invocations import Invocation

_WORKERS = 4

_pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="shadow")


def send(fleet: Fleet, invocation: Invocation) -> None:
    """Copy a request to the fleet's shadow variant, if it has one and the request is in its share.

    The caller does not wait; metrics and logs of the shadow variant show what became of it.
    """
    if fleet.shadow and secrets.SystemRandom().random() < fleet.shadow_share:
        _pool.submit(_run, invocation, fleet.shadow)


def _run(invocation: Invocation, variant: Variant) -> None:
    with contextlib.suppress(ServingError, RuntimeError):  # its containers are being stopped
        replace(invocation, begin=time.monotonic()).run(variant)
