"""Relations of DuckDB to count in: from tables in files, condensed, and saved between instances."""

from __future__ import annotations

import math
import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from analyzer.config import AnalyzerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: What DuckDB may hold; beyond it, it writes to the temporary directory.
MEMORY_LIMIT = "1GB"
#: Columns that every relation has: a row's place among all, and how many rows it stands for.
ORDER, WEIGHT = "__order", "__weight"
_MOST_COMBINATIONS = 1_000_000
# The place of a row in Parquet files: the file, then the row.
_PLACE = "file_index * 1099511627776 + file_row_number"


@contextmanager
def connected() -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a database in memory, bounded by `MEMORY_LIMIT`."""
    with tempfile.TemporaryDirectory() as directory, duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        connection.execute(f"SET temp_directory = {_literal(directory)}")
        connection.execute(f"SET threads = {max(1, len(os.sched_getaffinity(0)))}")
        connection.execute("SET preserve_insertion_order = true")
        yield connection


def condensed(connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> str:
    """Return a relation that counts the same as `relation`, one row a combination where those are few."""
    names = [quoted(name) for name in columns]
    counts = connection.execute(
        f"SELECT {', '.join(f'approx_count_distinct({name}) + 1' for name in names)} FROM {relation}"  # noqa: S608
    ).fetchone()
    if math.prod(counts or ()) > _MOST_COMBINATIONS:
        return relation
    listed = ", ".join(names)
    chosen = f"{listed}, sum({WEIGHT}) AS {WEIGHT}, min({ORDER}) AS {ORDER}"
    query = f"SELECT {chosen} FROM {relation} GROUP BY {listed}"  # noqa: S608
    connection.execute(f"CREATE OR REPLACE TEMP TABLE combinations AS {query}")
    return "combinations"


def parquet(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    headers: list[str] | None,
    columns: Sequence[str],
) -> str:
    """Return a relation of the `columns` of Parquet files. headers: names in place of those in the files."""
    source = _read(files)
    names = _described(connection, source)
    renamed = dict(zip(headers, names, strict=True)) if headers and set(headers) != set(names) else {}
    chosen = ", ".join(f"{quoted(renamed.get(name, name))} AS {quoted(name)}" for name in columns)
    return f"(SELECT {chosen}, {_PLACE} AS {ORDER}, 1 AS {WEIGHT} FROM {source})"  # noqa: S608


def parquet_columns(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], headers: list[str] | None
) -> list[str]:
    """Return the names of the columns of Parquet files. Raises `AnalyzerError` if headers do not fit."""
    try:
        names = _described(connection, _read(files))
    except duckdb.Error as error:
        raise AnalyzerError(f"{files[0].name} cannot be read as application/x-parquet: {error}") from error
    if headers is None or set(headers) == set(names):
        return names
    if len(headers) != len(names):
        raise AnalyzerError(
            "Headers in config do not match with the number of columns in the dataset. "
            f"{len(headers)} headers are configured, {files[0].name} has {len(names)} columns."
        )
    return headers


def csv(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[tuple[Path, bool]],
    names: list[str],
    columns: Sequence[str],
    directory: Path,
) -> str:
    """Return a relation of the `columns` of CSV files; each file, and whether it has a line of headers.

    The columns are first written to Parquet in `directory`: the files are read once, whatever their size, and
    what is counted is small. Raises `AnalyzerError` for a file that is no such CSV.
    """
    parts = []
    for index, (path, has_header) in enumerate(files):
        parts.append(directory / f"{index:06d}.parquet")
        _convert(connection, path, parts[-1], names, columns, has_header=has_header)
    return parquet(connection, parts, None, columns)


def _convert(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    target: Path,
    names: list[str],
    columns: Sequence[str],
    *,
    has_header: bool,
) -> None:
    listed = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in names)
    chosen = ", ".join(map(quoted, columns))
    try:
        connection.execute(
            f"COPY (SELECT {chosen} FROM read_csv({_literal(path)}, columns={{{listed}}}, auto_detect=false, "  # noqa: S608
            f"header=false, skip={int(has_header)}, delim=',', quote='\"', escape='\"', nullstr='', "
            "null_padding=false, strict_mode=true, max_line_size=16000000)) "
            f"TO {_literal(target)} (FORMAT parquet, COMPRESSION zstd)"
        )
    except duckdb.Error as error:
        raise AnalyzerError(f"{path.name} cannot be read as text/csv: {error}") from error


def save(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Sequence[str],
    path: Path,
    share: tuple[int, int],
) -> None:
    """Write one instance's part of a relation. share: (a, b), of every b rows the one numbered a."""
    part, parts = share
    relation = f"(SELECT * FROM {relation} WHERE {ORDER} % {parts} = {part})"  # noqa: S608
    relation = condensed(connection, relation, columns)
    connection.execute(f"COPY (FROM {relation}) TO {_literal(path)} (FORMAT parquet, COMPRESSION zstd)")


def saved(parts: Sequence[Path]) -> str:
    """Return the relation of what several instances have saved."""
    return _read(parts)


def quoted(name: str) -> str:
    """Return a column's name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def _literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _read(files: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(map(_literal, files))}])"


def _described(connection: duckdb.DuckDBPyConnection, source: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()]
