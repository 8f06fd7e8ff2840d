"""The `serve` command of the local BlazingText image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fasttext
from blazingtext.predict import JSON, JSON_LINES, BadRequestError, answer
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


def load(directory: Path) -> TextClassifier:
    """Load `model.bin`; raises `FileNotFoundError` or fastText's `ValueError` when it is not usable."""
    path = directory / "model.bin"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; expected a supervised BlazingText or fastText model")
    return TextClassifier(fasttext.load_model(str(path)))


if __name__ == "__main__":
    serve(load)
