"""Tables over objects: file formats, partitions, Hive's DDL, and statements that write."""

from __future__ import annotations

import gzip
import io
import uuid
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from athena_queries import Queries

if TYPE_CHECKING:
    from collections.abc import Callable


class Lake:
    """A bucket, a database in it, and queries over both."""

    def __init__(self, aws: Callable[[str], Any], bucket: str) -> None:
        self.s3 = aws("s3")
        self.glue = aws("glue")
        self.bucket = bucket
        self.database = f"db_{uuid.uuid4().hex[:8]}"
        self.queries = Queries(aws("athena"), f"s3://{bucket}/results/", self.database)
        self.rows, self.failure, self.run = self.queries.rows, self.queries.failure, self.queries.run
        self.rows(f"create database {self.database}")

    def put(self, key: str, body: str | bytes) -> None:
        """Write an object."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode() if isinstance(body, str) else body)

    def put_parquet(self, key: str, **columns: Any) -> int:
        """Write a Parquet object; return its size."""
        buffer = io.BytesIO()
        pq.write_table(pa.table(columns), buffer)
        self.put(key, buffer.getvalue())
        return len(buffer.getvalue())

    def keys(self, prefix: str) -> list[str]:
        """Keys of the objects below a prefix."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", [])]

    def external(self, name: str, columns: str, clauses: str = "stored as parquet") -> None:
        """CREATE EXTERNAL TABLE at ``s3://bucket/<name>/``."""
        self.rows(f"create external table {name} ({columns}) {clauses.replace('LOCATION', f's3://{self.bucket}/{name}/')}"
                  + ("" if "LOCATION" in clauses else f" location 's3://{self.bucket}/{name}/'"))  # fmt: skip


@pytest.fixture
def lake(aws: Callable[[str], Any], bucket: str) -> Lake:
    """A lake of one test."""
    return Lake(aws, bucket)


CSV = "row format delimited fields terminated by ',' stored as textfile location 'LOCATION'"
OPEN_CSV = (
    "row format serde 'org.apache.hadoop.hive.serde2.OpenCSVSerde' "
    "with serdeproperties ('separatorChar' = ',', 'quoteChar' = '\"') stored as textfile location 'LOCATION' "
    "tblproperties ('skip.header.line.count' = '1')"
)


def test_lazy_simple_splits_plainly(lake: Lake) -> None:
    lake.external("t", "a int, b string, c double", CSV)
    lake.put("t/1.csv", '1,"x,2.5\nbad,y,oops\n3,\\N\n\n4,z,1.5,extra\n')
    assert lake.rows("select * from t") == [
        ["1", '"x', "2.5"],
        [None, "y", None],
        ["3", None, None],
        [None, None, None],
        ["4", "z", "1.5"],
    ]


def test_header_is_skipped_in_gzipped_text(lake: Lake) -> None:
    clauses = CSV.replace("','", "'\\t'") + " tblproperties ('skip.header.line.count' = '1')"
    lake.external("t", "a int, b string", clauses)
    lake.put("t/1.tsv.gz", gzip.compress(b"a\tb\n1\tx\r\n2\ty"))
    assert lake.rows("select * from t order by a") == [["1", "x"], ["2", "y"]]


def test_open_csv_reads_quotes_but_no_line_breaks_inside_them(lake: Lake) -> None:
    lake.external("t", "a string, b string, c string", OPEN_CSV)
    lake.put("t/1.csv", 'a,b,c\n1,"x, ""y""",z\n2,"open\nclosed",w\n3,,""\n')
    assert lake.rows("select * from t") == [
        ["1", 'x, "y"', "z"],
        ["2", None, None],
        [None, None, None],
        ["3", "", ""],
    ]


def test_open_csv_refuses_bad_numbers(lake: Lake) -> None:
    lake.external("t", "a int", OPEN_CSV)
    lake.put("t/1.csv", "a\n1\nx\n")
    assert "Error parsing field value 'x' for field 0" in lake.failure("select sum(a) from t")


def test_json_lines(lake: Lake) -> None:
    serde = "row format serde 'org.openx.data.jsonserde.JsonSerDe' location 'LOCATION'"
    lake.external("t", "id int, name string, tags array<string>, nested struct<a:int,b:string>", serde)
    lake.put(
        "t/1.json", '{"ID": 1, "name": "x", "tags": ["p", "q"], "nested": {"a": 5, "b": "z"}}\n{"id": 2}\n'
    )
    assert lake.rows("select id, name, tags, nested.a from t order by id") == [
        ["1", "x", "[p, q]", "5"],
        ["2", None, None, None],
    ]


def test_malformed_json_fails_the_query(lake: Lake) -> None:
    lake.external("t", "id int", "row format serde 'org.openx.data.jsonserde.JsonSerDe' location 'LOCATION'")
    lake.put("t/1.json", "{oops\n")
    assert lake.failure("select * from t").startswith("HIVE_CURSOR_ERROR: Row is not a valid JSON Object")


def test_parquet_columns_are_matched_by_name(lake: Lake) -> None:
    lake.external("t", "a bigint, b string, c double")
    lake.put_parquet("t/1.parquet", b=["x"], a=pa.array([1], pa.int32()))
    lake.put_parquet("t/2.parquet", a=[2], b=["y"], c=[0.5], more=[True])
    lake.put("t/_SUCCESS", "ignored")
    assert lake.rows("select * from t order by a") == [["1", "x", None], ["2", "y", "0.5"]]


def test_parquet_of_another_type_fails_the_query(lake: Lake) -> None:
    lake.external("t", "a bigint")
    lake.put_parquet("t/1.parquet", a=["text"])
    assert lake.failure("select * from t") == (
        f"HIVE_BAD_DATA: Field a's type STRING in parquet file s3://{lake.bucket}/t/1.parquet is "
        "incompatible with type bigint defined in table schema"
    )


def test_changed_object_is_read_again(lake: Lake) -> None:
    lake.external("t", "a bigint")
    lake.put_parquet("t/1.parquet", a=[1])
    assert lake.rows("select a from t") == [["1"]]
    lake.put_parquet("t/1.parquet", a=[2])
    assert lake.rows("select a from t") == [["2"]]


def test_scanned_bytes_are_those_of_columns_and_partitions_read(lake: Lake) -> None:
    lake.external(
        "t", "a bigint, b string", "partitioned by (dt string) stored as parquet location 'LOCATION'"
    )
    text = [uuid.uuid4().hex for _ in range(500)]
    for day in ("2020-01-01", "2020-01-02"):
        lake.put_parquet(f"t/dt={day}/1.parquet", a=list(range(500)), b=text)
    lake.rows("msck repair table t")

    def scanned(sql: str) -> int:
        return int(lake.run(sql).execution["Statistics"]["DataScannedInBytes"])

    everything = scanned("select * from t")
    assert scanned("select * from t where dt = '2020-01-02'") == everything / 2
    assert 0 < scanned("select sum(a) from t where dt >= '2020-01-02'") < everything / 4
    assert lake.rows(
        "select dt, count(*) from t where dt between '2020-01-02' and '2020-01-03' group by dt"
    ) == [["2020-01-02", "500"]]


def test_partitions_by_ddl(lake: Lake) -> None:
    lake.external("t", "a bigint", "partitioned by (dt string, h int) stored as parquet location 'LOCATION'")
    lake.put_parquet("elsewhere/1.parquet", a=[7])
    lake.put_parquet("t/dt=b/h=2/1.parquet", a=[8])
    place = f"s3://{lake.bucket}/elsewhere/"
    lake.rows(f"alter table t add partition (dt = 'a', h = 1) location '{place}'")
    assert lake.failure("alter table t add partition (dt = 'a', h = 1)").endswith(
        "AlreadyExistsException(message:Partition already exists.)"
    )
    lake.rows("alter table t add if not exists partition (dt = 'a', h = 1)")
    assert lake.rows(f"MSCK REPAIR TABLE `{lake.database}`.`t`;") == [
        ["Partitions not in metastore:\tt:dt=b/h=2"],
        ["Repair: Added partition to metastore t:dt=b/h=2"],
    ]
    assert lake.rows("show partitions t") == [["dt=a/h=1"], ["dt=b/h=2"]]
    assert lake.rows("select a, dt, h from t order by a") == [["7", "a", "1"], ["8", "b", "2"]]
    lake.rows("alter table t drop partition (dt = 'a', h = 1)")
    assert lake.rows("select count(*) from t") == [["1"]]


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


def test_unsupported_formats_are_refused(lake: Lake) -> None:
    assert lake.failure(
        f"create external table t (a int) stored as orc location 's3://{lake.bucket}/t/'"
    ) == ("NOT_SUPPORTED: The local stand-in does not support STORED AS ORC")
    assert lake.failure("create table t with (format = 'AVRO') as select 1 a") == (
        "NOT_SUPPORTED: The local stand-in does not support the format AVRO"
    )
