"""Hive's data definition language: CREATE TABLE and partition specifications, read into Glue's structures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from localaws.services.athena.cursor import Cursor
from localaws.services.athena.errors import QueryError
from localaws.services.athena.hive_types import hive_to_duckdb
from localaws.services.athena.text_formats import LAZY_SIMPLE

_TEXT = (
    "org.apache.hadoop.mapred.TextInputFormat",
    "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
)
_PARQUET = (
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
)
_ORC = ("org.apache.hadoop.hive.ql.io.orc.OrcInputFormat", "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat")
PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
JSON_SERDE = "org.openx.data.jsonserde.JsonSerDe"
# Formats as STORED AS and CTAS name them: input format, output format, SerDe.
FORMATS = {
    "PARQUET": (*_PARQUET, PARQUET_SERDE),
    "TEXTFILE": (*_TEXT, LAZY_SIMPLE),
    "JSON": (*_TEXT, JSON_SERDE),
}
# Read here, not written.
READABLE = FORMATS | {"ORC": (*_ORC, "org.apache.hadoop.hive.ql.io.orc.OrcSerde")}


@dataclass
class TableDefinition:
    """A CREATE TABLE statement."""

    database: str
    name: str
    if_not_exists: bool = False
    external: bool = False
    columns: list[dict[str, str]] = field(default_factory=list)
    partition_keys: list[dict[str, str]] = field(default_factory=list)
    comment: str = ""
    serde: str = ""
    serde_parameters: dict[str, str] = field(default_factory=dict)
    input_format: str = ""
    output_format: str = ""
    location: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    def table_input(self) -> dict[str, Any]:
        """Glue's TableInput."""
        return table_input(
            self.name,
            self.columns,
            self.partition_keys,
            self.location,
            (self.input_format, self.output_format, self.serde),
            self.serde_parameters or {"serialization.format": "1"},
            {"EXTERNAL": "TRUE", **self.parameters, **({"comment": self.comment} if self.comment else {})},
        )


def table_input(
    name: str,
    columns: list[dict[str, str]],
    partition_keys: list[dict[str, str]],
    location: str,
    formats: tuple[str, str, str],
    serde_parameters: dict[str, str],
    parameters: dict[str, str],
) -> dict[str, Any]:
    """Glue's TableInput; `formats` is input format, output format, SerDe."""
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        "PartitionKeys": partition_keys,
        "StorageDescriptor": {
            "Columns": columns,
            "Location": location,
            "InputFormat": formats[0],
            "OutputFormat": formats[1],
            "SerdeInfo": {"SerializationLibrary": formats[2], "Parameters": serde_parameters},
            "NumberOfBuckets": -1,
        },
    }


def parse_create_table(sql: str, database: str) -> TableDefinition:
    """CREATE [EXTERNAL] TABLE; raise `QueryError` for what does not parse or Athena refuses."""
    cursor = Cursor(sql, hive=True)
    cursor.expect("CREATE")
    external = cursor.take("EXTERNAL")
    cursor.expect("TABLE")
    if_not_exists = cursor.take("IF", "NOT", "EXISTS")
    definition = TableDefinition(*cursor.qualified_name(database), if_not_exists, external)
    definition.columns = _columns(cursor)
    while cursor.token:
        _clause(cursor, definition)
    _complete(definition)
    return definition


def _columns(cursor: Cursor) -> list[dict[str, str]]:
    columns = []
    cursor.expect("(")
    while not cursor.take(")"):
        column = {"Name": cursor.name(), "Type": "".join(cursor.text_until("COMMENT").split()).lower()}
        hive_to_duckdb(column["Type"])
        if cursor.take("COMMENT"):
            column["Comment"] = cursor.string()
        columns.append(column)
        if not cursor.take(",") and not cursor.sees(")"):
            cursor.fail("','")
    return columns


def _clause(cursor: Cursor, definition: TableDefinition) -> None:
    if cursor.take("COMMENT"):
        definition.comment = cursor.string()
    elif cursor.take("PARTITIONED", "BY"):
        definition.partition_keys = _columns(cursor)
    elif cursor.take("ROW", "FORMAT", "SERDE"):
        definition.serde = cursor.string()
    elif cursor.take("WITH", "SERDEPROPERTIES"):
        definition.serde_parameters |= _texts(cursor)
    elif cursor.take("ROW", "FORMAT", "DELIMITED"):
        definition.serde = LAZY_SIMPLE
        _delimited(cursor, definition)
    elif cursor.take("STORED", "AS"):
        _stored_as(cursor, definition)
    elif cursor.take("LOCATION"):
        definition.location = cursor.string()
    elif cursor.take("TBLPROPERTIES"):
        definition.parameters |= _texts(cursor)
    else:
        cursor.fail("'COMMENT', 'LOCATION', 'PARTITIONED', 'ROW', 'STORED', 'TBLPROPERTIES'")


def _texts(cursor: Cursor) -> dict[str, str]:
    return {key: str(value) for key, value in cursor.properties().items()}


_DELIMITED = (
    (("FIELDS", "TERMINATED", "BY"), "field.delim"),
    (("ESCAPED", "BY"), "escape.delim"),
    (("COLLECTION", "ITEMS", "TERMINATED", "BY"), "collection.delim"),
    (("MAP", "KEYS", "TERMINATED", "BY"), "mapkey.delim"),
    (("LINES", "TERMINATED", "BY"), "line.delim"),
    (("NULL", "DEFINED", "AS"), "serialization.null.format"),
)


def _delimited(cursor: Cursor, definition: TableDefinition) -> None:
    found = True
    while found:
        found = False
        for words, key in _DELIMITED:
            if cursor.take(*words):
                definition.serde_parameters[key] = cursor.string()
                found = True
    if "field.delim" in definition.serde_parameters:
        definition.serde_parameters["serialization.format"] = definition.serde_parameters["field.delim"]


def _stored_as(cursor: Cursor, definition: TableDefinition) -> None:
    if cursor.take("INPUTFORMAT"):
        definition.input_format = cursor.string()
        cursor.expect("OUTPUTFORMAT")
        definition.output_format = cursor.string()
        return
    name = cursor.name().upper()
    if name not in READABLE:
        raise QueryError("NOT_SUPPORTED", f"The local stand-in does not support STORED AS {name}")
    definition.input_format, definition.output_format, serde = READABLE[name]
    definition.serde = definition.serde or serde


def _complete(definition: TableDefinition) -> None:
    if not definition.external:
        raise QueryError(
            "",
            "FAILED: SemanticException table is not external. Athena supports only external tables: "
            "use CREATE EXTERNAL TABLE",
        )
    if not definition.location:
        raise QueryError(
            "", "FAILED: ParseException line 1:0 missing LOCATION: external tables need LOCATION 's3://…'"
        )
    if not definition.location.startswith("s3://"):
        raise QueryError("", f"FAILED: SemanticException location {definition.location!r} is not an S3 URI")
    keys = {key["Name"] for key in definition.partition_keys}
    if twice := keys & {column["Name"] for column in definition.columns}:
        raise QueryError(
            "",
            "FAILED: SemanticException [Error 10035]: Column repeated in partitioning columns: "
            f"{sorted(twice)[0]}",
        )
    definition.serde = definition.serde or LAZY_SIMPLE
    if not definition.input_format:
        columnar = {"parquet": _PARQUET, "orc.orcserde": _ORC}
        found = [formats for part, formats in columnar.items() if part in definition.serde.lower()]
        definition.input_format, definition.output_format = found[0] if found else _TEXT


@dataclass
class PartitionSpecification:
    """``PARTITION (a = 'x', b = 1) LOCATION 's3://…'``."""

    values: dict[str, str]
    location: str = ""


def parse_partitions(cursor: Cursor) -> list[PartitionSpecification]:
    """All PARTITION clauses from the cursor's position to the end."""
    found = []
    while cursor.take("PARTITION"):
        values = {name: str(value) for name, value in cursor.properties().items()}
        location = cursor.string() if cursor.take("LOCATION") else ""
        found.append(PartitionSpecification(values, location))
        cursor.take(",")
    cursor.end()
    if not found:
        cursor.fail("'PARTITION'")
    return found
