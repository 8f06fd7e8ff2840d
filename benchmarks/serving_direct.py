"""The BlazingText model behind the same server, in one process without hops: the chain's measure.

Run by the stand-in's Python with its images and the adapter on the path. Takes CSV as in the contract, and a
JSON list of texts, as the tests send them: what they expect went through no parser of the adapter.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import fasttext
from serving import media_type, serve

from text_normalization import normalize

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ["-1", "0", "1"]


def predict(model: Any, texts: list[str]) -> str:
    """The serving contract's CSV for these reviews."""
    answer = io.StringIO(newline="")
    writer = csv.writer(answer, lineterminator="\n")
    names, values = model.predict([normalize(text) for text in texts], k=len(LABELS))
    for row_names, row_values in zip(names, values, strict=True):
        known = {
            name.removeprefix("__label__"): min(float(value), 1.0)
            for name, value in zip(row_names, row_values, strict=True)
        }
        probabilities = [known.get(label, 0.0) for label in LABELS]
        best = max(probabilities)
        label = LABELS[probabilities.index(best)]
        writer.writerow([label, best, json.dumps(probabilities), str(LABELS)])
    return answer.getvalue()


class Direct:
    """Reading, normalisation, model and writing in one call."""

    def __init__(self, model: Any) -> None:
        """Take a loaded fastText model."""
        self._model = model

    def invocations(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:  # noqa: ARG002
        """Answer one request."""
        if media_type(content_type) == "application/json":
            texts = json.loads(body)
        else:
            texts = [row[0] if row else "" for row in csv.reader(io.StringIO(body.decode(), newline=""))]
        return predict(self._model, texts).encode(), "text/csv"


def load(directory: Path) -> Direct:
    """Load `model.bin`."""
    return Direct(fasttext.load_model(str(directory / "model.bin")))


if __name__ == "__main__":
    serve(load)
