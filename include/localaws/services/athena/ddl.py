"""Statements about the catalog: databases, tables, partitions, views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from localaws.services.athena import describe, hive, show
from localaws.services.athena.catalog import Table, encode_view
from localaws.services.athena.errors import QueryError, at
from localaws.services.athena.hive_types import column_info, duckdb_to_hive, string_column
from localaws.services.athena.objects import partition_directories
from localaws.services.athena.select import output_name
from localaws.services.athena.session import Outcome
from localaws.services.athena.show import TASK, after, existing_table, missing_database, missing_table
from localaws.services.athena.translate import translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.services.athena.cursor import Cursor
    from localaws.services.athena.session import Session
    from localaws.services.athena.statements import Statement


def create_database(statement: Statement, session: Session) -> Outcome:
    """CREATE DATABASE [IF NOT EXISTS] name [COMMENT] [LOCATION] [WITH DBPROPERTIES]."""
    cursor = after(statement, "CREATE", "(?:DATABASE|SCHEMA)")
    lenient = cursor.take("IF", "NOT", "EXISTS")
    document: dict[str, Any] = {"Name": cursor.name()}
    while cursor.token:
        if cursor.take("COMMENT"):
            document["Description"] = cursor.string()
        elif cursor.take("LOCATION"):
            document["LocationUri"] = cursor.string()
        elif cursor.take("WITH", "DBPROPERTIES"):
            document["Parameters"] = {key: str(value) for key, value in cursor.properties().items()}
        else:
            cursor.fail("'COMMENT', 'LOCATION', 'WITH DBPROPERTIES'")
    if session.catalog.database(document["Name"]) is None:
        session.catalog.glue.create_database(DatabaseInput=document)
    elif not lenient:
        raise QueryError("", f"{TASK} Database {document['Name']} already exists")
    return Outcome()


def drop_database(statement: Statement, session: Session) -> Outcome:
    """DROP DATABASE [IF EXISTS] name [RESTRICT | CASCADE]."""
    cursor = after(statement, "DROP", "(?:DATABASE|SCHEMA)")
    lenient = cursor.take("IF", "EXISTS")
    name = cursor.name()
    cascade = cursor.take("CASCADE")
    cursor.take("RESTRICT")
    cursor.end()
    if session.catalog.database(name) is None:
        if lenient:
            return Outcome()
        raise missing_database(name)
    if session.catalog.tables(name) and not cascade:
        raise QueryError(
            "",
            f"{TASK} InvalidOperationException(message:Database {name} is not empty. "
            "One or more tables exist.)",
        )
    session.catalog.glue.delete_database(Name=name)
    return Outcome()


def create_table(statement: Statement, session: Session) -> Outcome:
    """CREATE EXTERNAL TABLE."""
    definition = hive.parse_create_table(statement.sql, session.database)
    if session.catalog.database(definition.database) is None:
        if definition.database != "default":
            raise missing_database(definition.database)
        session.catalog.glue.create_database(DatabaseInput={"Name": "default"})
    if session.catalog.get(definition.database, definition.name) is None:
        session.catalog.glue.create_table(
            DatabaseName=definition.database, TableInput=definition.table_input()
        )
    elif not definition.if_not_exists:
        raise QueryError(
            "", f"{TASK} AlreadyExistsException(message:Table {definition.name} already exists.)"
        )
    return Outcome()


def drop_table(statement: Statement, session: Session) -> Outcome:
    """DROP TABLE [IF EXISTS]: the catalog entry only, the objects stay."""
    cursor = after(statement, "DROP", "TABLE")
    return _drop(cursor, session, view=False)


def drop_view(statement: Statement, session: Session) -> Outcome:
    """DROP VIEW [IF EXISTS]."""
    cursor = after(statement, "DROP", "VIEW")
    return _drop(cursor, session, view=True)


def _drop(cursor: Cursor, session: Session, view: bool) -> Outcome:
    lenient = cursor.take("IF", "EXISTS")
    database, name = cursor.qualified_name(session.database)
    cursor.take("PURGE")
    cursor.end()
    table = session.catalog.get(database, name)
    if table is None:
        if lenient:
            return Outcome()
        raise (
            QueryError(
                "VIEW_NOT_FOUND", at((1, 1), f"View 'awsdatacatalog.{database}.{name}' does not exist")
            )
            if view
            else missing_table(f"{database}.{name}")
        )
    if (table.view is not None) != view:
        wanted = "table, use DROP TABLE" if view else "view, use DROP VIEW"
        raise QueryError("", f"FAILED: SemanticException {database}.{name} is a {wanted}")
    session.catalog.glue.delete_table(DatabaseName=database, Name=name)
    return Outcome()


def create_view(statement: Statement, session: Session) -> Outcome:
    """CREATE [OR REPLACE] VIEW: the query is checked now, its text kept in Glue as Athena keeps it."""
    database, name = statement.target
    if session.catalog.database(database) is None and database != "default":
        raise QueryError("SCHEMA_NOT_FOUND", at((1, 1), f"Schema '{database}' does not exist"))
    existing = session.catalog.get(database, name)
    if existing is not None and (existing.view is None or statement.properties["replace"] != "true"):
        kind = "Table" if existing.view is None else "View"
        raise QueryError(
            "TABLE_ALREADY_EXISTS", at((1, 1), f"{kind} already exists: 'awsdatacatalog.{database}.{name}'")
        )
    columns = _view_columns(statement, session)
    table = {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": hive_type} for column, hive_type, _ in columns],
            "Location": "",
            "SerdeInfo": {},
        },
        "ViewOriginalText": encode_view(
            statement.query.strip(), session.database, [(column, trino) for column, _, trino in columns]
        ),
        "ViewExpandedText": "/* Presto View */",
    }
    if existing is None:
        session.catalog.glue.create_table(DatabaseName=database, TableInput=table)
    else:
        session.catalog.glue.update_table(DatabaseName=database, TableInput=table)
    return Outcome()


def _view_columns(statement: Statement, session: Session) -> list[tuple[str, str, str]]:
    """(name, Hive type, Trino type) of the view's columns."""
    with session.connection() as connection:
        translation = translate(
            statement.query, session.catalog, session.database, connection, session.parameters
        )
        empty = f"SELECT * FROM ({translation.sql}) LIMIT 0"  # noqa: S608
        described = session.run(empty, connection, statement.query).description
        columns = []
        for index, column in enumerate(described or []):
            name = output_name(column[0], index)
            if name.startswith("_col"):
                raise QueryError(
                    "COLUMN_NAME_NOT_SPECIFIED",
                    at((1, 1), f"Column name not specified at position {index + 1}"),
                )
            columns.append((name.lower(), duckdb_to_hive(column[1]), column_info(name, column[1])["Type"]))
    return columns


def repair_table(statement: Statement, session: Session) -> Outcome:
    """MSCK REPAIR TABLE: add every ``key=value`` directory below the table that is no partition yet."""
    cursor = after(statement, "MSCK", "REPAIR", "TABLE")
    table = existing_table(session, *cursor.qualified_name(session.database))
    cursor.end()
    known = {tuple(partition.values) for partition in session.catalog.partitions(table)}
    found = partition_directories(table.location, [name for name, _ in table.partition_keys], session.region)
    missing = {values: location for values, location in found.items() if values not in known}
    _create_partitions(session, table, list(missing.items()))
    keys = [name for name, _ in table.partition_keys]
    rows: list[list[str | None]] = []
    shown = [
        table.name + ":" + "/".join(f"{k}={v}" for k, v in zip(keys, values, strict=True))
        for values in missing
    ]
    if shown:
        rows.append(["Partitions not in metastore:\t" + "\t".join(shown)])
        rows += [[f"Repair: Added partition to metastore {name}"] for name in shown]
    return Outcome(columns=[string_column("result")], rows=rows)


def _create_partitions(session: Session, table: Table, partitions: list[tuple[tuple[str, ...], str]]) -> None:
    storage = table.document["StorageDescriptor"]
    inputs = [
        {"Values": list(values), "StorageDescriptor": storage | {"Location": location}}
        for values, location in partitions
    ]
    for start in range(0, len(inputs), 100):
        session.catalog.glue.batch_create_partition(
            DatabaseName=table.database, TableName=table.name, PartitionInputList=inputs[start : start + 100]
        )


def _altered(
    statement: Statement, session: Session, action: str, lenient: tuple[str, ...]
) -> tuple[Table, bool, list[hive.PartitionSpecification]]:
    cursor = after(statement, "ALTER", "TABLE")
    table = existing_table(session, *cursor.qualified_name(session.database))
    cursor.expect(action)
    forgiving = cursor.take(*lenient)
    specifications = hive.parse_partitions(cursor)
    keys = [name for name, _ in table.partition_keys]
    for specification in specifications:
        if sorted(specification.values) != sorted(keys):
            raise QueryError(
                "",
                f"FAILED: SemanticException partition spec {specification.values} doesn't contain all "
                f"({len(keys)}) partition columns",
            )
    return table, forgiving, specifications


def add_partition(statement: Statement, session: Session) -> Outcome:
    """ALTER TABLE … ADD [IF NOT EXISTS] PARTITION (…) [LOCATION '…'] …."""
    table, lenient, specifications = _altered(statement, session, "ADD", ("IF", "NOT", "EXISTS"))
    known = {tuple(partition.values) for partition in session.catalog.partitions(table)}
    added = []
    for specification in specifications:
        values = tuple(specification.values[name] for name, _ in table.partition_keys)
        if values in known:
            if lenient:
                continue
            raise QueryError("", f"{TASK} AlreadyExistsException(message:Partition already exists.)")
        path = "/".join(
            f"{name}={value}" for (name, _), value in zip(table.partition_keys, values, strict=True)
        )
        added.append((values, specification.location or f"{table.location.rstrip('/')}/{path}"))
    _create_partitions(session, table, added)
    return Outcome()


def drop_partition(statement: Statement, session: Session) -> Outcome:
    """ALTER TABLE … DROP [IF EXISTS] PARTITION (…), …: the catalog entries only."""
    table, lenient, specifications = _altered(statement, session, "DROP", ("IF", "EXISTS"))
    for specification in specifications:
        values = [specification.values[name] for name, _ in table.partition_keys]
        try:
            session.catalog.glue.delete_partition(
                DatabaseName=table.database, TableName=table.name, PartitionValues=values
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
            if not lenient:
                raise QueryError(
                    "", f"FAILED: SemanticException [Error 10006]: Partition not found {specification.values}"
                ) from error
    return Outcome()


HANDLERS: dict[str, Callable[[Statement, Session], Outcome]] = {
    "CREATE_DATABASE": create_database,
    "DROP_DATABASE": drop_database,
    "CREATE_TABLE": create_table,
    "DROP_TABLE": drop_table,
    "DROP_VIEW": drop_view,
    "CREATE_VIEW": create_view,
    "MSCK_REPAIR_TABLE": repair_table,
    "ALTER_TABLE_ADD_PARTITION": add_partition,
    "ALTER_TABLE_DROP_PARTITION": drop_partition,
    "SHOW_DATABASES": show.show_databases,
    "SHOW_TABLES": show.show_tables,
    "SHOW_VIEWS": show.show_views,
    "SHOW_PARTITIONS": show.show_partitions,
    "SHOW_COLUMNS": show.show_columns,
    "SHOW_TBLPROPERTIES": show.show_table_properties,
    "SHOW_CREATE_TABLE": show.show_create_table,
    "SHOW_CREATE_VIEW": show.show_create_view,
    "DESCRIBE": describe.describe,
}
