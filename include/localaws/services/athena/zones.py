"""Timestamps with a time zone of their own: ``AT TIME ZONE``, and the functions that make or read them.

DuckDB's timestamp with time zone is an instant; Trino's also knows its zone, which results show and by which
hours and days are taken. In a query that names a zone such a value is a struct of both (macros.sql).
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import duckdb
from sqlglot import exp

from localaws.services.athena import functions, rules
from localaws.services.athena.duckdb_types import ZONED
from localaws.services.athena.errors import QueryError, at, not_supported, unexpected
from localaws.services.athena.nodes import call, cast, instant, mismatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.services.athena.duckdb_types import Type

OPERATOR = "zone operator"
LITERAL = "timestamp literal"
_UTC = {"utc", "z", "ut", "uct", "gmt", "gmt0", "greenwich", "universal", "zulu"}
_OFFSET = re.compile(
    r"(?P<etc>etc/)?(?P<name>utc|gmt|ut)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::(?P<minutes>\d\d))?"
)
_LITERAL = re.compile(
    r"\s*(?P<local>\d{1,6}-\d{1,2}-\d{1,2}(?: \d{1,2}:\d{2}\S*?)?)\s*(?P<zone>[+-]\d.*|[A-Za-z]\S*)\s*"
)
_MAXIMUM_MINUTES = 14 * 60
# ICU has them, the tz database and Trino have not.
_ICU_ONLY = re.compile(r"[A-Z]{3}|SystemV/.*")
_THREE_LETTERS = {"CET", "EET", "MET", "WET", "EST", "HST", "MST", "PRC", "ROC", "ROK"}
_SHORT_UNITS = {"hour", "minute", "second", "millisecond"}


@functools.cache
def _names() -> dict[str, str]:
    """The tz database's names by their lower-case form, as far as DuckDB calculates with them."""
    with duckdb.connect() as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM pg_timezone_names()").fetchall()]
    return {name.lower(): name for name in names if not _ICU_ONLY.fullmatch(name) or name in _THREE_LETTERS}


def canonical(zone: str) -> str | None:
    """Trino's name of a zone in any case: ``UTC``, ``America/New_York``, ``+02:00``; None if unknown."""
    lowered = zone.lower()
    if lowered.removeprefix("etc/") in _UTC:
        return "UTC"
    match = _OFFSET.fullmatch(lowered)
    if match is None:
        return _names().get(lowered)
    minutes = int(match["hours"]) * 60 + int(match["minutes"] or 0)
    # POSIX counts what lies east of Greenwich as negative.
    flipped = match["etc"] and match["name"] == "gmt"
    return _offset(-minutes if (match["sign"] == "-") != bool(flipped) else minutes)


def _offset(minutes: int) -> str | None:
    if abs(minutes) > _MAXIMUM_MINUTES:
        return None
    return (
        f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}" if minutes else "UTC"
    )


def _zone(node: exp.Anonymous, given: exp.Expr) -> exp.Literal:
    zone = rules.text_literal(node, given, "zone")
    name = canonical(zone)
    if name is None:
        message = f"'{zone}' is not a valid time zone"
        raise QueryError("INVALID_FUNCTION_ARGUMENT", message)
    return exp.Literal.string(name)


def operator(node: exp.AtTimeZone) -> exp.Expr:
    """``value AT TIME ZONE 'zone'`` as a call of at_timezone, to be resolved with the value's type."""
    zone = node.args["zone"]
    place = node.meta.get("at")
    if isinstance(zone, exp.Interval):
        raise not_supported("AT TIME ZONE with an interval", place)
    if not (isinstance(zone, exp.Literal) and zone.is_string):
        raise QueryError("MALFORMED_QUERY", at(place, "mismatched input. Expecting: 'INTERVAL', <string>"))
    made = call("at_timezone", node.this, zone)
    made.meta.update(node.meta | {OPERATOR: True})
    return made


def literal(node: exp.Cast) -> exp.Expr:
    """``timestamp '2024-01-01 10:00 America/New_York'``; other casts as they are."""
    parts = _parts(node)
    if parts is None:
        return node
    local, zone = parts
    name, safe = canonical(zone), isinstance(node, exp.TryCast)
    if name is None and not safe:
        raise _not_a_timestamp(node)
    moment = cast(exp.Literal.string(local if name else ""), "TIMESTAMP", safe)
    if name in ("UTC", None):
        return cast(moment, "TIMESTAMPTZ")
    return call("trino_zoned_of", moment, exp.Literal.string(name))


def _not_a_timestamp(node: exp.Cast) -> QueryError:
    text = node.this.this
    if node.to.meta.get(LITERAL):
        message = f"'{text}' is not a valid TIMESTAMP literal"
        return QueryError("INVALID_LITERAL", at(node.meta.get("at"), message))
    return QueryError("INVALID_CAST_ARGUMENT", f"Value cannot be cast to timestamp with time zone: {text}")


def _parts(node: exp.Expr) -> tuple[str, str] | None:
    """Local time and zone of a timestamp literal that names a zone."""
    if not (isinstance(node, exp.Cast) and node.to.is_type("timestamptz") and node.this.is_string):
        return None
    match = _LITERAL.fullmatch(node.this.this)
    return (match["local"], match["zone"]) if match else None


def all_named_in(tree: exp.Expr) -> set[str]:
    """The zones of the timestamps that a query makes; what is not a zone is among them as it is written."""
    return {canonical(zone) or zone for node in tree.walk() for zone in _named(node)}


def _named(node: exp.Expr) -> list[str]:
    if isinstance(node, exp.AtTimeZone):
        return [node.args["zone"].name]
    if isinstance(node, exp.Anonymous) and node.name.lower() in _MAKERS and node.expressions[1:]:
        return ["/".join(part.sql() if not part.is_string else part.name for part in node.expressions[1:])]
    if offset := _iso8601_offset(node):
        return [offset]
    parts = _parts(node)
    return [parts[1]] if parts else []


def _iso8601_offset(node: exp.Expr) -> str | None:
    """The offset from UTC that a literal of from_iso8601_timestamp ends with."""
    called = isinstance(node, exp.Anonymous) and node.name.lower() == "from_iso8601_timestamp"
    if not called or len(node.expressions) != 1 or not node.expressions[0].is_string:
        return None
    match = re.search(r"T.*([+-]\d\d:\d\d)$", node.expressions[0].name)
    zone = canonical(match.group(1)) if match else None
    return None if zone == "UTC" else zone


def _at_timezone(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    """The same instant in another zone; a timestamp without zone is one of the session's, which is UTC."""
    value, zone = rules.arguments(node, 2)
    kind = types[0]
    if node.meta.get(OPERATOR) and kind.id == "TIME":
        raise not_supported("AT TIME ZONE of a time", node.meta.get("at"))
    if node.meta.get(OPERATOR) and (kind.category != "time" or kind.id == "DATE"):
        message = "Type of value must be a time or timestamp with or without time zone"
        raise mismatch(node, f"{message} (actual {kind.trino})")
    if kind.category not in ("time", "unknown"):
        raise unexpected(node, "at_timezone", [part.trino for part in types])
    return call("trino_zoned", cast(instant(value, kind), "TIMESTAMPTZ"), _zone(node, zone))


def _with_timezone(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    """The same hour and day, read as those of a zone."""
    value, zone = rules.arguments(node, 2)
    if types[0].id not in ("TIMESTAMP", "DATE") and types[0].category != "unknown":
        raise unexpected(node, "with_timezone", [part.trino for part in types])
    return call("trino_zoned_of", cast(value, "TIMESTAMP"), _zone(node, zone))


def _from_unixtime(node: exp.Anonymous) -> exp.Expr:
    """``from_unixtime(seconds, zone)`` and ``(seconds, hours, minutes)``; with seconds alone it is UTC."""
    seconds, *rest = rules.arguments(node, 1, 2, 3)
    moment = call("trino_from_unixtime", seconds)
    if not rest:
        return moment
    if len(rest) == 1:
        return call("trino_zoned", moment, _zone(node, rest[0]))
    texts = [part.sql() for part in rest]
    if not all(re.fullmatch(r"-?\d+", text) for text in texts):
        raise not_supported("from_unixtime with an offset that is not a literal", node.meta.get("at"))
    zone = _offset(int(texts[0]) * 60 + int(texts[1]))
    if zone is None:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Invalid offset: {texts[0]}:{texts[1]}")
    return call("trino_zoned", moment, exp.Literal.string(zone))


def _from_iso8601_timestamp(node: exp.Anonymous) -> exp.Expr:
    """With the offset that the text ends with, when that is a literal; else UTC."""
    (text,) = rules.arguments(node, 1)
    zone = _iso8601_offset(node)
    if zone is None:
        return call("trino_from_iso8601_timestamp", text)
    return call("trino_zoned", cast(text, "TIMESTAMPTZ"), exp.Literal.string(zone))


def _part_of_offset(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    """timezone_hour and timezone_minute."""
    (value,) = rules.arguments(node, 1)
    if types[0].category != "time":
        raise unexpected(node, node.name.lower(), [types[0].trino])
    if types[0].id != ZONED:
        value = call("trino_zoned", cast(value, "TIMESTAMPTZ"), exp.Literal.string("UTC"))
    return call(f"trino_zoned_{node.name.lower()}", value)


def _read(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    """A function of dates and times: that of the value's own zone."""
    name = node.name.lower()
    if types and types[0].id == ZONED:
        value = node.expressions[0]
        part = instant(value, types[0]) if name == "to_unixtime" else local(value)
        node.set("expressions", [part, *node.expressions[1:]])
    if name in rules.UNTYPED:
        return rules.UNTYPED[name](node)
    return call(functions.duckdb_name(name) or name, *node.expressions)


def local(value: exp.Expr) -> exp.Expr:
    """The hour and day that a zoned timestamp shows, as a timestamp."""
    return call("trino_zoned_local", value)


def truncated(unit: str, value: exp.Expr) -> exp.Expr:
    """date_trunc in the value's own zone; below a day the offset stays, also where an hour comes twice."""
    kind = "clock" if unit in _SHORT_UNITS else "calendar"
    return call(f"trino_zoned_trunc_{kind}", exp.Literal.string(unit), value)


def shifted(value: exp.Expr, interval: exp.Expr, unit: str) -> exp.Expr:
    """date_add in the value's own zone: days and longer by the calendar, hours and shorter by the clock."""
    kind = "clock" if unit in _SHORT_UNITS else "calendar"
    return call(f"trino_zoned_plus_{kind}", value, interval)


def difference(unit: str, start: exp.Expr, end: exp.Expr, types: list[Type]) -> exp.Expr:
    """date_diff in the zone of `start`."""
    first, second = instant(start, types[0]), cast(instant(end, types[1]), "TIMESTAMPTZ")
    if types[0].id == ZONED and unit not in _SHORT_UNITS:
        first, second = local(start), local(call("trino_zoned", second, zone(start)))
    else:
        first = cast(first, "TIMESTAMPTZ")
    return call("date_sub", exp.Literal.string(unit), first, second)


def zone(value: exp.Expr) -> exp.Expr:
    """The zone of a zoned timestamp."""
    return call("trino_zoned_zone", value.copy())


UNTYPED: dict[str, Callable[[exp.Anonymous], exp.Expr]] = {
    "from_unixtime": _from_unixtime,
    "from_iso8601_timestamp": _from_iso8601_timestamp,
}
TYPED: dict[str, Callable[[exp.Anonymous, list[Type]], exp.Expr]] = {
    "at_timezone": _at_timezone,
    "with_timezone": _with_timezone,
    "timezone_hour": _part_of_offset,
    "timezone_minute": _part_of_offset,
}
# Functions that make them of a value and a zone, or an offset in two parts.
_MAKERS = {"at_timezone", "with_timezone", "from_unixtime"}
_NUMBERS = (
    *("year", "quarter", "month", "week", "week_of_year", "day", "day_of_month", "day_of_week", "dow"),
    *("day_of_year", "doy", "year_of_week", "yow", "hour", "minute", "second", "millisecond"),
)
# Functions that need their operand's type only where a zone is named.
READERS = dict.fromkeys((*_NUMBERS, "date", "last_day_of_month", "date_format", "to_unixtime"), _read)
