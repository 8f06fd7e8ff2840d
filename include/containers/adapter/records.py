"""Reading and writing the records of the serving contract: standard library only, Python 3.8 syntax."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path
from typing import Any, Iterator

CSV = "text/csv"
JSON_LINES = "application/jsonlines"
JSON_LINES_TYPES = (JSON_LINES, "application/x-jsonlines")
#: What batch transform may send to a container at once: what an endpoint takes too.
MAX_PAYLOAD_MB = 6
DEFAULT_LABELS = ["-1", "0", "1"]

csv.field_size_limit(sys.maxsize)


class InvalidRecordError(ValueError):
    """A request that cannot be answered: names the record, what was found and what was expected."""

    status = 400


class UnsupportedTypeError(InvalidRecordError):
    """The request has a content type that this container does not read."""

    status = 415


class NotAcceptableError(InvalidRecordError):
    """The request wants a content type that this container does not write."""

    status = 406


def class_labels(model_dir: str) -> list[str]:
    """Return the classes in the order of every answer: `labels.json` of the model, else -1, 0, 1."""
    path = Path(model_dir) / "labels.json"
    if not path.is_file():
        return list(DEFAULT_LABELS)
    return [str(label) for label in json.loads(path.read_text(encoding="utf-8"))]


def media_type(header: str | None) -> str:
    """Return the bare media type of a Content-Type or Accept header, lower case; empty for none or any."""
    bare = (header or "").split(";")[0].strip().lower()
    return "" if bare == "*/*" else bare


def acceptable(header: str | None) -> str:
    """Return the first content type of an Accept header that answers can have; CSV where any will do.

    Raises `NotAcceptableError` when it names others only. Weights (``q=``) are not looked at.
    """
    for wanted in (header or "*/*").split(","):
        kind = media_type(wanted)
        if kind in ("", "text/*", CSV):
            return CSV
        if kind in (*JSON_LINES_TYPES, "application/*"):
            return JSON_LINES
    raise NotAcceptableError(f"Accept {header!r} is not supported, expected {CSV} or {JSON_LINES}.")


def decode(body: bytes | str) -> str:
    """Return a request body as text. Raises `InvalidRecordError` if it is not UTF-8.

    The container itself decodes a body of exactly `text/csv`, and puts U+FFFD where a byte is wrong.
    """
    if isinstance(body, str):
        return body[1:] if body.startswith("\ufeff") else body
    try:
        return bytes(body).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InvalidRecordError(
            f"Line {line} is not UTF-8: byte {error.start} of the body cannot be decoded."
        ) from error


def csv_texts(body: str) -> list[str]:
    """Return the one column of a CSV body without header; a line with nothing on it is an empty text.

    Raises `InvalidRecordError` for another number of columns, broken quotes or an empty body.
    """
    texts: list[str] = []
    # csv ends a record at a bare CR too, where neither batch transform nor a writer of lines does: one line
    # would get two answers. Before Python 3.11 it refuses NUL. Normalisation makes both a space anyway.
    body = body.replace("\r\n", "\n").replace("\r", " ").replace("\x00", " ")
    reader = csv.reader(io.StringIO(body, newline=""), strict=True)
    try:
        for row in reader:
            if len(row) > 1:
                raise InvalidRecordError(
                    f"Record {len(texts) + 1} has {len(row)} columns, expected one: "
                    "quote a review that holds commas."
                )
            texts.append(row[0] if row else "")
    except csv.Error as error:
        raise InvalidRecordError(f"Record {len(texts) + 1} is not valid CSV: {error}.") from error
    if not texts:
        raise InvalidRecordError("Record 1 is missing: the body is empty, expected one quoted review a line.")
    return texts


def json_lines(body: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each record's number, from 1, and its object. Raises `InvalidRecordError` for anything else."""
    lines = body.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise InvalidRecordError("Record 1 is missing: the body is empty, expected one JSON object a line.")
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except RecursionError as error:
            raise InvalidRecordError(
                f"Record {number} is not valid JSON: it is nested too deeply."
            ) from error
        except ValueError as error:
            raise InvalidRecordError(f"Record {number} is not valid JSON: {error}.") from error
        if not isinstance(record, dict):
            raise InvalidRecordError(f"Record {number} is a {type(record).__name__}, expected a JSON object.")
        yield number, record


def refusal(error: InvalidRecordError) -> Any:
    """Return the Flask response that answers the error's status and text.

    The container answers 500 to whatever a script raises; a response of its own is the only way to say that
    the request, not the model, is at fault. Flask is what the container itself serves with.
    """
    from flask import Response

    return Response(str(error), status=error.status, mimetype="text/plain")


def execution_parameters() -> Any:
    """Return the Flask response to `GET /execution-parameters`: what batch transform may send."""
    from flask import Response

    parameters = {
        # Batch transform refuses more than 100 MB under way at once.
        "MaxConcurrentTransforms": min(os.cpu_count() or 1, 100 // MAX_PAYLOAD_MB),
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": MAX_PAYLOAD_MB,
    }
    return Response(json.dumps(parameters), mimetype="application/json")
