"""What the catalog shows of itself: information_schema, SHOW TBLPROPERTIES, EXPLAIN."""

# ruff: noqa: S608  the database of the test

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hosting import new_bucket
from lake import Lake

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def lake(aws: Callable[[str], Any]) -> Lake:
    """A database with a table and a view."""
    lake = Lake(aws, new_bucket(aws, "athena-catalog"))
    columns = "a int, b array<struct<x:int,y:string>>, c decimal(5,2)"
    place = f"s3://{lake.bucket}/t/"
    lake.rows(
        f"create external table t ({columns}) partitioned by (dt string) "
        f"row format serde 'org.openx.data.jsonserde.JsonSerDe' location '{place}' "
        "tblproperties ('owner' = 'us')"
    )
    lake.rows("create view v as select a as first from t")
    return lake


def test_information_schema(lake: Lake) -> None:
    of_ours = f"where table_schema = '{lake.database}'"
    assert lake.rows(
        f"select table_name, table_type from information_schema.tables {of_ours} order by 1"
    ) == [
        ["t", "BASE TABLE"],
        ["v", "VIEW"],
    ]
    found = lake.rows(
        "select c.column_name, c.data_type, c.ordinal_position from information_schema.columns c "
        f"{of_ours} and table_name = 't' order by 3"
    )
    assert found == [
        ["a", "integer", "1"],
        ["b", "array(row(x integer, y varchar))", "2"],
        ["c", "decimal(5,2)", "3"],
        ["dt", "varchar", "4"],
    ]
    sql = f"select count(*) from information_schema.schemata where schema_name = '{lake.database}'"
    assert lake.rows(sql) == [["1"]]
    assert lake.failure("select * from information_schema.nope") == (
        "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.information_schema.nope' does not exist"
    )


def test_table_properties(lake: Lake) -> None:
    assert lake.rows("show tblproperties t") == [["EXTERNAL\tTRUE"], ["owner\tus"]]
    assert lake.rows("show tblproperties t('owner')") == [["us"]]
    assert lake.failure("show tblproperties nope").startswith("FAILED: SemanticException [Error 10001]")


def test_explain_reads_nothing_and_explain_analyze_reads(lake: Lake) -> None:
    lake.put("t/dt=x/1.csv", '{"a": 1}\n{"a": 2}\n')
    lake.rows("msck repair table t")
    plan = lake.run("explain select a from t")
    assert plan.rows
    assert plan.execution["Statistics"]["DataScannedInBytes"] == 0
    analysed = lake.run("explain analyze select a from t")
    assert any("Total Time" in str(row) for row in analysed.rows)
    assert analysed.execution["Statistics"]["DataScannedInBytes"] == 18
    assert lake.failure("explain select nope from t").startswith("COLUMN_NOT_FOUND: line 1:16: Column 'nope'")
