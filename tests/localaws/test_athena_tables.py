"""Tables over objects: file formats, partitions, bytes scanned."""

from __future__ import annotations

import gzip
import io
import uuid
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import orc

if TYPE_CHECKING:
    from lake import Lake


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


def orc_bytes(**columns: Any) -> bytes:
    """An ORC file."""
    buffer = io.BytesIO()
    orc.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def test_orc_columns_are_matched_by_position(lake: Lake) -> None:
    # Athena's user guide, "Handle schema updates": ORC is read by index, Parquet by name.
    lake.external("t", "a bigint, b string, c array<int>", "stored as orc location 'LOCATION'")
    content = orc_bytes(other=pa.array([1, None]), b=["x", "y"], c=[[1, 2], None])
    lake.put("t/1.orc", content)
    lake.put("t/2.orc", orc_bytes(a=[3]))
    result = lake.run("select * from t order by a")
    assert result.rows == [["1", "x", "[1, 2]"], ["3", None, None], [None, "y", None]]
    assert result.execution["Statistics"]["DataScannedInBytes"] == len(content) + len(orc_bytes(a=[3]))
    named = "tblproperties ('comment' = 'by name')"
    serde = "row format serde 'org.apache.hadoop.hive.ql.io.orc.OrcSerde' with serdeproperties "
    clauses = f"{serde} ('orc.column.index.access' = 'false') location 's3://{lake.bucket}/t/' {named}"
    lake.rows(f"create external table n (b string) {clauses}")
    assert lake.rows("select count(b) from n") == [["2"]]


def test_orc_that_is_none_or_of_another_type_fails_the_query(lake: Lake) -> None:
    lake.external("t", "a bigint", "stored as orc location 'LOCATION'")
    lake.put("t/1.orc", "not ORC")
    assert lake.failure("select * from t") == f"HIVE_BAD_DATA: Not valid ORC file: s3://{lake.bucket}/t/1.orc"
    lake.put("t/1.orc", orc_bytes(a=["text"]))
    assert lake.failure("select * from t") == (
        f"HIVE_BAD_DATA: Field a's type STRING in orc file s3://{lake.bucket}/t/1.orc is "
        "incompatible with type bigint defined in table schema"
    )
    assert lake.failure("insert into t values (1)").startswith("NOT_SUPPORTED: The local stand-in")


def test_unsupported_formats_are_refused(lake: Lake) -> None:
    assert lake.failure(
        f"create external table t (a int) stored as avro location 's3://{lake.bucket}/t/'"
    ) == ("NOT_SUPPORTED: The local stand-in does not support STORED AS AVRO")
    assert lake.failure("create table t with (format = 'AVRO') as select 1 a") == (
        "NOT_SUPPORTED: The local stand-in does not support the format AVRO"
    )
