"""How a source file is laid out: its encoding, its delimiter, and which column holds which field."""

from __future__ import annotations

import csv
import io
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sentiment_retrain.errors import ColumnMissing, SourceEmpty, SourceUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sentiment_retrain.settings.schema import Columns

DELIMITERS = (",", "\t", ";", "|")
REQUIRED_FIELDS = ("review_body", "product_category")
#: A label may come as any of these; the first that the file has is taken.
LABEL_FIELDS = ("sentiment", "star_rating", "mean_sentiment_rating")
_OPTIONAL_FIELDS = ("title",)
_KNOWN_BINARY = {
    b"PK\x03\x04": "a zip archive or Excel workbook",
    b"\x1f\x8b": "gzip-compressed",
    b"PAR1": "a Parquet file",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"%PDF": "a PDF document",
}
#: An object with a name, alone, a line each, or in a list: no header row looks like this.
_JSON = re.compile(rb'\s*\[?\s*\{\s*"[^"\n]*"\s*:')


@dataclass(frozen=True)
class SourceHeader:
    """A file's columns.

    :param names: header names as the file has them
    :param positions: field name to column index
    :param label_field: which of LABEL_FIELDS the sentiment is taken from
    """

    delimiter: str
    names: tuple[str, ...]
    positions: Mapping[str, int]
    label_field: str

    def mapping(self) -> dict[str, str]:
        """Field name to the file's header name."""
        return {field: self.names[position] for field, position in self.positions.items()}


def decoded(content: bytes) -> str:
    """A file's bytes as text.

    Bytes that are not UTF-8 stay recognisable (``surrogateescape``), so that only their rows are refused.

    :raises SourceEmpty: no bytes, or white space only
    :raises SourceUnreadable: not text
    """
    if not content.strip():
        raise SourceEmpty(observed=f"{len(content)} bytes, no text", expected="a header row and reviews")
    for signature, kind in _KNOWN_BINARY.items():
        if content.startswith(signature):
            raise SourceUnreadable(observed=f"the file is {kind}", expected="delimited text in UTF-8")
    if b"\x00" in content[:4096]:
        raise SourceUnreadable(observed="the file holds zero bytes", expected="delimited text in UTF-8")
    content = content.removeprefix(b"\xef\xbb\xbf")
    if _JSON.match(content):
        raise SourceUnreadable(observed="the file is JSON", expected="delimited text in UTF-8")
    return content.decode("utf-8", errors="surrogateescape")


#: A longer field is a quote that nobody closed.
MAXIMUM_FIELD_CHARACTERS = 131_072
#: A line of its own behind the text: only a quote that is open at the text's end makes it part of a record.
_END = "\x1eend of the text\x1e"


def records(text: str, delimiter: str, *, whole: bool = True) -> Iterator[list[str]]:
    """The records of delimited text, header first, without blank lines.

    :param whole: False for the beginning of a file, which may end within quotes
    :raises csv.Error: a field is too long, or a quote that is never closed has swallowed rows
    """
    width = 0
    lines = itertools.chain(io.StringIO(text, newline=""), (_END,))
    for record in csv.reader(lines, delimiter=delimiter):
        if record == [_END]:
            return
        # csv's own limit belongs to the whole process, where any library may have raised it.
        if any(len(field) > MAXIMUM_FIELD_CHARACTERS for field in record):
            raise csv.Error(f"field larger than field limit ({MAXIMUM_FIELD_CHARACTERS})")
        if record and record[-1].endswith(_END):
            record[-1] = record[-1].removesuffix(_END)
            if whole:
                _refuse_swallowed(record[-1], delimiter, width)
        if any(record):
            width = width or len(record)
            yield record


def _refuse_swallowed(field: str, delimiter: str, width: int) -> None:
    """Raise ``csv.Error`` when lines within a field that was never closed are rows of ``width`` fields."""
    lines = itertools.islice(io.StringIO(field, newline=""), 1, None)
    swallowed = sum(len(row) == width for row in csv.reader(lines, delimiter=delimiter))
    if swallowed:
        raise csv.Error(f"a quote is opened and never closed; {swallowed} rows are behind it")


def find_header(text: str, columns: Columns) -> SourceHeader:
    """The file's header, by the delimiter with which most fields are recognised.

    :raises ColumnMissing: when a needed field has no column, with the names seen and the names accepted
    """
    accepted: dict[str, tuple[str, ...]] = columns.model_dump()
    readings = [_reading(text, delimiter, accepted) for delimiter in DELIMITERS]
    delimiter, names, positions = max(readings, key=lambda reading: (len(reading[2]), len(reading[1])))
    missing = [field for field in REQUIRED_FIELDS if field not in positions]
    label_field = next((field for field in LABEL_FIELDS if field in positions), None)
    if missing or label_field is None:
        raise _column_missing(missing, label_field is None, names, accepted)
    return SourceHeader(delimiter, names, positions, label_field)


def _reading(
    text: str, delimiter: str, accepted: Mapping[str, tuple[str, ...]]
) -> tuple[str, tuple[str, ...], dict[str, int]]:
    """``(delimiter, header names, positions of the recognised fields)`` of the text read this way."""
    try:
        names = tuple(name.strip() for name in next(records(text, delimiter), []))
    except csv.Error as error:
        raise SourceUnreadable(
            observed=f"the header row: {error}", expected="one header row of column names"
        ) from error
    comparable = [_comparable(name) for name in names]
    positions: dict[str, int] = {}
    for field in (*REQUIRED_FIELDS, *LABEL_FIELDS, *_OPTIONAL_FIELDS):
        found = next((name for name in map(_comparable, accepted[field]) if name in comparable), None)
        if found is not None:
            positions[field] = comparable.index(found)
    return delimiter, names, positions


def _comparable(name: str) -> str:
    """A header name without what people write differently: case, spaces, hyphens, underscores."""
    return re.sub(r"[\s_\-]+", "_", name.strip().lower())


def _column_missing(
    missing: list[str], label_missing: bool, names: tuple[str, ...], accepted: Mapping[str, Any]
) -> ColumnMissing:
    wanted = [f"{field}: one of {', '.join(accepted[field])}" for field in missing]
    if label_missing:
        choices = [name for field in LABEL_FIELDS for name in accepted[field]]
        wanted.append(f"a label: one of {', '.join(choices)}")
    lacking = ", ".join([*missing, *(["sentiment or rating"] if label_missing else [])])
    seen = ", ".join(repr(name) for name in names) or "none"
    return ColumnMissing(
        observed=f"no column for {lacking}; the header has {seen}"[:1500], expected="\n".join(wanted)
    )
