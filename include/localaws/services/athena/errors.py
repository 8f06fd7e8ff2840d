"""Athena's errors: those of the API, those that fail a query, and DuckDB's turned into Trino's wording."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from localaws.protocol import AwsError

if TYPE_CHECKING:
    from sqlglot import exp

SYSTEM, USER, OTHER = 1, 2, 3


class InvalidRequestError(AwsError):
    """InvalidRequestException, with Athena's own error code beside the message."""

    def __init__(self, message: str, athena_error_code: str = "INVALID_INPUT") -> None:
        super().__init__("InvalidRequestException", message, 400)
        self.AthenaErrorCode = athena_error_code


class MetadataError(AwsError):
    """MetadataException: something asked for is not in the data catalog."""

    def __init__(self, message: str) -> None:
        super().__init__("MetadataException", message, 400)


@dataclass
class QueryError(Exception):
    """Fails a query. `code` is Trino's error name, empty for messages that Athena gives without one."""

    code: str
    message: str
    category: int = USER
    error_type: int = 1006

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.code else self.message


class QueryCancelledError(Exception):
    """The user stopped the query, or a limit of the workgroup did; the text is the state change reason."""


def at(position: tuple[int, int] | None, message: str) -> str:
    """Prefix `message` with Trino's ``line 1:8: `` when the (line, column) is known."""
    return f"line {position[0]}:{position[1]}: {message}" if position else message


def not_supported(what: str, position: tuple[int, int] | None = None) -> QueryError:
    """What Athena does but this stand-in does not: said, never guessed."""
    return QueryError("NOT_SUPPORTED", at(position, f"The local stand-in does not support {what}"), OTHER, 1)


def unexpected(node: exp.Expr, name: str, types: list[str]) -> QueryError:
    """Trino's error for arguments that a function does not take."""
    message = f"Unexpected parameters ({', '.join(types)}) for function {name}"
    return QueryError("FUNCTION_NOT_FOUND", at(node.meta.get("at"), message))


_EMBEDDED = re.compile(
    r"(DIVISION_BY_ZERO|INVALID_CAST_ARGUMENT|INVALID_FUNCTION_ARGUMENT|NUMERIC_VALUE_OUT_OF_RANGE): (.*)",
    re.DOTALL,
)
_OVERFLOW = re.compile(r"Overflow in (\w+) of (\w+) \((.*?)\)")
_OUT_OF_RANGE = re.compile(r"with value (\S+) can't be cast .*? destination type (\w+)", re.DOTALL)
_CONVERSION = re.compile(r"Could not convert string '(.*)' to (\w+)", re.DOTALL)
_PARSE = re.compile(r'Could not parse string "(.*?)" according to format')
_PHRASES = {
    "Map keys must be unique": QueryError("INVALID_FUNCTION_ARGUMENT", "Duplicate map keys are not allowed"),
    "More than one row returned by a subquery": QueryError(
        "SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows"
    ),
    "Out of Memory Error": QueryError("", "Query exhausted resources at this scale factor", SYSTEM, 0),
    "trino_zone": not_supported("AT TIME ZONE in this place"),
}
_TYPE_NAMES = {"INT8": "TINYINT", "INT16": "SMALLINT", "INT32": "INT", "INT64": "BIGINT", "BOOL": "BOOLEAN"}


def _number_type(duckdb_name: str) -> str:
    name = _TYPE_NAMES.get(duckdb_name, duckdb_name).lower()
    return "integer" if name == "int" else name


def runtime_error(text: str) -> QueryError:
    """A DuckDB error raised while rows were read, as Athena words it."""
    converted = _CONVERSION.search(text)
    embedded = _EMBEDDED.search(converted.group(1) if converted else text)
    if embedded:
        return QueryError(embedded.group(1), embedded.group(2).splitlines()[0].split('", expected format')[0])
    if converted:
        target = _TYPE_NAMES.get(converted.group(2), converted.group(2))
        return QueryError("INVALID_CAST_ARGUMENT", f"Cannot cast '{converted.group(1)}' to {target}")
    if match := _OVERFLOW.search(text):
        kind = _number_type(match.group(2))
        return QueryError("NUMERIC_VALUE_OUT_OF_RANGE", f"{kind} {match.group(1)} overflow: {match.group(3)}")
    if match := _OUT_OF_RANGE.search(text):
        kind = _number_type(match.group(2))
        return QueryError("NUMERIC_VALUE_OUT_OF_RANGE", f"Out of range for {kind}: {match.group(1)}")
    if match := _PARSE.search(text):
        return QueryError("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{match.group(1)}"')
    first = text.split("\n", 1)[0]
    if "Out of Range Error" in text or "out of range" in text:
        return QueryError("NUMERIC_VALUE_OUT_OF_RANGE", first)
    known = next((error for phrase, error in _PHRASES.items() if phrase in text), None)
    return replace(known) if known else QueryError("GENERIC_USER_ERROR", first)
