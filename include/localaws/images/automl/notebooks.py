"""Notebooks of an AutoML job: their form, and the data exploration with the real findings of this dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import nbformat
from automl.anomalies import SAMPLE_ROWS
from nbformat import v4

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from automl.exploration import Exploration

EXPLORATION = "SageMakerAutopilotDataExplorationNotebook.ipynb"
DEFINITION = "SageMakerAutopilotCandidateDefinitionNotebook.ipynb"
_LONGEST_CELL = 120

# nbformat has no types.
Notebook: TypeAlias = Any
markdown: Any = v4.new_markdown_cell
_notebook: Any = v4.new_notebook
_writes: Any = nbformat.writes
code: Any = v4.new_code_cell


def exploration_notebook(found: Exploration, target: str, problem_type: str) -> Notebook:
    """The data exploration report."""
    sections = [
        "# Autopilot data exploration\n\nWritten by the local stand-in from the rows of this job. "
        "The report is for reading; its layout may change.",
        _summary(found, target, problem_type),
        _target_analysis(found, target),
        "## Data Sample\n\n" + table([*(column.name for column in found.columns), target], found.sample),
        _feature_summary(found),
        _duplicates(found, target),
        _cross_column(found),
        _anomalous(found, target),
        _missing(found),
        _cardinality(found),
        _descriptive(found),
        _DEFINITIONS,
    ]
    return notebook([markdown(section) for section in sections])


def notebook(cells: Sequence[Any]) -> Notebook:
    """A notebook of these cells, for Python."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return _notebook(cells=list(cells), metadata={"kernelspec": kernel})


def write(written: Notebook, path: Path) -> None:
    """Validate and write a notebook, the same bytes for the same content."""
    for position, cell in enumerate(written.cells):
        cell["id"] = f"cell-{position}"
    nbformat.validate(written)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_writes(written), encoding="utf-8")


def table(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    names = [_cell(name) for name in header]
    lines = [names, ["---"] * len(names), *([_cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return "not measured"
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    text = " ".join(text.split()).replace("|", "\\|")
    return text if len(text) <= _LONGEST_CELL else text[:_LONGEST_CELL] + "…"


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


def _summary(found: Exploration, target: str, problem_type: str) -> str:
    kinds = [column.kind for column in found.columns]
    rows = [
        ["rows", found.rows],
        ["columns", len(found.columns) + 1],
        ["target", target],
        ["problem type", problem_type],
        ["duplicate rows", _percent(found.duplicate_share)],
        *([f"{kind} columns", kinds.count(kind)] for kind in ("text", "categorical", "numeric")),
    ]
    return "## Dataset Summary\n\n" + table(["property", "value"], rows)


def _target_analysis(found: Exploration, target: str) -> str:
    rows = [[label, count, _percent(count / found.rows)] for label, count in found.class_counts.items()]
    return f"## Target Analysis\n\nColumn `{target}` has {len(rows)} classes.\n\n" + table(
        ["class", "rows", "share"], rows
    )


def _feature_summary(found: Exploration) -> str:
    ranked = sorted(found.columns, key=lambda column: -(column.prediction_power or 0))
    rows = [
        [column.name, column.kind, column.prediction_power, _percent(column.missing)] for column in ranked
    ]
    return "## Feature Summary\n\n" + table(["column", "kind", "prediction power", "missing"], rows)


def _duplicates(found: Exploration, target: str) -> str:
    text = f"## Duplicate Rows\n\n{_percent(found.duplicate_share)} of the rows repeat another row."
    if not found.duplicates:
        return text
    header = ["times", *(column.name for column in found.columns), target]
    return text + "\n\n" + table(header, [[count, *row] for row, count in found.duplicates])


def _cross_column(found: Exploration) -> str:
    if not found.correlations:
        return "## Cross Column Statistics\n\nThere is no pair of numeric columns that vary."
    return "## Cross Column Statistics\n\n" + table(
        ["column", "column", "Pearson correlation"], found.correlations
    )


def _anomalous(found: Exploration, target: str) -> str:
    sample = min(found.rows, SAMPLE_ROWS)
    text = (
        f"## Anomalous Rows\n\nAn isolation forest gives each of {sample} rows, a random sample if there are "
        "more, a score: the lower, the easier the row is told from the others by its numbers, the rarity of "
        "its categories, and the length, words and characters of its texts. Below 0 a row is unusual, not "
        "wrong: look at it before you leave it out."
    )
    if not found.anomalies:
        return f"{text}\n\nNo row has a score below 0."
    header = ["row", "anomaly score", *(column.name for column in found.columns), target]
    return f"{text}\n\n" + table(header, [[row.row, row.score, *row.cells] for row in found.anomalies])


def _missing(found: Exploration) -> str:
    rows = [[column.name, _percent(column.missing)] for column in found.columns if column.missing]
    return "## Missing Values\n\n" + (table(["column", "missing"], rows) if rows else "No value is missing.")


def _cardinality(found: Exploration) -> str:
    rows = [[column.name, column.unique, column.unique / found.rows] for column in found.columns]
    return "## Cardinality\n\n" + table(["column", "different values", "per row"], rows)


def _descriptive(found: Exploration) -> str:
    rows = [
        [column.name, name, value] for column in found.columns for name, value in column.description.items()
    ]
    note = "Numbers of numeric columns; of text columns, of the words a cell."
    return f"## Descriptive Stats\n\n{note}\n\n" + table(["column", "statistic", "value"], rows)


_DEFINITIONS = (
    "## Definitions\n\n**Prediction power**: balanced accuracy of a simple model that sees this column only, "
    "rescaled so that 0 is guessing and 1 is always right.\n\n"
    "**Text**: five words a cell or more on average, or "
    "more than 100 values that are not numbers. **Numeric**: 95% of filled cells are numbers."
)
