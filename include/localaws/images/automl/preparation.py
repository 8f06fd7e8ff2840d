"""Feature engineering: the split on disk, and the data processors with what they make of the rows."""

from __future__ import annotations

import csv
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from automl import processors, recordio
from automl.algorithms import SEED
from automl.errors import ClientError
from automl.rows import write_matrix
from automl.search import Prepared
from automl.workspace import utc_now
from scipy import sparse
from sklearn.model_selection import train_test_split

if TYPE_CHECKING:
    from pathlib import Path

    from automl.dataset import Table
    from automl.models import Matrix
    from automl.workspace import Workspace
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


def write_split(
    workspace: Workspace,
    table: Table,
    ordinals: NDArray[np.int64],
    validation_rows: int,
    validation_fraction: float,
) -> str:
    """Write header, train and validation rows as Autopilot's data-building job; returns that job's name.

    `processor_data` is what data processors are fitted on and folds are drawn from, in the input's order.
    """
    started = utc_now()
    everything = np.arange(table.rows)
    if validation_rows:
        train, validation = everything[:-validation_rows], everything[-validation_rows:]
    else:
        train, validation = train_test_split(
            everything, test_size=validation_fraction, stratify=ordinals, random_state=SEED
        )
    place = "preprocessed-data"
    workspace.directory(f"{place}/header").joinpath("headers.csv").write_text(
        ",".join([table.target_name, *table.names]) + "\n", encoding="utf-8"
    )
    fitted = everything[: table.rows - validation_rows]
    for name, rows in (
        ("tuning_data/train", train),
        ("tuning_data/validation", validation),
        ("processor_data", fitted),
    ):
        path = workspace.directory(f"{place}/{name}") / "chunk_0.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([table.target[row], *table.features[row]] for row in rows)
    job: str = workspace.step_name("db")
    workspace.step("ProcessingJob", job, started, [place], output=place)
    return job


def prepare(
    workspace: Workspace,
    modules: dict[str, Path],
    cells: NDArray[Any],
    ordinals: NDArray[np.int64],
    fitted_rows: int,
    builder: str,
) -> dict[str, Prepared]:
    """Fit each data processor on the first `fitted_rows` rows and transform all rows.

    A processor that does not suit the data is left out. Raises `ClientError` when none suits.
    """
    prepared: dict[str, Prepared] = {}
    reason = "there is none"
    for name, module in modules.items():
        try:
            prepared[name] = _prepare(workspace, name, module, cells, ordinals, fitted_rows, builder)
        except ClientError as error:
            reason = str(error)
            logger.warning("%s", error)
            workspace.emit("partial_failure", reason=reason)
    if not prepared:
        raise ClientError(f"No data processor suits the data; the last said: {reason}")
    return prepared


def _prepare(
    workspace: Workspace,
    name: str,
    module: Path,
    cells: NDArray[Any],
    ordinals: NDArray[np.int64],
    fitted_rows: int,
    builder: str,
) -> Prepared:
    started = utc_now()
    processor, matrix = processors.fit(name, module, cells[:fitted_rows])
    if fitted_rows < len(cells):
        rest = processor.transform(cells[fitted_rows:])
        matrix = (
            sparse.vstack([matrix, rest], format="csr")
            if sparse.issparse(matrix)
            else np.vstack([matrix, rest])
        )
    training_job = workspace.step_name(name)
    model = processors.save(processor, module, workspace, training_job)
    workspace.step("TrainingJob", training_job, started, [model], output=model)
    logger.info("%s: %d features", name, matrix.shape[1])
    encoding = "rpb" if sparse.issparse(matrix) else "csv"
    transform_job = _write_transformed(workspace, name, encoding, matrix, ordinals)
    steps = [
        {"kind": "ProcessingJob", "name": builder},
        {"kind": "TrainingJob", "name": training_job},
        {"kind": "TransformJob", "name": transform_job},
    ]
    return Prepared(processor, matrix, encoding, model, steps)


def _write_transformed(
    workspace: Workspace, name: str, encoding: str, matrix: Matrix, ordinals: NDArray[np.int64]
) -> str:
    started = utc_now()
    place = f"transformed-data/{name}/{encoding}"
    content = recordio.encode(matrix, ordinals) if sparse.issparse(matrix) else write_matrix(matrix, ordinals)
    (workspace.directory(place) / "chunk_0.csv.out").write_bytes(content)
    job: str = workspace.step_name(f"{name}-{encoding}")
    workspace.step("TransformJob", job, started, [place], output=place)
    return job
