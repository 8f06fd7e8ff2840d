"""Functions whose meaning depends on their operands' types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.services.athena import zones
from localaws.services.athena.duckdb_types import ZONED
from localaws.services.athena.errors import QueryError, at, not_supported, unexpected
from localaws.services.athena.nodes import call, cast, mismatch, type_name
from localaws.services.athena.rules import arguments, text_literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.services.athena.duckdb_types import Type

_UNITS = {
    "millisecond": "milliseconds",
    "second": "seconds",
    "minute": "minutes",
    "hour": "hours",
    "day": "days",
    "week": "weeks",
    "month": "months",
    "quarter": "quarters",
    "year": "years",
}
_DATE_UNITS = {"day", "week", "month", "quarter", "year"}


def _sum(node: exp.Anonymous, types: list[Type]) -> str | None:
    """The type that Trino's sum has and DuckDB's has not."""
    if types[0].is_integer:
        return "BIGINT"
    return "FLOAT" if types[0].id == "FLOAT" else _only_numbers(node, types)


def _avg(node: exp.Anonymous, types: list[Type]) -> str | None:
    if types[0].id == "DECIMAL":
        return f"DECIMAL({types[0].width},{types[0].scale})"
    return "FLOAT" if types[0].id == "FLOAT" else _only_numbers(node, types)


def _only_numbers(node: exp.Anonymous, types: list[Type]) -> str | None:
    if types[0].category not in ("number", "unknown", "interval"):
        raise unexpected(node, node.name.lower(), [types[0].trino])
    return None


def _date_add(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    unit, amount, value = arguments(node, 3)
    name = _unit(node, unit, types[2])
    many = exp.Mul(
        this=exp.Interval(this=exp.Literal.string("1"), unit=exp.var(_UNITS[name][:-1])),
        expression=exp.Paren(this=amount),
    )
    if name == "quarter":
        three = exp.Interval(this=exp.Literal.string("3"), unit=exp.var("month"))
        many = exp.Mul(this=three, expression=exp.Paren(this=amount))
    if types[2].id == ZONED:
        return zones.shifted(value, many, name)
    added = exp.Paren(this=exp.Add(this=exp.Paren(this=value), expression=many))
    return cast(added, "DATE") if types[2].id == "DATE" else added


def _date_trunc(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    unit, value = arguments(node, 2)
    name = _unit(node, unit, types[1])
    if types[1].id == ZONED:
        return zones.truncated(name, value)
    truncated = call("date_trunc", exp.Literal.string(name), value)
    return cast(truncated, "DATE") if types[1].id == "DATE" else truncated


def _date_diff(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    unit, start, end = arguments(node, 3)
    name = _unit(node, unit, types[1])
    _unit(node, unit, types[2])
    if ZONED in (types[1].id, types[2].id):
        return zones.difference(name, start, end, types[1:])
    wide = "TIMESTAMP" if {types[1].id, types[2].id} == {"DATE", "TIMESTAMP"} else None
    first, second = (cast(part, wide) if wide else part for part in (start, end))
    return call("date_sub", exp.Literal.string(name), first, second)


def _unit(node: exp.Anonymous, unit: exp.Expr, value: Type) -> str:
    name = text_literal(node, unit, "unit").lower()
    if value.category not in ("time", "unknown"):
        raise unexpected(node, node.name.lower(), [f"varchar({len(name)})", value.trino])
    if name not in _UNITS or (value.id == "DATE" and name not in _DATE_UNITS):
        kind = "DATE" if value.id == "DATE" else "Timestamp"
        message = f"'{name}' is not a valid {kind} field"
        raise QueryError("INVALID_FUNCTION_ARGUMENT", at(node.meta.get("at"), message))
    return name


def _concat(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    if any(kind.id == "LIST" for kind in types):
        joined: exp.Expr = node.expressions[0]
        for part in node.expressions[1:]:
            joined = call("list_concat", joined, part)
        return joined
    if any(kind.category not in ("varchar", "unknown", "blob") for kind in types):
        raise unexpected(node, "concat", [kind.trino for kind in types])
    joined = exp.Paren(this=node.expressions[0])
    for part in node.expressions[1:]:
        joined = exp.DPipe(this=joined, expression=exp.Paren(this=part))
    return exp.Paren(this=joined)


def _element_at(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    container, key = arguments(node, 2)
    if types[0].id == "MAP":
        return call("map_extract_value", container, key)
    if types[0].id == "LIST" and types[1].is_integer:
        return call("trino_array_element", container, key)
    raise unexpected(node, "element_at", [kind.trino for kind in types])


def _cardinality(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    (container,) = arguments(node, 1)
    if types[0].id not in ("LIST", "MAP"):
        raise unexpected(node, "cardinality", [types[0].trino])
    return cast(call("cardinality" if types[0].id == "MAP" else "len", container), "BIGINT")


def _round(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    given = arguments(node, 1, 2)
    if types[0].id == "DECIMAL" and len(given) == 2:
        return cast(call("round", *given), f"DECIMAL({min(38, types[0].width + 1)},{types[0].scale})")
    return call("round", *given)


def _whole(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    """ceil, floor and sign give integers for integers."""
    (value,) = arguments(node, 1)
    name = {"ceiling": "ceil"}.get(node.name.lower(), node.name.lower())
    if types[0].is_integer and name != "sign":
        return value
    kinds = {"FLOAT": "FLOAT", "DOUBLE": "DOUBLE"}
    calculated = call(name, value)
    if types[0].is_integer or types[0].id in kinds:
        return cast(calculated, kinds.get(types[0].id, types[0].id))
    return calculated


def _iso8601(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    (value,) = arguments(node, 1)
    patterns = {
        "DATE": "%Y-%m-%d",
        "TIMESTAMP": "%Y-%m-%dT%H:%M:%S.%g",
        "TIMESTAMP WITH TIME ZONE": "%Y-%m-%dT%H:%M:%S.%gZ",
    }
    if types[0].id == ZONED:
        return call("trino_zoned_iso8601", value)
    if types[0].id not in patterns:
        raise unexpected(node, "to_iso8601", [types[0].trino])
    return call("strftime", value, exp.Literal.string(patterns[types[0].id]))


def _coalesce(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    known = [kind for kind in types if kind.category != "unknown"]
    if any(kind.category != known[0].category for kind in known[1:]):
        raise mismatch(node, f"All {node.name.upper()} operands must be the same type: {known[0].trino}")
    return call(node.name.lower(), *node.expressions)


def _typeof(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    (value,) = arguments(node, 1)
    if types[0].id in ("MAP", "STRUCT") or (types[0].child and types[0].child.id in ("MAP", "STRUCT")):
        raise not_supported(f"typeof of {types[0].trino}", node.meta.get("at"))
    precise = {"timestamp": "timestamp(3)", "timestamp with time zone": "timestamp(3) with time zone"}
    name = type_name(value, types[0]).replace(", ", ",")
    return exp.Literal.string(precise.get(name, name))


TYPED: dict[str, Callable[[exp.Anonymous, list[Type]], exp.Expr]] = {
    "date_add": _date_add,
    "date_trunc": _date_trunc,
    "date_diff": _date_diff,
    "concat": _concat,
    "element_at": _element_at,
    "cardinality": _cardinality,
    "round": _round,
    "ceil": _whole,
    "ceiling": _whole,
    "floor": _whole,
    "sign": _whole,
    "to_iso8601": _iso8601,
    "coalesce": _coalesce,
    "nullif": _coalesce,
    "typeof": _typeof,
} | zones.TYPED
# Aggregates whose result is cast to the type Trino gives it.
TYPED_AGGREGATES: dict[str, Callable[[exp.Anonymous, list[Type]], str | None]] = {"sum": _sum, "avg": _avg}
