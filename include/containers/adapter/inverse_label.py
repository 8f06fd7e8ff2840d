"""Last container of the BlazingText pipeline: its answers in, predictions with classes in one order out.

Scikit-learn script mode. Request: `application/jsonlines`, ``{"label": ["__label__1", ...], "prob": [...]}``
sorted by probability. Answer: `text/csv` or `application/jsonlines` with `predicted_label, probability,
probabilities, labels`, as Autopilot names them.
"""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from records import (
    CSV,
    JSON_LINES,
    JSON_LINES_TYPES,
    InvalidRecordError,
    UnsupportedTypeError,
    acceptable,
    class_labels,
    decode,
    json_lines,
    media_type,
    refusal,
)

LABEL_PREFIX = "__label__"


def model_fn(model_dir: str) -> dict[str, Any]:
    """Return what a request needs: ``labels``, the classes in the order of every answer."""
    return {"labels": class_labels(model_dir)}


def transform_fn(model: dict[str, Any], body: bytes | str, content_type: str, accept: str) -> Any:
    """Answer one request of the container: body and content type, or its refusal as 4xx."""
    try:
        return write(predict(read(body, content_type), model), accept)
    except InvalidRecordError as error:
        return refusal(error)


def read(body: bytes | str, content_type: str) -> list[dict[str, float]]:
    """Return each record's probability by class name. Raises `InvalidRecordError` naming the record."""
    if media_type(content_type) not in JSON_LINES_TYPES:
        raise UnsupportedTypeError(f"Content type {content_type!r} is not supported, expected {JSON_LINES}.")
    return [_probabilities(number, record) for number, record in json_lines(decode(body))]


def predict(answers: list[dict[str, float]], model: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one prediction a record. A class left out has probability 0; the first of equals wins."""
    labels = model["labels"]
    known = set(labels)
    predictions = []
    for number, answer in enumerate(answers, start=1):
        if not known.issuperset(answer):
            raise InvalidRecordError(
                f"Record {number} has the labels {sorted(answer)}, expected some of {labels}: "
                "labels.json does not belong to this model."
            )
        probabilities = [min(1.0, max(0.0, answer.get(label, 0.0))) for label in labels]
        probability = max(probabilities)
        predictions.append(
            {
                "predicted_label": labels[probabilities.index(probability)],
                "probability": probability,
                "probabilities": probabilities,
                "labels": labels,
            }
        )
    return predictions


def write(predictions: list[dict[str, Any]], accept: str) -> tuple[str, str]:
    """Return the predictions as CSV without header (the default) or JSON Lines, and their content type.

    Raises `NotAcceptableError` when `accept` names neither.
    """
    if acceptable(accept) == CSV:
        return _csv(predictions), CSV
    return "".join(json.dumps(prediction) + "\n" for prediction in predictions), JSON_LINES


def _csv(predictions: list[dict[str, Any]]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    for prediction in predictions:
        writer.writerow(
            [
                prediction["predicted_label"],
                prediction["probability"],
                json.dumps(prediction["probabilities"]),
                str(prediction["labels"]),
            ]
        )
    return buffer.getvalue()


def _probabilities(number: int, record: dict[str, Any]) -> dict[str, float]:
    labels, values = record.get("label"), record.get("prob")
    if (
        not isinstance(labels, list)
        or not isinstance(values, list)
        or len(labels) != len(values)
        or not labels
    ):
        raise InvalidRecordError(
            f"Record {number} is {str(record)[:80]}, expected a BlazingText answer: "
            '{"label": ["__label__1"], "prob": [0.9]}.'
        )
    probabilities = {}
    for position, label in enumerate(labels):
        value = values[position]
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InvalidRecordError(
                f"Record {number} has the probability {value!r}, expected a finite number."
            )
        name = str(label)
        probabilities[name[len(LABEL_PREFIX) :] if name.startswith(LABEL_PREFIX) else name] = float(value)
    return probabilities
