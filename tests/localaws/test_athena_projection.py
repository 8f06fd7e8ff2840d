"""Partition projection: examples of Athena's user guide, "Supported types for partition projection"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lake import Lake


def project(lake: Lake, keys: str, **properties: str) -> None:
    """Make table ``t`` (a bigint) with these projection properties; ``__`` in a name is a dot."""
    named = {"projection.enabled": "true"} | {
        key.replace("__", "."): text for key, text in properties.items()
    }
    listed = ", ".join(f"'{key}' = '{text}'" for key, text in named.items())
    clauses = f"partitioned by ({keys}) stored as parquet location 'LOCATION' tblproperties ({listed})"
    lake.external("t", "a bigint", clauses)


def test_enums_and_integers(lake: Lake) -> None:
    project(
        lake,
        "kind string, n int",
        projection__kind__type="enum",
        projection__kind__values="new, old",
        projection__n__type="integer",
        projection__n__range="1,9",
        projection__n__interval="2",
        projection__n__digits="2",
    )
    for place, value in (
        ("kind=new/n=01", 1),
        ("kind=old/n=09", 2),
        ("kind=new/n=02", 3),
        ("kind=odd/n=01", 4),
    ):
        lake.put_parquet(f"t/{place}/1.parquet", a=[value])
    assert lake.rows("select a, kind, n from t order by a") == [["1", "new", "1"], ["2", "old", "9"]]
    assert lake.rows("select a from t where kind = 'old' and n = 9") == [["2"]]
    assert lake.rows("select count(*) from t where kind = 'old' and n < 9") == [["0"]]
    assert lake.rows("show partitions t") == []


def test_dates_up_to_now_in_a_place_of_their_own(lake: Lake) -> None:
    project(
        lake,
        "day string",
        projection__day__type="date",
        projection__day__range="NOW-3DAYS,NOW",
        projection__day__format="yyyy/MM/dd",
        storage__location__template=f"s3://{lake.bucket}/elsewhere/${{day}}",
    )
    now = datetime.now(UTC)
    days = [(now - timedelta(days=back)).strftime("%Y/%m/%d") for back in (0, 2, 5)]
    for number, day in enumerate(days):
        lake.put_parquet(f"elsewhere/{day}/1.parquet", a=[number])
    assert lake.rows("select a, day from t order by a") == [["0", days[0]], ["1", days[1]]]
    result = lake.run(f"select a from t where day = '{days[1]}'")  # noqa: S608
    assert result.rows == [["1"]]
    assert lake.failure("insert into t values (1, 'x')").startswith("NOT_SUPPORTED")


def test_months_over_years(lake: Lake) -> None:
    project(
        lake,
        "month string",
        projection__month__type="date",
        projection__month__range="2019-11,2021-02",
        projection__month__format="yyyy-MM",
    )
    for month in ("2019-10", "2019-12", "2021-02"):
        lake.put_parquet(f"t/month={month}/1.parquet", a=[1])
    assert lake.rows("select month from t order by month") == [["2019-12"], ["2021-02"]]


def test_injected_values_come_from_the_query(lake: Lake) -> None:
    project(lake, "device string", projection__device__type="injected")
    for device in ("d1", "d2", "d3"):
        lake.put_parquet(f"t/device={device}/1.parquet", a=[int(device[1])])
    assert lake.rows("select a from t where device = 'd2'") == [["2"]]
    assert lake.rows("select a from t where device in ('d1', 'd3') and a > 1") == [["3"]]
    assert lake.failure("select a from t") == (
        "CONSTRAINT_VIOLATION: For the injected projected partition column device, the WHERE clause must "
        "contain only static equality conditions, and at least one such condition must be present."
    )


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({}, "the property projection.p.type is missing"),
        ({"type": "enum"}, "the property projection.p.values is missing"),
        ({"type": "list"}, "projection.p.type list is not one of enum, integer, date, injected"),
        ({"type": "integer", "range": "1"}, "projection.p.range has not two values separated by a comma"),
        (
            {"type": "date", "range": "x,NOW", "format": "yyyy"},
            "projection.p.range does not fit its format: x",
        ),
    ],
)
def test_wrong_properties_fail_the_query(lake: Lake, properties: dict[str, str], problem: str) -> None:
    project(lake, "p string", **{f"projection__p__{key}": text for key, text in properties.items()})
    begin = f"INVALID_TABLE_PROPERTY: Table {lake.database}.t is configured for partition projection, but "
    assert lake.failure("select * from t") == begin + problem
