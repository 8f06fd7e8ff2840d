"""Requests that AWS refuses and requests that it accepts, as data; test_rejections.py sends them.

A request is a valid one with some members changed. Strings may hold words such as `@bucket` and `@model`,
the names of what is in the account when the requests are sent (`World` in rejection_world.py), and `@new`, a
name not used before.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

# Where a rule is from: botocore's service model, its documentation text, or a section of the contracts that
# the stand-in was built from (AWS's documentation, its SDKs, requests and answers seen on the real service).
MODEL = "[M]"
MODEL_TEXT = "[M] documentation"
# The refusal of roles is from users' reports of it: https://github.com/aws/sagemaker-python-sdk/issues
ROLES = "users' reports"
# Messages that users have quoted in public issues; the stand-in's source names them.
REPORTS = "users' reports"
ELSEWHERE = "683313688378.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
ASSUME = "allows principal 'sagemaker.amazonaws.com' to assume the role"
REMOVED = object()

Document = dict[str, Any]


def contract(section: str) -> str:
    """A section of the contracts."""
    return f"contract {section}"


@dataclass(frozen=True)
class Case:
    """One request, and AWS's answer to it: an error, or acceptance when `code` is empty.

    Attributes:
        message: a part of the error's message.
        source: why AWS answers so.
    """

    service: str
    operation: str
    label: str
    request: Document
    source: str
    code: str = ""
    message: str = ""

    @property
    def name(self) -> str:
        """The test's name."""
        return f"{self.service}.{self.operation}: {self.label}"


@dataclass(frozen=True)
class Operation:
    """An operation with a request that AWS accepts, and the code of its validation errors."""

    service: str
    name: str
    valid: Document
    code: str = "ValidationException"

    def refused(self, label: str, changes: Document, message: str, source: str, code: str = "") -> Case:
        """The valid request with `changes` (dotted path: value, or `REMOVED`) is refused."""
        request = changed(self.valid, changes)
        return Case(self.service, self.name, label, request, source, code or self.code, message)

    def accepted(self, label: str, changes: Document | None = None, source: str = MODEL) -> Case:
        """The valid request with `changes` is accepted."""
        return Case(self.service, self.name, label, changed(self.valid, changes or {}), source)


def changed(request: Document, changes: Document) -> Document:
    """A copy of `request` with the members at dotted paths replaced, added or removed."""
    result = copy.deepcopy(request)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place: Any = result
        for part in parents:
            place = place[int(part)] if part.isdigit() else place.setdefault(part, {})
        if value is REMOVED:
            del place[last]
        elif last.isdigit():
            place[int(last)] = value
        else:
            place[last] = value
    return result
