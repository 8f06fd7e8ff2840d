"""Which operations the conformance tests called, and whether AWS's answer was a success or a refusal."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

COVERAGE = Path(__file__).resolve().parents[2] / "include" / "localaws" / "COVERAGE.md"
SUCCESS, FAILURE = "success", "failure"

outcomes: defaultdict[tuple[str, str], set[str]] = defaultdict(set)


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


def gaps() -> list[str]:
    """What has no success or no failure so far, one `service.Operation: outcome` each."""
    return sorted(
        f"{service}.{name}: {outcome}"
        for service, name in executed_operations()
        for outcome in (SUCCESS, FAILURE)
        if outcome not in outcomes[(service, name)]
    )
