"""Names and fingerprints: the same inputs give the same name, so nothing is paid for twice.

The name of a remote job is its idempotency key::

    <prefix>-<step>-<yyyymmdd>-<fingerprint[:10]>[-r<attempt>]

Limits and patterns are those of the SageMaker API: 63 characters of letters, digits and single hyphens for
jobs, models and endpoints, 32 for AutoML jobs.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Longest name of a training, processing or transform job, model, endpoint or endpoint configuration.
JOB_NAME_LIMIT = 63
#: Longest name of an AutoML job.
AUTOML_NAME_LIMIT = 32
#: How much of a fingerprint a name carries: 40 bits, ample for the runs of one account.
NAME_FINGERPRINT_LENGTH = 10
#: How much of a fingerprint a place in the bucket carries.
PATH_FINGERPRINT_LENGTH = 16

_NAME_TAIL = re.compile(r"-(?P<date>\d{8})-(?P<fingerprint>[0-9a-f]{10})(?:-r(?P<attempt>\d+))?$")


class NameParts(NamedTuple):
    """What a name says: date ``yyyymmdd``, the fingerprint's first 10 hex digits, attempt (0 first)."""

    date: str
    fingerprint: str
    attempt: int


def fingerprint(inputs: Mapping[str, Any]) -> str:
    """sha256, 64 hex digits, of ``inputs`` as canonical JSON.

    Neither the order of keys nor the kind of sequence (tuple or list) matters. A value that JSON cannot
    express exactly (a set, a NaN, a datetime) raises ``TypeError`` or ``ValueError`` rather than give a name
    by chance.
    """
    canonical = json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # A lone surrogate has no UTF-8 form; it still must give a stable name.
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def content_sha256(content: bytes) -> str:
    """sha256, 64 hex digits, of an object's bytes."""
    return hashlib.sha256(content).hexdigest()


def slug(text: str, limit: int = JOB_NAME_LIMIT) -> str:
    """``text`` in lower-case letters, digits and single hyphens, at most ``limit`` long, never empty."""
    cleaned = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return cleaned[:limit].strip("-") or "x"


def run_key(dag_id: str, run_id: str, date: dt.date | str) -> str:
    """The folder name of one run under ``runs/``: readable, sorted by date, unique by DAG and run id.

    :param date: logical date of the run, a date or ``YYYY-MM-DD``
    """
    digest = fingerprint({"dag_id": dag_id, "run_id": run_id})[:8]
    return f"{compact_date(date)}-{slug(run_id, 40)}-{digest}"


def job_name(
    prefix: str,
    step: str,
    date: dt.date | str,
    fingerprint: str,
    attempt: int = 0,
    limit: int = JOB_NAME_LIMIT,
) -> str:
    """The deterministic name of one attempt of one step.

    :param prefix: resource name prefix of the installation
    :param step: step of the DAG, e.g. ``blazingtext``
    :param date: a date or ``YYYY-MM-DD``
    :param fingerprint: hex digits, at least 10
    :param attempt: 0 for the first, N gives ``-rN``
    :param limit: longest name the resource takes; when it does not fit, the prefix is abbreviated to its
        initials and the step is cut, never the date, fingerprint or attempt
    """
    if attempt < 0:
        raise ValueError(f"attempt must be 0 or more, not {attempt}")
    tail = f"-{compact_date(date)}-{fingerprint[:NAME_FINGERPRINT_LENGTH]}" + (
        f"-r{attempt}" if attempt else ""
    )
    room = limit - len(tail)
    if room < 1:
        raise ValueError(f"a name of {limit} characters has no room for {tail!r}")
    head = slug(f"{prefix}-{step}", 10_000)
    if len(head) > room:
        initials = "".join(word[0] for word in slug(prefix, 10_000).split("-"))
        head = slug(f"{initials}-{step}", room)
    return head + tail


def name_parts(name: str) -> NameParts | None:
    """What a name made by :func:`job_name` says, or None for any other name."""
    found = _NAME_TAIL.search(name)
    if found is None:
        return None
    return NameParts(found["date"], found["fingerprint"], int(found["attempt"] or 0))


def next_attempt(existing: Iterable[str], fingerprint: str) -> int:
    """The attempt after the highest of this fingerprint among ``existing`` names; 0 when there is none."""
    digits = fingerprint[:NAME_FINGERPRINT_LENGTH]
    attempts = [
        parts.attempt for name in existing if (parts := name_parts(name)) and parts.fingerprint == digits
    ]
    return max(attempts, default=-1) + 1


def compact_date(date: dt.date | str) -> str:
    """A date as ``yyyymmdd``."""
    if isinstance(date, str):
        date = dt.date.fromisoformat(date[:10])
    return date.strftime("%Y%m%d")
