"""The default encoders of script mode: CSV, JSON and NPY to NumPy arrays and back."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy

CSV, JSON, NPY = "text/csv", "application/json", "application/x-npy"


class UnsupportedFormatError(Exception):
    """Content type without an encoder."""

    def __init__(self, content_type: str) -> None:
        super().__init__(
            f"Content type {content_type} is not supported by this framework. Please implement input_fn to "
            "deserialize the request data or an output_fn to serialize the response."
        )


def default_input(content: str | bytes, content_type: str) -> Any:
    """What the container does without an input_fn: a float32 array of CSV and JSON, an array of NPY."""
    array = decode(content, content_type)
    return array if content_type == NPY else array.astype(numpy.float32)


def decode(content: str | bytes, content_type: str) -> Any:
    """A NumPy array of the request's body.

    Raises:
        UnsupportedFormatError: neither CSV, JSON nor NPY.
    """
    if content_type == NPY and isinstance(content, bytes):
        return numpy.load(io.BytesIO(content), allow_pickle=False)
    text = content.decode("utf-8") if isinstance(content, bytes) else content
    if content_type == CSV:
        return numpy.array(list(csv.reader(io.StringIO(text), strict=True))).squeeze()
    if content_type == JSON:
        return numpy.array(json.loads(text))
    raise UnsupportedFormatError(content_type)


def encode(values: Any, content_type: str) -> str | bytes:
    """The body of an array, as CSV (one row a line), JSON or NPY.

    Raises:
        UnsupportedFormatError: none of these.
    """
    if content_type == JSON:
        return json.dumps(values, default=lambda array: array.tolist())
    if content_type == CSV:
        array = numpy.array(values)
        stream = io.StringIO()
        rows = array.reshape(-1, 1) if array.ndim == 1 else array
        csv.writer(stream, lineterminator="\n", strict=True).writerows(rows)
        return stream.getvalue()
    if content_type == NPY:
        buffer = io.BytesIO()
        numpy.save(buffer, values)
        return buffer.getvalue()
    raise UnsupportedFormatError(content_type)
