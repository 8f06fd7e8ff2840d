"""What a model answered: labels and scores from rows of CSV or values found in JSON, for `predictor.py`."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.config import AnalyzerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from analyzer.config import Value


@dataclass(frozen=True)
class Predictions:
    """Answers of a model: scores (rows, classes) if it gives any, predicted labels if it gives any."""

    scores: NDArray[np.float64] | None
    labels: list[str] | None
    label_headers: list[str] | None

    def require_scores(self) -> NDArray[np.float64]:
        """Return the scores. Raises `AnalyzerError` if the model gives labels alone."""
        if self.scores is None:
            raise AnalyzerError("SHAP needs scores: set predictor.probability to the column that holds them.")
        return self.scores

    def predicted_labels(self, headers: Sequence[Value] | None, threshold: float) -> list[str]:
        """Return a label a row: the model's own, else the best class, else 0 or 1 by the threshold."""
        if self.labels is not None:
            return self.labels
        scores = self.require_scores()
        if scores.shape[1] == 1:
            return [str(int(score > threshold)) for score in scores[:, 0]]
        names = [str(name) for name in headers or self.label_headers or range(scores.shape[1])]
        if len(names) != scores.shape[1]:
            raise AnalyzerError(
                f"predictor.label_headers names {len(names)} classes, the model gives {scores.shape[1]}."
            )
        return [names[index] for index in scores.argmax(axis=1)]


def parse_csv(rows: list[list[str]], label: Value | None, probability: Value | None) -> Predictions:
    """Return the answers in CSV rows.

    label: index of the column of predicted labels, or of the bracketed list of all of them.
    probability: index of the score, or of a bracketed list of one score a class, ``[0.1, 0.2, 0.7]``.
    Without both the whole row is the scores. Raises `AnalyzerError` for a missing column or anything else in
    its place.
    """
    labels, headers, scores = None, None, None
    if label is not None:
        cells = _column(rows, label, "predictor.label")
        if cells[0].startswith("["):
            headers = _same_classes([_list(cell) for cell in dict.fromkeys(cells)])
        else:
            labels = cells
    if probability is not None:
        scores = _scores([_list(cell) for cell in _column(rows, probability, "predictor.probability")])
    elif label is None:
        scores = _scores([list(row) for row in rows])
    return Predictions(scores, labels, headers)


def parse_json(answers: list[list[Any]], label: Value | None, probability: Value | None) -> Predictions:
    """Return the answers in JSON: pairs of what the paths of label and probability found for a record.

    A found label is the predicted one, or the list of all of them; a found probability the score, or one a
    class. Raises `AnalyzerError` where a path found nothing or something else.
    """
    labels, headers, scores = None, None, None
    if label is not None:
        found = _present([answer[0] for answer in answers], label, "predictor.label")
        if isinstance(found[0], list):
            headers = _same_classes(found)
        else:
            labels = [str(value) for value in found]
    if probability is not None:
        values = _present([answer[1] for answer in answers], probability, "predictor.probability")
        scores = _scores([value if isinstance(value, list) else [value] for value in values])
    return Predictions(scores, labels, headers)


def _present(found: list[Any], path: Value, key: str) -> list[Any]:
    if None in found:
        raise AnalyzerError(f"{key} is {path!r}, but answer {found.index(None) + 1} has nothing there.")
    return found


def _same_classes(found: list[Any]) -> list[str]:
    """Return the classes of the scores. Raises `AnalyzerError` where answers differ in them."""
    for classes in found:
        if classes != found[0]:
            raise AnalyzerError(
                f"The model names its classes as {found[0]} in one answer and {classes} in another, so "
                "scores would be mixed. Let it name them in one order, or read the best label alone."
            )
    return [str(item) for item in found[0]]


def _column(rows: list[list[str]], index: Value, key: str) -> list[str]:
    if not isinstance(index, int):
        raise AnalyzerError(f"{key} is {index!r}, expected a column index: the model answers text/csv.")
    for number, row in enumerate(rows, start=1):
        if not 0 <= index < len(row):
            raise AnalyzerError(f"{key} is {index}, but answer {number} has {len(row)} columns: {row}")
    return [row[index] for row in rows]


def _list(cell: str) -> list[Any]:
    if not cell.startswith("["):
        return [cell]
    try:
        return list(ast.literal_eval(cell))
    except (ValueError, SyntaxError) as error:
        raise AnalyzerError(f"The model answered {cell[:80]!r}, expected a list of values.") from error


def _scores(rows: list[list[Any]]) -> NDArray[np.float64]:
    try:
        scores = np.array(rows, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise AnalyzerError(
            f"The model answered {rows[0]}, expected as many scores for each row. {error}"
        ) from error
    unknown = ~np.isfinite(scores).all(axis=1)
    if unknown.any():
        # One of them would make every attribution of its row, and all means, unknown too.
        number = int(unknown.argmax())
        raise AnalyzerError(
            f"The model's answer {number + 1} has the scores {rows[number]}, expected finite numbers."
        )
    return scores
