"""Operators and casts: Trino's rules and results, where DuckDB converts silently or answers differently.

Each rule takes a node and its operands' types and returns the DuckDB expression that means the same, or
raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.services.athena.casts import conversion
from localaws.services.athena.duckdb_types import ZONED
from localaws.services.athena.errors import QueryError, not_supported
from localaws.services.athena.nodes import call, cast, instant, mismatch, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.services.athena.duckdb_types import Type

_SYMBOLS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.DPipe: "||",
    exp.NullSafeEQ: "IS DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)


def _by_instants(node: exp.Expr, types: list[Type]) -> exp.Expr:
    for operand, kind in zip(operands(node), types, strict=True):
        if kind.id == ZONED:
            operand.replace(instant(operand.copy(), kind))
    return node


def _cannot_apply(node: exp.Binary, left: Type, right: Type) -> QueryError:
    names = f"{type_name(node.left, left)} {_SYMBOLS[type(node)]} {type_name(node.right, right)}"
    return mismatch(node, f"Cannot apply operator: {names}")


def comparable(left: Type, right: Type) -> bool:
    """Whether Trino compares the two types without a cast."""
    return "unknown" in (left.category, right.category) or left.category == right.category


def comparison(node: exp.Binary, types: list[Type]) -> exp.Expr:
    """``=``, ``<`` and so on: only within one category of types."""
    if not comparable(*types):
        raise _cannot_apply(node, *types)
    return _by_instants(node, types)


def between(node: exp.Between, types: list[Type]) -> exp.Expr:
    """``x BETWEEN a AND b``."""
    if not all(comparable(types[0], other) for other in types[1:]):
        value, low, high = (
            type_name(part, kind)
            for part, kind in zip((node.this, node.args["low"], node.args["high"]), types, strict=True)
        )
        raise mismatch(node, f"Cannot check if {value} is BETWEEN {low} and {high}")
    return _by_instants(node, types)


def contained(node: exp.In, types: list[Type]) -> exp.Expr:
    """``x IN (a, b)``."""
    if not all(comparable(types[0], other) for other in types[1:]):
        raise mismatch(node, f"IN value and list items must be the same type: {types[0].trino}")
    return _by_instants(node, types)


def like(node: exp.Like, types: list[Type]) -> exp.Expr:
    """``a LIKE b``: strings only."""
    for operand, kind in zip((node.this, node.expression), types, strict=True):
        if kind.category not in ("varchar", "unknown"):
            raise mismatch(
                node,
                "Left side of LIKE expression must evaluate to a varchar "
                f"(actual: {type_name(operand, kind)})",
            )
    return node


def case(node: exp.Case, types: list[Type]) -> exp.Expr:
    """All results of a CASE are of one category."""
    results = [kind for kind in types if kind.category != "unknown"]
    if any(not comparable(results[0], other) for other in results[1:]):
        other = next(kind for kind in results if not comparable(results[0], kind))
        raise mismatch(
            node,
            "All CASE results must be the same type or coercible to a common type. "
            f"Cannot find common type between {results[0].trino} and {other.trino}",
        )
    return node


def arithmetic(node: exp.Binary, types: list[Type]) -> exp.Expr:
    """``+ - *`` on numbers; dates and timestamps plus or minus intervals."""
    left, right = types
    categories = {left.category, right.category}
    if "unknown" in categories or categories == {"number"}:
        return node
    if "interval" in categories:
        return _with_interval(node, left, right)
    if isinstance(node, exp.Sub) and categories == {"time"}:
        start, end = (
            cast(instant(part, kind), "TIMESTAMP") for part, kind in ((node.right, right), (node.left, left))
        )
        return exp.Sub(this=end, expression=start)
    raise _cannot_apply(node, left, right)


def _with_interval(node: exp.Binary, left: Type, right: Type) -> exp.Expr:
    other = right if left.category == "interval" else left
    if isinstance(node, exp.Mul) and other.category in ("number", "interval"):
        return node
    if other.category not in ("time", "interval") or isinstance(node, exp.Mul):
        raise _cannot_apply(node, left, right)
    if other.id not in ("DATE", ZONED):
        return node
    interval = node.left if left.category == "interval" else node.right
    unit = str(interval.args.get("unit") or "").upper()
    if other.id == ZONED:
        return _zoned_with_interval(node, node.right if left.category == "interval" else node.left, unit)
    if unit not in ("DAY", "WEEK", "MONTH", "YEAR"):
        raise mismatch(node, "Cannot add hour, minutes or seconds to a date")
    return cast(exp.Paren(this=node), "DATE")


def _zoned_with_interval(node: exp.Binary, value: exp.Expr, unit: str) -> exp.Expr:
    """Months by the calendar of the value's zone, days and shorter by the clock: Trino's ``+`` and ``-``."""
    if not unit:
        raise not_supported("a computed interval with AT TIME ZONE", node.meta.get("at"))
    by_calendar = unit in ("MONTH", "YEAR")
    zone = call("trino_zoned_zone", value.copy())
    moment = call("trino_zoned_local" if by_calendar else "trino_zoned_instant", value.copy())
    value.replace(moment)
    return call("trino_zoned_of" if by_calendar else "trino_zoned", node, zone)


def division(node: exp.Binary, types: list[Type]) -> exp.Expr:
    """``/`` and ``%``: integers truncate, decimals keep Trino's scale, zero is an error but for doubles."""
    left, right = types
    if not {left.category, right.category} <= {"number", "unknown"}:
        raise _cannot_apply(node, left, right)
    floating = {"DOUBLE", "FLOAT"} & {left.id, right.id}
    if floating:
        return node
    if isinstance(node, exp.Mod):
        return call("trino_modulo", node.left, node.right)
    decimal = "DECIMAL" in (left.id, right.id)
    return call("trino_decimal_divide" if decimal else "trino_integer_divide", node.left, node.right)


def concatenation(node: exp.DPipe, types: list[Type]) -> exp.Expr:
    """``||`` of strings or of arrays."""
    left, right = types
    for allowed in ("varchar", "list", "blob"):
        if {left.category, right.category} <= {allowed, "unknown"}:
            return node
    if "LIST" in (left.id, right.id):
        appended = call("list_append", node.left, node.right)
        return appended if left.id == "LIST" else call("list_prepend", node.left, node.right)
    raise _cannot_apply(node, left, right)


RULES: dict[type[exp.Expr], Callable[..., exp.Expr]] = {
    **dict.fromkeys(COMPARISONS, comparison),
    exp.Between: between,
    exp.In: contained,
    exp.Like: like,
    exp.Case: case,
    exp.Add: arithmetic,
    exp.Sub: arithmetic,
    exp.Mul: arithmetic,
    exp.Div: division,
    exp.Mod: division,
    exp.DPipe: concatenation,
    exp.Cast: conversion,
    exp.TryCast: conversion,
}


def operands(node: exp.Expr) -> list[exp.Expr]:
    """The parts whose types a rule is given, in the rule's order."""
    if isinstance(node, exp.Between):
        return [node.this, node.args["low"], node.args["high"]]
    if isinstance(node, exp.In):
        return [node.this, *node.expressions]
    if isinstance(node, exp.Case):
        default = [node.args["default"]] if node.args.get("default") else []
        return [branch.args["true"] for branch in node.args["ifs"]] + default
    if isinstance(node, (exp.Cast, exp.TryCast)):
        return [node.this]
    return [node.this, node.expression]
