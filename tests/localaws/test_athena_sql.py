"""What Athena refuses and in which words, types of results, parameters."""

# ruff: noqa: E501  a statement and its answer on one line read best

from __future__ import annotations

from typing import TYPE_CHECKING

import athena_zones
import pytest

if TYPE_CHECKING:
    from athena_queries import Queries

ERRORS = [
    (
        "select array[1,2][3]",
        "INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: 3 > 2",
    ),
    ("select map(array['a'],array[1])['b']", "INVALID_FUNCTION_ARGUMENT: Key not present in map: b"),
    ("select cast('2.5' as integer)", "INVALID_CAST_ARGUMENT: Cannot cast '2.5' to INT"),
    ("select 1 where 'a' = 1", "TYPE_MISMATCH: line 1:20: Cannot apply operator: varchar(1) = integer"),
    (
        "select x from (values 1) t(x) where x = 'a'",
        "TYPE_MISMATCH: line 1:39: Cannot apply operator: integer = varchar(1)",
    ),
    (
        "select 1 as a where a = 1",
        "COLUMN_NOT_FOUND: line 1:21: Column 'a' cannot be resolved or requester is not authorized to access requested resources",
    ),
    (
        "select x + 1 as y, count(*) from (values 1) t(x) group by y",
        "COLUMN_NOT_FOUND: line 1:59: Column 'y' cannot be resolved or requester is not authorized to access requested resources",
    ),
    ("select a::int from (values 1) t(a)", "line 1:9: mismatched input '::'"),
    ("select nope_either(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'nope_either' not registered"),
    ("select read_csv('/etc/passwd')", "FUNCTION_NOT_FOUND: line 1:8: Function 'read_csv' not registered"),
    ("select cast('abc' as date)", "INVALID_CAST_ARGUMENT: Value cannot be cast to date: abc"),
    ("select a from (values 1) t(a), (values 2) u(a)", "AMBIGUOUS_NAME: line 1:8: Column 'a' is ambiguous"),
    (
        "select multimap_agg(k) from (values 'a') t(k)",
        "FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (?) for function multimap_agg",
    ),
    (
        "select map_zip_with(map(array['a'], array[1]), map(array['a'], array[2]), (k, v1) -> v1)",
        "FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (?, ?, ?) for function map_zip_with",
    ),
    (
        "select nope(1), x from (values 1) t(x)",
        "FUNCTION_NOT_FOUND: line 1:8: Function 'nope' not registered",
    ),
    (
        "select t.nope from (values 1) t(x)",
        "COLUMN_NOT_FOUND: line 1:8: Column 't.nope' cannot be resolved or requester is not authorized to access requested resources",
    ),
    (
        "select 1 from (values 1) t(x) where u.x = 1",
        "COLUMN_NOT_FOUND: line 1:37: Column 'u.x' cannot be resolved or requester is not authorized to access requested resources",
    ),
    (
        "select case when true then 1 else 'x' end",
        "TYPE_MISMATCH: line 1:28: All CASE results must be the same type or coercible to a common type. Cannot find common type between varchar and integer",
    ),
    (
        "select * from read_csv('/etc/passwd')",
        "FUNCTION_NOT_FOUND: line 1:15: Table function 'read_csv' not registered",
    ),
    (
        "select date '2020-01-01' > '2019-01-01'",
        "TYPE_MISMATCH: line 1:26: Cannot apply operator: date > varchar(10)",
    ),
    (
        "select 9223372036854775807 + 1",
        "NUMERIC_VALUE_OUT_OF_RANGE: bigint addition overflow: 9223372036854775807 + 1",
    ),
    ("select cast(300 as tinyint)", "NUMERIC_VALUE_OUT_OF_RANGE: Out of range for tinyint: 300"),
    (
        "select sum(count(*)) from (values 1) t(a)",
        "NESTED_AGGREGATION: line 1:8: Cannot nest aggregations inside aggregation",
    ),
    ("select x, from (values 1) t(x)", "line 1:11: mismatched input 'from'. Expecting: <expression>"),
    ("select 1/0", "DIVISION_BY_ZERO: Division by zero"),
    (
        "select x in ('a') from (values 1) t(x)",
        "TYPE_MISMATCH: line 1:8: IN value and list items must be the same type: integer",
    ),
    ("select 2147483647 + 1", "NUMERIC_VALUE_OUT_OF_RANGE: integer addition overflow: 2147483647 + 1"),
    ("select 1 / 0.0", "DIVISION_BY_ZERO: Division by zero"),
    ("select date_parse('x', '%Y')", 'INVALID_FUNCTION_ARGUMENT: Invalid format: "x"'),
    ("select typeof(row(1))", "NOT_SUPPORTED: line 1:8: The local stand-in does not support typeof of row"),
    (
        "select zip_with(array[1], array[2], x -> x)",
        "FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (?, ?, ?) for function zip_with",
    ),
]


@pytest.mark.parametrize(("sql", "expected"), [*ERRORS, *athena_zones.ERRORS])
def test_query_fails_with_athenas_words(queries: Queries, sql: str, expected: str) -> None:
    assert queries.failure(sql) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "select a::int from (values 1) t(a)",
        "from (values 1) t(a)",
        "select * exclude (a) from (values (1, 2)) t(a, b)",
        "select a from (values 1) t(a) qualify row_number() over () = 1",
        "select a from (values 'x') t(a) where a ilike 'X'",
        "select list_aggregate([1], 'sum')",
        "select array_length(array[1])",
        "select string_split('a b', ' ')",
        "select `a` from (values 1) t(a)",
    ],
)
def test_sql_that_only_duckdb_takes_is_refused(queries: Queries, sql: str) -> None:
    assert queries.failure(sql)


def test_types_of_result_columns(queries: Queries) -> None:
    result = queries.run(
        "select 1 i, 3000000000 b, 1.5 d, 1e0 f, cast(1 as real) r, 'a' s, true t, date '2020-01-01' dt, "
        "timestamp '2020-01-01 00:00:00' ts, array[1] a, map(array['a'], array[1]) m, row(1) w, count(*) n, "
        "sum(1) s2, avg(1) a2, to_utf8('x') v, json_parse('1') j, now() z, now() at time zone 'Asia/Tokyo' zz"
    )
    assert result.columns == [
        ("i", "integer"),
        ("b", "bigint"),
        ("d", "decimal"),
        ("f", "double"),
        ("r", "float"),
        ("s", "varchar"),
        ("t", "boolean"),
        ("dt", "date"),
        ("ts", "timestamp"),
        ("a", "array"),
        ("m", "map"),
        ("w", "row"),
        ("n", "bigint"),
        ("s2", "bigint"),
        ("a2", "double"),
        ("v", "varbinary"),
        ("j", "json"),
        ("z", "timestamp with time zone"),
        ("zz", "timestamp with time zone"),
    ]


def test_unnamed_columns_are_numbered_by_position(queries: Queries) -> None:
    result = queries.run("select t.*, 1 + 1, t.a, count(*) over () from (values (1, 2)) t(a, b)")
    assert [name for name, _ in result.columns] == ["a", "b", "_col2", "a", "_col4"]


def test_parameters_fill_question_marks(queries: Queries) -> None:
    sql = "select x from (values (1, 'a'), (2, 'it''s')) t(x, y) where x = ? and y = ?"
    assert queries.rows(sql, "2", "'it''s'") == [["2"]]
    assert queries.failure(sql, "2") == (
        "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 2 but found 1"
    )
