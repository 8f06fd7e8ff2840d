"""What a running query has at hand, and running the query part of any statement."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

from localaws.services.athena import objects, projection
from localaws.services.athena.bind_errors import bind_error
from localaws.services.athena.catalog import Catalog, Partition
from localaws.services.athena.connection import leased
from localaws.services.athena.dialect import parse_query
from localaws.services.athena.errors import QueryCancelledError, runtime_error
from localaws.services.athena.prune import equalities, prune
from localaws.services.athena.scan import create_view
from localaws.services.athena.translate import Translation, translate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CANCELLED = "Query was cancelled by user"
_INTERRUPT_SECONDS = 0.05


@dataclass
class Outcome:
    """What a statement gives: result columns and rows if any, and what it wrote."""

    columns: list[dict[str, Any]] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    update_count: int | None = None
    manifest: list[str] | None = None


class Session:
    """One query's surroundings: where it looks names up, where results go, and how it is stopped."""

    def __init__(
        self,
        query_id: str,
        region: str,
        database: str,
        output: str,
        parameters: list[str],
        workgroup: str = "primary",
    ) -> None:
        """`output` is the S3 URI below which results go, with a slash at its end."""
        self.query_id = query_id
        self.region = region
        self.database = database
        self.output = output
        self.parameters = parameters
        self.workgroup = workgroup
        self.catalog = Catalog(region)
        self.bytes_scanned = 0
        self.rows_read = 0
        self.bytes_limit: int | None = None
        self._cancelled = threading.Event()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._scratch: Path | None = None

    @property
    def scratch(self) -> Path:
        """A directory for this query alone, while it has a connection."""
        if self._scratch is None:
            raise RuntimeError("a query has a scratch directory only while it has a connection")
        return self._scratch

    def cancel(self) -> None:
        """Stop the query, wherever it is."""
        if not self._cancelled.is_set():
            self._cancelled.set()
            threading.Thread(target=self._interrupt, name="athena-stop", daemon=True).start()

    def _interrupt(self) -> None:
        """Interrupt until the connection is closed: between two statements an interrupt is lost."""
        while (connection := self._connection) is not None:
            connection.interrupt()
            time.sleep(_INTERRUPT_SECONDS)

    @property
    def stopped(self) -> bool:
        """Whether the user stopped the query."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise `QueryCancelledError` if the query was stopped or has read too much."""
        if self._cancelled.is_set():
            raise QueryCancelledError(CANCELLED)
        if self.bytes_limit is not None and self.bytes_scanned > self.bytes_limit:
            raise QueryCancelledError("Query cancelled! : Bytes scanned limit was exceeded")

    @contextlib.contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection, closed afterwards; its errors come out as Athena's."""
        with leased() as database:
            connection = database.connection()
            self._connection, self._scratch = connection, database.directory
            try:
                self.check()
                yield connection
            except duckdb.Error as error:
                raise runtime_error(str(error)) from error
            finally:
                self._connection = self._scratch = None
                connection.close()

    def prepare(self, sql: str, connection: duckdb.DuckDBPyConnection) -> Translation:
        """Translate a query and put the objects it reads in place."""
        translation = translate(sql, self.catalog, self.database, connection, self.parameters)
        files: set[Path] = set()
        for reference in translation.references:
            self.check()
            table = reference.table
            partitions = [Partition([], table.location)]
            if table.partition_keys:
                if projection.is_projected(table):
                    equal = equalities(translation.tree, reference.internal, table)
                    partitions = projection.partitions(table, equal)
                else:
                    partitions = self.catalog.partitions(table)
                partitions = prune(translation.tree, reference.internal, table, partitions, connection)
            scan = create_view(
                connection, reference.internal, table, partitions, translation.columns, self.region
            )
            self.bytes_scanned += scan.bytes_scanned
            self.rows_read += scan.rows
            files |= scan.files
        objects.trim(files)
        self.check()
        return translation

    def run(
        self, sql: str, connection: duckdb.DuckDBPyConnection, original: str
    ) -> duckdb.DuckDBPyConnection:
        """Execute DuckDB SQL that was translated from `original`; errors come out in Athena's words."""
        try:
            return connection.execute(sql)
        except duckdb.InterruptException:
            raise
        except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
            raise bind_error({"error_message": str(error)}, original, parse_query(original)) from error
        except duckdb.Error as error:
            raise runtime_error(str(error)) from error
