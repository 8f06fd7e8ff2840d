"""SHOW and DESCRIBE, and what statements about the catalog have in common."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localaws.services.athena.cursor import Cursor
from localaws.services.athena.errors import QueryError
from localaws.services.athena.hive_types import string_column
from localaws.services.athena.session import Outcome

if TYPE_CHECKING:
    from localaws.services.athena.catalog import Table
    from localaws.services.athena.session import Session
    from localaws.services.athena.statements import Statement

TASK = "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask."


def missing_table(name: str) -> QueryError:
    """Hive's error for a table that is not there."""
    return QueryError("", f"FAILED: SemanticException [Error 10001]: Table not found {name}")


def missing_database(name: str) -> QueryError:
    """Hive's error for a database that is not there."""
    return QueryError("", f"FAILED: SemanticException [Error 10072]: Database does not exist: {name}")


def existing_table(session: Session, database: str, name: str) -> Table:
    """The table, or Hive's error."""
    table = session.catalog.get(database, name)
    if table is None:
        raise missing_table(f"{database}.{name}")
    return table


def after(statement: Statement, *words: str) -> Cursor:
    """A cursor after the statement's first words (sqlglot takes some statements as one token)."""
    pattern = r"\s*" + r"\s+".join(words) + r"\b"
    bare = re.sub(r"--[^\n]*|/\*.*?\*/", " ", statement.sql, flags=re.DOTALL)
    match = re.match(pattern, bare, re.IGNORECASE)
    return Cursor(bare[match.end() :] if match else bare, hive=True)


def _like(cursor: Cursor) -> re.Pattern[str] | None:
    cursor.take("LIKE")
    if not cursor.token:
        return None
    pattern = cursor.string()
    cursor.end()
    return re.compile(
        "|".join(re.escape(part).replace(r"\*", ".*") for part in pattern.split("|")), re.IGNORECASE
    )


def _listing(column: str, names: list[str], pattern: re.Pattern[str] | None = None) -> Outcome:
    shown = [name for name in names if pattern is None or pattern.fullmatch(name)]
    return Outcome(columns=[string_column(column)], rows=[[name] for name in shown])


def show_databases(statement: Statement, session: Session) -> Outcome:
    """SHOW DATABASES [LIKE 'a*']."""
    cursor = after(statement, "SHOW", "(?:DATABASES|SCHEMAS)")
    names = {item["Name"] for item in session.catalog.databases()} | {"default"}
    return _listing("database_name", sorted(names), _like(cursor))


def _show_tables(statement: Statement, session: Session, word: str, views: bool) -> Outcome:
    cursor = after(statement, "SHOW", word)
    database = cursor.name() if cursor.take("IN") or cursor.take("FROM") else session.database
    if session.catalog.database(database) is None:
        if database != "default":
            raise missing_database(database)
        return _listing("tab_name", [])
    documents = session.catalog.tables(database)
    names = [item["Name"] for item in documents if not views or item.get("TableType") == "VIRTUAL_VIEW"]
    return _listing("views" if views else "tab_name", names, _like(cursor))


def show_tables(statement: Statement, session: Session) -> Outcome:
    """SHOW TABLES [IN database] ['pattern']: views too."""
    return _show_tables(statement, session, "TABLES", views=False)


def show_views(statement: Statement, session: Session) -> Outcome:
    """SHOW VIEWS [IN database] [LIKE 'pattern']."""
    return _show_tables(statement, session, "VIEWS", views=True)


def show_partitions(statement: Statement, session: Session) -> Outcome:
    """SHOW PARTITIONS table."""
    cursor = after(statement, "SHOW", "PARTITIONS")
    table = existing_table(session, *cursor.qualified_name(session.database))
    cursor.end()
    if not table.partition_keys:
        raise QueryError("", f"{TASK} Table {table.name} is not a partitioned table")
    names = [
        "/".join(
            f"{key}={value}" for (key, _), value in zip(table.partition_keys, partition.values, strict=True)
        )
        for partition in session.catalog.partitions(table)
    ]
    return _listing("partition", names)


def show_columns(statement: Statement, session: Session) -> Outcome:
    """SHOW COLUMNS IN table."""
    cursor = after(statement, "SHOW", "COLUMNS")
    if not (cursor.take("IN") or cursor.take("FROM")):
        cursor.fail("'FROM', 'IN'")
    database, name = cursor.qualified_name(session.database)
    if cursor.take("IN") or cursor.take("FROM"):
        database = cursor.name()
    table = existing_table(session, database, name)
    return _listing("field", [column.ljust(20) for column, _ in table.all_columns])


def show_table_properties(statement: Statement, session: Session) -> Outcome:
    """SHOW TBLPROPERTIES table [('name')]."""
    cursor = after(statement, "SHOW", "TBLPROPERTIES")
    table = existing_table(session, *cursor.qualified_name(session.database))
    properties = dict(sorted(table.parameters.items()))
    if cursor.take("("):
        name = cursor.string()
        cursor.expect(")")
        cursor.end()
        missing = f"Table {table.database}.{table.name} does not have property: {name}"
        return _listing("prpt_name", [properties.get(name, missing)])
    cursor.end()
    return _listing("prpt_name", [f"{key}\t{value}" for key, value in properties.items()])


def show_create_table(statement: Statement, session: Session) -> Outcome:
    """SHOW CREATE TABLE: a statement that makes the same table again."""
    cursor = after(statement, "SHOW", "CREATE", "TABLE")
    table = existing_table(session, *cursor.qualified_name(session.database))
    cursor.end()
    if table.view is not None:
        raise QueryError("", f"FAILED: SemanticException {table.name} is a view, use SHOW CREATE VIEW")
    storage = table.document["StorageDescriptor"]
    lines = [f"CREATE EXTERNAL TABLE `{table.database}.{table.name}`("]
    lines += _column_lines(table.columns)
    if table.partition_keys:
        lines += ["PARTITIONED BY ( ", *_column_lines(table.partition_keys)]
    lines += ["ROW FORMAT SERDE ", f"  '{table.serde}' "]
    if table.serde_parameters:
        lines += ["WITH SERDEPROPERTIES ( ", *_property_lines(table.serde_parameters)]
    lines += [
        "STORED AS INPUTFORMAT ",
        f"  '{table.input_format}' ",
        "OUTPUTFORMAT ",
        f"  '{storage.get('OutputFormat', '')}'",
    ]
    lines += ["LOCATION", f"  '{table.location}'", "TBLPROPERTIES (", *_property_lines(table.parameters)]
    return Outcome(columns=[string_column("createtab_stmt")], rows=[[line] for line in lines])


def _column_lines(columns: list[tuple[str, str]]) -> list[str]:
    lines = [f"  `{name}` {kind}, " for name, kind in columns]
    return [*lines[:-1], lines[-1].removesuffix(", ") + ")"]


def _property_lines(properties: dict[str, str]) -> list[str]:
    lines = [f"  '{key}'='{value}', " for key, value in sorted(properties.items())]
    return [*lines[:-1], lines[-1].removesuffix(", ") + ")"] if lines else [")"]


def show_create_view(statement: Statement, session: Session) -> Outcome:
    """SHOW CREATE VIEW."""
    cursor = after(statement, "SHOW", "CREATE", "VIEW")
    table = existing_table(session, *cursor.qualified_name(session.database))
    if table.view is None:
        raise QueryError("", f"FAILED: SemanticException {table.name} is not a view")
    lines = [f"CREATE VIEW {table.name} AS", *table.view.sql.splitlines()]
    return Outcome(columns=[string_column("Create View")], rows=[[line] for line in lines])
