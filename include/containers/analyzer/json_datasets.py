"""Datasets in JSON: JMESPath finds features and labels, in each line or in the whole document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jmespath
import pandas as pd
from jmespath.exceptions import JMESPathError

from analyzer.config import AnalyzerError

if TYPE_CHECKING:
    from pathlib import Path

    from analyzer.config import AnalysisConfig

_LABELS = ("label", "predicted_label")


def read(path: Path, config: AnalysisConfig) -> pd.DataFrame:
    """Return the rows of a file: features, then label and predicted label where paths to them are configured.

    In JSON Lines a path finds the values of one row in each line. In JSON it finds those of all rows in the
    document: a list of rows for `features`, of which each is a list or a single value, and a list of values
    for a label. Headers name the features, and may name the labels after them. Raises `AnalyzerError` for
    headers or paths that do not fit, `ValueError` for what is no JSON.
    """
    if config.features is None:
        raise AnalyzerError(
            f"Data must contain features. Give features, a JMESPath, for {config.dataset_type}."
        )
    paths = [_compiled(config.features, "features")]
    paths += [_compiled(str(value), name) for name, value in _configured(config).items()]
    text = path.read_text(encoding="utf-8-sig")
    if config.dataset_type == "application/json":
        columns = _of_document(json.loads(text), paths, ["features", *_configured(config)])
    else:
        records = [json.loads(line) for line in text.split("\n") if line.strip()]
        columns = [[path.search(record) for record in records] for path in paths]
    rows = [
        [*(features if isinstance(features, list) else [features]), *labels]
        for features, *labels in zip(*columns, strict=True)
    ]
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise AnalyzerError(f"Rows of {path.name} have {sorted(widths)} values, expected as many in each.")
    width = widths.pop() if widths else 0
    return pd.DataFrame(rows, columns=_names(config, width, path) if rows else None)


def last_columns(config: AnalysisConfig, names: list[str]) -> tuple[str | None, str | None]:
    """Return the names of the columns of label and predicted label in what `read` gave; None for none."""
    configured = list(_configured(config))
    found = dict(zip(configured, names[len(names) - len(configured) :], strict=True))
    return found.get("label"), found.get("predicted_label")


def _configured(config: AnalysisConfig) -> dict[str, Any]:
    found = {name: getattr(config, name) for name in _LABELS}
    return {name: value for name, value in found.items() if value is not None}


def _compiled(path: str, key: str) -> Any:
    try:
        return jmespath.compile(path)
    except JMESPathError as error:
        raise AnalyzerError(f"{key} is {path!r}, expected a JMESPath. {error}") from error


def _of_document(document: Any, paths: list[Any], names: list[str]) -> list[list[Any]]:
    columns = [path.search(document) for path in paths]
    for name, values in zip(names, columns, strict=True):
        if not isinstance(values, list):
            raise AnalyzerError(
                f"{name} finds {str(values)[:80]!r} in the document, expected a list of one entry a row."
            )
        if len(values) != len(columns[0]):
            raise AnalyzerError(
                f"{name} finds {len(values)} values in the document, features finds {len(columns[0])} rows."
            )
    return columns


def _names(config: AnalysisConfig, width: int, path: Path) -> list[str]:
    labels = list(_configured(config))
    features = width - len(labels)
    headers = config.headers
    if headers is None:
        return [*(f"column_{index}" for index in range(features)), *labels]
    if not features <= len(headers) <= width:
        raise AnalyzerError(
            "Headers in config do not match with the number of columns in the dataset. "
            f"{len(headers)} headers are configured, {path.name} has {width} columns."
        )
    names = [*headers, *labels[len(headers) - features :]]
    if len(set(names)) != width:
        raise AnalyzerError(f"Columns must have different names, these are {names}.")
    return names
