"""How IAM decides: identity policies of one account, without boundaries and session policies. Pure.

By https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: an explicit deny
wins, then any allow, else the request is denied.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from localaws.protocol import not_implemented

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Document = dict[str, Any]

ALLOWED, EXPLICIT_DENY, IMPLICIT_DENY = "allowed", "explicitDeny", "implicitDeny"


@dataclass(frozen=True)
class Policy:
    """A policy by the name under which a simulation reports it."""

    name: str
    statements: Sequence[Document]

    @classmethod
    def of(cls, name: str, document: Mapping[str, Any]) -> Policy:
        """From a policy document, whose ``Statement`` may be one or a list."""
        found = document.get("Statement", [])
        return cls(name, found if isinstance(found, list) else [found])


@dataclass
class Decision:
    """What IAM decides, by which policies, and which context keys it would have had to know."""

    effect: str = IMPLICIT_DENY
    matched: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def decide(
    policies: Iterable[Policy], action: str, resource: str, context: Mapping[str, Sequence[str]]
) -> Decision:
    """Decide on one request.

    :param context: values by lower-case key
    """
    allows: list[str] = []
    denies: list[str] = []
    missing: list[str] = []
    for policy in policies:
        for statement in policy.statements:
            if not _is_about(statement, action, resource):
                continue
            holds, unknown = _holds(statement.get("Condition", {}), context)
            missing += unknown
            if holds:
                (denies if statement["Effect"] == "Deny" else allows).append(policy.name)
    effect = EXPLICIT_DENY if denies else ALLOWED if allows else IMPLICIT_DENY
    return Decision(effect, list(dict.fromkeys(denies or allows)), list(dict.fromkeys(missing)))


def matches(pattern: str, value: str) -> bool:
    """Whether IAM's wildcards ``*`` and ``?`` in the pattern match the whole value."""
    if "${" in pattern:
        raise not_implemented(f"SimulatePrincipalPolicy: policy variables ({pattern})")
    return _expression(pattern).fullmatch(value) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    parts = [{"*": ".*", "?": "."}.get(part, re.escape(part)) for part in re.split(r"([*?])", pattern)]
    return re.compile("".join(parts), re.DOTALL)


def _is_about(statement: Document, action: str, resource: str) -> bool:
    """Actions are case-insensitive, resources are not."""
    actions = [pattern.lower() for pattern in _listed(statement.get("Action", statement.get("NotAction")))]
    resources = _listed(statement.get("Resource", statement.get("NotResource")))
    has_action = any(matches(pattern, action.lower()) for pattern in actions)
    # A simulation on "*" asks about everything: only a statement on everything is about it.
    has_resource = any(matches(pattern, resource) for pattern in resources)
    return has_action is ("Action" in statement) and has_resource is ("Resource" in statement)


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [str(value)]


# --- Conditions -----------------------------------------------------------------------------------------


def _equal(wanted: str, found: str) -> bool:
    return wanted == found


def _equal_ignoring_case(wanted: str, found: str) -> bool:
    return wanted.lower() == found.lower()


#: Each compares a value of the policy with one of the request.
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _equal,
    "StringEqualsIgnoreCase": _equal_ignoring_case,
    "StringLike": matches,
    "ArnEquals": matches,
    "ArnLike": matches,
    "Bool": _equal_ignoring_case,
}
#: The same the other way round: none of the values may match.
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def _holds(
    conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, Sequence[str]]
) -> tuple[bool, list[str]]:
    """Whether all conditions hold, and the keys they ask for that the request does not have."""
    holds, missing = True, []
    for operator, keys in conditions.items():
        for key, wanted in keys.items():
            values = context.get(key.lower())
            if values is None and operator != "Null":
                missing.append(key)
            holds = holds and _one_holds(operator, _listed(wanted), values)
    return holds, missing


def _one_holds(operator: str, wanted: list[str], values: Sequence[str] | None) -> bool:
    if operator == "Null":
        return (values is None) is (wanted[0].lower() == "true")
    name = operator.removesuffix("IfExists")
    negated = name in _NEGATED
    compare = _OPERATORS.get(_NEGATED.get(name, name))
    if compare is None:
        raise not_implemented(f"SimulatePrincipalPolicy: condition operator {operator}")
    if values is None:
        return negated or operator != name
    found = any(compare(one, value) for one in wanted for value in values)
    return found is not negated
