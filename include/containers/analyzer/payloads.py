"""What is sent to a model and what it answers, in each of the forms that Clarify speaks.

Clarify's content types: CSV; JSON Lines, of which `content_template` makes each line; JSON, in which
`record_template` makes each record and `content_template` a request of one (`$record`) or many (`$records`).
A JSON answer is read by JMESPath.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any, Protocol

import jmespath
from jmespath.exceptions import JMESPathError

from analyzer.config import AnalyzerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from analyzer.config import PredictorConfig

#: InvokeEndpoint takes 6 MB; the row limit keeps slow models within its 60 seconds.
MAX_BATCH_BYTES = 5_000_000
MAX_BATCH_ROWS = 4096
_CSV, _LINES = "text/csv", "application/jsonlines"
_IN_A_RECORD = re.compile(r'\$features_kvp\b|\$feature_names\b|\$features\b|"\$\{([^}"]+)\}"')
_OF_RECORDS = re.compile(r"\$records?\b")

#: What a model says of one record: a row of CSV cells, or label and probability as found in JSON.
Answer = list[Any]


class Content(Protocol):
    """Turns rows into requests."""

    media_type: str
    rows_at_a_time: int

    def record(self, row: Sequence[Any]) -> str:
        """Return one row as its part of a request."""

    def body(self, records: Sequence[str]) -> str:
        """Return the request of some records."""


class CsvContent:
    """A line a row, texts quoted."""

    media_type = _CSV
    rows_at_a_time = MAX_BATCH_ROWS

    def record(self, row: Sequence[Any]) -> str:
        """Return a line; what is missing is an empty cell."""
        buffer = io.StringIO(newline="")
        cells = ["" if _missing(cell) else cell for cell in row]
        csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerow(cells)
        return buffer.getvalue()

    def body(self, records: Sequence[str]) -> str:
        """Return the lines one after the other."""
        return "".join(records)


class JsonContent:
    """JSON by templates; lines of JSON where the record itself is the whole of a line."""

    def __init__(self, media_type: str, content: str, record: str | None, features: Sequence[str]) -> None:
        """content, record: the configured templates; features: names of a row's cells, in order.

        Raises `AnalyzerError` for a template that does not become JSON, or names another column.
        """
        self.media_type = media_type
        self._lines = media_type == _LINES
        self._record = " ".join((content if record is None else record).splitlines())
        self._content = content
        self._features = list(features)
        self._places = {name: place for place, name in enumerate(features)}
        single = not self._lines and "$records" not in content
        self.rows_at_a_time = 1 if single else MAX_BATCH_ROWS
        try:
            json.loads(self.body([self.record([0] * len(self._features))]))
        except ValueError as error:
            raise AnalyzerError(
                f"predictor.content_template and record_template do not become JSON: {error}."
            ) from error

    def record(self, row: Sequence[Any]) -> str:
        """Return a record; what is missing is null."""
        values = [None if _missing(cell) else cell for cell in row]
        return _IN_A_RECORD.sub(lambda found: self._filled(found, values), self._record)

    def _filled(self, found: re.Match[str], values: list[Any]) -> str:
        name = found.group(1)
        if name is not None:
            if name not in self._places:
                raise AnalyzerError(
                    f"predictor.record_template names the column {name!r}, the features are {self._features}."
                )
            return _json(values[self._places[name]])
        if found.group() == "$features":
            return _json(values)
        if found.group() == "$feature_names":
            return _json(self._features)
        return _json(dict(zip(self._features, values, strict=True)))

    def body(self, records: Sequence[str]) -> str:
        """Return the request."""
        if self._lines:
            return "".join(f"{record}\n" for record in records)
        several = f"[{','.join(records)}]"
        return _OF_RECORDS.sub(
            lambda found: several if found.group() == "$records" else records[0], self._content
        )


def content_of(config: PredictorConfig, features: Sequence[str]) -> Content:
    """Return how rows of `features` are sent. Raises `AnalyzerError` for templates that do not fit them."""
    if config.content_type in (None, _CSV):
        return CsvContent()
    return JsonContent(
        str(config.content_type), config.content_template or "", config.record_template, features
    )


def batches(rows: Iterable[Sequence[Any]], content: Content) -> Iterator[list[str]]:
    """Yield rows as records, in batches that fit one request."""
    batch: list[str] = []
    size = 0
    most = min(content.rows_at_a_time, MAX_BATCH_ROWS)
    for row in rows:
        record = content.record(row)
        # And a comma.
        length = 1 + (len(record) if record.isascii() else len(record.encode()))
        if batch and (size + length > MAX_BATCH_BYTES or len(batch) == most):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += length
    if batch:
        yield batch


def reader_of(config: PredictorConfig) -> Callable[[str, int], list[Answer]]:
    """Return what reads the body of an answer to a number of records into an answer a record.

    It raises `ValueError` for a body that is none in the configured form.
    """
    if config.accept_type in (None, _CSV):
        return lambda body, _: [row for row in csv.reader(io.StringIO(body, newline="")) if row]
    paths = [_compiled(config.label, "label"), _compiled(config.probability, "probability")]
    if config.accept_type == _LINES:
        return lambda body, _: [
            [_found(path, json.loads(line)) for path in paths] for line in body.split("\n") if line.strip()
        ]

    def read(body: str, number: int) -> list[Answer]:
        document = json.loads(body)
        columns = [_by_record(_found(path, document), number) for path in paths]
        given = [len(column) for path, column in zip(paths, columns, strict=True) if path is not None]
        if set(given) != {number}:
            raise ValueError(f"the paths found {given} values in the answer to {number} records")
        return [list(pair) for pair in zip(*columns, strict=True)]

    return read


def _by_record(found: Any, number: int) -> list[Any]:
    """Return a value for each of a number of records from what a path found in the answer to all."""
    if found is None:
        return [None] * number
    # The answer to one record need not be a list, and a list may be the scores of its classes.
    if number == 1 and not (isinstance(found, list) and len(found) == 1):
        return [found]
    return found if isinstance(found, list) else [found]


def _compiled(path: Any, key: str) -> Any:
    if path is None:
        return None
    if not isinstance(path, str):
        raise AnalyzerError(f"predictor.{key} is {path!r}, expected a JMESPath: the model answers JSON.")
    try:
        return jmespath.compile(path)
    except JMESPathError as error:
        raise AnalyzerError(f"predictor.{key} is {path!r}, expected a JMESPath. {error}") from error


def _found(path: Any, document: Any) -> Any:
    return None if path is None else path.search(document)


def _missing(cell: Any) -> bool:
    # Nothing but NaN differs from itself.
    return cell is None or bool(cell != cell)


def _json(value: Any) -> str:
    # Numbers of numpy are not JSON's, but become Python's.
    return json.dumps(value, default=lambda number: number.item())
