"""Data exploration: what Autopilot's first notebook tells about a dataset."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from automl.anomalies import find_anomalies
from automl.dataset import column_kind, to_numbers
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

if TYPE_CHECKING:
    from automl.anomalies import Anomaly
    from automl.dataset import ColumnKind, Table

# Prediction power is a hint; a sample gives it at a fraction of the cost.
_SAMPLE_ROWS = 4_000
_MOST_MEASURED_COLUMNS = 40


@dataclass(frozen=True)
class Column:
    """What was found about one feature column; shares are between 0 and 1."""

    name: str
    kind: ColumnKind
    missing: float
    unique: int
    prediction_power: float | None
    description: dict[str, float]


@dataclass(frozen=True)
class Exploration:
    """What was found about a dataset."""

    rows: int
    columns: list[Column]
    class_counts: dict[str, int]
    duplicate_share: float
    duplicates: list[tuple[list[str], int]]
    sample: list[list[str]]
    correlations: list[tuple[str, str, float]]
    anomalies: list[Anomaly]


def explore(table: Table) -> Exploration:
    """Describe a dataset: kinds of columns, classes, duplicates, gaps, prediction power, anomalies."""
    columns = [_column(table, index) for index in range(len(table.names))]
    rows = [
        (*map(str, features), str(label))
        for features, label in zip(table.features, table.target, strict=True)
    ]
    counts = Counter(rows)
    repeated = [(list(row), count) for row, count in counts.most_common(5) if count > 1]
    return Exploration(
        rows=table.rows,
        columns=columns,
        class_counts=dict(Counter(map(str, table.target)).most_common()),
        duplicate_share=1 - len(counts) / len(rows),
        duplicates=repeated,
        sample=[list(row) for row in rows[:10]],
        correlations=_correlations(table, columns),
        anomalies=find_anomalies(table, [column.kind for column in columns]),
    )


def _column(table: Table, index: int) -> Column:
    cells = table.features[:, index]
    kind = column_kind(cells)
    return Column(
        name=table.names[index],
        kind=kind,
        missing=float(np.mean(cells == "")),
        unique=len(set(cells)),
        prediction_power=_prediction_power(cells, table, kind) if index < _MOST_MEASURED_COLUMNS else None,
        description=_describe(cells, kind),
    )


def _describe(cells: Any, kind: ColumnKind) -> dict[str, float]:
    """Mean, median, min and max of the numbers, or of the number of words of a text."""
    if kind == "categorical":
        return {}
    values = (
        to_numbers(cells)
        if kind == "numeric"
        else np.array([len(str(cell).split()) for cell in cells], dtype=float)
    )
    values = values[np.isfinite(values)]
    if not len(values):
        return {}
    functions: dict[str, Any] = {"mean": np.mean, "median": np.median, "min": np.min, "max": np.max}
    described = {name: float(function(values)) for name, function in functions.items()}
    if kind == "text":
        described["unique words"] = float(len({word for cell in cells for word in str(cell).lower().split()}))
    return described


def _prediction_power(cells: Any, table: Table, kind: ColumnKind) -> float | None:
    """How far a simple model of this column alone is from guessing (0) to being always right (1).

    Balanced accuracy b of two-fold predictions, rescaled by the number of classes k: (b - 1/k) / (1 - 1/k).
    None when a class has fewer than two rows in the sample.
    """
    chosen = np.random.default_rng(0).permutation(len(cells))[:_SAMPLE_ROWS]
    target = table.target[chosen].astype(str)
    classes, counts = np.unique(target, return_counts=True)
    if len(classes) < 2 or counts.min() < 2:
        return None
    model: Any = LogisticRegression(max_iter=200, C=0.1)
    if kind == "numeric":
        numbers = to_numbers(cells[chosen])
        features: Any = np.nan_to_num(numbers).reshape(-1, 1)
        model = DecisionTreeClassifier(max_depth=4, random_state=0)
    elif kind == "text":
        features = CountVectorizer(binary=True, min_df=5, max_features=2_000)
        try:
            features = features.fit_transform(cells[chosen])
        except ValueError:  # no word is frequent enough to tell anything
            return 0.0
    else:
        features = OneHotEncoder(max_categories=100).fit_transform(cells[chosen].reshape(-1, 1))
    folds = StratifiedKFold(2, shuffle=True, random_state=0)
    predicted = cross_val_predict(model, features, target, cv=folds)
    chance = 1 / len(classes)
    return float(max(0.0, (balanced_accuracy_score(target, predicted) - chance) / (1 - chance)))


def _correlations(table: Table, columns: list[Column]) -> list[tuple[str, str, float]]:
    """Pearson correlation of each pair of numeric columns, strongest first."""
    numeric = [index for index, column in enumerate(columns) if column.kind == "numeric"][:20]
    pairs = []
    for position, left in enumerate(numeric):
        for right in numeric[position + 1 :]:
            first, second = to_numbers(table.features[:, left]), to_numbers(table.features[:, right])
            known = np.isfinite(first) & np.isfinite(second)
            if known.sum() > 2 and first[known].std() > 0 and second[known].std() > 0:
                value = float(np.corrcoef(first[known], second[known])[0, 1])
                pairs.append((columns[left].name, columns[right].name, value))
    return sorted(pairs, key=lambda pair: -abs(pair[2]))[:20]
