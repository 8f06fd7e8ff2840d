"""Functions and syntax that mean the same in DuckDB under another name, whatever the operand types."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from localaws.services.athena import functions, lambdas, rules, zones
from localaws.services.athena.bind_errors import unregistered
from localaws.services.athena.errors import not_supported
from localaws.services.athena.nodes import call

_UNTYPED = rules.UNTYPED | lambdas.UNTYPED | zones.UNTYPED


def name_functions(root: exp.Expr, sql: str, typed: set[str]) -> None:
    """Replace what has its meaning without operand types; leave functions named in `typed`."""
    for node in list(root.walk(bfs=False))[::-1]:
        if isinstance(node, exp.Anonymous) and not node.meta.get("duckdb"):
            _name_function(node, sql, typed)
        elif isinstance(node, exp.DataType) and node.is_type("timestamp", "timestamptz"):
            node.replace(_timestamp(node))
        elif type(node) in _SYNTAX:
            _replace(node, _SYNTAX[type(node)](node), sql, typed)


def _replace(node: exp.Expr, meaning: exp.Expr, sql: str, typed: set[str]) -> None:
    if meaning is not node:
        node.replace(meaning)
    if isinstance(node, exp.Extract) and isinstance(meaning, exp.Anonymous):
        _name_function(meaning, sql, typed)


def _name_function(node: exp.Anonymous, sql: str, typed: set[str]) -> None:
    name = node.name.lower()
    if name in _UNTYPED and name not in typed:
        node.replace(_UNTYPED[name](node))
    elif name not in typed:
        renamed = functions.duckdb_name(name)
        if renamed is None:
            raise unregistered(sql, node, name)
        node.set("this", renamed)
        node.meta["duckdb"] = True


def _trim(node: exp.Trim) -> exp.Expr:
    side = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), "trim")
    characters = node.args.get("expression")
    return call(side, node.this, characters) if characters else call(f"trino_{side}", node.this)


def _extract(node: exp.Extract) -> exp.Expr:
    name = node.this.name.lower()
    if functions.duckdb_name(name) is None and name not in zones.TYPED:
        raise not_supported(f"EXTRACT({name.upper()} ...)", node.meta.get("at"))
    return call(name, node.expression)


def _substring(node: exp.Substring) -> exp.Expr:
    parts = [node.this, node.args.get("start"), node.args.get("length")]
    return call("trino_substr", *[part for part in parts if part is not None])


def _timestamp(node: exp.DataType) -> exp.Expr:
    """Timestamps are DuckDB's plain ones, whatever their precision; Trino's default is milliseconds."""
    literal = isinstance(node.parent, exp.Cast) and isinstance(node.parent.this, exp.Literal)
    if node.expressions and not literal and node.expressions[0].name not in ("0", "3"):
        raise not_supported(f"timestamp({node.expressions[0].name}); timestamps have milliseconds here")
    plain = exp.DataType(this=node.this)
    # sqlglot reads ``timestamp '…'`` as a cast to a precision of 0.
    plain.meta[zones.LITERAL] = literal and [str(part.this) for part in node.expressions] == ["0"]
    return plain


_SYNTAX: dict[type[exp.Expr], Any] = {
    exp.Trim: _trim,
    exp.Extract: _extract,
    exp.Substring: _substring,
    exp.StrPosition: lambda node: call("strpos", node.this, node.args["substr"]),
    exp.ParseJSON: lambda node: call("json", node.this),
    exp.HexString: lambda node: call("unhex", exp.Literal.string(node.this)),
    exp.AtTimeZone: zones.operator,
    exp.Cast: zones.literal,
    exp.TryCast: zones.literal,
}
