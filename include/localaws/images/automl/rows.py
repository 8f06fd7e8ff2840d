"""CSV bodies of requests and answers."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from automl.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

# A review may be longer than the 128 KiB that the csv module takes by default.
csv.field_size_limit(64 * 1024 * 1024)


def read_rows(body: bytes, width: int | None = None) -> list[list[str]]:
    """Rows of a CSV body.

    A blank line is a row with one empty cell when one column is expected, else it is left out. Raises
    `BadRequestError` when the body is not UTF-8 CSV, is empty, or a row has not `width` cells.
    """
    try:
        rows = list(csv.reader(io.StringIO(body.decode("utf-8"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRequestError(f"body is not UTF-8 CSV: {error}") from error
    rows = [row or [""] for row in rows] if width == 1 else [row for row in rows if row]
    if not rows:
        raise BadRequestError("empty body; expected CSV rows without a header")
    if width is not None:
        for number, row in enumerate(rows, start=1):
            if len(row) != width:
                raise BadRequestError(
                    f"row {number} has {len(row)} cells, expected {width} (features only, no label; quote a "
                    "cell that contains a comma)"
                )
    return rows


def read_cells(body: bytes, width: int) -> NDArray[Any]:
    """Cells of a CSV body as an object array of shape (rows, width); raises `BadRequestError`."""
    rows = read_rows(body, width)
    cells = np.empty((len(rows), width), dtype=object)
    cells[:] = rows
    return cells


def read_matrix(body: bytes) -> NDArray[np.float32]:
    """Numbers of a CSV body, shape (rows, columns); raises `BadRequestError`."""
    rows = read_rows(body)
    if len({len(row) for row in rows}) != 1:
        raise BadRequestError("rows have different numbers of cells")
    try:
        return np.array(rows, dtype=np.float32)
    except ValueError as error:
        raise BadRequestError(f"a cell is not a number: {error}") from error


def write_matrix(matrix: NDArray[Any], ordinals: NDArray[Any] | None = None) -> bytes:
    """A dense matrix as CSV, with ordinals first when given; nine digits keep every float32."""
    if ordinals is not None:
        matrix = np.column_stack([ordinals, matrix])
    return "".join(",".join([f"{value:.9g}" for value in row]) + "\n" for row in matrix.tolist()).encode()


def write_rows(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as CSV, quoted where needed, each ended by a line feed."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()
