"""The Glue data catalog as a query sees it: databases, tables, partitions, views."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from localaws.clients import client
from localaws.services.athena.errors import QueryError, at
from localaws.services.athena.hive_types import hive_to_duckdb, quoted

CATALOG = "awsdatacatalog"
_VIEW_PREFIX = "/* Presto View: "


@dataclass(frozen=True)
class View:
    """The query of a view and the database its tables are looked up in."""

    sql: str
    database: str


@dataclass
class Partition:
    """Values of the partition keys, in order, and where the rows are."""

    values: list[str]
    location: str


@dataclass
class Table:
    """A table of the catalog; `columns` and `partition_keys` are (name, Hive type)."""

    database: str
    name: str
    columns: list[tuple[str, str]]
    partition_keys: list[tuple[str, str]]
    location: str = ""
    serde: str = ""
    serde_parameters: dict[str, str] = field(default_factory=dict)
    input_format: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    view: View | None = None
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def all_columns(self) -> list[tuple[str, str]]:
        """Columns, then partition keys, as ``SELECT *`` shows them."""
        return self.columns + self.partition_keys

    @property
    def duckdb_columns(self) -> str:
        """The column list of a CREATE TABLE in DuckDB."""
        return ", ".join(f"{quoted(name)} {hive_to_duckdb(kind)}" for name, kind in self.all_columns)


def encode_view(sql: str, database: str, columns: list[tuple[str, str]]) -> str:
    """ViewOriginalText as Athena writes it: base64 of JSON in a comment."""
    document = {
        "originalSql": sql,
        "catalog": CATALOG,
        "schema": database,
        "columns": [{"name": name, "type": kind} for name, kind in columns],
    }
    return f"{_VIEW_PREFIX}{base64.b64encode(json.dumps(document).encode()).decode()} */"


def _decode_view(document: dict[str, Any]) -> View | None:
    text = document.get("ViewOriginalText") or ""
    if document.get("TableType") != "VIRTUAL_VIEW" or not text.startswith(_VIEW_PREFIX):
        return None
    view = json.loads(base64.b64decode(text.removeprefix(_VIEW_PREFIX).removesuffix(" */")))
    return View(view["originalSql"], view.get("schema") or document["DatabaseName"])


def _pairs(columns: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(column["Name"].lower(), column.get("Type", "string")) for column in columns]


class Catalog:
    """Reads Glue for one query; tables are read once."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.glue = client("glue", region)
        self._tables: dict[tuple[str, str], Table | None] = {}

    def database(self, name: str) -> dict[str, Any] | None:
        """Glue's database document, or None."""
        try:
            found: dict[str, Any] = self.glue.get_database(Name=name.lower())["Database"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "EntityNotFoundException":
                return None
            raise
        return found

    def databases(self) -> list[dict[str, Any]]:
        """All databases, by name."""
        pages = self.glue.get_paginator("get_databases").paginate()
        return sorted(
            (item for page in pages for item in page["DatabaseList"]), key=lambda item: item["Name"]
        )

    def get(self, database: str, name: str) -> Table | None:
        """The table or view, or None."""
        key = (database.lower(), name.lower())
        if key not in self._tables:
            self._tables[key] = self._read(*key)
        return self._tables[key]

    def _read(self, database: str, name: str) -> Table | None:
        try:
            document = self.glue.get_table(DatabaseName=database, Name=name)["Table"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "EntityNotFoundException":
                return None
            raise
        return table_from(document, database)

    def find(self, database: str, name: str, place: tuple[int, int] | None = None) -> Table:
        """The table or view; raise SCHEMA_NOT_FOUND or TABLE_NOT_FOUND."""
        table = self.get(database, name)
        if table is not None:
            return table
        # Athena has a database `default` from the start.
        if self.database(database) is None and database.lower() != "default":
            raise QueryError("SCHEMA_NOT_FOUND", at(place, f"Schema '{database.lower()}' does not exist"))
        shown = f"{CATALOG}.{database}.{name}".lower()
        raise QueryError("TABLE_NOT_FOUND", at(place, f"Table '{shown}' does not exist"))

    def tables(self, database: str, expression: str | None = None) -> list[dict[str, Any]]:
        """Glue documents of a database's tables and views, by name; `expression` as GetTables takes it."""
        arguments = {"DatabaseName": database.lower()} | ({"Expression": expression} if expression else {})
        try:
            pages = list(self.glue.get_paginator("get_tables").paginate(**arguments))
        except ClientError as error:
            if error.response["Error"]["Code"] == "EntityNotFoundException":
                raise QueryError("SCHEMA_NOT_FOUND", f"Schema '{database.lower()}' does not exist") from error
            raise
        return sorted((item for page in pages for item in page["TableList"]), key=lambda item: item["Name"])

    def partitions(self, table: Table) -> list[Partition]:
        """All partitions that the catalog has of a table, in the order of their values."""
        pages = self.glue.get_paginator("get_partitions").paginate(
            DatabaseName=table.database, TableName=table.name, ExcludeColumnSchema=True
        )
        found = [
            Partition(item["Values"], item["StorageDescriptor"]["Location"])
            for page in pages
            for item in page["Partitions"]
        ]
        return sorted(found, key=lambda partition: partition.values)


def table_from(document: dict[str, Any], database: str) -> Table:
    """A `Table` from Glue's document."""
    storage = document.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    return Table(
        database=database.lower(),
        name=document["Name"].lower(),
        columns=_pairs(storage.get("Columns") or []),
        partition_keys=_pairs(document.get("PartitionKeys") or []),
        location=storage.get("Location") or "",
        serde=serde.get("SerializationLibrary") or "",
        serde_parameters=serde.get("Parameters") or {},
        input_format=storage.get("InputFormat") or "",
        parameters=document.get("Parameters") or {},
        view=_decode_view(document),
        document=document,
    )
