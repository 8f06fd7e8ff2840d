"""SELECT and EXPLAIN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import numpy

from localaws.services.athena.errors import not_supported, runtime_error
from localaws.services.athena.hive_types import column_info, is_zoned, quoted, string_column
from localaws.services.athena.results import value_text
from localaws.services.athena.session import Outcome
from localaws.services.athena.translate import UNNAMED, translate

if TYPE_CHECKING:
    from localaws.services.athena.session import Session
    from localaws.services.athena.statements import Statement

_BATCH_ROWS = 10_000


def output_name(name: str, index: int) -> str:
    """What Athena calls the result column at this position."""
    return f"_col{index}" if name == UNNAMED else name


def select(statement: Statement, session: Session) -> Outcome:
    """Run a query; all values come back as text."""
    with session.connection() as connection:
        translation = session.prepare(statement.query, connection)
        result = session.run(translation.sql, connection, statement.query)
        kinds = [(column[0], column[1]) for column in result.description or []]
        if any("TIME ZONE" in str(kind) for _, kind in kinds):
            result = session.run(_without_zones(translation.sql, kinds), connection, statement.query)
        columns = [column_info(output_name(name, index), kind) for index, (name, kind) in enumerate(kinds)]
        rows = _fetch(result, [kind.id for _, kind in kinds], session)
    return Outcome(columns=columns, rows=rows)


def _without_zones(sql: str, kinds: list[tuple[str, Any]]) -> str:
    """Timestamps with time zone as text: the Python client of DuckDB needs another library for them."""
    texts = [_zone_text(kind) for _, kind in kinds]
    if any("TIME ZONE" in str(kind) and not text for text, (_, kind) in zip(texts, kinds, strict=True)):
        raise not_supported("timestamps with time zone inside arrays, maps and rows")
    names = [f"c{index}" for index in range(len(kinds))]
    selected = ", ".join(f"{text}({name})" if text else name for name, text in zip(names, texts, strict=True))
    return f"SELECT {selected} FROM ({sql}) AS q({', '.join(names)})"  # noqa: S608


def _zone_text(kind: Any) -> str:
    """The macro that prints a column of this type; empty when it is no timestamp with time zone."""
    if is_zoned(kind):
        return "trino_zoned_text"
    return "trino_timestamptz_text" if kind.id == "timestamp with time zone" else ""


def _fetch(result: duckdb.DuckDBPyConnection, kinds: list[str], session: Session) -> list[list[str | None]]:
    rows: list[list[str | None]] = []
    floats = [index for index, kind in enumerate(kinds) if kind == "float"]
    while True:
        session.check()
        try:
            batch = result.fetchmany(_BATCH_ROWS)
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise runtime_error(str(error)) from error
        if not batch:
            return rows
        for row in batch:
            values = list(row)
            for index in floats:
                values[index] = None if values[index] is None else float(str(numpy.float32(values[index])))
            rows.append([value_text(value) for value in values])


def explain(statement: Statement, session: Session) -> Outcome:
    """The plan of a query; DuckDB's, as there is no Trino here. With ANALYZE the query runs first."""
    analyze = statement.properties["analyze"] == "true"
    with session.connection() as connection:
        if analyze:
            translation = session.prepare(statement.query, connection)
        else:
            translation = translate(
                statement.query, session.catalog, session.database, connection, session.parameters
            )
        word = "EXPLAIN ANALYZE" if analyze else "EXPLAIN"
        plan = session.run(f"{word} {translation.sql}", connection, statement.query).fetchall()
    lines = [line for _, text in plan for line in str(text).splitlines()]
    return Outcome(columns=[string_column("Query Plan")], rows=[[line] for line in lines])


def typed_query(sql: str, kinds: list[tuple[str, Any]], types: list[str], names: list[str]) -> str:
    """`sql` with its columns cast to `types` and called `names`, by position."""
    inner = [f"c{index}" for index in range(len(kinds))]
    selected = ", ".join(
        f"CAST({column} AS {kind}) AS {quoted(name)}"
        for column, kind, name in zip(inner, types, names, strict=True)
    )
    return f"SELECT {selected} FROM ({sql}) AS q({', '.join(inner)})"  # noqa: S608
