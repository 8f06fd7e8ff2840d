"""The `serve` command of the local BlazingText image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fasttext
from blazingtext.predict import JSON, JSON_LINES, BadRequestError, answer, answer_vectors
from serving import InvocationError, UnsupportedContentType, media_type, serve

if TYPE_CHECKING:
    from pathlib import Path


class TextClassifier:
    """Answers `/invocations` with a supervised model."""

    def __init__(self, model: Any) -> None:
        """Take a loaded fastText model."""
        self._model = model

    def invocations(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:  # noqa: ARG002
        """Predict JSON or JSON Lines; the answer has the request's type, whatever Accept says."""
        kind = media_type(content_type)
        if kind not in (JSON, JSON_LINES):
            raise UnsupportedContentType(content_type, f"{JSON}, {JSON_LINES}")
        try:
            return answer(self._model, body, kind), kind
        except BadRequestError as error:
            raise InvocationError(400, f"Bad request: {error}") from error

    def execution_parameters(self) -> dict[str, object]:
        """What batch transform may send."""
        return {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}


class WordVectorServer(TextClassifier):
    """Answers `/invocations` with word vectors."""

    def invocations(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:  # noqa: ARG002
        """Look the words of a JSON request up."""
        if media_type(content_type) != JSON:
            raise UnsupportedContentType(content_type, JSON)
        try:
            return answer_vectors(self._model, body), JSON
        except BadRequestError as error:
            raise InvocationError(400, f"Bad request: {error}") from error


def load(directory: Path) -> TextClassifier:
    """Load `model.bin`, else `vectors.bin`.

    Raises `FileNotFoundError` when there is neither, fastText's `ValueError` when it cannot read the file.
    """
    for name, server in (("model.bin", TextClassifier), ("vectors.bin", WordVectorServer)):
        path = directory / name
        if path.is_file():
            return server(fasttext.load_model(str(path)))
    raise FileNotFoundError(
        f"{directory / 'model.bin'} is missing; expected a BlazingText or fastText model, model.bin or "
        "vectors.bin"
    )


if __name__ == "__main__":
    serve(load)
