"""Partition projection: partitions that a table's properties describe, so that none is in the catalog.

Athena's user guide, "Supported types for partition projection": enum, integer, date and injected columns, and
storage.location.template. Ranges are inclusive; NOW is the time of the query, in UTC.
"""

from __future__ import annotations

import itertools
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from localaws.services.athena.catalog import Partition
from localaws.services.athena.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.services.athena.catalog import Table

_MAXIMUM = 100_000
_NOW = re.compile(r"NOW\s*(?:([+-])\s*(\d+)\s*(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND)S?)?", re.IGNORECASE)
# Java's DateTimeFormatter letters, as Athena takes them, to strftime's.
_JAVA = {
    "yyyy": "%Y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
    "DDD": "%j",
    "yy": "%y",
    "MMM": "%b",
}
_LETTERS = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
# Without interval.unit, the finest part of the format counts.
_FINEST = (
    (("%S",), "SECONDS"),
    (("%M",), "MINUTES"),
    (("%H",), "HOURS"),
    (("%d", "%j"), "DAYS"),
    (("%m", "%b"), "MONTHS"),
    (("",), "YEARS"),
)
_SECONDS = {"WEEK": 604_800, "DAY": 86_400, "HOUR": 3_600, "MINUTE": 60, "SECOND": 1}


def is_projected(table: Table) -> bool:
    """Whether the table's partitions come from its properties."""
    enabled = table.parameters.get("projection.enabled", "false")
    return bool(table.partition_keys) and enabled.lower() == "true"


def partitions(table: Table, equal: dict[str, set[str]], moment: datetime | None = None) -> list[Partition]:
    """All partitions; of columns in `equal` (text by column) those values only.

    Raises `QueryError` for properties that are wrong or missing, and for injected columns without a value.
    """
    now = moment or datetime.now(UTC)
    columns = [_values(table, name, equal.get(name), now) for name, _ in table.partition_keys]
    found = []
    for values in itertools.product(*columns):
        found.append(Partition(list(values), _location(table, list(values))))
        if len(found) > _MAXIMUM:
            raise _invalid(table, f"more than {_MAXIMUM} partitions; say in WHERE which are meant")
    return found


def _invalid(table: Table, problem: str) -> QueryError:
    return QueryError(
        "INVALID_TABLE_PROPERTY",
        f"Table {table.database}.{table.name} is configured for partition projection, but {problem}",
    )


def _property(table: Table, column: str, name: str, default: str | None = None) -> str:
    key = f"projection.{column}.{name}"
    text = table.parameters.get(key, default)
    if text is None:
        raise _invalid(table, f"the property {key} is missing")
    return text


def _values(table: Table, column: str, equal: set[str] | None, now: datetime) -> list[str]:
    kind = _property(table, column, "type").lower()
    if kind == "injected":
        if not equal:
            # Athena's own words.
            raise QueryError(
                "CONSTRAINT_VIOLATION",
                f"For the injected projected partition column {column}, the WHERE clause must contain only "
                "static equality conditions, and at least one such condition must be present.",
            )
        return sorted(equal)
    if kind == "enum":
        every = [value.strip() for value in _property(table, column, "values").split(",")]
    elif kind == "integer":
        every = list(_integers(table, column))
    elif kind == "date":
        every = list(_dates(table, column, now))
    else:
        raise _invalid(table, f"projection.{column}.type {kind} is not one of enum, integer, date, injected")
    if equal is None or kind == "integer":  # 7 may be written 07
        return every
    return [value for value in every if value in equal]


def _range(table: Table, column: str) -> tuple[str, str]:
    low, comma, high = _property(table, column, "range").partition(",")
    if not comma:
        raise _invalid(table, f"projection.{column}.range has not two values separated by a comma")
    return low.strip(), high.strip()


def _integers(table: Table, column: str) -> Iterator[str]:
    try:
        low, high = map(int, _range(table, column))
        interval = int(_property(table, column, "interval", "1"))
        digits = int(_property(table, column, "digits", "0"))
    except ValueError as error:
        raise _invalid(table, f"a property of {column} is not an integer: {error}") from error
    if interval < 1:
        raise _invalid(table, f"projection.{column}.interval is less than 1")
    for value in range(low, min(high, low + interval * _MAXIMUM) + 1, interval):
        yield str(value).zfill(digits)


def _dates(table: Table, column: str, now: datetime) -> Iterator[str]:
    pattern = _strftime(table, _property(table, column, "format"))
    low, high = (_moment(table, column, text, pattern, now) for text in _range(table, column))
    finest = next(unit for codes, unit in _FINEST if any(code in pattern for code in codes))
    unit = _property(table, column, "interval.unit", finest).upper().rstrip("S")
    try:
        interval = int(_property(table, column, "interval", "1"))
    except ValueError as error:
        raise _invalid(table, f"a property of {column} is not an integer: {error}") from error
    if interval < 1 or unit not in (*_SECONDS, "MONTH", "YEAR"):
        raise _invalid(table, f"projection.{column}.interval or its unit is wrong")
    last = ""
    for step in range(_MAXIMUM):
        moment = _later(low, step * interval, unit)
        if moment > high:
            return
        text = moment.strftime(pattern)
        if text != last:
            yield text
        last = text


def _strftime(table: Table, java: str) -> str:
    """``yyyy-MM-dd`` -> ``%Y-%m-%d``."""
    out = []
    for match in _LETTERS.finditer(java):
        text = match.group(0)
        if match.group(1) is not None:
            out.append(match.group(1).replace("''", "'"))
        elif match.group(2) is None:
            out.append(text.replace("%", "%%"))
        elif text in _JAVA:
            out.append(_JAVA[text])
        else:
            raise _invalid(table, f"the date format {java} has {text}, which is not known here")
    return "".join(out)


def _moment(table: Table, column: str, text: str, pattern: str, now: datetime) -> datetime:
    match = _NOW.fullmatch(text)
    if match is None:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC)
        except ValueError as error:
            raise _invalid(table, f"projection.{column}.range does not fit its format: {text}") from error
    if match.group(1) is None:
        return now
    steps = int(match.group(1) + match.group(2))
    return _later(now, steps, match.group(3).upper())


def _later(moment: datetime, steps: int, unit: str) -> datetime:
    if unit in _SECONDS:
        return moment + timedelta(seconds=steps * _SECONDS[unit])
    months = moment.year * 12 + moment.month - 1 + steps * (12 if unit == "YEAR" else 1)
    year, month = divmod(months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last_day = (following - timedelta(days=1)).day
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last_day))


def _location(table: Table, values: list[str]) -> str:
    template = table.parameters.get("storage.location.template")
    named = dict(zip((name for name, _ in table.partition_keys), values, strict=True))
    if template is None:
        path = "/".join(f"{name}={value}" for name, value in named.items())
        return f"{table.location.rstrip('/')}/{path}/"
    for name, value in named.items():
        if f"${{{name}}}" not in template:
            raise _invalid(table, f"storage.location.template has no ${{{name}}}")
        template = template.replace(f"${{{name}}}", value)
    return template.rstrip("/") + "/"
