"""DuckDB for queries: Trino's functions, and no file outside the cache and a scratch directory.

Making a database takes as long as a small query (Trino's functions are 130 macros), so databases are kept.
One is used by one query at a time, through a connection of its own: its temporary tables and views go with
it, and there are no others. A database in which anything unusual happened is not used again.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import uuid
from typing import TYPE_CHECKING

import duckdb
import numpy

from localaws import state
from localaws.services.athena import functions, objects

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

THREADS = 2
MEMORY_LIMIT = "2GB"
CONCURRENT_QUERIES = 4
_idle: list[Database] = []
_lock = threading.Lock()


class Database:
    """A DuckDB database in memory, and the directory that it may write to."""

    def __init__(self) -> None:
        self.directory = state.scratch(f"athena/{uuid.uuid4()}")
        self._root = connect(self.directory)

    def connection(self) -> duckdb.DuckDBPyConnection:
        """A connection that shares nothing with others but the macros."""
        return self._root.cursor()

    def empty(self) -> None:
        """Remove what a query has left in the directory."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()

    def close(self) -> None:
        """Close the database and remove its directory."""
        self._root.close()
        shutil.rmtree(self.directory, ignore_errors=True)


@contextlib.contextmanager
def leased() -> Iterator[Database]:
    """A database for one query; it is kept for others unless the block ends with an exception."""
    with _lock:
        database = _idle.pop() if _idle else None
    database = database or Database()
    try:
        yield database
        database.empty()
    except BaseException:
        database.close()
        raise
    with _lock:
        keep = len(_idle) < CONCURRENT_QUERIES
        if keep:
            _idle.append(database)
    if not keep:
        database.close()


def connect(directory: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory that may read the object cache and read and write `directory`."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": THREADS,
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(directory / "spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET ieee_floating_point_ops = true")
    connection.execute("SET scalar_subquery_error_on_multiple_rows = true")
    connection.create_function("trino_double_text", functions.double_text, ["DOUBLE"], "VARCHAR")
    connection.create_function("trino_float_text", _float_text, ["FLOAT"], "VARCHAR")
    connection.execute(functions.macro_script())
    connection.execute(f"SET allowed_directories = ['{objects.directory()}', '{directory}']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _float_text(value: float) -> str:
    return functions.double_text(float(str(numpy.float32(value))))
