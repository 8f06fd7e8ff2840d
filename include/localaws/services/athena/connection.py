"""A DuckDB connection for one query: Trino's functions, and no file outside the cache and its scratch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import numpy

from localaws.services.athena import functions, objects

if TYPE_CHECKING:
    from pathlib import Path

THREADS = 2
MEMORY_LIMIT = "2GB"


def connect(scratch: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory database that may read the object cache and read and write `scratch`."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": THREADS,
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(scratch / "spill"),
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
    connection.execute(f"SET allowed_directories = ['{objects.directory()}', '{scratch}']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _float_text(value: float) -> str:
    return functions.double_text(float(str(numpy.float32(value))))
