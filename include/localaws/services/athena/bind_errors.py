"""DuckDB's binder errors in Trino's words, with the position in the text that the user wrote."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from localaws.services.athena.dialect import position
from localaws.services.athena.errors import QueryError, at, not_supported, runtime_error
from localaws.services.athena.hive_types import trino_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_UNRESOLVED = "cannot be resolved or requester is not authorized to access requested resources"
_NO_COLUMN = (
    re.compile(r'Referenced column "(?P<name>[^"]+)" (?:was )?not found'),
    re.compile(r'"(?P<table>[^"]+)" does not have a column named "(?P<name>[^"]+)"'),
    re.compile(r'Column "(?P<name>[^"]+)" (?:does not exist|referenced|in (?:USING|REPLACE))'),
    re.compile(r'Could not find key "(?P<name>[^"]+)" in struct'),
)
_NO_TABLE = re.compile(r'Referenced table "(?P<name>[^"]+)" not found')
_NO_FUNCTION = re.compile(r"(?:function (?:with )?name|Macro) \"?(?:trino_)?(?P<name>\w+)", re.IGNORECASE)
_ARGUMENTS = re.compile(
    r"(?:No function matches the given name and argument types '|"
    r"Could not choose a best candidate function for the function call \"|Macro function call |Macro )"
    r"(?:trino_)?(?P<name>[^(\s]+)\((?P<types>.*?)\)['\" ]"
)
_NOT_GROUPED = re.compile(r'column "?(?P<name>[^"]+?)"? must appear in the GROUP BY clause')
_AMBIGUOUS = re.compile(r'Ambiguous reference to column name "(?P<name>[^"]+)"')
_MIXED = re.compile(r"Cannot mix values of type (?P<a>.+?) and (?P<b>.+?) in (?P<where>\w+)")
_PHRASES = (
    (
        "aggregate function calls cannot be nested",
        "NESTED_AGGREGATION",
        "Cannot nest aggregations inside aggregation",
    ),
    (
        "WHERE clause cannot contain aggregates",
        "EXPRESSION_NOT_SCALAR",
        "WHERE clause cannot contain aggregations, window functions or grouping operations",
    ),
    (
        "WHERE clause cannot contain window",
        "EXPRESSION_NOT_SCALAR",
        "WHERE clause cannot contain aggregations, window functions or grouping operations",
    ),
    ("expected 1", "NOT_SUPPORTED", "Multiple columns returned by subquery are not yet supported"),
    ("same number of result columns", "TYPE_MISMATCH", "query has a different number of fields"),
)


def _place(sql: str, tree: exp.Expr, name: str, kinds: tuple[type, ...]) -> tuple[int, int] | None:
    """Position of the first node of that name in the text."""
    nodes: Iterator[exp.Expr] = tree.find_all(*kinds)
    found = [node for node in nodes if node.name.lower() == name.lower()]
    places = [place for place in (position(sql, node) for node in found) if place]
    return min(places) if places else None


def bind_error(details: dict[str, Any], sql: str, tree: exp.Expr) -> QueryError:
    """The Athena error for a DuckDB error document; `tree` is what `sql` was parsed to, before any change."""
    text = str(details.get("error_message") or details)
    if "trino_zone" in text:
        return not_supported("AT TIME ZONE in this place", position(sql, tree))
    for recognise in (_column, _table, _function, _grouping):
        error = recognise(text, sql, tree)
        if error:
            return error
    for phrase, code, message in _PHRASES:
        if phrase in text:
            return QueryError(code, at(position(sql, tree), message))
    if match := _MIXED.search(text):
        names = f"{_shown(match.group('a'))} and {_shown(match.group('b'))}"
        message = f"All {match.group('where')} results must be the same type or coercible to a common type. "
        return QueryError(
            "TYPE_MISMATCH", at(position(sql, tree), f"{message}Cannot find common type between {names}")
        )
    translated = runtime_error(text)
    if translated.code == "GENERIC_USER_ERROR":
        return QueryError("SYNTAX_ERROR", at(position(sql, tree), translated.message))
    return translated


def _column(text: str, sql: str, tree: exp.Expr) -> QueryError | None:
    for pattern in _NO_COLUMN:
        if match := pattern.search(text):
            name = match.group("name")
            place = _place(sql, tree, name, (exp.Column, exp.Dot))
            qualified = next((c for c in tree.find_all(exp.Column) if c.name.lower() == name.lower()), None)
            shown = qualified.sql("trino").replace('"', "") if qualified is not None else name
            return QueryError("COLUMN_NOT_FOUND", at(place, f"Column '{shown.lower()}' {_UNRESOLVED}"))
    if match := _AMBIGUOUS.search(text):
        place = _place(sql, tree, match.group("name"), (exp.Column,))
        return QueryError("AMBIGUOUS_NAME", at(place, f"Column '{match.group('name')}' is ambiguous"))
    return None


def _table(text: str, sql: str, tree: exp.Expr) -> QueryError | None:
    match = _NO_TABLE.search(text)
    if not match:
        return None
    for column in tree.find_all(exp.Column):
        if column.table.lower() == match.group("name").lower():
            shown = f"{column.table}.{column.name}".lower()
            return QueryError(
                "COLUMN_NOT_FOUND", at(position(sql, column), f"Column '{shown}' {_UNRESOLVED}")
            )
    return QueryError("SYNTAX_ERROR", f"Table '{match.group('name')}' {_UNRESOLVED}")


def _function(text: str, sql: str, tree: exp.Expr) -> QueryError | None:
    match = _ARGUMENTS.search(text + " ")
    if match:
        name = match.group("name").strip('"')
        types = [_shown(part) for part in match.group("types").split(",") if part.strip()]
        place = _place(sql, tree, name, (exp.Anonymous,)) or position(sql, tree)
        if not name.isidentifier():
            operator = f" {name} ".join(types)
            return QueryError("TYPE_MISMATCH", at(place, f"Cannot apply operator: {operator}"))
        message = f"Unexpected parameters ({', '.join(types)}) for function {name}"
        return QueryError("FUNCTION_NOT_FOUND", at(place, message))
    if "does not exist" in text or "supplied arguments" in text:
        match = _NO_FUNCTION.search(text)
        if match:
            place = _place(sql, tree, match.group("name"), (exp.Anonymous,))
            return QueryError(
                "FUNCTION_NOT_FOUND", at(place, f"Function '{match.group('name')}' not registered")
            )
    return None


def _shown(duckdb_type: str) -> str:
    name = re.sub(r"\(.*", "", duckdb_type.split(":=")[-1].strip())
    return trino_name({"INTEGER_LITERAL": "INTEGER", "STRING_LITERAL": "VARCHAR"}.get(name, name))


def _grouping(text: str, sql: str, tree: exp.Expr) -> QueryError | None:
    match = _NOT_GROUPED.search(text)
    if not match:
        return None
    name = match.group("name").lower()
    place = _place(sql, tree, name.rsplit(".", 1)[-1], (exp.Column,))
    message = f"'{name}' must be an aggregate expression or appear in GROUP BY clause"
    return QueryError("EXPRESSION_NOT_AGGREGATE", at(place, message))


def unregistered(sql: str, node: exp.Expr, name: str, lookup: Callable[..., Any] = position) -> QueryError:
    """A function that Athena does not have, or this stand-in not yet."""
    return QueryError("FUNCTION_NOT_FOUND", at(lookup(sql, node), f"Function '{name}' not registered"))
