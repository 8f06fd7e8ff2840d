"""information_schema: schemata, tables and columns, as Trino has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localaws.services.athena.catalog import CATALOG, table_from
from localaws.services.athena.errors import QueryError, at
from localaws.services.athena.hive_types import split_top_level

if TYPE_CHECKING:
    from localaws.services.athena.catalog import Catalog

NAME = "information_schema"
Rows = list[list[str | int | None]]
_COLUMNS = {
    "schemata": "catalog_name VARCHAR, schema_name VARCHAR",
    "tables": "table_catalog VARCHAR, table_schema VARCHAR, table_name VARCHAR, table_type VARCHAR",
    "columns": "table_catalog VARCHAR, table_schema VARCHAR, table_name VARCHAR, column_name VARCHAR, "
    "ordinal_position BIGINT, column_default VARCHAR, is_nullable VARCHAR, data_type VARCHAR",
}
_SIMPLE = {
    "string": "varchar",
    "int": "integer",
    "float": "real",
    "binary": "varbinary",
    "timestamp": "timestamp(3)",
}


def trino_type(hive: str) -> str:
    """``array<struct<a:int>>`` -> ``array(row(a integer))``."""
    text = hive.strip().lower()
    if match := re.fullmatch(r"(array|map)<(.*)>", text):
        inner = ", ".join(trino_type(part) for part in split_top_level(match.group(2)))
        return f"{match.group(1)}({inner})"
    if match := re.fullmatch(r"struct<(.*)>", text):
        fields = (part.split(":", 1) for part in split_top_level(match.group(1)))
        return "row(" + ", ".join(f"{name.strip()} {trino_type(kind)}" for name, kind in fields) + ")"
    if text == "decimal":
        return "decimal(10,0)"
    return _SIMPLE.get(text, text)


def read(catalog: Catalog, name: str, place: tuple[int, int] | None) -> tuple[str, Rows]:
    """Columns (as DuckDB declares them) and rows of a table of information_schema.

    Raises TABLE_NOT_FOUND for those that are not here.
    """
    if name not in _COLUMNS:
        raise QueryError("TABLE_NOT_FOUND", at(place, f"Table '{CATALOG}.{NAME}.{name}' does not exist"))
    databases = sorted({str(document["Name"]) for document in catalog.databases()} | {"default"})
    rows: Rows = [[CATALOG, database] for database in [*databases, NAME]]
    if name != "schemata":
        rows = [row for database in databases for row in _of_database(catalog, name, database)]
    return _COLUMNS[name], rows


def _of_database(catalog: Catalog, name: str, database: str) -> Rows:
    if catalog.database(database) is None:  # `default` before anybody has made it
        return []
    found: Rows = []
    for document in catalog.tables(database):
        table = table_from(document, database)
        if name == "tables":
            found.append([CATALOG, database, table.name, "BASE TABLE" if table.view is None else "VIEW"])
            continue
        found += [
            [CATALOG, database, table.name, column, position, None, "YES", trino_type(kind)]
            for position, (column, kind) in enumerate(table.all_columns, 1)
        ]
    return found
