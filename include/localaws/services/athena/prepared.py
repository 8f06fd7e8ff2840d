"""Prepared statements: what is kept of them, and PREPARE, EXECUTE … USING and DEALLOCATE PREPARE.

Athena documents parameters for SELECT, INSERT INTO, CREATE TABLE AS and UNLOAD, and names that are unique in
a workgroup; the wording of a missing statement is Trino's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from localaws import state
from localaws.services.athena import models, statements
from localaws.services.athena.cursor import Cursor, blank
from localaws.services.athena.dialect import parse_query
from localaws.services.athena.errors import QueryError
from localaws.services.athena.session import Outcome

if TYPE_CHECKING:
    from localaws.services.athena.session import Session
    from localaws.services.athena.statements import Statement

PREPARED = "athena-prepared-statement"
# What takes parameters; EXPLAIN and EXECUTE hand them on.
PREPARABLE = ("SELECT", "INSERT", "CREATE_TABLE_AS_SELECT", "UNLOAD")


def _key(workgroup: str, name: str) -> str:
    return f"{workgroup}/{name}"


def get(workgroup: str, name: str) -> dict[str, Any] | None:
    """A prepared statement's document (the API's PreparedStatement), or None."""
    return state.store().get(PREPARED, _key(workgroup, name))


def of(workgroup: str) -> list[dict[str, Any]]:
    """All prepared statements of a workgroup."""
    return [item for item in state.store().items(PREPARED) if item["WorkGroupName"] == workgroup]


def _document(workgroup: str, name: str, sql: str, description: str | None) -> dict[str, Any]:
    document = {
        "StatementName": name,
        "QueryStatement": sql,
        "WorkGroupName": workgroup,
        "LastModifiedTime": state.now(),
    }
    return document | ({"Description": description} if description is not None else {})


def create(workgroup: str, name: str, sql: str, description: str | None = None) -> None:
    """Keep a new prepared statement; raise `KeyError` when the name is taken."""
    state.store().create(PREPARED, _key(workgroup, name), _document(workgroup, name, sql, description))


def update(workgroup: str, name: str, sql: str, description: str | None) -> None:
    """Replace a prepared statement."""
    state.store().put(PREPARED, _key(workgroup, name), _document(workgroup, name, sql, description))


def delete(workgroup: str, name: str) -> None:
    """Forget a prepared statement."""
    state.store().delete(PREPARED, _key(workgroup, name))


def check(sql: str) -> Statement:
    """The statement to prepare; raise `QueryError` when it does not parse or takes no parameters."""
    statement = statements.parse(sql, "default")
    if statement.kind not in PREPARABLE:
        found = statement.kind.replace("_", " ")
        raise QueryError("NOT_SUPPORTED", f"Invalid statement type for prepared statement: {found}")
    parse_query(statement.query)
    return statement


def _after(sql: str, words: str) -> Cursor:
    """A cursor behind the first words; offsets stay those in `sql` (sqlglot takes EXECUTE as a command)."""
    match = re.match(rf"(?:\s|--[^\n]*\n|/\*.*?\*/)*{words}\b", sql, re.IGNORECASE | re.DOTALL)
    return Cursor(blank(sql, match.end() if match else 0, len(sql)))


def _name(cursor: Cursor) -> str:
    """A statement's name: case counts, unlike in names of tables."""
    token = cursor.token
    cursor.name()
    return str(token.text) if token else ""


def parse_prepare(sql: str) -> tuple[str, str]:
    """Name and text of ``PREPARE name FROM statement``; raise `QueryError`."""
    cursor = _after(sql, "PREPARE")
    name = _name(cursor)
    cursor.expect("FROM")
    if cursor.token is None:
        cursor.fail("<statement>")
    end = cursor.tokens[-1].end + 1
    check(blank(sql, cursor.offset, end))
    return name, sql[cursor.offset : end]


def parse_execute(sql: str) -> tuple[str, list[str]]:
    """Name and parameters of ``EXECUTE name [USING value, …]``; raise `QueryError`."""
    cursor = _after(sql, "EXECUTE")
    name = _name(cursor)
    values = []
    if cursor.take("USING"):
        values.append(cursor.text_until())
        while cursor.take(","):
            values.append(cursor.text_until())
    cursor.end()
    if "" in values:
        cursor.fail("<expression>")
    return name, values


def parse_deallocate(sql: str) -> str:
    """The name in ``DEALLOCATE PREPARE name``; raise `QueryError`."""
    cursor = _after(sql, r"DEALLOCATE\s+PREPARE")
    name = _name(cursor)
    cursor.end()
    return name


PARSERS = {"PREPARE": parse_prepare, "EXECUTE": parse_execute, "DEALLOCATE_PREPARE": parse_deallocate}


def _not_found(name: str) -> QueryError:
    return QueryError("NOT_FOUND", f"Prepared statement not found: {name}")


def executed(
    statement: Statement, database: str, workgroup: str, given: list[str]
) -> tuple[Statement, list[str]]:
    """The statement that an EXECUTE runs, and its parameters: those after USING or those of the request.

    An unknown name gives the EXECUTE itself back; it fails when it runs.
    """
    name, values = parse_execute(statement.sql)
    if values and given:
        message = "Parameters are given both after USING and as ExecutionParameters"
        raise QueryError("INVALID_PARAMETER_USAGE", message)
    document = get(workgroup, name)
    if document is None:
        return statement, values or given
    return statements.parse(document["QueryStatement"], database), values or given


def prepare(statement: Statement, session: Session) -> Outcome:
    """PREPARE name FROM statement."""
    name, sql = parse_prepare(statement.sql)
    models.workgroup(session.workgroup)
    try:
        create(session.workgroup, name, sql)
    except KeyError as error:
        message = f"PreparedStatement {name} already exists in workGroup {session.workgroup}"
        raise QueryError("ALREADY_EXISTS", message) from error
    return Outcome()


def execute(statement: Statement, session: Session) -> Outcome:  # noqa: ARG001
    """EXECUTE of a statement that was not there when the query was submitted."""
    raise _not_found(parse_execute(statement.sql)[0])


def deallocate(statement: Statement, session: Session) -> Outcome:
    """DEALLOCATE PREPARE name."""
    name = parse_deallocate(statement.sql)
    if get(session.workgroup, name) is None:
        raise _not_found(name)
    delete(session.workgroup, name)
    return Outcome()


HANDLERS = {"PREPARE": prepare, "EXECUTE": execute, "DEALLOCATE_PREPARE": deallocate}
