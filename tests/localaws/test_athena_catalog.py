"""What the catalog shows of itself: information_schema, SHOW TBLPROPERTIES, EXPLAIN."""

# ruff: noqa: S608  the database of the test

from __future__ import annotations

import re
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


def test_describe_formatted(lake: Lake) -> None:
    def line(*parts: str) -> str:
        return "\t".join(part.ljust(20) for part in parts)

    shown = [str(row[0]) for row in lake.rows("describe formatted t")]
    shown = [text for text in shown if "transient_lastDdlTime" not in text]  # of the account's catalog only
    created = next(text for text in shown if text.startswith("CreateTime:"))
    assert re.fullmatch(r"CreateTime: {9}\t\w{3} \w{3} \d\d [\d:]{8} UTC \d{4}\t ", created)
    blank = "\t \t "
    assert [text for text in shown if text not in (created, line("Owner:", "hadoop") + "\t ")] == [
        line("# col_name", "data_type", "comment"),
        blank,
        line("a", "int", ""),
        line("b", "array<struct<x:int,y:string>>", ""),
        line("c", "decimal(5,2)", ""),
        blank,
        "# Partition Information\t \t ",
        line("# col_name", "data_type", "comment"),
        blank,
        line("dt", "string", ""),
        blank,
        "# Detailed Table Information\t \t ",
        line("Database:", lake.database) + "\t ",
        line("LastAccessTime:", "UNKNOWN") + "\t ",
        line("Protect Mode:", "None") + "\t ",
        line("Retention:", "0") + "\t ",
        line("Location:", f"s3://{lake.bucket}/t/") + "\t ",
        line("Table Type:", "EXTERNAL_TABLE") + "\t ",
        "Table Parameters:\t \t ",
        "\t" + line("EXTERNAL", "TRUE"),
        "\t" + line("owner", "us"),
        blank,
        "# Storage Information\t \t ",
        line("SerDe Library:", "org.openx.data.jsonserde.JsonSerDe") + "\t ",
        line("InputFormat:", "org.apache.hadoop.mapred.TextInputFormat") + "\t ",
        line("OutputFormat:", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat") + "\t ",
        line("Compressed:", "No") + "\t ",
        line("Num Buckets:", "-1") + "\t ",
        line("Bucket Columns:", "[]") + "\t ",
        line("Sort Columns:", "[]") + "\t ",
        "Storage Desc Params:\t \t ",
        "\t" + line("serialization.format", "1"),
    ]
    view = [str(row[0]) for row in lake.rows("describe formatted v")]
    assert line("Table Type:", "VIRTUAL_VIEW") + "\t " in view
    assert any(text.startswith("View Original Text:") for text in view)


def test_forms_of_describe_that_are_not_done(lake: Lake) -> None:
    ours = "NOT_SUPPORTED: The local stand-in does not support "
    assert lake.failure("describe extended t").startswith(ours + "DESCRIBE EXTENDED")
    assert lake.failure("describe formatted t partition (dt = 'x')").startswith(ours + "DESCRIBE of a part")
    assert lake.failure("describe t b").startswith(ours + "DESCRIBE of a partition or a column")
    assert lake.failure("describe formatted nope").startswith("FAILED: SemanticException [Error 10001]")


def test_zoned_timestamps_are_not_kept_in_hive_tables(lake: Lake) -> None:
    for moment in ("now()", "now() at time zone 'Asia/Tokyo'"):
        for sql in (
            f"create table kept as select {moment} z",
            f"unload (select {moment} z) to 's3://{lake.bucket}/kept/' with (format = 'PARQUET')",
        ):
            refused = "NOT_SUPPORTED: Unsupported Hive type: timestamp(3) with time zone"
            assert lake.failure(sql) == refused
    lake.external("moments", "z timestamp")
    assert lake.failure("insert into moments select now()") == (
        "TYPE_MISMATCH: line 1:1: Insert query has mismatched column types: "
        "Table: [timestamp], Query: [timestamp with time zone]"
    )
    lake.rows("insert into moments select cast(timestamp '2024-01-01 09:00 Asia/Tokyo' as timestamp)")
    assert lake.rows("select z from moments") == [["2024-01-01 09:00:00.000"]]
