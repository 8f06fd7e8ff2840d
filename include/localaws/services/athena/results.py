"""Results: values as Athena prints them, the files it leaves in S3, and reading them back page by page."""

from __future__ import annotations

import datetime
import decimal
import io
import re
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = list[str | None]
_FIELD = re.compile(r'"((?:[^"]|"")*)"|([^,\n]*)')


def double_text(value: float) -> str:
    """Java's Double.toString, as Athena writes doubles: ``1.0``, ``1.0E7``, ``1.0E-4``."""
    if value != value:  # noqa: PLR0124  NaN
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = repr(value)
        if "e" not in text:
            return text
        return format(decimal.Decimal(text), "f")
    mantissa, _, exponent = f"{decimal.Decimal(repr(value)):E}".partition("E")
    sign, digits = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    plain = digits.replace(".", "").rstrip("0") or "0"
    return f"{sign}{plain[0]}.{plain[1:] or '0'}E{int(exponent)}"


def value_text(value: Any) -> str | None:
    """One value as Athena's result file has it; None for NULL."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta)):
        return _moment_text(value)
    if isinstance(value, (list, tuple, dict)):
        return _nested_text(value)
    if isinstance(value, (bytes, bytearray)):
        return " ".join(f"{byte:02x}" for byte in value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (int, uuid.UUID)):
        return str(value)
    raise TypeError(f"no text for {type(value).__name__}")


def _moment_text(value: datetime.date | datetime.time | datetime.timedelta) -> str:
    if isinstance(value, datetime.datetime):
        text = value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
        return text.rjust(23, "0")
    if isinstance(value, datetime.timedelta):
        hours, rest = divmod(value.seconds, 3600)
        minutes, seconds = divmod(rest, 60)
        return f"{value.days} {hours:02d}:{minutes:02d}:{seconds:02d}.{value.microseconds // 1000:03d}"
    if isinstance(value, datetime.time):
        return value.strftime("%H:%M:%S.") + f"{value.microsecond // 1000:03d}"
    return value.isoformat()


def _nested_text(value: list[Any] | tuple[Any, ...] | dict[Any, Any]) -> str:
    def inner(item: Any) -> str:
        text = value_text(item)
        return "null" if text is None else text

    if isinstance(value, dict):
        return "{" + ", ".join(f"{inner(key)}={inner(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple):  # a row without field names
        return "{" + ", ".join(f"field{index}={inner(item)}" for index, item in enumerate(value)) + "}"
    return "[" + ", ".join(inner(item) for item in value) + "]"


def csv_line(row: Iterable[str | None]) -> str:
    """A line of the result file: all fields quoted, NULL as nothing at all."""
    return ",".join("" if field is None else '"' + field.replace('"', '""') + '"' for field in row) + "\n"


def to_csv(header: list[str], rows: Iterable[Row]) -> bytes:
    """A whole result file."""
    buffer = io.StringIO()
    buffer.write(csv_line(header))
    for row in rows:
        buffer.write(csv_line(row))
    return buffer.getvalue().encode()


def from_csv(content: bytes) -> list[Row]:
    """Rows of a result file, the header first; unlike the csv module it tells NULL from an empty string."""
    text = content.decode()
    rows: list[Row] = []
    row: Row = []
    index = 0
    while index < len(text):
        match = _FIELD.match(text, index)
        if match is None:
            break
        quoted, plain = match.group(1), match.group(2)
        row.append(quoted.replace('""', '"') if quoted is not None else plain or None)
        index = match.end()
        if index >= len(text) or text[index] == "\n":
            rows.append(row)
            row = []
        elif index == len(text) - 1:
            row.append(None)
        index += 1
    return rows


def _field_bytes(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def metadata(columns: list[dict[str, Any]]) -> bytes:
    """``<id>.csv.metadata``: the columns in protocol buffer wire format, as Athena's file is."""
    content = b""
    for column in columns:
        fields = [
            column["CatalogName"],
            column["SchemaName"],
            column["TableName"],
            column["Name"],
            column["Label"],
            column["Type"],
        ]
        message = b"".join(_field_bytes(number, text.encode()) for number, text in enumerate(fields, 1))
        message += b"".join(
            bytes([number << 3]) + _varint(value)
            for number, value in ((7, column["Precision"]), (8, column["Scale"]))
        )
        content += _field_bytes(4, message)
    return content


def rows_response(rows: list[Row]) -> list[dict[str, Any]]:
    """Rows in GetQueryResults' shape; NULL is a Datum without value."""
    return [{"Data": [{} if field is None else {"VarCharValue": field} for field in row]} for row in rows]


ROWS_COLUMN = {
    "CatalogName": "hive",
    "SchemaName": "",
    "TableName": "",
    "Name": "rows",
    "Label": "rows",
    "Type": "bigint",
    "Precision": 19,
    "Scale": 0,
    "Nullable": "UNKNOWN",
    "CaseSensitive": False,
}
