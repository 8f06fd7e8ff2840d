"""awswrangler, unchanged, against the stand-in: what it writes and reads back equals what pandas holds."""

from __future__ import annotations

import datetime
import uuid
from typing import TYPE_CHECKING, Any

import awswrangler as wr
import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


# awswrangler 3.17 uses what pandas 3.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")


@pytest.fixture
def database(aws: Callable[[str], Any], endpoint_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A Glue database of one test; awswrangler finds the stand-in by the environment alone."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    name = f"wr_{uuid.uuid4().hex[:8]}"
    wr.catalog.create_database(name=name, exist_ok=True)
    wr.catalog.create_database(name=name, exist_ok=True)
    return name


@pytest.fixture
def frame() -> pd.DataFrame:
    """Rows with quotes, line breaks, nulls, dates and times."""
    days = [datetime.date(2020, 1, 1), None, datetime.date(2022, 2, 3), datetime.date(1999, 12, 31)]
    times = ["2020-01-01 10:00:00.123", "2021-01-01", "2022-05-05 01:02:03", None]
    return pd.DataFrame(
        {
            "id": [1, 2, 3, 4],
            "text": ["plain", 'b,"q"', "line\nbreak", None],
            "number": [1.5, None, 1e10, -0.25],
            "moment": pd.to_datetime(pd.Series(times), format="ISO8601"),
            "day": days,
            "flag": [True, False, None, True],
            "part": ["A", "B", "A", "C"],
        }
    )


def write(frame: pd.DataFrame, database: str, bucket: str, **arguments: Any) -> None:
    """The frame as table `t`, partitioned."""
    wr.s3.to_parquet(
        frame,
        path=f"s3://{bucket}/t/",
        dataset=True,
        database=database,
        table="t",
        partition_cols=["part"],
        dtype={"day": "date", "flag": "boolean"},
        **arguments,
    )


def read(sql: str, database: str, bucket: str, **arguments: Any) -> pd.DataFrame:
    """The result of a query."""
    output = f"s3://{bucket}/output/{uuid.uuid4().hex}/"
    arguments |= {"s3_output": output, "athena_query_wait_polling_delay": 0.05}
    found: pd.DataFrame = wr.athena.read_sql_query(sql, database=database, **arguments)
    return found


@pytest.mark.parametrize(
    "approach",
    [{"ctas_approach": True}, {"ctas_approach": False}, {"ctas_approach": False, "unload_approach": True}],
    ids=["ctas", "csv", "unload"],
)
def test_round_trip_equals_pandas(
    frame: pd.DataFrame, database: str, bucket: str, approach: dict[str, bool]
) -> None:
    write(frame, database, bucket)
    found = read("select * from t", database, bucket, **approach).sort_values("id").reset_index(drop=True)
    assert list(found.columns) == list(frame.columns)
    for column in ("id", "text", "day", "flag", "part"):
        expected = [None if pd.isna(value) else value for value in frame[column]]
        assert [None if pd.isna(value) else value for value in found[column]] == expected, column
    pd.testing.assert_series_equal(found["number"], frame["number"], check_dtype=False)
    pd.testing.assert_series_equal(found["moment"], frame["moment"], check_dtype=False)
    assert wr.catalog.tables(database=database)["Table"].tolist() == ["t"]


def test_write_modes(frame: pd.DataFrame, database: str, bucket: str) -> None:
    def count() -> int:
        return int(read("select count(*) as n from t", database, bucket, ctas_approach=False)["n"][0])

    write(frame, database, bucket)
    assert count() == 4
    write(frame, database, bucket, mode="append")
    assert count() == 8
    write(frame, database, bucket, mode="overwrite")
    assert count() == 4
    write(frame.head(1), database, bucket, mode="overwrite_partitions")
    assert count() == 3
    partitions = wr.catalog.get_partitions(database=database, table="t")
    assert sorted(values for (values,) in partitions.values()) == ["A", "B", "C"]


def test_parameters_and_failures(frame: pd.DataFrame, database: str, bucket: str) -> None:
    write(frame, database, bucket)
    sql = "select id from t where part = :part and id > :id"
    found = read(sql, database, bucket, ctas_approach=False, params={"part": "A", "id": 1})
    assert found["id"].tolist() == [3]
    with pytest.raises(wr.exceptions.QueryFailed, match="COLUMN_NOT_FOUND: line 1:8: Column 'nope'"):
        read("select nope from t", database, bucket, ctas_approach=False)


def test_catalog(frame: pd.DataFrame, database: str, bucket: str) -> None:
    write(frame, database, bucket)
    assert wr.catalog.does_table_exist(database=database, table="t")
    assert wr.catalog.get_table_types(database=database, table="t") == {
        "id": "bigint",
        "text": "string",
        "number": "double",
        "moment": "timestamp",
        "day": "date",
        "flag": "boolean",
        "part": "string",
    }
    assert wr.catalog.get_table_location(database=database, table="t") == f"s3://{bucket}/t/"
    wr.athena.repair_table(table="t", database=database, s3_output=f"s3://{bucket}/output/")
    described = wr.athena.describe_table(table="t", database=database, s3_output=f"s3://{bucket}/output/")
    assert described["Column Name"].tolist() == list(frame.columns)
    assert wr.catalog.delete_table_if_exists(database=database, table="t")
    assert not wr.catalog.delete_table_if_exists(database=database, table="t")


REVIEWS = pd.DataFrame(
    {
        "sentiment": [1, -1, 0, 1, 1, -1],
        "review_body": ["love it", "it fell apart", "so so", "fits  perfectly", "great", "no"],
        "product_category": ["Dresses", "Knits", "Dresses", "Dresses", "Pants", "Knits"],
    }
)


@pytest.fixture
def reviews(database: str, bucket: str) -> tuple[pd.DataFrame, str]:
    """The table of the course: a CSV with a header, split plainly at commas."""
    wr.s3.to_csv(REVIEWS, f"s3://{bucket}/reviews/data.csv", index=False)
    wr.catalog.create_csv_table(
        database=database,
        path=f"s3://{bucket}/reviews/",
        table="reviews",
        columns_types={"sentiment": "int", "review_body": "string", "product_category": "string"},
        mode="overwrite",
        skip_header_line_count=1,
        sep=",",
    )
    return REVIEWS, database


def test_the_six_queries_of_the_course(reviews: tuple[pd.DataFrame, str], bucket: str) -> None:
    frame, database = reviews

    def rows(sql: str) -> list[tuple[Any, ...]]:
        return list(read(sql, database, bucket).itertuples(index=False, name=None))

    by_sentiment = frame.groupby("sentiment").size()
    sql = (
        "SELECT sentiment, COUNT(sentiment) AS count_sentiment FROM reviews "
        "GROUP BY sentiment ORDER BY sentiment"
    )
    assert sorted(rows(sql)) == sorted(by_sentiment.items())

    by_category = frame.groupby("product_category")["sentiment"]
    sql = "SELECT product_category, {} FROM reviews GROUP BY product_category ORDER BY {} DESC"
    assert dict(rows(sql.format("COUNT(sentiment) AS n", "n"))) == by_category.size().to_dict()
    assert dict(rows(sql.format("AVG(sentiment) AS mean", "mean"))) == pytest.approx(
        by_category.mean().to_dict()
    )
    assert dict(rows(sql.format("COUNT(*) AS n", "n"))) == by_category.size().to_dict()

    sql = (
        "SELECT product_category, sentiment, COUNT(*) AS count_reviews FROM reviews "
        "GROUP BY product_category, sentiment ORDER BY product_category ASC, sentiment DESC, count_reviews"
    )
    expected = frame.groupby(["product_category", "sentiment"]).size()
    assert {(category, sentiment): n for category, sentiment, n in rows(sql)} == expected.to_dict()

    sql = "SELECT CARDINALITY(SPLIT(review_body, ' ')) as num_words FROM reviews"
    words = frame["review_body"].map(lambda text: len(text.split(" ")))
    assert sorted(n for (n,) in rows(sql)) == sorted(words)
