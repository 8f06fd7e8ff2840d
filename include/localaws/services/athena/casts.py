"""CAST and TRY_CAST: Trino's rounding, text forms and refusals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.services.athena.duckdb_types import ZONED
from localaws.services.athena.errors import not_supported
from localaws.services.athena.nodes import call, cast, mismatch

if TYPE_CHECKING:
    from localaws.services.athena.duckdb_types import Type

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
_ZONED_CASTS = dict.fromkeys(("TIMESTAMP", "DATE", "TIME", "TIMESTAMPTZ"), "trino_zoned_local")
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
    if source.id == ZONED and target in _ZONED_CASTS:
        return cast(call(_ZONED_CASTS[target], node.this), target) if target != "TIMESTAMPTZ" else node.this
    if limited or target == "VARCHAR":
        text = _to_text(node, source)
        return call("left", text, exp.Literal.number(limited.group(1))) if limited else text
    if target == "JSON":
        return call("to_json", node.this)
    if source.category == "varchar" and target in _TEXT_PATTERNS:
        return _from_text(node.this, target, safe)
    if source.id in ("DOUBLE", "FLOAT", "DECIMAL") and target in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"):
        return cast(call("round", node.this), target, safe)
    if {source.category, _category(target)} == {"number", "time"} or source.id == ZONED:
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
    if source.id == ZONED:
        return call("trino_zoned_text", node.this)
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
