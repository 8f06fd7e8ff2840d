"""A value against a botocore shape: type, required, length, range, pattern, enum, union; AWS's wording."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from typing import Any

import regex

_SURROGATES = r"\uD800\uDC00-\uDBFF\uDFFF"
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "character": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}
_NAMES = {
    "structure": "a structure",
    "map": "a map",
    "list": "a list",
    "string": "a String",
    "character": "a String",
    "boolean": "a Boolean",
    "integer": "an Integer",
    "long": "a Long",
    "float": "a Float",
    "double": "a Double",
}


@dataclass
class Violations:
    """What is wrong with a request: `type_errors` make it unreadable, `messages` are failed constraints."""

    type_errors: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


@functools.lru_cache(maxsize=2048)
def compile_pattern(pattern: str) -> regex.Pattern[str]:
    """A pattern of a service model (Java flavour) as a compiled Python one."""
    return regex.compile(pattern.replace(_SURROGATES, r"\U00010000-\U0010FFFF"))


def violations(value: Any, shape: Any) -> Violations:
    """Check `value` (parsed JSON) against the botocore `shape`."""
    found = Violations()
    _check(value, shape, "", found)
    return found


def _check(value: Any, shape: Any, path: str, found: Violations) -> None:
    if not _check_type(value, shape, path, found):
        return
    kind = shape.type_name
    if kind == "structure":
        _check_structure(value, shape, path, found)
        return
    failed = constraint_failures(value, shape)
    found.messages += [_message(value, path, text) for text in failed]
    if kind == "list":
        for index, item in enumerate(value, start=1):
            _check(item, shape.member, f"{path}.{index}.member", found)
    elif kind == "map":
        _check_map(value, shape, path, found)


def _check_type(value: Any, shape: Any, path: str, found: Violations) -> bool:
    if getattr(shape, "is_document_type", False):
        return False
    expected = _JSON_TYPES.get(shape.type_name)
    wrong_boolean = isinstance(value, bool) and shape.type_name != "boolean"
    if expected is None or (isinstance(value, expected) and not wrong_boolean):
        return True
    found.type_errors.append(
        f"{type(value).__name__} {_show(value)} can not be converted to {_NAMES[shape.type_name]} at '{path}'"
    )
    return False


def _check_structure(value: dict[str, Any], shape: Any, path: str, found: Violations) -> None:
    for name in shape.required_members:
        if value.get(name) is None:
            found.messages.append(
                f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
            )
    members = {name: value[name] for name in shape.members if value.get(name) is not None}
    if getattr(shape, "is_tagged_union", False) and len(members) != 1:
        given = ", ".join(members) or "none"
        found.messages.append(
            f"Value at '{path}' failed to satisfy constraint: "
            f"Exactly one of {', '.join(shape.members)} must be set, got {given}"
        )
    for name, member in members.items():
        _check(member, shape.members[name], _join(path, name), found)


def _check_map(value: dict[str, Any], shape: Any, path: str, found: Violations) -> None:
    for key, item in value.items():
        failed_key = constraint_failures(key, shape.key)
        if failed_key:
            text = f"Map keys must satisfy constraint: [{', '.join(failed_key)}]"
            found.messages.append(_message(value, path, text))
        if shape.value.type_name in ("structure", "list", "map") or not isinstance(item, str):
            _check(item, shape.value, f"{path}.{key}.member", found)
            continue
        failed_value = constraint_failures(item, shape.value)
        if failed_value:
            text = f"Map value must satisfy constraint: [{', '.join(failed_value)}]"
            found.messages.append(_message(value, path, text))


def constraint_failures(value: Any, shape: Any) -> list[str]:
    """The constraints of one shape (not its members) that `value` fails, in AWS's words."""
    kind = shape.type_name
    metadata = shape.metadata
    if kind in ("integer", "long", "float", "double"):
        return _range(value, metadata, "Member must have value")
    failed = []
    if kind in ("string", "list", "map"):
        failed += _range(len(value), metadata, "Member must have length")
    if kind == "string":
        allowed = metadata.get("enum")
        if allowed and value not in allowed:
            failed.append(f"Member must satisfy enum value set: [{', '.join(allowed)}]")
        pattern = metadata.get("pattern")
        if pattern and not compile_pattern(pattern).fullmatch(value):
            failed.append(f"Member must satisfy regular expression pattern: {pattern}")
    return failed


def _range(number: float, metadata: dict[str, Any], subject: str) -> list[str]:
    failed = []
    if "max" in metadata and number > metadata["max"]:
        failed.append(f"{subject} less than or equal to {metadata['max']}")
    if "min" in metadata and number < metadata["min"]:
        failed.append(f"{subject} greater than or equal to {metadata['min']}")
    return failed


def _join(path: str, name: str) -> str:
    lowered = name[:1].lower() + name[1:]
    return f"{path}.{lowered}" if path else lowered


def _message(value: Any, path: str, constraint: str) -> str:
    return f"Value '{_show(value)}' at '{path}' failed to satisfy constraint: {constraint}"


def _show(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
