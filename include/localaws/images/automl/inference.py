"""Serving of an algorithm container: feature rows in, ordinals and probabilities out.

The keys to answer with, and their order, come from SAGEMAKER_INFERENCE_OUTPUT, out of `predicted_label` (the
ordinal), `probability` (of the predicted class; of the second class when there are two) and `probabilities`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from automl import recordio
from automl.errors import BadRequestError
from automl.rows import read_matrix, write_rows
from serving import InvocationError, NotAcceptable, UnsupportedContentType, media_type, serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from automl.models import Model
    from numpy.typing import NDArray

CSV = "text/csv"
SUPPORTED_KEYS = ("predicted_label", "probability", "probabilities")


def requested_keys(text: str, supported: tuple[str, ...]) -> list[str]:
    """Keys of a comma-separated list; raises `ValueError` for an unsupported one or an empty list."""
    keys = [key.strip() for key in text.split(",") if key.strip()]
    unknown = [key for key in keys if key not in supported]
    if unknown or not keys:
        raise ValueError(
            f"response keys {text!r}: unsupported {unknown}, expected some of {', '.join(supported)}"
        )
    return keys


def answer_rows(probabilities: NDArray[np.float64], keys: list[str]) -> bytes:
    """CSV of the keys asked for, one line a row of `probabilities` (rows, classes)."""
    ordinals = probabilities.argmax(axis=1)
    binary = probabilities.shape[1] == 2
    chosen = probabilities[:, 1] if binary else probabilities.max(axis=1)
    columns: dict[str, list[object]] = {
        "predicted_label": ordinals.tolist(),
        "probability": chosen.tolist(),
        "probabilities": [str(row) for row in probabilities.tolist()],
    }
    body: bytes = write_rows(zip(*(columns[key] for key in keys), strict=True))
    return body


class AlgorithmContainer:
    """Answers `/invocations` with a trained candidate."""

    def __init__(self, model: Model, keys: list[str]) -> None:
        """Take the candidate and the keys to answer with."""
        self._model = model
        self._keys = keys

    def invocations(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """Predict rows of recordio-protobuf or of numbers in CSV; answers CSV."""
        if media_type(accept) not in (CSV, "*/*"):
            raise NotAcceptable(accept, CSV)
        readers = {CSV: read_matrix, recordio.CONTENT_TYPE: recordio.decode}
        if media_type(content_type) not in readers:
            raise UnsupportedContentType(content_type, ", ".join(readers))
        try:
            matrix = readers[media_type(content_type)](body)
            probabilities = self._model.predict_proba(matrix)
        except (BadRequestError, ValueError) as error:  # ValueError: the number of features differs
            raise InvocationError(400, str(error)) from error
        return answer_rows(probabilities, self._keys), f"{CSV}; charset=utf-8"

    def execution_parameters(self) -> dict[str, object]:
        """What batch transform may send."""
        return {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}


def main(load: Callable[[Path], Model]) -> None:
    """Serve the model that `load` reads from the model directory."""
    keys = requested_keys(os.environ.get("SAGEMAKER_INFERENCE_OUTPUT", "predicted_label"), SUPPORTED_KEYS)
    serve(lambda directory: AlgorithmContainer(load(directory), keys))
