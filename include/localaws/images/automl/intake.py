"""Reading the channels and settling what is asked; imports little, so that bad input is refused fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from automl.dataset import MINIMUM_ROWS, Table, read_table, sort_labels
from automl.errors import ClientError
from automl.settings import resolve_problem

if TYPE_CHECKING:
    from pathlib import Path

    from automl.dataset import ProblemType
    from automl.settings import Settings


@dataclass(frozen=True)
class Intake:
    """Rows of all channels, those of the validation channel last, and the problem they pose."""

    table: Table
    validation_rows: int
    problem_type: ProblemType
    objective: str
    labels: list[str]

    @property
    def training_rows(self) -> int:
        """Number of rows of the training channel."""
        rows: int = self.table.rows - self.validation_rows
        return rows


def take_in(channels: Path, settings: Settings) -> Intake:
    """Read `<channels>/training` and, when it is there, `<channels>/validation`.

    Raises `ClientError` when a channel cannot be read or is too small, channels differ in their columns, or
    the problem does not suit the data.
    """
    table = _only_content(
        read_table(channels / "training", settings.target, settings.content_type, settings.compression),
        settings.content,
    )
    if table.rows < MINIMUM_ROWS:
        raise ClientError(
            f"The dataset has {table.rows} rows with a target; Autopilot needs at least {MINIMUM_ROWS}."
        )
    validation_rows = 0
    if (channels / "validation").is_dir():
        validation = _only_content(
            read_table(channels / "validation", settings.target, settings.content_type, settings.compression),
            settings.content,
        )
        table, validation_rows = _stack(table, validation), validation.rows
    problem_type, objective = resolve_problem(table, settings)
    return Intake(table, validation_rows, problem_type, objective, sort_labels(table.target))


def _only_content(table: Table, content: str | None) -> Table:
    """The table with the one column of a text job; raises `ClientError` when it is missing."""
    if content is None:
        return table
    if content not in table.names:
        raise ClientError(
            f"ContentColumn {content!r} is not in the data; its columns are: {', '.join(table.names[:20])}."
        )
    index = table.names.index(content)
    return Table((content,), table.features[:, [index]], table.target, table.target_name)


def _stack(training: Table, validation: Table) -> Table:
    if training.names != validation.names:
        raise ClientError("The channels training and validation have different columns; expected the same.")
    return Table(
        names=training.names,
        features=np.concatenate([training.features, validation.features]),
        target=np.concatenate([training.target, validation.target]),
        target_name=training.target_name,
    )
