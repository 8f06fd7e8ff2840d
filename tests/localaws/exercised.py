"""Which operations the conformance tests called, and whether AWS's answer was a success or a refusal."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

COVERAGE = Path(__file__).resolve().parents[2] / "include" / "localaws" / "COVERAGE.md"
SUCCESS, FAILURE = "success", "failure"
# Where the test session keeps what its processes saw, and where one of several processes leaves it.
SEEN = pytest.StashKey[list[list[list[str]]]]()
OUTPUT = "exercised_operations"

Outcomes = dict[tuple[str, str], set[str]]

outcomes: Outcomes = defaultdict(set)


def watch(client: Any) -> None:
    """Note every call of a boto3 client from now on."""
    client.meta.events.register("after-call", _note)


def _note(http_response: Any, model: Any, **_: Any) -> None:
    status = http_response.status_code
    # 5xx is a fault, or what the stand-in does not do; neither is an operation's own refusal.
    if status < 500:
        key = (model.service_model.service_name, model.name)
        outcomes[key].add(SUCCESS if status < 300 else FAILURE)


def executed_operations() -> set[tuple[str, str]]:
    """Service and name of every operation that COVERAGE.md says works."""
    sections = re.split(r"^## ", COVERAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        (section.split("\n", 1)[0].strip(), name)
        for section in sections
        for line in section.splitlines()
        if line.startswith("**Works here**")
        for name in re.findall(r"`(\w+)`", line)
    }


def gaps(seen: Outcomes) -> list[str]:
    """What has no success or no failure in `seen`, one `service.Operation: outcome` each."""
    return sorted(
        f"{service}.{name}: {outcome}"
        for service, name in executed_operations()
        for outcome in (SUCCESS, FAILURE)
        if outcome not in seen.get((service, name), ())
    )


def merged(parts: list[list[list[str]]]) -> Outcomes:
    """The outcomes that several processes saw, each as `packed` gave them."""
    together: Outcomes = defaultdict(set)
    for service, name, outcome in (row for part in parts for row in part):
        together[(service, name)].add(outcome)
    return together


def packed(seen: Outcomes) -> list[list[str]]:
    """Outcomes as rows of service, operation and outcome, which travel between processes."""
    return sorted([service, name, outcome] for (service, name), some in seen.items() for outcome in some)
