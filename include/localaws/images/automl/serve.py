"""The `serve` command of the local Autopilot image: first and third container of the inference pipeline.

AUTOML_TRANSFORM_MODE says which: `feature-transform` turns rows of the dataset (no header; with
`text/csv;label_size=1` the label comes first, and its ordinal goes with the features) into features,
`inverse-label-transform` turns the algorithm's ordinals into class names.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from automl import labels, recordio
from automl.errors import BadRequestError
from automl.inference import requested_keys
from automl.rows import read_cells, read_rows, write_matrix, write_rows
from scipy import sparse
from serving import InvocationError, NotAcceptable, UnsupportedContentType, media_type, serve

if TYPE_CHECKING:
    from pathlib import Path

    from automl.labels import LabelEncoder
    from automl.processors import Processor

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
RESPONSE_KEYS = ("predicted_label", "probability", "labels", "probabilities")


class FeatureTransform:
    """Rows of the dataset in, features out."""

    def __init__(self, processor: Processor) -> None:
        """Take the fitted data processor."""
        self._processor = processor

    def invocations(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """Transform a `text/csv` body; sparse features answer recordio-protobuf, dense ones CSV."""
        if media_type(content_type) != CSV:
            raise UnsupportedContentType(content_type, CSV)
        labelled = "label_size=1" in content_type.replace(" ", "").lower()
        try:
            cells = read_cells(body, len(self._processor.columns) + labelled)
            ordinals = self._processor.labels.transform(cells[:, 0]) if labelled else None
        except BadRequestError as error:
            raise InvocationError(400, str(error)) from error
        except KeyError as error:
            raise InvocationError(400, f"{error} is none of the classes in the training data") from error
        matrix = self._processor.transform(cells[:, int(labelled) :])
        wanted = media_type(accept)
        if wanted == recordio.CONTENT_TYPE or (wanted == "*/*" and sparse.issparse(matrix)):
            return recordio.encode(sparse.csr_matrix(matrix), ordinals), recordio.CONTENT_TYPE
        if wanted not in (CSV, "*/*"):
            raise NotAcceptable(accept, f"{recordio.CONTENT_TYPE}, {CSV}")
        return write_matrix(matrix.toarray() if sparse.issparse(matrix) else matrix, ordinals), CSV

    def execution_parameters(self) -> dict[str, object]:
        """What batch transform may send."""
        return {"MaxPayloadInMB": 1}


class InverseLabelTransform:
    """The algorithm's answer in, class names out."""

    def __init__(self, encoder: LabelEncoder, inputs: list[str], outputs: list[str]) -> None:
        """Take the label encoder, the keys of the columns received and the keys to answer with."""
        self._labels = encoder
        self._inputs = inputs
        self._outputs = outputs

    def invocations(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """Transform a `text/csv` body to CSV, JSON (`{"predictions": [...]}`) or JSON Lines."""
        if media_type(content_type) != CSV:
            raise UnsupportedContentType(content_type, CSV)
        wanted = CSV if media_type(accept) == "*/*" else media_type(accept)
        if wanted not in (CSV, JSON, JSON_LINES):
            raise NotAcceptable(accept, f"{CSV}, {JSON}, {JSON_LINES}")
        try:
            columns = self._columns(read_rows(body, len(self._inputs)))
        except (BadRequestError, ValueError, IndexError) as error:
            raise InvocationError(400, f"not an answer of the algorithm container: {error}") from error
        if wanted == CSV:
            return write_rows(
                zip(*(columns[key] for key in self._outputs), strict=True)
            ), f"{CSV}; charset=utf-8"
        rows = [self._object(columns, row) for row in range(len(columns[self._outputs[0]]))]
        if wanted == JSON:
            return json.dumps({"predictions": rows}).encode(), JSON
        return "".join(json.dumps(row) + "\n" for row in rows).encode(), JSON_LINES

    def execution_parameters(self) -> dict[str, object]:
        """What batch transform may send."""
        return {"MaxPayloadInMB": 6}

    def _columns(self, rows: list[list[str]]) -> dict[str, list[str]]:
        received = {key: [row[index] for row in rows] for index, key in enumerate(self._inputs)}
        if "predicted_label" in received:
            ordinals = np.array(received["predicted_label"], dtype=np.float64)
            received["predicted_label"] = self._labels.inverse_transform(ordinals)
        received["labels"] = [str(self._labels.labels)] * len(rows)
        return received

    def _object(self, columns: dict[str, list[str]], row: int) -> dict[str, Any]:
        parsed: dict[str, Any] = {key: columns[key][row] for key in self._outputs}
        if "probability" in parsed:
            parsed["probability"] = float(parsed["probability"])
        if "probabilities" in parsed:
            parsed["probabilities"] = json.loads(parsed["probabilities"])
        if "labels" in parsed:
            parsed["labels"] = self._labels.labels
        return parsed


def build(directory: Path) -> FeatureTransform | InverseLabelTransform:
    """The container that the environment asks for; raises `ValueError` when that contradicts itself."""
    mode = os.environ.get("AUTOML_TRANSFORM_MODE", "")
    if mode == "feature-transform":
        # scikit-learn takes seconds to import, and only this container needs it.
        from automl import processors

        return FeatureTransform(processors.load(directory))
    if mode != "inverse-label-transform":
        raise ValueError(
            f"AUTOML_TRANSFORM_MODE is {mode!r}; expected feature-transform or inverse-label-transform"
        )
    inputs = requested_keys(os.environ.get("SAGEMAKER_INFERENCE_INPUT", "predicted_label"), RESPONSE_KEYS)
    outputs = requested_keys(os.environ.get("SAGEMAKER_INFERENCE_OUTPUT", "predicted_label"), RESPONSE_KEYS)
    missing = [key for key in outputs if key not in (*inputs, "labels")]
    if missing:
        raise ValueError(
            f"SAGEMAKER_INFERENCE_OUTPUT asks for {missing}, which SAGEMAKER_INFERENCE_INPUT does not hold"
        )
    return InverseLabelTransform(labels.load(directory), inputs, outputs)


if __name__ == "__main__":
    serve(build)
