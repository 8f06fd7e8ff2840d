"""Tabular input of an AutoML job: reading it, and finding what each column and the problem are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from automl.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

PARQUET = "x-application/vnd.amazon+parquet"
MINIMUM_ROWS = 500
# Above this many different values a numeric target without a problem type is taken for a quantity.
MOST_CLASSES = 100

ColumnKind = Literal["text", "categorical", "numeric"]
ProblemType = Literal["BinaryClassification", "MulticlassClassification"]


@dataclass(frozen=True)
class Table:
    """Rows of strings ('' is missing): `features` of shape (rows, columns), `target` of shape (rows,)."""

    names: tuple[str, ...]
    features: NDArray[Any]
    target: NDArray[Any]
    target_name: str

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.target)


def read_table(directory: Path, target: str, content_type: str, compression: str) -> Table:
    """Read all files of a channel: CSV (header in every file, or in the first by name only) or Parquet.

    Rows without a target are left out, as they can teach nothing. Raises `ClientError` when there is no file,
    a file cannot be parsed, columns differ, or the target is missing.
    """
    files = sorted(path for path in directory.rglob("*") if path.is_file()) if directory.is_dir() else []
    if not files:
        raise ClientError("The input data source holds no object; expected CSV or Parquet files.")
    try:
        frame = _read_parquet(files) if PARQUET in content_type else _read_csv(files, compression)
    except (ValueError, UnicodeDecodeError, OSError) as error:
        raise ClientError(f"The input data cannot be read as {content_type}: {error}") from error
    if target not in frame.columns:
        found = ", ".join(map(str, frame.columns[:20]))
        raise ClientError(f"Target column {target!r} is not in the data; its columns are: {found}.")
    if len(frame.columns) < 2:
        raise ClientError(
            f"The data has no column beside the target {target!r}; nothing can be learned from it."
        )
    frame = frame[frame[target] != ""]
    features = frame.drop(columns=[target])
    return Table(
        names=tuple(map(str, features.columns)),
        features=features.to_numpy(dtype=object),
        target=frame[target].to_numpy(dtype=object),
        target_name=target,
    )


def _read_csv(files: Sequence[Path], compression: str) -> pd.DataFrame:
    compressed: Literal["gzip"] | None = "gzip" if compression == "Gzip" else None
    frames = [
        pd.read_csv(path, header=None, dtype=str, keep_default_na=False, compression=compressed)
        for path in files
    ]
    header = frames[0].iloc[0].tolist()
    bodies = [frame.iloc[1:] if frame.iloc[0].tolist() == header else frame for frame in frames]
    if any(body.shape[1] != len(header) for body in bodies):
        raise ValueError("files have different numbers of columns")
    return pd.concat(bodies, ignore_index=True).set_axis(header, axis=1)


def _read_parquet(files: Sequence[Path]) -> pd.DataFrame:
    frame = pd.concat([pd.read_parquet(path) for path in files], ignore_index=True)
    return frame.astype(object).where(frame.notna(), "").map(_canonical)


def _canonical(value: object) -> str:
    """Write a whole number without a fraction, so that labels look alike in CSV and Parquet."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def to_number(text: object) -> float:
    """The number a cell holds, or NaN."""
    try:
        return float(str(text))
    except ValueError:
        return math.nan


def to_numbers(cells: NDArray[Any]) -> NDArray[np.float64]:
    """Numbers of an array of cells, NaN where a cell holds none; same shape."""
    converted = (
        np.vectorize(to_number, otypes=[np.float64])(cells) if cells.size else cells.astype(np.float64)
    )
    return np.where(np.isfinite(converted), converted, np.nan)


def column_kind(cells: NDArray[Any]) -> ColumnKind:
    """Text, categorical or numeric, from the cells of one column.

    Numeric: at least 95 % of the filled cells are numbers. Text: more different values than 100, or five
    words a cell on average. Categorical: everything else.
    """
    filled = [cell for cell in cells if cell != ""]
    if not filled:
        return "categorical"
    if float(np.isfinite(to_numbers(np.array(filled, dtype=object))).mean()) >= 0.95:
        return "numeric"
    words = sum(len(str(cell).split()) for cell in filled) / len(filled)
    return "text" if words >= 5 or len(set(filled)) > 100 else "categorical"


def sort_labels(target: NDArray[Any]) -> list[str]:
    """The classes, in numeric order when all are numbers, else in alphabetical order."""
    labels = sorted(set(map(str, target)))
    if all(math.isfinite(to_number(label)) for label in labels):
        labels.sort(key=to_number)
    return labels


def resolve_problem_type(target: NDArray[Any], requested: str | None) -> ProblemType:
    """The problem type asked for, else the one the target suggests.

    Raises `ClientError` for regression (not done here), a single class, or a target that does not suit the
    request.
    """
    labels = sort_labels(target)
    if len(labels) < 2:
        raise ClientError(
            f"The target has {len(labels)} different value(s) {labels}; a classifier needs at least two."
        )
    if requested == "BinaryClassification" and len(labels) != 2:
        raise ClientError(
            f"ProblemType BinaryClassification needs two classes; the target has {len(labels)}."
        )
    quantity = len(labels) > MOST_CLASSES and all(math.isfinite(to_number(label)) for label in labels)
    if requested == "Regression" or (requested is None and quantity):
        raise ClientError(
            f"NotImplemented: the target has {len(labels)} different numeric values, which is a regression "
            "problem; only classification is done here. Pass ProblemType and AutoMLJobObjective if these "
            "are classes."
        )
    if requested is not None:
        return "BinaryClassification" if requested == "BinaryClassification" else "MulticlassClassification"
    return "BinaryClassification" if len(labels) == 2 else "MulticlassClassification"
