"""One data processor as a training job of its own, as the candidate definition notebook starts it.

Channels: `train`, CSV without a header, the label first; `code`, the generated modules. Hyperparameter
`processor_module` names one of them, such as `candidate_data_processors.dpp0`.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import numpy as np
from automl import processors
from automl.errors import BadRequestError, ClientError
from automl.rows import read_rows

if TYPE_CHECKING:
    from pathlib import Path

    from automl.models import Matrix

logger = logging.getLogger("automl")


def run(base: Path) -> None:
    """Fit the processor of `<base>/input` and leave it in `<base>/model`.

    Raises `ClientError` when there are no such rows or no such module, or the two do not suit each other.
    """
    asked = json.loads((base / "input/config/hyperparameters.json").read_text(encoding="utf-8"))
    name = asked["processor_module"].rpartition(".")[2]
    found = sorted((base / "input/data/code").rglob(f"{name}.py"))
    if not found:
        raise ClientError(f"Channel code has no module {name}.py, expected the generated data processors.")
    processor, matrix = processors.fit(name, found[0], read_cells(base / "input/data/train")[:, 1:])
    processors.write(processor, found[0], base / "model")
    logger.info("%s: %d features", name, matrix.shape[1])


def read_cells(channel: Path) -> Matrix:
    """Cells of all CSV files of a channel, of shape (rows, columns); raises `ClientError`."""
    rows: list[list[str]] = []
    try:
        for path in sorted(path for path in channel.rglob("*") if path.is_file()):
            rows += read_rows(path.read_bytes())
    except BadRequestError as error:
        raise ClientError(f"Channel {channel.name}: {error}") from error
    if len({len(row) for row in rows}) != 1:
        raise ClientError(f"Channel {channel.name} needs CSV rows, all with the same number of cells.")
    cells = np.empty((len(rows), len(rows[0])), dtype=object)
    cells[:] = rows
    return cells
