"""Statements that write, and statements about databases, tables and views."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from athena_queries import Queries

if TYPE_CHECKING:
    from lake import Lake


def test_create_table_as_writes_parquet_and_manifest(lake: Lake) -> None:
    place = f"s3://{lake.bucket}/made/"
    settings = f"external_location = '{place}', format = 'PARQUET', partitioned_by = array['p']"
    sql = f"create table made with ({settings}) as "
    execution = lake.run(sql + "select x, cast(x as double) / 2 as half, cast(x % 2 as varchar) as p "
                               "from unnest(sequence(1, 4)) as t(x)").execution  # fmt: skip
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DDL", "CREATE_TABLE_AS_SELECT")
    manifest = execution["Statistics"]["DataManifestLocation"].removeprefix(f"s3://{lake.bucket}/")
    listed = lake.s3.get_object(Bucket=lake.bucket, Key=manifest)["Body"].read().decode().splitlines()
    assert sorted(listed) == sorted(f"s3://{lake.bucket}/{key}" for key in lake.keys("made/"))
    assert {key.split("/")[1] for key in lake.keys("made/")} == {"p=0", "p=1"}
    table = lake.glue.get_table(DatabaseName=lake.database, Name="made")["Table"]
    assert [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]] == [
        ("x", "bigint"),
        ("half", "double"),
    ]
    assert lake.rows("select * from made order by x") == [
        ["1", "0.5", "1"],
        ["2", "1.0", "0"],
        ["3", "1.5", "1"],
        ["4", "2.0", "0"],
    ]


def test_create_table_as_never_overwrites(lake: Lake) -> None:
    lake.put("full/data", "x")
    place = f"s3://{lake.bucket}/full/"
    assert lake.failure(f"create table t with (external_location = '{place}') as select 1 a").startswith(
        f"HIVE_PATH_ALREADY_EXISTS: Target directory for table '{lake.database}.t' already exists: {place}."
    )
    lake.rows("create table t as select 1 a")
    assert lake.failure("create table t as select 1 a") == (
        f"TABLE_ALREADY_EXISTS: line 1:1: Table 'awsdatacatalog.{lake.database}.t' already exists"
    )
    assert lake.failure("create table u as select 1") == (
        "COLUMN_NAME_NOT_SPECIFIED: line 1:1: Column name not specified at position 1"
    )
    many = "select 1 a, x as p from unnest(sequence(1, 101)) as t(x)"
    partitions = f"create table u with (partitioned_by = array['p']) as {many}"
    assert lake.failure(partitions) == (
        "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions/buckets"
    )


@pytest.mark.parametrize("file_format", ["PARQUET", "TEXTFILE", "JSON"])
def test_insert_adds_rows_in_every_format(lake: Lake, file_format: str) -> None:
    lake.rows(
        f"create table t with (format = '{file_format}', partitioned_by = array['p']) as "
        "select 1 a, 'x' b, 'k' p"
    )
    lake.rows("insert into t values (2, null, 'k'), (3, 'z', 'm')")
    lake.rows("insert into t (p, a) select 'n', 4")
    assert lake.rows("select a, b, p from t order by a") == [
        ["1", "x", "k"],
        ["2", None, "k"],
        ["3", "z", "m"],
        ["4", None, "n"],
    ]
    assert lake.failure("insert into t values ('text', 'x', 'k')") == (
        "TYPE_MISMATCH: line 1:1: Insert query has mismatched column types: "
        "Table: [integer, varchar, varchar], Query: [varchar, varchar, varchar]"
    )


def test_unload_writes_files_only(lake: Lake) -> None:
    place = f"s3://{lake.bucket}/out/"
    sql = f"unload (select 1 as a, 'x' as b) to '{place}' with (format = 'PARQUET', compression = 'SNAPPY')"
    execution = lake.run(sql).execution
    (key,) = lake.keys("out/")
    body = lake.s3.get_object(Bucket=lake.bucket, Key=key)["Body"].read()
    assert pq.read_table(io.BytesIO(body)).to_pydict() == {"a": [1], "b": ["x"]}
    assert execution["Statistics"]["DataManifestLocation"].endswith("-manifest.csv")
    assert lake.failure(sql).startswith("HIVE_PATH_ALREADY_EXISTS")
    assert lake.rows("show tables") == []


def test_views_look_tables_up_where_they_were_made(lake: Lake) -> None:
    lake.rows("create table t as select 1 a, 'x' b union all select 2, 'y'")
    lake.rows("create view v as select b, a * 10 as tens from t")
    other = Queries(lake.queries.athena, lake.queries.output, "default")
    sql = f"select sum(tens) from {lake.database}.v where b <> 'y'"  # noqa: S608
    assert other.rows(sql) == [["10"]]
    assert lake.failure("create view v as select 1 a") == (
        f"TABLE_ALREADY_EXISTS: line 1:1: View already exists: 'awsdatacatalog.{lake.database}.v'"
    )
    lake.rows("create or replace view v as select 5 as five")
    assert lake.rows("select * from v") == [["5"]]
    assert lake.rows("show views") == [["v"]]
    lake.rows("drop view v")
    assert lake.failure("select * from v") == (
        f"TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{lake.database}.v' does not exist"
    )


def test_databases_and_tables_come_and_go(lake: Lake) -> None:
    assert lake.failure(f"create database {lake.database}").endswith(
        f"Database {lake.database} already exists"
    )
    lake.rows(f"create database if not exists {lake.database}")
    lake.external("t", "`a` int comment 'first', b array<struct<x:int,y:string>>")
    assert lake.rows("show tables") == [["t"]]
    assert lake.rows("show columns in t") == [["a".ljust(20)], ["b".ljust(20)]]
    assert lake.rows("describe t") == [
        ["\t".join(text.ljust(20) for text in ("a", "int", "first"))],
        ["\t".join(text.ljust(20) for text in ("b", "array<struct<x:int,y:string>>", ""))],
    ]
    statement = "\n".join(str(row[0]) for row in lake.rows("show create table t"))
    assert "`b` array<struct<x:int,y:string>>)" in statement
    assert "is not empty" in lake.failure(f"drop database {lake.database}")
    lake.rows("drop table t")
    assert lake.failure("drop table t") == (
        f"FAILED: SemanticException [Error 10001]: Table not found {lake.database}.t"
    )
    lake.rows("drop table if exists t")
    lake.rows(f"drop database {lake.database}")
    assert [lake.database] not in lake.rows("show databases")
    assert (
        lake.failure("select * from t")
        == f"SCHEMA_NOT_FOUND: line 1:15: Schema '{lake.database}' does not exist"
    )
