"""Text files as Hive's SerDes read them: one row a line, always; columns as strings, typed later in SQL.

A file is converted once, to Parquet of strings, and kept beside the cached object.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from localaws.services.athena.errors import QueryError, not_supported
from localaws.services.athena.objects import cached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Row = list[str | None]
    Parser = Callable[[str], Row]

LAZY_SIMPLE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
JSON_SERDES = {
    "org.openx.data.jsonserde.JsonSerDe",
    "org.apache.hive.hcatalog.data.JsonSerDe",
    "org.apache.hadoop.hive.serde2.JsonSerDe",
}
_BATCH_ROWS = 50_000
_DELIMITERS = {"\\t": "\t", "\\n": "\n", "\\001": "\x01", "\\u0001": "\x01", "\\\\": "\\"}


def _character(text: str | None, default: str) -> str:
    """A delimiter as the catalog spells it: itself, an escape, or a decimal code (``1`` is Ctrl-A)."""
    if not text:
        return default
    if text in _DELIMITERS:
        return _DELIMITERS[text]
    return (
        chr(int(text))
        if len(text) > 1 and text.isdecimal() or text == "1"
        else text[0]
        if len(text) == 1
        else text
    )


def lazy_simple(parameters: dict[str, str]) -> Parser:
    """LazySimpleSerDe: plain splitting; no quotes; ``\\N`` is NULL."""
    delimiter = _character(parameters.get("field.delim") or parameters.get("serialization.format"), "\x01")
    escape = parameters.get("escape.delim")
    null = parameters.get("serialization.null.format", "\\N")

    def parse(line: str) -> Row:
        fields = _split_escaped(line, delimiter, escape) if escape else line.split(delimiter)
        return [None if field == null else field for field in fields]

    return parse


def _split_escaped(line: str, delimiter: str, escape: str) -> list[str]:
    fields, current, characters = [], [], iter(line)
    for character in characters:
        if character == escape:
            current.append(next(characters, ""))
        elif character == delimiter:
            fields.append("".join(current))
            current = []
        else:
            current.append(character)
    return [*fields, "".join(current)]


def open_csv(parameters: dict[str, str]) -> Parser:
    """OpenCSVSerde: opencsv 2.3 on one line; a field whose quote is still open at its end is lost."""
    separator = parameters.get("separatorChar", ",") or ","
    quote = parameters.get("quoteChar", '"') or '"'
    escape = parameters.get("escapeChar", "\\") or "\\"
    separator = _DELIMITERS.get(separator, separator)
    escape = _DELIMITERS.get(escape, escape)

    def parse(line: str) -> Row:
        if quote not in line and escape not in line:
            return list(line.split(separator))
        return _opencsv(line, separator, quote, escape)

    return parse


def _opencsv(line: str, separator: str, quote: str, escape: str) -> Row:  # noqa: C901  one state machine, as opencsv's
    fields: Row = []
    current: list[str] = []
    quoted, in_field, index = False, False, 0
    while index < len(line):
        character = line[index]
        following = line[index + 1] if index + 1 < len(line) else ""
        if character == escape and escape != quote:
            if (quoted or in_field) and following in (quote, escape) and following:
                current.append(following)
                index += 1
        elif character == quote:
            if (quoted or in_field) and following == quote:
                current.append(quote)
                index += 1
            else:
                quoted = not quoted
                # A quote in the middle of an unquoted field is kept, as opencsv does.
                if (
                    index > 2
                    and line[index - 1] != separator
                    and following
                    and following != separator
                    and not (quoted and not current)
                ):
                    current.append(quote)
            in_field = not in_field
        elif character == separator and not quoted:
            fields.append("".join(current))
            current = []
            in_field = False
        else:
            current.append(character)
            in_field = True
        index += 1
    if not quoted:
        fields.append("".join(current))
    return fields


def json_lines(columns: list[str], parameters: dict[str, str], uri: str) -> Parser:
    """JSON SerDes: an object a line, keys in any case; nested values stay JSON text."""
    ignore = parameters.get("ignore.malformed.json", "false").lower() == "true"
    mapping = {
        value.lower(): key.removeprefix("mapping.")
        for key, value in parameters.items()
        if key.startswith("mapping.")
    }

    def parse(line: str) -> Row:
        try:
            document = json.loads(line)
            if not isinstance(document, dict):
                raise ValueError("not an object")
        except ValueError as error:
            if ignore:
                return [None] * len(columns)
            raise QueryError(
                "HIVE_CURSOR_ERROR", f"Row is not a valid JSON Object: {error} in {uri}"
            ) from error
        lowered = {mapping.get(key.lower(), key.lower()): value for key, value in document.items()}
        return [_json_text(lowered.get(column)) for column in columns]

    return parse


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parser(serde: str, parameters: dict[str, str], columns: list[str], uri: str) -> Parser:
    """The row parser of a SerDe; raise `QueryError` for one that is not supported."""
    if serde == LAZY_SIMPLE:
        return lazy_simple(parameters)
    if serde == OPEN_CSV:
        return open_csv(parameters)
    if serde in JSON_SERDES:
        return json_lines(columns, parameters, uri)
    raise not_supported(f"the SerDe {serde or '(none)'}")


def _lines(path: Path, skip: int) -> Iterator[str]:
    """Lines without their ends; CR, LF and CRLF all end a line, as in Hadoop's reader."""
    with path.open("r", encoding="utf-8", errors="replace", newline=None) as file:
        for number, line in enumerate(file):
            if number >= skip:
                yield line.removesuffix("\n")


def to_parquet(path: Path, parse: Parser, columns: list[str], skip: int, settings: str) -> Path:
    """The file's rows as Parquet of strings `c0`, `c1` …; made once for one content and `settings`."""
    target = cached(f"{path.name} {settings} {skip} {columns}", ".rows.parquet")
    if target.exists():
        return target
    temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex}")
    schema = pa.schema([(f"c{index}", pa.string()) for index in range(len(columns))])
    try:
        with pq.ParquetWriter(temporary, schema, compression="snappy") as writer:
            batch: list[Row] = []
            for line in _lines(path, skip):
                batch.append(parse(line))
                if len(batch) == _BATCH_ROWS:
                    writer.write_table(_table(batch, schema))
                    batch = []
            writer.write_table(_table(batch, schema))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _table(rows: list[Row], schema: pa.Schema) -> pa.Table:
    """Rows of any length as columns; what is missing is NULL, what is too much is dropped."""
    width = len(schema)
    columns = [[row[index] if index < len(row) else None for row in rows] for index in range(width)]
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=schema)
