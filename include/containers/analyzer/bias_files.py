"""Bias of files of any size: rows become counts as they are read, on one instance or on several."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer import bias, counting, dataset, relations
from analyzer.config import AnalyzerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from analyzer.bias import BiasResult, Names
    from analyzer.cluster import Cluster
    from analyzer.config import AnalysisConfig

log = logging.getLogger(__name__)


def can(config: AnalysisConfig) -> bool:
    """Return whether this analysis needs nothing but counts of the files' own columns."""
    post = config.methods.post_training_bias
    if not (config.methods.pre_training_bias or post) or config.dataset_type not in _READERS:
        return False
    if post is None:
        return True
    return config.predicted_label is not None and post.methods != "all" and "FT" not in post.methods


def analyze(config: AnalysisConfig, directory: Path, cluster: Cluster) -> BiasResult | None:
    """Return the bias metrics of the files under `directory`; None on an instance that only helps to count.

    Memory is bounded by `relations.MEMORY_LIMIT` whatever the number of rows; CSV needs room for its few
    columns, compressed, in the temporary directory. Raises `AnalyzerError` as `bias.analyze` does.
    """
    files = dataset.files_of(directory)
    with relations.connected() as connection, tempfile.TemporaryDirectory() as scratch:
        reader = _READERS[config.dataset_type]
        relation, names = reader(config, connection, files, Path(scratch))
        typed = config.dataset_type == "application/x-parquet"
        if cluster.size == 1:
            return bias.report(config, counting.Rows(connection, relation, typed=typed), names)
        own = Path(scratch) / "counts.parquet"
        relations.save(connection, relation, names.all, own, share=cluster.share)
        parts = cluster.gather("counts", own, Path(scratch))
        if parts is None:
            return None
        rows = counting.Rows(connection, relations.saved(parts), typed=typed)
        return bias.report(config, rows, names)


def _names(config: AnalysisConfig, columns: Sequence[str]) -> Names:
    def find(value: int | str | None, message: str) -> str | None:
        return None if value is None else dataset.column(columns, value, message)

    label = find(config.label, "Headers must contain label.")
    predicted = find(config.predicted_label, "Headers must contain predicted label.")
    post = config.methods.post_training_bias
    return bias.resolve(config, columns, label, predicted if post else None)


def _csv(
    config: AnalysisConfig, connection: duckdb.DuckDBPyConnection, files: list[Path], scratch: Path
) -> tuple[str, Names]:
    shapes = [(path, *dataset.csv_columns(path, config.headers)) for path in files]
    filled = [(path, columns, header) for path, columns, header in shapes if columns]
    if not filled:
        raise AnalyzerError("The dataset has no rows.")
    columns = filled[0][1]
    for path, found, _ in filled:
        if found != columns:
            raise AnalyzerError(f"{path.name} has the columns {found}, {filled[0][0].name} has {columns}.")
    names = _names(config, columns)
    pairs = [(path, header) for path, _, header in filled]
    return relations.csv(connection, pairs, columns, names.all, scratch), names


def _parquet(
    config: AnalysisConfig,
    connection: duckdb.DuckDBPyConnection,
    files: list[Path],
    scratch: Path,  # noqa: ARG001 - one signature for all readers
) -> tuple[str, Names]:
    columns = relations.parquet_columns(connection, files, config.headers)
    names = _names(config, columns)
    return relations.parquet(connection, files, config.headers, names.all), names


_READERS = {"text/csv": _csv, "application/x-parquet": _parquet}
