"""BlazingText's inference formats: labels of texts, and vectors of words."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any, Protocol

JSON = "application/json"
JSON_LINES = "application/jsonlines"


class BadRequestError(Exception):
    """The request cannot be understood; answered 400 with this text."""


class Classifier(Protocol):
    """What is used of a fastText model."""

    def predict(self, text: list[str], k: int) -> tuple[list[list[str]], list[Any]]:
        """Labels and probabilities of each text, most probable first."""


class WordVectors(Protocol):
    """What is used of a fastText model of word vectors."""

    def get_word_vector(self, word: str) -> Any:
        """The vector of a word, or of its subwords, or zeros."""


Prediction = dict[str, list[Any]]


def answer(model: Classifier, body: bytes, content_type: str) -> bytes:
    """Predict a request body of `application/json` or `application/jsonlines`; the answer has the same type.

    Raises `BadRequestError` when the body does not follow BlazingText's format.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequestError(f"body is not UTF-8: {error}") from error
    if content_type == JSON:
        sources, k = _json_request(text)
        return json.dumps(_predict(model, [(source, k) for source in sources])).encode()
    results = _predict(model, _json_lines_request(text))
    return "".join(json.dumps(result) + "\n" for result in results).encode()


def answer_vectors(model: WordVectors, body: bytes) -> bytes:
    """Vectors of the words of ``{"instances": ["word"]}``: a list of ``{"vector": [0.1], "word": "word"}``.

    A word that was never seen has a vector of zeros, or that of its subwords when these were learned. Raises
    `BadRequestError` when the body does not follow the format.
    """
    try:
        words, _ = _json_request(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadRequestError(f"body is not UTF-8: {error}") from error
    return json.dumps(
        [{"vector": [float(value) for value in model.get_word_vector(word)], "word": word} for word in words]
    ).encode()


def _json_request(text: str) -> tuple[list[str], int]:
    document = _object(text, "body")
    instances = document.get("instances")
    if not isinstance(instances, list) or not all(isinstance(instance, str) for instance in instances):
        raise BadRequestError('expected {"instances": ["text", ...], "configuration": {"k": 1}}')
    configuration = document.get("configuration", {})
    if not isinstance(configuration, dict):
        raise BadRequestError('"configuration" must be an object such as {"k": 1}')
    return instances, _k(configuration, "configuration")


def _json_lines_request(text: str) -> list[tuple[str, int]]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        document = _object(line, f"line {number}")
        source = document.get("source")
        if not isinstance(source, str):
            raise BadRequestError(f'line {number}: expected {{"source": "text", "k": 1}}')
        rows.append((source, _k(document, f"line {number}")))
    if not rows:
        raise BadRequestError('empty body; expected lines of {"source": "text"}')
    return rows


def _object(text: str, place: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadRequestError(f"{place} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadRequestError(f"{place}: expected a JSON object, got {type(document).__name__}")
    return document


def _k(document: dict[str, Any], place: str) -> int:
    k = document.get("k", 1)
    if not isinstance(k, int) or isinstance(k, bool) or k < 1:
        raise BadRequestError(f'{place}: "k" must be an integer above 0, got {k!r}')
    return k


def _predict(model: Classifier, rows: list[tuple[str, int]]) -> list[Prediction]:
    results: list[Prediction] = []
    # Neighbours asking for the same number of labels are one call of the library.
    for k, group in groupby(rows, key=lambda row: row[1]):
        # A line feed would end the sentence for the library.
        texts = [source.replace("\n", " ") for source, _ in group]
        labels, probabilities = model.predict(texts, k=k)
        results.extend(
            # fastText adds 1e-5 to each probability, which may carry it above 1.
            {"label": list(names), "prob": [min(float(value), 1.0) for value in values]}
            for names, values in zip(labels, probabilities, strict=True)
        )
    return results
