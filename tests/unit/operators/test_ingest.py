"""From source objects to datasets: plan, land, register, check, prepare."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from sentiment_retrain.data.columns import column_names
from sentiment_retrain.operators import (
    AthenaQualityOperator,
    DriftOperator,
    LandReviewsOperator,
    PlanRunOperator,
    PrepareDatasetsOperator,
    RegisterGlueTablesOperator,
)

from ..samples import curated

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentiment_retrain.aws.hooks import Aws

    Execute = Callable[..., Any]

# awswrangler 3.17 calls pandas 3 with a keyword that pandas 4 will drop; Great Expectations 1.24
# imports modules that Python has renamed.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),
]

SOURCE_COLUMNS = ["Review Text", "Rating", "Class Name"]


#: Names of categories that readers of CSV files take for something else.
AMBIGUOUS = ("NaN", "nan", "NA", "null", "None", "1.50", "1.5", "007", "7", "TRUE", "1e3")


def source(rows: int, seed: int = 0, refused: int = 0) -> bytes:
    """A CSV file as the source system writes it, some of its rows without a text."""
    frame = curated(rows, seed)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(SOURCE_COLUMNS)
    ratings = frame["star_rating"].astype(int)
    writer.writerows(zip(frame["review_body"], ratings, frame["product_category"], strict=True))
    writer.writerows([["", 5, "Dresses"]] * refused)
    return buffer.getvalue().encode()


def deliver(aws: Aws, bucket: str, content: bytes, name: str = "reviews.csv") -> None:
    aws.put_bytes(f"s3://{bucket}/inbox/{name}", content)


def planned(execute: Execute, **params: Any) -> dict[str, Any]:
    return dict(execute(PlanRunOperator(task_id="plan"), **params))


def landed(execute: Execute, run: dict[str, Any], pushed: dict[str, Any] | None = None) -> dict[str, Any]:
    return dict(execute(LandReviewsOperator(task_id="land_reviews", run=run), pushed))


def keys(aws: Aws, bucket: str, prefix: str) -> list[str]:
    return [entry.uri for entry in aws.list_objects(f"s3://{bucket}/{prefix}")]


def test_plan_freezes_sources_by_content(aws: Aws, bucket: str, execute: Execute) -> None:
    deliver(aws, bucket, source(40), "a.csv")
    deliver(aws, bucket, source(40), "same-bytes.csv")
    run = planned(execute)
    plan = aws.get_json(run["plan_uri"])
    assert [item["uri"] for item in plan["sources"]] == [f"s3://{bucket}/inbox/a.csv"]
    assert plan["sources"][0]["sha256"] == aws.sha256(f"s3://{bucket}/inbox/a.csv")
    assert plan["sources"][0]["landed_partition"] is None
    assert run["champion"] is None
    assert run["partition"] == "2026-03-01"
    assert run["images"]["blazingtext"].startswith("811284229777.dkr.ecr.us-east-1.")
    assert run["cost_bound_usd"] == pytest.approx(sum(step["bound_usd"] for step in plan["steps"]), abs=0.01)
    assert any("reference" in step["step"] for step in plan["steps"])


def test_plan_over_budget_fails_with_its_code_but_is_written(aws: Aws, bucket: str, execute: Execute) -> None:
    deliver(aws, bucket, source(40))
    pushed: dict[str, Any] = {}
    with pytest.raises(AirflowFailException, match="SR-GATE-008"):
        execute(PlanRunOperator(task_id="plan"), pushed, budget_usd=0.01)
    assert pushed["failure"]["gates"][0]["status"] == "fail"
    assert aws.exists(pushed["failure"]["result"]["plan_uri"])


@pytest.mark.parametrize("uri", ["s3://{bucket}/nothing/", "s3://no-such-bucket-at-all/x.csv", "reviews.csv"])
def test_plan_without_source_says_what_to_do(bucket: str, execute: Execute, uri: str) -> None:
    with pytest.raises(AirflowFailException, match="SR-SOURCE-001") as caught:
        planned(execute, source_uri=uri.format(bucket=bucket))
    assert "what to do: " in str(caught.value)


def test_plan_takes_exactly_the_named_object(aws: Aws, bucket: str, execute: Execute) -> None:
    deliver(aws, bucket, source(40), "reviews.csv")
    deliver(aws, bucket, source(40, seed=1), "reviews.csv.bak")
    run = planned(execute, source_uri=f"s3://{bucket}/inbox/reviews.csv")
    assert len(aws.get_json(run["plan_uri"])["sources"]) == 1


def test_plan_only_lands_nothing(aws: Aws, bucket: str, execute: Execute) -> None:
    deliver(aws, bucket, source(40))
    with pytest.raises(AirflowSkipException):
        landed(execute, planned(execute, mode="plan_only"))
    assert keys(aws, bucket, "curated/") == []


def test_landing_keeps_the_bytes_and_refuses_bad_rows(aws: Aws, bucket: str, execute: Execute) -> None:
    content = source(40, refused=2)
    deliver(aws, bucket, content)
    land = landed(execute, planned(execute))
    assert (land["rows_received"], land["rows_accepted"], land["rows_refused"]) == (42, 40, 2)
    assert land["refused_by_reason"] == {"empty_text": 2}
    assert b"empty_text" in aws.get_bytes(land["quarantine_uri"])
    raw, manifest = sorted(keys(aws, bucket, "raw/"), key=lambda uri: uri.endswith("_manifest.json"))
    assert aws.get_bytes(raw) == content
    assert aws.get_json(manifest)["rows_accepted"] == 40
    assert len(keys(aws, bucket, "curated/")) == 1
    assert (land["data_until"], land["reused"]) == ("2026-03-01", False)


def test_second_landing_writes_nothing(aws: Aws, bucket: str, execute: Execute) -> None:
    deliver(aws, bucket, source(40))
    first = landed(execute, planned(execute))
    before = list(aws.list_objects(f"s3://{bucket}/raw/")) + list(aws.list_objects(f"s3://{bucket}/curated/"))
    second = landed(execute, planned(execute, run_id="manual__later"))
    after = list(aws.list_objects(f"s3://{bucket}/raw/")) + list(aws.list_objects(f"s3://{bucket}/curated/"))
    assert after == before
    assert second["reused"]
    assert {key: second[key] for key in first if key not in ("reused", "gates")} == {
        key: first[key] for key in first if key not in ("reused", "gates")
    }


def test_an_interrupted_landing_is_done_again(aws: Aws, bucket: str, execute: Execute) -> None:
    deliver(aws, bucket, source(40))
    landed(execute, planned(execute))
    (manifest,) = [uri for uri in keys(aws, bucket, "raw/") if uri.endswith("_manifest.json")]
    aws.client("s3").delete_object(Bucket=bucket, Key=manifest.removeprefix(f"s3://{bucket}/"))
    assert landed(execute, planned(execute))["reused"] is False
    assert len(keys(aws, bucket, "curated/")) == 1


def test_too_many_refused_rows_stop_before_anything_is_visible(
    aws: Aws, bucket: str, execute: Execute
) -> None:
    deliver(aws, bucket, source(10, refused=30))
    run = planned(execute)
    pushed: dict[str, Any] = {}
    with pytest.raises(AirflowFailException, match="SR-GATE-001"):
        landed(execute, run, pushed)
    assert keys(aws, bucket, "curated/") == []
    assert keys(aws, bucket, "raw/") == []
    assert b"empty_text" in aws.get_bytes(pushed["failure"]["result"]["quarantine_uri"])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "SR-SOURCE-002"),
        (b"Review Text,Rating\nnice,5\n", "SR-SOURCE-003"),
        (b"PK\x03\x04 not a csv", "SR-SOURCE-004"),
        (b"Review Text,Rating,Class Name\n,5,Dresses\n", "SR-SOURCE-005"),
    ],
)
def test_garbage_fails_well(aws: Aws, bucket: str, execute: Execute, content: bytes, code: str) -> None:
    deliver(aws, bucket, content)
    with pytest.raises(AirflowFailException, match=code) as caught:
        landed(execute, planned(execute))
    assert f"s3://{bucket}/inbox/reviews.csv" in str(caught.value)
    assert keys(aws, bucket, "curated/") == []


def test_a_source_that_changed_after_the_plan_is_refused(aws: Aws, bucket: str, execute: Execute) -> None:
    deliver(aws, bucket, source(40))
    run = planned(execute)
    deliver(aws, bucket, source(40, seed=9))
    with pytest.raises(AirflowFailException, match="as planned"):
        landed(execute, run)


def test_from_source_to_datasets(aws: Aws, bucket: str, execute: Execute) -> None:
    """Two deliveries on two days: tables, quality on Athena, drift profile, datasets, and their reuse."""
    deliver(aws, bucket, source(350), "monday.csv")
    landed(execute, planned(execute, logical_date=dt.datetime(2026, 2, 1, tzinfo=dt.UTC)))
    deliver(aws, bucket, source(350, seed=1), "tuesday.csv")
    run = planned(execute)
    land = landed(execute, run)
    assert land["partitions"] == ["2026-02-01", "2026-03-01"]
    assert land["rows_accepted"] == 700

    tables = execute(RegisterGlueTablesOperator(task_id="register_tables", run=run, land=land))
    assert tables["partitions"] == land["partitions"]
    again = execute(RegisterGlueTablesOperator(task_id="register_tables", run=run, land=land))
    assert again == tables
    raw = aws.client("glue").get_table(DatabaseName=tables["database"], Name=tables["raw_table"])["Table"]
    assert [column["Name"] for column in raw["StorageDescriptor"]["Columns"]] == [
        "review_text",
        "rating",
        "class_name",
    ]

    quality = execute(AthenaQualityOperator(task_id="reviews", run=run, land=land, tables=tables))
    assert quality["profile"]["row_count"] == 700
    assert {gate["status"] for gate in quality["gates"]} == {"pass"}
    assert sum(category["row_count"] for category in quality["categories"]) == 700

    drift = execute(DriftOperator(task_id="drift", run=run, land=land, tables=tables))
    assert drift["profile"]["rows"] == 700
    assert drift["measures"] is None

    prepare = PrepareDatasetsOperator(task_id="datasets", run=run, land=land)
    data = execute(prepare)
    assert not data["reused"]
    assert all(aws.sha256(data["files"][key]) == digest for key, digest in data["sha256"].items())
    assert {side: sum(counts.values()) for side, counts in data["label_counts"].items()} == data["rows"]
    second = execute(PrepareDatasetsOperator(task_id="datasets", run=run, land=land))
    assert second == data | {"reused": True}


def test_categories_that_look_like_something_else_stay_what_they_are(
    aws: Aws, bucket: str, execute: Execute
) -> None:
    frame = curated(660)
    frame["product_category"] = AMBIGUOUS * 60
    columns = frame[["review_body", "star_rating", "product_category"]].set_axis(SOURCE_COLUMNS, axis=1)
    deliver(aws, bucket, columns.to_csv(index=False).encode())
    run = planned(execute)
    land = landed(execute, run)
    tables = execute(RegisterGlueTablesOperator(task_id="register_tables", run=run, land=land))
    counts = dict.fromkeys(AMBIGUOUS, 60)

    quality = execute(AthenaQualityOperator(task_id="reviews", run=run, land=land, tables=tables))
    assert {item["product_category"]: item["row_count"] for item in quality["categories"]} == counts
    drift = execute(DriftOperator(task_id="drift", run=run, land=land, tables=tables))
    assert drift["profile"]["rows"] == 660
    explored = aws.get_json(f"{run['run_uri']}/reviews.json")
    assert {item["category"]: item["rows"] for item in explored["categories"]} == counts

    data = execute(PrepareDatasetsOperator(task_id="datasets", run=run, land=land))
    assert set(data["category_counts"]["train"]) == set(AMBIGUOUS)


def test_too_little_data_fails_the_quality_gate(aws: Aws, bucket: str, execute: Execute) -> None:
    deliver(aws, bucket, source(100))
    run = planned(execute)
    land = landed(execute, run)
    tables = execute(RegisterGlueTablesOperator(task_id="register_tables", run=run, land=land))
    pushed: dict[str, Any] = {}
    with pytest.raises(AirflowFailException, match="SR-GATE-002") as caught:
        execute(AthenaQualityOperator(task_id="reviews", run=run, land=land, tables=tables), pushed)
    assert "row_count: 100" in str(caught.value)
    assert "at least 500" in str(caught.value)
    assert len([gate for gate in pushed["failure"]["gates"] if gate["status"] == "pass"]) > 5


def test_column_names_are_what_athena_takes() -> None:
    assert column_names(["", "Review Text", "review-text", "dt", "Größe"]) == [
        "column_0",
        "review_text",
        "review_text_2",
        "dt_3",
        "gr_e",
    ]
