"""Rows counted in DuckDB: profiles of columns and cross tables, in one scan each and in bounded memory."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.columns import CONTINUOUS_SHARE, Above, Profile, Rule
from analyzer.config import AnalyzerError
from analyzer.relations import ORDER, WEIGHT, condensed, connected, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb
    import pandas as pd
    from numpy.typing import NDArray

    from analyzer.columns import Kind
    from analyzer.config import Value

#: More different values than this make no facet that anybody could read.
MOST_VALUES = 50_000

_WHOLE = "[+-]?[0-9]{1,18}"
_INTEGERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
_FLOATS = ("FLOAT", "DOUBLE", "DECIMAL")
# An estimate of the number of different values, good to some percent, will do where it is more than this many
# times above or below the limit.
_CLEAR, _FEW = 2.0, 1000


@dataclass(frozen=True)
class _Column:
    kind: Kind
    expression: str
    whole: bool = False


class Rows:
    """The rows of an analysis that have a label, as a relation of DuckDB.

    Rows that agree in all columns are one, with a weight, whenever there are few enough of them: then nothing
    below depends on how many rows there were. Values come in four kinds (see `columns.Profile`); NULL and NaN
    are both missing.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, relation: str, *, typed: bool) -> None:
        """relation: SQL with the columns, places and weights; typed: false if every column is text."""
        self._connection = connection
        described = connection.execute(f"DESCRIBE FROM {relation}").fetchall()
        types = {str(row[0]): str(row[1]) for row in described if row[0] not in (ORDER, WEIGHT)}
        self._relation = condensed(connection, relation, list(types))
        self._filter = "true"
        self._columns = {name: _typed(name, types[name]) if typed else self._inferred(name) for name in types}
        for name, column in list(self._columns.items()):
            if column.kind == "text":
                self._columns[name] = self._checked_for_numbers(column)

    def require(self, label: str) -> int:
        """Leave out rows without a label and return how many were left out.

        A column that gaps alone had made floating point is whole numbers then.
        """
        value = self._columns[label].expression
        (missing,) = self._one(f"{_total(f'{value} IS NULL')}")
        self._filter = f"{value} IS NOT NULL"
        if missing and self._columns[label].kind == "float":
            (whole,) = self._one(f"bool_and({value} = floor({value}))")
            if whole:
                self._columns[label] = _Column("integer", f"CAST({value} AS BIGINT)")
        return int(missing)

    def profile(self, name: str) -> Profile:
        """Return the profile of a column."""
        column = self._columns[name]
        value = column.expression
        number = f"CAST({value} AS BIGINT)" if column.whole else value
        largest = f"max({number})" if column.kind in ("integer", "float") or column.whole else "NULL"
        present, distinct, most = self._one(
            f"{_total(f'{value} IS NOT NULL')}, approx_count_distinct({value}), {largest}"
        )
        limit = CONTINUOUS_SHARE * present
        if distinct < _FEW or limit / _CLEAR < distinct < limit * _CLEAR:
            (distinct,) = self._one(f"count(DISTINCT {value})")
        return Profile(name, column.kind, int(present), distinct, most, column.whole)

    def matches(self, name: str, values: tuple[Value, ...]) -> bool:
        """Return whether any row has one of some values in a column."""
        marks = ", ".join("?" * len(values))
        (found,) = self._one(f"bool_or({self._columns[name].expression} IN ({marks}))", values)
        return bool(found)

    def values(self, name: str) -> list[Any]:
        """Return the values of a column in the order in which they appear first, None for a missing one."""
        found = self._connection.execute(
            f"SELECT {self._columns[name].expression} AS value, min({ORDER}) AS first FROM {self._relation} "  # noqa: S608
            f"WHERE {self._filter} GROUP BY 1 ORDER BY 2 LIMIT {MOST_VALUES + 1}"
        ).fetchall()
        if len(found) > MOST_VALUES:
            raise AnalyzerError(
                f"Facet {name!r} has more than {MOST_VALUES:,} different values. Name those of interest in "
                "value_or_threshold."
            )
        return [value for value, _ in found]

    def cells(
        self,
        facet: str | tuple[str, Rule],
        group: str | None,
        label: tuple[str, Rule],
        predicted: tuple[str, Rule] | None,
    ) -> list[tuple[Any, Any, bool, bool, int]]:
        """Return (facet value or whether sensitive, group, observed, predicted positive, number of rows).

        facet: a column, or one with the rule that makes its rows sensitive.
        """
        parameters: list[Any] = []
        sides = [
            self._columns[facet].expression if isinstance(facet, str) else self._positive(*facet, parameters),
            self._columns[group].expression if group else "NULL",
            self._positive(*label, parameters),
            self._positive(*predicted, parameters) if predicted else "false",
        ]
        return self._connection.execute(
            f"SELECT {', '.join(sides)}, CAST(sum({WEIGHT}) AS BIGINT) FROM {self._relation} "  # noqa: S608
            f"WHERE {self._filter} GROUP BY 1, 2, 3, 4",
            parameters,
        ).fetchall()

    def flags(self, frame: pd.DataFrame, name: str, rule: Rule) -> NDArray[np.bool_]:
        """Return which rows of a table in memory, of the same columns, a column's rule takes."""
        parameters: list[Any] = []
        wanted = self._positive(name, rule, parameters)
        self._connection.register("flagged", frame[[name]].assign(**{ORDER: np.arange(len(frame))}))
        found = self._connection.execute(f"SELECT {wanted} AS f FROM flagged ORDER BY {ORDER}", parameters)  # noqa: S608
        return np.asarray(found.fetchnumpy()["f"], dtype=bool)

    def _positive(self, name: str, rule: Rule, parameters: list[Any]) -> str:
        column = self._columns[name]
        if isinstance(rule, Above):
            if rule.bounds is None:
                return "false"
            parameters += rule.bounds
            value = f"CAST({column.expression} AS DOUBLE)" if column.kind == "text" else column.expression
            return f"coalesce({value} > ? AND {value} <= ?, false)"
        parameters += rule.values
        return f"coalesce({column.expression} IN ({', '.join('?' * len(rule.values))}), false)"

    def _one(self, expressions: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...]:
        query = f"SELECT {expressions} FROM {self._relation} WHERE {self._filter}"  # noqa: S608
        return self._connection.execute(query, list(parameters)).fetchone() or ()

    def _inferred(self, name: str) -> _Column:
        """Return the kind of a column of text as a reader of CSV sees it."""
        text = quoted(name)
        (gaps,) = self._one(f"bool_or({text} IS NULL)")
        whole, numbers, truths = self._each(
            text,
            f"regexp_full_match(v, '{_WHOLE}')",
            "TRY_CAST(v AS DOUBLE) IS NOT NULL",
            "lower(v) IN ('true', 'false')",
        )
        if whole and not gaps:
            return _Column("integer", f"CAST({text} AS BIGINT)")
        if numbers:
            return _Column("float", _without_nan(f"CAST({text} AS DOUBLE)"))
        if truths and not gaps:
            return _Column("boolean", f"(lower({text}) = 'true')")
        return _Column("text", text)

    def _checked_for_numbers(self, column: _Column) -> _Column:
        """Return a column of text, marked when it is whole numbers without a gap."""
        (gaps,) = self._one(f"bool_or({column.expression} IS NULL)")
        (whole,) = self._each(column.expression, f"regexp_full_match(v, '{_WHOLE}')")
        return _Column("text", column.expression, whole and not gaps)

    def _each(self, value: str, *conditions: str) -> list[bool]:
        """Return for each condition whether all values `v` that are there meet it."""
        wanted = ", ".join(f"coalesce(bool_and({condition}), true)" for condition in conditions)
        found = self._connection.execute(
            f"SELECT {wanted} FROM (SELECT DISTINCT {value} AS v FROM {self._relation}) WHERE v IS NOT NULL"  # noqa: S608
        ).fetchone()
        return [bool(item) for item in found or ()]


def _total(condition: str) -> str:
    return f"CAST(coalesce(sum({WEIGHT}) FILTER ({condition}), 0) AS BIGINT)"


def _typed(name: str, type_name: str) -> _Column:
    base = type_name.partition("(")[0]
    column = quoted(name)
    if base == "BOOLEAN":
        return _Column("boolean", column)
    if base in _INTEGERS:
        return _Column("integer", column)
    if base in _FLOATS:
        return _Column("float", _without_nan(f"CAST({column} AS DOUBLE)"))
    return _Column("text", f"CAST({column} AS VARCHAR)")


def _without_nan(value: str) -> str:
    return f"(CASE WHEN isnan({value}) THEN NULL ELSE {value} END)"


@contextmanager
def of_frame(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[Rows]:
    """Yield the `columns` of a table in memory."""
    with connected() as connection:
        connection.register("frame", frame[list(columns)].assign(**{ORDER: np.arange(len(frame))}))
        yield Rows(connection, f"(SELECT *, 1 AS {WEIGHT} FROM frame)", typed=True)  # noqa: S608
