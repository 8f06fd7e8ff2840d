"""First container of the BlazingText pipeline: reviews in, normalised BlazingText requests out.

Scikit-learn script mode. Request: `text/csv`, one quoted review a line, or `application/jsonlines`,
``{"features": ["text"]}``. Answer: `application/jsonlines`, ``{"source": "tokens", "k": 3}``.
"""

from __future__ import annotations

import json
from typing import Any

from records import (
    CSV,
    JSON_LINES,
    JSON_LINES_TYPES,
    InvalidRecordError,
    UnsupportedTypeError,
    class_labels,
    csv_texts,
    decode,
    execution_parameters,
    json_lines,
    media_type,
    refusal,
)
from text_normalization import normalize


def model_fn(model_dir: str) -> dict[str, Any]:
    """Return what a request needs: ``k``, the number of classes BlazingText shall answer with."""
    return {"k": len(class_labels(model_dir))}


def execution_parameters_fn() -> Any:
    """Answer `GET /execution-parameters`, which batch transform asks the first container for."""
    return execution_parameters()


def transform_fn(model: dict[str, Any], body: bytes | str, content_type: str, accept: str) -> Any:
    """Answer one request of the container: body and content type, or its refusal as 4xx."""
    try:
        return write(predict(read(body, content_type), model), accept)
    except InvalidRecordError as error:
        return refusal(error)


def read(body: bytes | str, content_type: str) -> list[str]:
    """Return the reviews of a request, in order. Raises `InvalidRecordError`, a ValueError naming one."""
    kind = media_type(content_type)
    if kind == CSV:
        return csv_texts(decode(body))
    if kind in JSON_LINES_TYPES:
        return [_text(number, record) for number, record in json_lines(decode(body))]
    raise UnsupportedTypeError(
        f"Content type {content_type!r} is not supported, expected {CSV} or {JSON_LINES}."
    )


def predict(texts: list[str], model: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one BlazingText request a review."""
    return [{"source": normalize(text), "k": model["k"]} for text in texts]


def write(requests: list[dict[str, Any]], accept: str) -> tuple[str, str]:
    """Return JSON Lines and their content type, the only format BlazingText takes; `accept` may be any."""
    del accept
    return "".join(json.dumps(request) + "\n" for request in requests), JSON_LINES


def _text(number: int, record: dict[str, Any]) -> str:
    features = record.get("features")
    if not isinstance(features, list) or len(features) != 1 or not isinstance(features[0], str):
        raise InvalidRecordError(
            f"Record {number} has features {str(features)[:80]!r}, expected a list of one text: "
            '{"features": ["text"]}.'
        )
    return features[0]
