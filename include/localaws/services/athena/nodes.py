"""Pieces of the tree that rules are written with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.services.athena.duckdb_types import ZONED
from localaws.services.athena.errors import QueryError, at

if TYPE_CHECKING:
    from localaws.services.athena.duckdb_types import Type


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A DuckDB function call."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def cast(node: exp.Expr, duckdb_type: str, safe: bool = False) -> exp.Expr:
    """CAST or TRY_CAST to a DuckDB type."""
    kind = exp.DataType.build(duckdb_type, dialect="duckdb")
    return (exp.TryCast if safe else exp.Cast)(this=node, to=kind)


def instant(node: exp.Expr, kind: Type) -> exp.Expr:
    """What an operand is compared by: of a zoned timestamp, its instant."""
    return call("trino_zoned_instant", node) if kind.id == ZONED else node


def type_name(node: exp.Expr, kind: Type) -> str:
    """Trino's name of an operand's type; a string literal has its length in it."""
    if isinstance(node, exp.Literal) and node.is_string:
        return f"varchar({len(node.this)})"
    return kind.trino


def mismatch(node: exp.Expr, message: str) -> QueryError:
    """TYPE_MISMATCH at the node."""
    return QueryError("TYPE_MISMATCH", at(node.meta.get("at"), message))
