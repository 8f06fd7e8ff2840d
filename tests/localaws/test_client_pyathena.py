"""PyAthena, unchanged: its cursors, and SQLAlchemy on top of it."""

from __future__ import annotations

import datetime
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [
    pytest.mark.usefixtures("aws_environment"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def database(aws: Callable[[str], Any], bucket: str) -> str:
    """A database with a table `reviews` of three rows."""
    name = f"pyathena_{uuid.uuid4().hex[:8]}"
    aws("s3").put_object(Bucket=bucket, Key="reviews/a.csv", Body=b"1|good\n-1|bad\n0|so so\n")
    columns = [{"Name": "sentiment", "Type": "int"}, {"Name": "review_body", "Type": "string"}]
    aws("glue").create_database(DatabaseInput={"Name": name})
    aws("glue").create_table(
        DatabaseName=name,
        TableInput={
            "Name": "reviews",
            "TableType": "EXTERNAL_TABLE",
            "StorageDescriptor": {
                "Columns": columns,
                "Location": f"s3://{bucket}/reviews/",
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {
                    "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                    "Parameters": {"field.delim": "|"},
                },
            },
        },
    )
    return name


def test_cursor_gives_python_types(bucket: str, database: str) -> None:
    from pyathena import connect

    with connect(
        s3_staging_dir=f"s3://{bucket}/staging/", region_name="us-east-1", poll_interval=0.1
    ) as made:
        cursor = made.cursor(schema_name=database)
        cursor.execute(
            "SELECT 1, 1.5e0, DECIMAL '2.50', 'text', true, DATE '2026-11-22', "
            "TIMESTAMP '2026-11-22 01:02:03.004', CAST(NULL AS integer)"
        )
        moment = datetime.datetime(2026, 11, 22, 1, 2, 3, 4000)  # noqa: DTZ001  Athena's timestamp has no zone
        day = datetime.date(2026, 11, 22)
        assert cursor.fetchall() == [(1, 1.5, Decimal("2.50"), "text", True, day, moment, None)]
        cursor.execute("SELECT review_body FROM reviews WHERE sentiment = %(label)d", {"label": 1})
        assert cursor.fetchall() == [("good",)]


def test_cursor_raises_on_a_bad_query(bucket: str, database: str) -> None:
    from pyathena import connect
    from pyathena.error import OperationalError

    with connect(
        s3_staging_dir=f"s3://{bucket}/staging/", region_name="us-east-1", poll_interval=0.1
    ) as made:
        with pytest.raises(OperationalError) as caught:
            made.cursor(schema_name=database).execute("SELECT stars FROM reviews")
        assert "COLUMN_NOT_FOUND" in str(caught.value)


def test_sqlalchemy_reflects_and_selects(bucket: str, database: str) -> None:
    from sqlalchemy import MetaData, Table, create_engine, func, inspect, select
    from sqlalchemy.exc import DBAPIError

    staging = quote_plus(f"s3://{bucket}/staging/")
    engine = create_engine(
        f"awsathena+rest://@athena.us-east-1.amazonaws.com:443/{database}"
        f"?s3_staging_dir={staging}&poll_interval=0.1"
    )
    inspector = inspect(engine)
    assert database in inspector.get_schema_names()
    assert inspector.get_table_names(schema=database) == ["reviews"]
    reviews = Table("reviews", MetaData(), autoload_with=engine)
    assert [column.name for column in reviews.columns] == ["sentiment", "review_body"]
    with engine.connect() as connection:
        counted = connection.execute(
            select(reviews.c.sentiment, func.length(reviews.c.review_body)).order_by(reviews.c.sentiment)
        ).fetchall()
        assert [tuple(row) for row in counted] == [(-1, 3), (0, 5), (1, 4)]
        with pytest.raises(DBAPIError):
            connection.exec_driver_sql("SELECT * FROM missing")
    engine.dispose()
