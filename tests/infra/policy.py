"""A small IAM policy evaluator: identity policies of one account, without boundaries and session policies.

By https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: an explicit deny
wins, then any allow, else the request is denied. Pure.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Access(NamedTuple):
    """One question to IAM: may ``action`` be done to ``resource``, in this context?"""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


def is_allowed(statements: Iterable[Mapping[str, Any]], access: Access) -> bool:
    """Whether the statements together allow the access.

    :raises ValueError: for a member or a condition operator that this evaluator does not know
    """
    allowed = False
    for statement in statements:
        if not applies(statement, access):
            continue
        if statement["Effect"] == "Deny":
            return False
        allowed = True
    return allowed


def applies(statement: Mapping[str, Any], access: Access) -> bool:
    """Whether a statement, whatever its effect, is about the access."""
    unknown = set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"}
    if unknown:
        raise ValueError(f"unknown members of a statement: {sorted(unknown)}")
    return (
        # Actions are case-insensitive, resources are not.
        any(matches(p.lower(), access.action.lower()) for p in listed(statement["Action"]))
        and any(matches(pattern, access.resource) for pattern in listed(statement["Resource"]))
        and _holds(statement.get("Condition", {}), dict(access.context))
    )


def listed(value: str | Sequence[str]) -> list[str]:
    """A policy's string or list of strings as a list."""
    return [value] if isinstance(value, str) else list(value)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    parts = [{"*": ".*", "?": "."}.get(part, re.escape(part)) for part in re.split(r"([*?])", text)]
    return re.compile("".join(parts), re.DOTALL)


def matches(pattern: str, value: str) -> bool:
    """Whether IAM's wildcards ``*`` and ``?`` in the pattern match the whole value."""
    return _pattern(pattern).fullmatch(value) is not None


def _holds(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    """All conditions; a key that the request does not have fails it."""
    for operator, wanted in conditions.items():
        if operator not in {"StringEquals", "StringLike"}:
            raise ValueError(f"unknown condition operator: {operator}")
        for key, values in wanted.items():
            if key not in context:
                return False
            found = context[key]
            equal = operator == "StringEquals"
            if not any(found == v if equal else matches(v, found) for v in listed(values)):
                return False
    return True
