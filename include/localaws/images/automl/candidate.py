"""The `train` command of an algorithm image: one candidate as a training job of its own.

Channel `train` holds transformed rows, recordio-protobuf or CSV with the ordinal of the class first. With a
channel `validation` candidates are measured on it, else on the stratified folds that `_kfold` counts.
"""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from automl import recordio
from automl.algorithms import ALGORITHMS
from automl.entry import run_program
from automl.errors import BadRequestError, ClientError
from automl.metrics import score
from automl.objectives import TUNING_NAMES
from automl.rows import read_matrix
from automl.training import FOLDS, fit_folds, plan_folds, stratified_folds
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from automl.algorithms import Algorithm, Hyperparameters
    from automl.models import Matrix
    from numpy.typing import NDArray

logger = logging.getLogger("automl")


def main(name: str) -> int:
    """Train a candidate of the algorithm; returns the exit code."""
    code: int = run_program(partial(run, ALGORITHMS[name]))
    return code


def run(algorithm: Algorithm, base: Path) -> None:
    """Train the candidate of `<base>/input`, leave it in `<base>/model`, and log its metrics.

    Raises `ClientError` for hyperparameters or rows that are not as they should be.
    """
    asked = json.loads((base / "input/config/hyperparameters.json").read_text(encoding="utf-8"))
    chosen = hyperparameters(algorithm, asked)
    matrix, ordinals = read_channel(base / "input/data/train")
    validation_rows = 0
    if (base / "input/data/validation").is_dir():
        more, more_ordinals = read_channel(base / "input/data/validation")
        matrix, validation_rows = _stack(matrix, more), len(more_ordinals)
        ordinals = np.concatenate([ordinals, more_ordinals])
        folds = plan_folds(ordinals, validation_rows, 0)
    else:
        folds = stratified_folds(ordinals, int(asked.get("_kfold", FOLDS)))
    probabilities = fit_folds(algorithm, chosen, matrix, ordinals, folds, base / "model")
    held_out = np.concatenate([rows for _, rows in folds])
    problem = "BinaryClassification" if probabilities.shape[1] == 2 else "MulticlassClassification"
    for metric, value in score(ordinals[held_out], probabilities[held_out], problem).items():
        logger.info("%s=%r", TUNING_NAMES.get(metric, f"validation:{metric.lower()}"), value)


def hyperparameters(algorithm: Algorithm, asked: Mapping[str, str]) -> Hyperparameters:
    """The drawn hyperparameters; raises `ClientError` for a missing, unknown or unreadable one."""
    known = {*algorithm.ranges, *algorithm.static, "_kfold"}
    missing, unknown = set(algorithm.ranges) - set(asked), set(asked) - known
    if missing or unknown:
        raise ClientError(
            f"Hyperparameters of {algorithm.name}: missing {sorted(missing)}, unknown {sorted(unknown)}."
        )
    try:
        return {name: float(asked[name]) for name in algorithm.ranges}
    except ValueError as error:
        raise ClientError(f"A hyperparameter of {algorithm.name} is not a number: {error}") from error


def read_channel(channel: Path) -> tuple[Matrix, NDArray[np.int64]]:
    """Features of shape (rows, features) and ordinals of shape (rows,); raises `ClientError`."""
    body = b"".join(path.read_bytes() for path in sorted(channel.rglob("*")) if path.is_file())
    try:
        if body.startswith(recordio.MAGIC):
            return recordio.decode(body), recordio.decode_labels(body)
        rows = read_matrix(body)
        return rows[:, 1:], rows[:, 0].astype(np.int64)
    except BadRequestError as error:
        raise ClientError(f"Channel {channel.name}: {error}") from error


def _stack(first: Matrix, second: Matrix) -> Matrix:
    return (
        sparse.vstack([first, second], format="csr") if sparse.issparse(first) else np.vstack([first, second])
    )
