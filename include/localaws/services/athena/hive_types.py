"""Types: Hive's names in the Glue catalog, DuckDB's, and the names Athena reports."""

from __future__ import annotations

import re
from typing import Any

from localaws.services.athena.errors import QueryError, not_supported

_TO_DUCKDB = {
    "string": "VARCHAR",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "binary": "BLOB",
}
_FROM_DUCKDB = {
    # DuckDB type id: (Athena's name, Hive's name, precision)
    "varchar": ("varchar", "string", 2147483647),
    "tinyint": ("tinyint", "tinyint", 3),
    "smallint": ("smallint", "smallint", 5),
    "integer": ("integer", "int", 10),
    "bigint": ("bigint", "bigint", 19),
    "float": ("float", "float", 17),
    "double": ("double", "double", 17),
    "boolean": ("boolean", "boolean", 0),
    "date": ("date", "date", 0),
    "time": ("time", "", 3),
    "timestamp": ("timestamp", "timestamp", 3),
    "timestamp with time zone": ("timestamp with time zone", "", 3),
    "blob": ("varbinary", "binary", 1073741824),
    "list": ("array", "", 0),
    "map": ("map", "", 0),
    "struct": ("row", "", 0),
    "uuid": ("uuid", "", 0),
    "interval": ("interval day to second", "", 0),
    '"null"': ("unknown", "", 0),
    "sqlnull": ("unknown", "", 0),
}
# What DuckDB calculates wider or unsigned where Trino has bigint.
_AS_BIGINT = {"hugeint", "uhugeint", "ubigint", "uinteger", "usmallint", "utinyint"}


def split_top_level(text: str, separator: str = ",") -> list[str]:
    """Split at separators that are not inside <> or ()."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(text):
        if character in "<(":
            depth += 1
        elif character in ">)":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    return [part.strip() for part in parts]


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


def hive_to_duckdb(hive: str) -> str:
    """``array<struct<a:int>>`` -> ``STRUCT("a" INTEGER)[]``; raise `QueryError` for an unknown type."""
    text = hive.strip().lower()
    if text.startswith("array<") and text.endswith(">"):
        return f"{hive_to_duckdb(text[6:-1])}[]"
    if text.startswith("map<") and text.endswith(">"):
        key, value = split_top_level(text[4:-1])
        return f"MAP({hive_to_duckdb(key)}, {hive_to_duckdb(value)})"
    if text.startswith("struct<") and text.endswith(">"):
        fields = [part.split(":", 1) for part in split_top_level(text[7:-1])]
        return "STRUCT(" + ", ".join(f"{quoted(n.strip())} {hive_to_duckdb(t)}" for n, t in fields) + ")"
    if match := re.fullmatch(r"decimal(?:\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?", text):
        return f"DECIMAL({match.group(1) or 10},{match.group(2) or 0})"
    base = re.sub(r"\s*\(\s*\d+\s*\)$", "", text)
    if base not in _TO_DUCKDB:
        raise QueryError("HIVE_INVALID_METADATA", f"Unknown type '{hive}' in the table's schema")
    return _TO_DUCKDB[base]


def _child(kind: Any, name: str) -> Any:
    return dict(kind.children)[name]


def is_zoned(kind: Any) -> bool:
    """Whether a result column is an instant with its zone (zones.py)."""
    return kind.id == "struct" and [name for name, _ in kind.children] == ["trino_instant", "trino_zone"]


def duckdb_to_hive(kind: Any) -> str:
    """The Hive type in which a result column is kept in a table; raise `QueryError` when there is none."""
    if kind.id == "decimal":
        return f"decimal({_child(kind, 'precision')},{_child(kind, 'scale')})"
    if kind.id == "list":
        return f"array<{duckdb_to_hive(kind.children[0][1])}>"
    if kind.id == "map":
        return f"map<{duckdb_to_hive(_child(kind, 'key'))},{duckdb_to_hive(_child(kind, 'value'))}>"
    if kind.id == "timestamp with time zone" or is_zoned(kind):
        raise QueryError("NOT_SUPPORTED", "Unsupported Hive type: timestamp(3) with time zone")
    if kind.id == "struct":
        return "struct<" + ",".join(f"{name}:{duckdb_to_hive(child)}" for name, child in kind.children) + ">"
    if kind.id in _AS_BIGINT:
        return "bigint"
    names = _FROM_DUCKDB.get(kind.id)
    if names is None or not names[1]:
        raise not_supported(f"writing columns of type {names[0] if names else kind}")
    return names[1]


def storable(kind: Any) -> str:
    """The DuckDB type a column is cast to before it is written to a file: Trino's widths."""
    return hive_to_duckdb(duckdb_to_hive(kind))


def column_info(name: str, kind: Any) -> dict[str, Any]:
    """A ColumnInfo of GetQueryResults for a DuckDB result column."""
    precision, scale = 0, 0
    if kind.id == "decimal":
        type_name, precision, scale = "decimal", _child(kind, "precision"), _child(kind, "scale")
    elif kind.id in _AS_BIGINT:
        type_name, precision = "bigint", 19
    elif str(kind) == "JSON":
        type_name = "json"
    elif is_zoned(kind):
        type_name, precision = "timestamp with time zone", 3
    elif kind.id in _FROM_DUCKDB:
        type_name, _, precision = _FROM_DUCKDB[kind.id]
    else:
        raise not_supported(f"results of type {kind}")
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": type_name,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": type_name == "varchar",
    }


def string_column(name: str) -> dict[str, Any]:
    """A ColumnInfo of what SHOW, DESCRIBE and EXPLAIN print."""
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": "string",
        "Precision": 0,
        "Scale": 0,
        "Nullable": "UNKNOWN",
        "CaseSensitive": False,
    }


# Trino's name of a type as it appears in error messages, from a DuckDB type id.
def trino_name(type_id: str) -> str:
    """``HUGEINT`` -> ``bigint``, ``LIST`` -> ``array``: how error messages name a type."""
    lowered = type_id.lower()
    if lowered in _AS_BIGINT:
        return "bigint"
    if lowered == "float":
        return "real"
    return _FROM_DUCKDB.get(lowered, (lowered, "", 0))[0]
