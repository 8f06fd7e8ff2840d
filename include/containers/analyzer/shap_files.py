"""Explanations of a part of the rows as a file, and those of all parts together again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from analyzer.shap_tabular import TabularShapResult
from analyzer.shap_text import Chunk, FeatureExplanation, TextShapResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def save_tabular(result: TabularShapResult, path: Path) -> None:
    """Write a result as arrays."""
    np.savez_compressed(
        path,
        features=np.array(result.features),
        values=result.values,
        scores=result.scores,
        expected=result.expected,
        asked=[result.asked, result.made_up],
    )


def load_tabular(parts: Sequence[Path]) -> TabularShapResult:
    """Return the results of several parts as one, in their order."""
    loaded = [np.load(part) for part in parts]
    asked, made_up = sum(part["asked"] for part in loaded)
    return TabularShapResult(
        loaded[0]["features"].tolist(),
        np.concatenate([part["values"] for part in loaded]),
        np.concatenate([part["scores"] for part in loaded]),
        loaded[0]["expected"],
        int(asked),
        int(made_up),
    )


def save_text(result: TextShapResult, path: Path) -> None:
    """Write a result, one JSON document a row; the first line holds the expected values."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(result.expected.tolist()) + "\n")
        for row, scores in zip(result.rows, result.scores, strict=True):
            parts = [
                {
                    "feature": part.feature,
                    "text": part.text,
                    "chunks": [(chunk.text, chunk.start) for chunk in part.chunks],
                    "attributions": part.attributions.tolist(),
                    "data_type": part.data_type,
                }
                for part in row
            ]
            stream.write(json.dumps({"scores": scores.tolist(), "parts": parts}) + "\n")


def load_text(parts: Sequence[Path]) -> TextShapResult:
    """Return the results of several parts as one, in their order."""
    rows, scores, expected = [], [], np.zeros(0)
    for path in parts:
        with path.open(encoding="utf-8") as stream:
            expected = np.array(json.loads(next(stream)))
            for line in stream:
                record = json.loads(line)
                scores.append(record["scores"])
                rows.append(
                    [
                        FeatureExplanation(
                            part["feature"],
                            part["text"],
                            [Chunk(text, start) for text, start in part["chunks"]],
                            np.array(part["attributions"]).reshape(-1, len(expected)),
                            part["data_type"],
                        )
                        for part in record["parts"]
                    ]
                )
    return TextShapResult(rows, np.array(scores).reshape(-1, len(expected)), expected)
