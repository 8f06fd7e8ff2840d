"""Operators and casts: Trino's rules and results, where DuckDB converts silently or answers differently.

Each rule takes a node and its operands' types and returns the DuckDB expression that means the same, or
raises.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.services.athena.errors import QueryError, at, not_supported

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


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A DuckDB function call."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def cast(node: exp.Expr, duckdb_type: str, safe: bool = False) -> exp.Expr:
    """CAST or TRY_CAST to a DuckDB type."""
    kind = exp.DataType.build(duckdb_type, dialect="duckdb")
    return (exp.TryCast if safe else exp.Cast)(this=node, to=kind)


def type_name(node: exp.Expr, kind: Type) -> str:
    """Trino's name of an operand's type; a string literal has its length in it."""
    if isinstance(node, exp.Literal) and node.is_string:
        return f"varchar({len(node.this)})"
    return kind.trino


def mismatch(node: exp.Expr, message: str) -> QueryError:
    """TYPE_MISMATCH at the node."""
    return QueryError("TYPE_MISMATCH", at(node.meta.get("at"), message))


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
    return node


def between(node: exp.Between, types: list[Type]) -> exp.Expr:
    """``x BETWEEN a AND b``."""
    if not all(comparable(types[0], other) for other in types[1:]):
        value, low, high = (
            type_name(part, kind)
            for part, kind in zip((node.this, node.args["low"], node.args["high"]), types, strict=True)
        )
        raise mismatch(node, f"Cannot check if {value} is BETWEEN {low} and {high}")
    return node


def contained(node: exp.In, types: list[Type]) -> exp.Expr:
    """``x IN (a, b)``."""
    if not all(comparable(types[0], other) for other in types[1:]):
        raise mismatch(node, f"IN value and list items must be the same type: {types[0].trino}")
    return node


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
        return exp.Sub(this=cast(node.left, "TIMESTAMP"), expression=cast(node.right, "TIMESTAMP"))
    raise _cannot_apply(node, left, right)


def _with_interval(node: exp.Binary, left: Type, right: Type) -> exp.Expr:
    other = right if left.category == "interval" else left
    if isinstance(node, exp.Mul) and other.category in ("number", "interval"):
        return node
    if other.category not in ("time", "interval") or isinstance(node, exp.Mul):
        raise _cannot_apply(node, left, right)
    if other.id != "DATE":
        return node
    interval = node.left if left.category == "interval" else node.right
    unit = str(interval.args.get("unit") or "").upper()
    if unit not in ("DAY", "WEEK", "MONTH", "YEAR"):
        raise mismatch(node, "Cannot add hour, minutes or seconds to a date")
    return cast(exp.Paren(this=node), "DATE")


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


# What a string must look like to be cast, by DuckDB's type; DuckDB alone takes more than Trino.
_WHOLE = r"[+-]?[0-9]+"
_TEXT_PATTERNS = {
    "TINYINT": _WHOLE,
    "SMALLINT": _WHOLE,
    "INTEGER": _WHOLE,
    "BIGINT": _WHOLE,
    "BOOLEAN": r"(?i)true|t|1|false|f|0",
    "DATE": r"\s*[+-]?\d{1,6}-\d{1,2}-\d{1,2}\s*",
    "TIMESTAMP": r"\s*[+-]?\d{1,6}-\d{1,2}-\d{1,2}( \d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?\s*",
    "DOUBLE": r"\s*[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|NaN|Infinity)\s*",
    "FLOAT": r"\s*[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|NaN|Infinity)\s*",
}
_TRINO_TYPES = {"INTEGER": "INT", "FLOAT": "REAL"}


def conversion(node: exp.Cast, types: list[Type]) -> exp.Expr:
    """CAST and TRY_CAST, with Trino's rounding, text forms and refusals."""
    source, safe = types[0], isinstance(node, exp.TryCast)
    target = node.to.sql("duckdb")
    if not node.to.args.get("nested"):
        target = target.upper()
    target = {"TEXT": "VARCHAR", "INT": "INTEGER", "REAL": "FLOAT", "BYTEA": "BLOB"}.get(target, target)
    limited = re.fullmatch(r"(?:TEXT|VARCHAR)\((\d+)\)", target)
    if node.to.is_type("char", "nchar"):
        raise not_supported("CAST to char", node.meta.get("at"))
    if limited or target == "VARCHAR":
        text = _to_text(node, source)
        return call("left", text, exp.Literal.number(limited.group(1))) if limited else text
    if target == "JSON":
        return call("to_json", node.this)
    if source.category == "varchar" and target in _TEXT_PATTERNS:
        return _from_text(node.this, target, safe)
    if source.id in ("DOUBLE", "FLOAT", "DECIMAL") and target in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"):
        return cast(call("round", node.this), target, safe)
    if {source.category, _category(target)} == {"number", "time"}:
        raise mismatch(node, f"Cannot cast {source.trino} to {target.lower()}")
    return (exp.TryCast if safe else exp.Cast)(
        this=node.this, to=exp.DataType.build(target, dialect="duckdb")
    )


def _category(target: str) -> str:
    if target.startswith(("DATE", "TIMESTAMP")):
        return "time"
    number = target.startswith(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DOUBLE", "FLOAT", "DECIMAL"))
    return "number" if number and not target.endswith("]") else "other"


def _to_text(node: exp.Cast, source: Type) -> exp.Expr:
    if source.id in ("DOUBLE", "FLOAT"):
        return call(f"trino_{source.id.lower()}_text", node.this)
    if source.id == "TIMESTAMP":
        return call("trino_timestamp_text", node.this)
    if source.id == "TIMESTAMP WITH TIME ZONE":
        return call("trino_timestamptz_text", node.this)
    if source.id == "JSON":
        return call("trino_json_to_varchar", node.this)
    if source.id in ("LIST", "MAP", "STRUCT", "BLOB"):
        raise mismatch(node, f"Cannot cast {source.trino} to varchar")
    return cast(node.this, "VARCHAR", isinstance(node, exp.TryCast))


def _from_text(text: exp.Expr, target: str, safe: bool) -> exp.Expr:
    trino = _TRINO_TYPES.get(target, target)
    before, after = "Cannot cast '", f"' to {trino}"
    if target in ("DATE", "TIMESTAMP"):
        before, after = f"Value cannot be cast to {target.lower()}: ", ""
    prefix = exp.Literal.string(f"INVALID_CAST_ARGUMENT: {before}")
    refusal = exp.DPipe(
        this=exp.DPipe(this=prefix, expression=text.copy()), expression=exp.Literal.string(after)
    )
    if isinstance(text, exp.Literal) and re.fullmatch(_TEXT_PATTERNS[target], text.this):
        return cast(text, target, safe)
    pattern = exp.Literal.string(_TEXT_PATTERNS[target])
    fits = exp.Or(
        this=exp.Is(this=exp.Paren(this=text.copy()), expression=exp.Null()),
        expression=call("regexp_full_match", text.copy(), pattern),
    )
    checked = exp.Case(ifs=[exp.If(this=fits, true=text)], default=refusal)
    return cast(checked, target, safe)


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
