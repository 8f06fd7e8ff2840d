"""Batch transform's DataProcessing: filters and the join of input and output, record by record. Pure.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Any, Self

from jsonpath_ng import Fields, Index, Slice
from jsonpath_ng.ext.parser import parse

Document = dict[str, Any]

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
EVERYTHING = "$"


class DataProcessingError(Exception):
    """A record that cannot be read, filtered or joined; the message suits a FailureReason."""


def media_type(content_type: str) -> str:
    """`text/csv` of `Text/CSV; charset=utf-8`."""
    return content_type.partition(";")[0].strip().lower()


def read(content: bytes, content_type: str) -> list[Any]:
    """The records of a body: lists of text for CSV, values for JSON (one) and JSON Lines.

    Raises:
        DataProcessingError: the body is not what its content type says, or is of none of these types.
    """
    kind = media_type(content_type)
    try:
        text = content.decode()
        if kind == CSV:
            return list(csv.reader(io.StringIO(text, newline="")))
        if kind == JSON_LINES:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        if kind == JSON:
            return [json.loads(text)]
    except (ValueError, csv.Error) as error:
        raise DataProcessingError(f"Cannot read {kind} data: {error}") from error
    raise DataProcessingError(f"DataProcessing needs {CSV}, {JSON} or {JSON_LINES}, got {content_type}.")


def write(record: Any, content_type: str) -> bytes:
    """One record as a line."""
    if media_type(content_type) != CSV:
        return json.dumps(record, ensure_ascii=False).encode() + b"\n"
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(record if isinstance(record, list) else [record])
    return buffer.getvalue().encode()


@dataclass(frozen=True)
class DataProcessing:
    """What a transform job does with records before and after the model."""

    input_filter: Any
    output_filter: Any
    join: bool

    @classmethod
    def of(cls, request: Document) -> Self | None:
        """Of a CreateTransformJob request; None when records are left alone.

        Raises:
            DataProcessingError: a filter is no JSONPath.
        """
        wish = request.get("DataProcessing", {})
        paths = [wish.get(name, EVERYTHING) for name in ("InputFilter", "OutputFilter")]
        join = wish.get("JoinSource") == "Input"
        if paths == [EVERYTHING, EVERYTHING] and not join:
            return None
        return cls(_compile(paths[0]), _compile(paths[1]), join)

    def model_input(self, record: Any) -> Any:
        """What of an input record the model gets."""
        return select(record, self.input_filter)

    def outputs(self, inputs: list[Any], predictions: list[Any], content_type: str) -> list[Any]:
        """What is written for input records and what the model said of them.

        Args:
            inputs: records as they were before the input filter.
            predictions: the model's, one for each.
            content_type: of both.

        Raises:
            DataProcessingError: the model did not answer one record for each it was given, or a filter
                matches nothing.
        """
        if len(inputs) != len(predictions):
            raise DataProcessingError(
                f"The model answered {len(predictions)} records for {len(inputs)}; they cannot be associated."
            )
        pairs = zip(inputs, predictions, strict=True)
        merge = join_columns if media_type(content_type) == CSV else join_values
        joined = [merge(*pair) for pair in pairs] if self.join else predictions
        return [select(record, self.output_filter) for record in joined]


def join_columns(record: list[str], prediction: list[str]) -> list[str]:
    """CSV: the output's columns after the input's."""
    return [*record, *prediction]


def join_values(record: Any, prediction: Any) -> Document:
    """JSON: the output as `SageMakerOutput` of the input, which is `SageMakerInput` when it is no object."""
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": prediction}
    return {"SageMakerInput": record, "SageMakerOutput": prediction}


def select(record: Any, path: Any) -> Any:
    """The part of a record that a JSONPath names.

    Several names give an object of these, a slice or several indices a list, anything else the one value.

    Raises:
        DataProcessingError: there is no such part.
    """
    if path is None:
        return record
    found = path.find(record)
    if not found:
        raise DataProcessingError(f"The JSONPath {path} matches nothing in {str(record)[:200]}")
    last = getattr(path, "right", path)
    if isinstance(last, Fields) and (len(last.fields) > 1 or "*" in last.fields):
        return {str(match.path): match.value for match in found}
    several = isinstance(last, Slice) or (isinstance(last, Index) and len(last.indices) > 1)
    return [match.value for match in found] if several or len(found) > 1 else found[0].value


def _compile(path: str) -> Any:
    if path == EVERYTHING:
        return None
    try:
        return parse(path)
    except Exception as error:  # the parser raises its own and its lexer's
        raise DataProcessingError(f"{path!r} is not a JSONPath: {error}") from error
