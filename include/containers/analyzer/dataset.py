"""The dataset of an analysis: files of one format read into one table with resolved columns."""

from __future__ import annotations

import csv
import logging
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analyzer import json_datasets
from analyzer.config import JSON_TYPES, AnalyzerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from analyzer.config import AnalysisConfig, Column

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Dataset:
    """Rows of the analysis and the names of the columns that have a part in it."""

    frame: pd.DataFrame
    features: list[str]
    label: str | None = None
    predicted_label: str | None = None
    join_source: str | None = None


def load(config: AnalysisConfig, directory: Path) -> Dataset:
    """Return the dataset in the files under `directory`, in the order of their names.

    Raises `AnalyzerError` when there is no file, a file cannot be read or a configured column is missing.
    """
    files = files_of(directory)
    frames = list(_frames(config, files))
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    if frame.empty:
        raise AnalyzerError("The dataset has no rows.")
    log.info("Loaded %d rows, columns %s, from %d files", len(frame), list(frame.columns), len(files))
    return _resolve(config, frame)


def files_of(directory: Path) -> list[Path]:
    """Return the files of a dataset, by name. Raises `AnalyzerError` when there is none."""
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path.name[0] not in "._")
    if not files:
        raise AnalyzerError(f"No dataset was found in {directory}, expected at least one file.")
    return files


def column(columns: Iterable[object], name_or_index: Column, message: str) -> str:
    """Return the name of a column given by name or position. Raises `AnalyzerError` with `message`."""
    names = [str(name) for name in columns]
    if isinstance(name_or_index, int):
        if 0 <= name_or_index < len(names):
            return names[name_or_index]
    elif name_or_index in names:
        return name_or_index
    raise AnalyzerError(f"{message} {name_or_index!r} is not among the columns {names}.")


def _resolve(config: AnalysisConfig, frame: pd.DataFrame) -> Dataset:
    def find(value: Column | None, message: str) -> str | None:
        return None if value is None else column(frame.columns, value, message)

    label, predicted = config.label, config.predicted_label
    if config.dataset_type in JSON_TYPES:
        # The paths were applied while reading; what they found is in the last columns.
        label, predicted = json_datasets.last_columns(config, list(frame.columns))
    label = find(label, "Headers must contain label.")
    predicted = find(predicted, "Headers must contain predicted label.")
    join_source = find(config.joinsource_name_or_index, "Unable to locate the join source.")
    excluded = [
        column(frame.columns, item, "Feature names not found.") for item in config.excluded_columns or []
    ]
    used = {label, predicted, join_source, *excluded}
    features = [str(name) for name in frame.columns if str(name) not in used]
    return Dataset(frame, features, label, predicted, join_source)


def _frames(config: AnalysisConfig, files: list[Path]) -> Iterator[pd.DataFrame]:
    readers = {
        "text/csv": _read_csv,
        "application/x-parquet": _read_parquet,
        "application/jsonlines": json_datasets.read,
        "application/json": json_datasets.read,
    }
    for path in files:
        try:
            yield readers[config.dataset_type](path, config)
        except (ValueError, OSError, csv.Error, pd.errors.ParserWarning) as error:
            raise AnalyzerError(f"{path.name} cannot be read as {config.dataset_type}: {error}") from error


def csv_columns(path: Path, headers: list[str] | None) -> tuple[list[str], bool]:
    """Return the names of a CSV file's columns, none if it is empty, and whether it has a line of headers."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        first = next(csv.reader(stream), [])
    if not first:
        return [], False
    if headers is not None and len(headers) != len(first):
        raise AnalyzerError(
            "Headers in config do not match with the number of columns in the dataset. "
            f"{len(headers)} headers are configured, {path.name} has {len(first)} columns."
        )
    has_header = first == headers if headers is not None else _is_header(first)
    return headers or (
        first if has_header else [f"column_{index}" for index in range(len(first))]
    ), has_header


def _read_csv(path: Path, config: AnalysisConfig) -> pd.DataFrame:
    names, has_header = csv_columns(path, config.headers)
    if not names:
        return pd.DataFrame(columns=config.headers)
    with warnings.catch_warnings():
        # Pandas would drop the cells of a row that is too long and only warn.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            path,
            header=0 if has_header else None,
            names=names,
            index_col=False,
            # A review may well be the word "null": only an empty cell is missing.
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8-sig",
            low_memory=False,
        )


def _is_header(cells: list[str]) -> bool:
    def is_number(cell: str) -> bool:
        try:
            float(cell)
        except ValueError:
            return False
        return True

    return len(set(cells)) == len(cells) and all(cell and not is_number(cell) for cell in cells)


def _read_parquet(path: Path, config: AnalysisConfig) -> pd.DataFrame:
    return _renamed(pd.read_parquet(path), config.headers, path)


def _renamed(frame: pd.DataFrame, headers: list[str] | None, path: Path) -> pd.DataFrame:
    if headers is None or set(headers) == set(frame.columns):
        return frame
    if len(headers) != len(frame.columns):
        raise AnalyzerError(
            "Headers in config do not match with the number of columns in the dataset. "
            f"{len(headers)} headers are configured, {path.name} has {len(frame.columns)} columns."
        )
    return frame.set_axis(headers, axis="columns")


def download(uri: str, directory: Path) -> Path:
    """Copy the object or prefix `uri` from S3 into `directory` and return it. Raises `AnalyzerError`."""
    import boto3

    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    client = boto3.client("s3")
    found = 0
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if not item["Key"].endswith("/"):
                found += 1
                client.download_file(
                    bucket, item["Key"], str(directory / f"{found:06d}{Path(item['Key']).suffix}")
                )
    if not found:
        raise AnalyzerError(f"No dataset was found at {uri}, expected at least one object.")
    return directory


def baseline(uri: str, features: list[str]) -> list[list[Any]]:
    """Return the rows of a SHAP baseline, a CSV object in S3 with or without a line of headers.

    Raises `AnalyzerError` when it has other columns than `features`.
    """
    with tempfile.TemporaryDirectory() as directory:
        (path,) = files_of(download(uri, Path(directory)))[:1]
        names, has_header = csv_columns(path, None)
        frame = _read_baseline(path, 0 if has_header else None)
        if frame.empty and has_header:
            # One row of words looks like headers, but a baseline has rows.
            frame = _read_baseline(path, None)
    if len(names) != len(features):
        raise AnalyzerError(f"shap.baseline at {uri} has {len(names)} columns, expected {features}.")
    return [list(row) for row in frame.itertuples(index=False, name=None)]


def _read_baseline(path: Path, header: int | None) -> pd.DataFrame:
    return pd.read_csv(path, header=header, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
