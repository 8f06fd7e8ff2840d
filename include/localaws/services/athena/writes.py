"""CREATE TABLE AS, INSERT INTO, UNLOAD: query results as new objects, tables and partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.services.athena import hive, objects
from localaws.services.athena.duckdb_types import Type
from localaws.services.athena.errors import QueryError, at, not_supported
from localaws.services.athena.files import COMPRESSION, Format, Written, write
from localaws.services.athena.hive_types import (
    duckdb_to_hive,
    hive_to_duckdb,
    quoted,
    storable,
    trino_name,
)
from localaws.services.athena.scan import is_parquet
from localaws.services.athena.select import output_name, typed_query
from localaws.services.athena.session import Outcome
from localaws.services.athena.text_formats import JSON_SERDES, LAZY_SIMPLE

if TYPE_CHECKING:
    import duckdb

    from localaws.services.athena.catalog import Table
    from localaws.services.athena.session import Session
    from localaws.services.athena.statements import Statement

_KNOWN_PROPERTIES = {
    "format",
    "external_location",
    "partitioned_by",
    "write_compression",
    "parquet_compression",
    "compression",
    "field_delimiter",
    "with_data",
    "is_external",
    "table_type",
}


def _format(statement: Statement, default_delimiter: str) -> Format:
    properties = statement.properties
    unknown = set(properties) - _KNOWN_PROPERTIES
    if unknown:
        raise not_supported(f"the property {sorted(unknown)[0]}")
    if str(properties.get("table_type", "HIVE")).upper() != "HIVE":
        raise not_supported(f"table_type {properties['table_type']}")
    name = str(properties.get("format", "PARQUET")).upper()
    if name not in hive.FORMATS:
        raise not_supported(f"the format {name}")
    wanted = next(
        (
            properties[key]
            for key in ("write_compression", "parquet_compression", "compression")
            if key in properties
        ),
        "GZIP",
    )
    compression = str(wanted).upper()
    if compression not in COMPRESSION or (name != "PARQUET" and compression not in ("GZIP", "NONE")):
        raise not_supported(f"compression {compression} of {name}")
    return Format(name, compression, str(properties.get("field_delimiter", default_delimiter)))


def _require_empty(location: str, session: Session, what: str) -> None:
    if objects.list_objects(location, session.region):
        raise QueryError(
            "HIVE_PATH_ALREADY_EXISTS",
            f"Target directory for {what} already exists: {location}. "
            "You may need to manually clean the data at this location before retrying.",
        )


def _names(kinds: list[tuple[str, Any]], required: bool) -> list[str]:
    names = [output_name(name, index).lower() for index, (name, _) in enumerate(kinds)]
    for index, name in enumerate(names):
        if required and kinds[index][0] != name and name.startswith("_col"):
            raise QueryError(
                "COLUMN_NAME_NOT_SPECIFIED", at((1, 1), f"Column name not specified at position {index + 1}")
            )
        if name in names[:index]:
            raise QueryError(
                "DUPLICATE_COLUMN_NAME", at((1, 1), f"Column name '{name}' specified more than once")
            )
    return names


def _partitioned_by(statement: Statement, names: list[str]) -> list[str]:
    keys = [key.lower() for key in statement.properties.get("partitioned_by", [])]
    if keys and names[-len(keys) :] != keys:
        raise QueryError(
            "HIVE_COLUMN_ORDER_MISMATCH",
            "Partition keys must be the last columns in the table and in "
            f"the same order as the table properties: [{', '.join(keys)}]",
        )
    if keys and len(keys) == len(names):
        raise QueryError("INVALID_TABLE_PROPERTY", "Table contains only partition columns")
    return keys


def create_table_as(statement: Statement, session: Session) -> Outcome:
    """CREATE TABLE … AS: write the rows where nothing is yet, then make the table."""
    database, name = statement.target
    if session.catalog.database(database) is None and database != "default":
        raise QueryError("SCHEMA_NOT_FOUND", at((1, 1), f"Schema '{database}' does not exist"))
    if session.catalog.get(database, name) is not None:
        if statement.if_not_exists:
            return Outcome(update_count=0)
        raise QueryError(
            "TABLE_ALREADY_EXISTS", at((1, 1), f"Table 'awsdatacatalog.{database}.{name}' already exists")
        )
    chosen = _format(statement, "\x01")
    location = str(
        statement.properties.get("external_location") or f"{session.output}tables/{session.query_id}/"
    )
    location = location.rstrip("/") + "/"
    _require_empty(location, session, f"table '{database}.{name}'")
    with session.connection() as connection:
        translation = session.prepare(statement.query, connection)
        kinds = _kinds(connection, session, translation.sql, statement)
        names = _names(kinds, required=True)
        keys = _partitioned_by(statement, names)
        sql = typed_query(translation.sql, kinds, [storable(kind) for _, kind in kinds], names)
        if statement.properties.get("with_data") == "false":
            sql += " LIMIT 0"
        written = write(connection, session, sql, statement, chosen, location, names, keys)
    columns = [
        {"Name": column, "Type": duckdb_to_hive(kind)} for column, (_, kind) in zip(names, kinds, strict=True)
    ]
    serde = (
        {"field.delim": chosen.delimiter, "serialization.format": chosen.delimiter}
        if chosen.name == "TEXTFILE"
        else {"serialization.format": "1"}
    )
    table = hive.table_input(
        name,
        columns[: len(columns) - len(keys)],
        columns[len(columns) - len(keys) :] if keys else [],
        location,
        hive.FORMATS[chosen.name],
        serde,
        {"EXTERNAL": "TRUE", "has_encrypted_data": "false", "auto.purge": "false"},
    )
    session.catalog.glue.create_table(DatabaseName=database, TableInput=table)
    _add_partitions(session, database, table, written)
    return Outcome(update_count=written.rows, manifest=written.uris)


def unload(statement: Statement, session: Session) -> Outcome:
    """UNLOAD (query) TO location."""
    if "format" not in statement.properties:
        raise QueryError("INVALID_TABLE_PROPERTY", "UNLOAD needs the property format")
    chosen = _format(statement, ",")
    location = statement.location.rstrip("/") + "/"
    _require_empty(location, session, "UNLOAD")
    with session.connection() as connection:
        translation = session.prepare(statement.query, connection)
        kinds = _kinds(connection, session, translation.sql, statement)
        names = _names(kinds, required=False)
        keys = _partitioned_by(statement, names)
        sql = typed_query(translation.sql, kinds, [storable(kind) for _, kind in kinds], names)
        written = write(connection, session, sql, statement, chosen, location, names, keys)
    return Outcome(update_count=written.rows, manifest=written.uris)


def insert(statement: Statement, session: Session) -> Outcome:
    """INSERT INTO: new objects beside those the table has."""
    table = session.catalog.find(*statement.target, (1, 1))
    if table.view is not None:
        raise QueryError("NOT_SUPPORTED", at((1, 1), "Inserting into views is not supported"))
    if "storage.location.template" in table.parameters:
        raise not_supported("INSERT INTO a table with storage.location.template")
    chosen = _table_format(table)
    with session.connection() as connection:
        translation = session.prepare(statement.query, connection)
        kinds = _kinds(connection, session, translation.sql, statement)
        given = statement.columns or [name for name, _ in table.all_columns]
        _check_insert(table, given, kinds)
        cast = typed_query(
            translation.sql, kinds, [hive_to_duckdb(dict(table.all_columns)[name]) for name in given], given
        )
        selected = ", ".join(
            quoted(name) if name in given else f"CAST(NULL AS {hive_to_duckdb(kind)}) AS {quoted(name)}"
            for name, kind in table.all_columns
        )
        keys = [name for name, _ in table.partition_keys]
        names = [name for name, _ in table.all_columns]
        sql = f"SELECT {selected} FROM ({cast})"  # noqa: S608
        written = write(
            connection, session, sql, statement, chosen, table.location.rstrip("/") + "/", names, keys
        )
    _add_partitions(session, table.database, table.document, written)
    return Outcome(update_count=written.rows, manifest=written.uris)


def _table_format(table: Table) -> Format:
    if is_parquet(table):
        return Format("PARQUET", str(table.parameters.get("parquet.compression", "GZIP")).upper(), "")
    if table.serde == LAZY_SIMPLE:
        return Format("TEXTFILE", "NONE", table.serde_parameters.get("field.delim", "\x01"))
    if table.serde in JSON_SERDES:
        return Format("JSON", "NONE", "")
    raise not_supported(f"INSERT INTO a table with SerDe {table.serde}")


def _check_insert(table: Table, given: list[str], kinds: list[tuple[str, Any]]) -> None:
    declared = dict(table.all_columns)
    for name in given:
        if name not in declared:
            raise QueryError(
                "COLUMN_NOT_FOUND", at((1, 1), f"Insert column name does not exist in target table: {name}")
            )
    targets = [Type(_duckdb_id(declared[name])) for name in given]
    sources = [Type(kind.id.upper()) for _, kind in kinds]
    zoned = any("ZONE" in str(kind).upper() for _, kind in kinds)
    fits = (
        not zoned
        and len(targets) == len(sources)
        and all(
            source.category in (target.category, '"null"', "sqlnull", "unknown")
            for source, target in zip(sources, targets, strict=True)
        )
    )
    if not fits:
        wanted, got = (", ".join(trino_name(kind.id) for kind in side) for side in (targets, sources))
        raise QueryError(
            "TYPE_MISMATCH",
            at((1, 1), f"Insert query has mismatched column types: Table: [{wanted}], Query: [{got}]"),
        )


def _duckdb_id(hive_type: str) -> str:
    kind = hive_to_duckdb(hive_type)
    if kind.endswith("[]"):
        return "LIST"
    return kind.split("(")[0]


def _kinds(
    connection: duckdb.DuckDBPyConnection, session: Session, sql: str, statement: Statement
) -> list[tuple[str, Any]]:
    """Names and types of a query's columns, from a run for no rows."""
    described = session.run(f"SELECT * FROM ({sql}) LIMIT 0", connection, statement.query).description or []  # noqa: S608
    named = session.run(f"DESCRIBE {sql}", connection, statement.query).fetchall()
    return [(row[0], column[1]) for row, column in zip(named, described, strict=True)]


def _add_partitions(session: Session, database: str, table: dict[str, Any], written: Written) -> None:
    inputs = [
        {"Values": values, "StorageDescriptor": table["StorageDescriptor"] | {"Location": location}}
        for location, values in written.partitions.items()
    ]
    for start in range(0, len(inputs), 100):
        session.catalog.glue.batch_create_partition(
            DatabaseName=database, TableName=table["Name"], PartitionInputList=inputs[start : start + 100]
        )
