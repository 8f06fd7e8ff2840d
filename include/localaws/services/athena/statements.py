"""What kind of statement a text is, and the parts of those that wrap a query."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from localaws.services.athena.cursor import Cursor, blank
from localaws.services.athena.dialect import malformed

_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
# (what the statement starts with, StatementType, SubstatementType); the first that fits counts.
_KINDS = [
    (r"(SELECT|WITH|VALUES|TABLE|\()", "DML", "SELECT"),
    (
        r"CREATE\s+TABLE\b.*?(\)|\s)\s*AS\s*(\(\s*)*(SELECT|WITH|VALUES|TABLE)\b",
        "DDL",
        "CREATE_TABLE_AS_SELECT",
    ),
    (r"CREATE\s+(EXTERNAL\s+)?TABLE", "DDL", "CREATE_TABLE"),
    (r"CREATE\s+(OR\s+REPLACE\s+)?VIEW", "DDL", "CREATE_VIEW"),
    (r"CREATE\s+(DATABASE|SCHEMA)", "DDL", "CREATE_DATABASE"),
    (r"DROP\s+TABLE", "DDL", "DROP_TABLE"),
    (r"DROP\s+VIEW", "DDL", "DROP_VIEW"),
    (r"DROP\s+(DATABASE|SCHEMA)", "DDL", "DROP_DATABASE"),
    (r"ALTER\s+TABLE.*\bADD\s+(IF\s+NOT\s+EXISTS\s+)?PARTITION", "DDL", "ALTER_TABLE_ADD_PARTITION"),
    (r"ALTER\s+TABLE.*\bDROP\s+(IF\s+EXISTS\s+)?PARTITION", "DDL", "ALTER_TABLE_DROP_PARTITION"),
    (r"MSCK\s+REPAIR", "DDL", "MSCK_REPAIR_TABLE"),
    (r"INSERT\s+INTO", "DML", "INSERT"),
    (r"UNLOAD", "DML", "UNLOAD"),
    (r"PREPARE\b", "UTILITY", "PREPARE"),
    (r"EXECUTE\b", "DML", "EXECUTE"),
    (r"DEALLOCATE\s+PREPARE\b", "UTILITY", "DEALLOCATE_PREPARE"),
    (r"EXPLAIN", "UTILITY", "EXPLAIN"),
    (r"SHOW\s+(DATABASES|SCHEMAS)", "UTILITY", "SHOW_DATABASES"),
    (r"SHOW\s+TABLES", "UTILITY", "SHOW_TABLES"),
    (r"SHOW\s+VIEWS", "UTILITY", "SHOW_VIEWS"),
    (r"SHOW\s+PARTITIONS", "UTILITY", "SHOW_PARTITIONS"),
    (r"SHOW\s+COLUMNS", "UTILITY", "SHOW_COLUMNS"),
    (r"SHOW\s+TBLPROPERTIES", "UTILITY", "SHOW_TBLPROPERTIES"),
    (r"SHOW\s+CREATE\s+TABLE", "UTILITY", "SHOW_CREATE_TABLE"),
    (r"SHOW\s+CREATE\s+VIEW", "UTILITY", "SHOW_CREATE_VIEW"),
    (r"(DESCRIBE|DESC)\b", "UTILITY", "DESCRIBE"),
]
_RECOGNISE = [
    (re.compile(rf"\s*{pattern}", re.IGNORECASE | re.DOTALL), kind, sub) for pattern, kind, sub in _KINDS
]
_QUERIES = {"SELECT", "CREATE_TABLE_AS_SELECT", "CREATE_VIEW", "INSERT", "UNLOAD", "EXPLAIN"}


@dataclass
class Statement:
    """One statement; `query` is the query it holds, at its place in the text, if it holds one."""

    sql: str
    type: str
    kind: str
    query: str = ""
    target: tuple[str, str] = ("", "")
    properties: dict[str, str | list[str]] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    location: str = ""
    if_not_exists: bool = False

    @property
    def result_suffix(self) -> str:
        """How the result object's name ends: ``.csv`` for rows of queries, ``.txt`` for the rest."""
        return {
            "SELECT": ".csv",
            "CREATE_TABLE_AS_SELECT": "",
            "INSERT": "",
            "UNLOAD": ".csv",
            "EXECUTE": ".csv",
        }.get(self.kind, ".txt")


def classify(sql: str) -> tuple[str, str]:
    """StatementType and SubstatementType; raise MALFORMED_QUERY for what Athena does not run."""
    bare = _COMMENTS.sub(" ", sql)
    for pattern, kind, sub in _RECOGNISE:
        if pattern.match(bare):
            return kind, sub
    first = bare.split(None, 1)[0] if bare.strip() else "<EOF>"
    raise malformed(
        f"line 1:1: mismatched input '{first}'. Expecting: 'ALTER', 'CREATE', 'DEALLOCATE', 'DESCRIBE', "
        "'DROP', 'EXECUTE', 'EXPLAIN', 'INSERT', 'MSCK', 'PREPARE', 'SELECT', 'SHOW', 'UNLOAD', "
        "'VALUES', 'WITH'"
    )


def parse(sql: str, database: str) -> Statement:
    """The statement's kind and parts; a wrapped query is not parsed yet. Raises MALFORMED_QUERY."""
    kind, sub = classify(sql)
    statement = Statement(sql=sql, type=kind, kind=sub)
    if sub in _QUERIES:
        if sub == "EXPLAIN":
            _explain(statement)
        else:
            _PARSERS[sub](statement, Cursor(sql), database)
        if not statement.query.strip():
            raise malformed("line 1:1: mismatched input '<EOF>'. Expecting: <query>")
    return statement


def _rest(cursor: Cursor) -> str:
    end = cursor.tokens[-1].end + 1 if cursor.tokens else len(cursor.sql)
    return blank(cursor.sql, cursor.offset, end)


def _select(statement: Statement, cursor: Cursor, database: str) -> None:  # noqa: ARG001
    statement.query = statement.sql.rstrip().rstrip(";")


def _create_table_as(statement: Statement, cursor: Cursor, database: str) -> None:
    cursor.expect("CREATE", "TABLE")
    statement.if_not_exists = cursor.take("IF", "NOT", "EXISTS")
    statement.target = cursor.qualified_name(database)
    if cursor.take("WITH"):
        statement.properties = cursor.properties()
    cursor.expect("AS")
    statement.query = _rest(cursor)
    without_data = re.search(r"\bWITH\s+(NO\s+)?DATA\s*$", statement.query, re.IGNORECASE)
    if without_data:
        statement.query = blank(statement.query, 0, without_data.start())
        statement.properties["with_data"] = "false" if without_data.group(1) else "true"


def _create_view(statement: Statement, cursor: Cursor, database: str) -> None:
    cursor.expect("CREATE")
    statement.properties["replace"] = "true" if cursor.take("OR", "REPLACE") else "false"
    cursor.expect("VIEW")
    statement.target = cursor.qualified_name(database)
    cursor.expect("AS")
    statement.query = _rest(cursor)


def _insert(statement: Statement, cursor: Cursor, database: str) -> None:
    cursor.expect("INSERT", "INTO")
    statement.target = cursor.qualified_name(database)
    following = cursor.tokens[cursor.index + 1].text.upper() if cursor.index + 1 < len(cursor.tokens) else ""
    if cursor.sees("(") and following not in ("SELECT", "WITH", "VALUES", "TABLE", "("):
        cursor.expect("(")
        while not cursor.take(")"):
            statement.columns.append(cursor.name())
            cursor.take(",")
    statement.query = _rest(cursor)


def _unload(statement: Statement, cursor: Cursor, database: str) -> None:  # noqa: ARG001
    cursor.expect("UNLOAD")
    statement.query = blank(statement.sql, *cursor.parenthesised())
    cursor.expect("TO")
    statement.location = cursor.string()
    cursor.expect("WITH")
    statement.properties = cursor.properties()
    cursor.end()


def _explain(statement: Statement) -> None:
    # sqlglot's tokenizer takes EXPLAIN and what follows as one token
    match = re.match(
        r"\s*EXPLAIN\s+(ANALYZE\b)?\s*(\(\s*(?:TYPE|FORMAT)\b[^)]*\))?", statement.sql, re.IGNORECASE
    )
    if match is None:
        raise malformed("line 1:1: mismatched input 'EXPLAIN'")
    statement.properties["analyze"] = "true" if match.group(1) else "false"
    statement.query = blank(statement.sql.rstrip().rstrip(";"), match.end(), len(statement.sql))


_PARSERS = {
    "SELECT": _select,
    "CREATE_TABLE_AS_SELECT": _create_table_as,
    "CREATE_VIEW": _create_view,
    "INSERT": _insert,
    "UNLOAD": _unload,
}
