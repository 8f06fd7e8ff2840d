"""Which operations of AWS the sources name, found in their syntax trees. Pure.

Operations reach boto3 by name: as a method of a client, or as text (``aws.call("sns", "publish")``, the kinds
of jobs). So every attribute and every text that is the Python name of an operation counts.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

import botocore.session
from botocore import xform_name

from .calls import PREFIXES, S3_ACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: Methods to which a service's name is given.
_CLIENTS = {"client", "_client", "call"}
#: What boto3 or botocore add to clients: methods that are several operations, or another name for one.
_HELPERS = {"generate_presigned_url": ("s3", "GetObject")}


def services(paths: Iterable[Path]) -> set[str]:
    """Names of services that clients are made for, as text or as a constant of the module."""
    return {name for path in paths for name in _services(ast.parse(path.read_text()))}


def _services(tree: ast.Module) -> Iterator[str]:
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0]
        if called in _CLIENTS and isinstance(first, ast.Constant):
            yield str(first.value)
        elif called in _CLIENTS and isinstance(first, ast.Name) and first.id in constants:
            yield str(constants[first.id])


def named(paths: Iterable[Path], of: Iterable[str]) -> dict[str, set[str]]:
    """Of each operation's Python name in the sources, the IAM actions that it may stand for.

    :param of: the services that count
    """
    known: dict[str, set[str]] = {}
    for service in of:
        for name, action in _operations(service).items():
            known.setdefault(name, set()).add(action)
    words = {word for path in paths for word in _words(ast.parse(path.read_text()))}
    return {name: actions for name, actions in known.items() if name in words}


def _words(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def _operations(service: str) -> dict[str, str]:
    """IAM action by Python name."""
    prefix = PREFIXES.get(service, service)
    found = botocore.session.get_session().get_service_model(service).operation_names
    actions = {
        xform_name(name): f"{prefix}:{S3_ACTIONS.get(name, name) if service == 's3' else name}"
        for name in found
    }
    helpers = {name: f"{of}:{operation}" for name, (of, operation) in _HELPERS.items() if of == service}
    return actions | helpers
