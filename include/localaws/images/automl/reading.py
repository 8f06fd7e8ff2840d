"""The two reports on the best candidate as files: for programs as AWS writes them, and for people."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from automl import documents
from automl.documents import Section
from automl.quality import constraints
from automl.reports import analysis, log_odds, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from automl.dataset import ColumnKind
    from automl.reports import Explanation, Predict
    from numpy.typing import NDArray

# Taking a word out of a text costs one prediction.
_MOST_PREDICTIONS = 3_000
_FEWEST_TEXTS = 3
_SHOWN_WORDS = 10

# By text column and class: (word, texts it occurs in, mean change of the log-odds).
Words = dict[str, dict[str, list[tuple[str, int, float]]]]


def deciding_words(predict: Predict, found: Explanation, kinds: Sequence[ColumnKind]) -> Words:
    """The words of the rows explained that speak most for each class.

    What a word says in a text is how much the log-odds fall when every occurrence of it is taken out; it is
    averaged over the texts that have it, at least three.
    """
    scores = log_odds(predict(found.rows))
    return {
        name: _words_of(predict, found, index, scores)
        for index, name in enumerate(found.columns)
        if kinds[index] == "text"
    }


def _words_of(
    predict: Predict, found: Explanation, index: int, scores: NDArray[np.float64]
) -> dict[str, list[tuple[str, int, float]]]:
    texts = [sorted(set(re.findall(r"\w[\w']*", str(text).lower()))) for text in found.rows[:, index]]
    counts = Counter(word for words in texts for word in words)
    pairs = [
        (row, word) for row, words in enumerate(texts) for word in words if counts[word] >= _FEWEST_TEXTS
    ][:_MOST_PREDICTIONS]
    if not pairs:
        return {label: [] for label in found.labels}
    without = found.rows[[row for row, _ in pairs]].copy()
    for position, (_, word) in enumerate(pairs):
        without[position, index] = _without(str(without[position, index]), word)
    changes = scores[[row for row, _ in pairs]] - log_odds(predict(without))
    by_word: dict[str, list[NDArray[np.float64]]] = {}
    for (_, word), change in zip(pairs, changes, strict=True):
        by_word.setdefault(word, []).append(change)
    means = [
        (word, len(found_in), np.mean(found_in, axis=0))
        for word, found_in in by_word.items()
        if len(found_in) >= _FEWEST_TEXTS
    ]
    return {
        label: [
            (word, texts_with, float(mean[position]))
            for word, texts_with, mean in sorted(means, key=lambda item: -float(item[2][position]))
        ][:_SHOWN_WORDS]
        for position, label in enumerate(found.labels)
    }


def _without(text: str, word: str) -> str:
    return re.sub(rf"(?iu)(?<![\w']){re.escape(word)}(?![\w'])", " ", text)


def write_explanation(found: Explanation, words: Words, directory: Path) -> None:
    """Write analysis.json, the local values, their baseline, and the report."""
    write_json(analysis(found), directory / "analysis.json")
    shap = directory / "explanations_shap"
    shap.mkdir(parents=True, exist_ok=True)
    header = [f"{name}_{label}" for label in found.labels for name in found.columns]
    by_class = found.values.transpose(0, 2, 1).reshape(len(found.values), -1)
    _write_csv(shap / "out.csv", header, by_class.tolist())
    _write_csv(shap / "baseline.csv", found.columns, [found.baseline.tolist()])
    documents.write("Explainability of the best candidate", _explanation(found, words), directory)


def write_quality(quality: dict[str, Any], directory: Path) -> None:
    """Write statistics.json, constraints.json and the report."""
    write_json(quality, directory / "statistics.json")
    write_json(constraints(quality), directory / "constraints.json")
    documents.write("Model quality of the best candidate", _quality(quality), directory)


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def _explanation(found: Explanation, words: Words) -> list[Section]:
    importance = found.importance()
    sections = [
        Section(
            "Columns",
            f"Exact Shapley values of {len(found.rows)} rows: a column's share in the difference between the "
            "log-odds of a row and those of the baseline, without sign, on average over the rows.",
            ["column", *(f"class {label}" for label in found.labels)],
            [[name, *map(float, importance[index])] for index, name in enumerate(found.columns)],
        ),
        Section(
            "Baseline",
            "Empty text, the most frequent category, the median number; and the log-odds it gets.",
            ["column", "value"],
            [
                *([name, found.baseline[index]] for index, name in enumerate(found.columns)),
                *(
                    [f"log-odds of class {label}", float(score)]
                    for label, score in zip(found.labels, found.expected, strict=True)
                ),
            ],
        ),
    ]
    for name, by_class in words.items():
        rows = [[label, *item] for label, chosen in by_class.items() for item in chosen]
        sections.append(
            Section(
                f"Words that decide in {name}",
                "How much the log-odds of a class fall on average when the word is taken out of a text.",
                ["class", "word", "texts", "change of log-odds"],
                rows,
            )
        )
    return sections


def _quality(quality: dict[str, Any]) -> list[Section]:
    measured = next(value for name, value in quality.items() if name.endswith("_metrics"))
    matrix = measured["confusion_matrix"]
    return [
        Section(
            "Measures",
            f"On {quality['dataset']['item_count']} held-out rows. The best constant classifier always gives "
            "one class; a model that is not better has learned nothing.",
            ["measure", "value", "standard deviation"],
            [
                [name, found["value"], found["standard_deviation"]]
                for name, found in measured.items()
                if "value" in found
            ],
        ),
        Section(
            "Confusion matrix",
            "A line for each class as it is, a column for each class as predicted.",
            ["class", *matrix],
            [[label, *row.values()] for label, row in matrix.items()],
        ),
    ]
