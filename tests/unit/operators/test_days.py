"""Deliveries of days: which run uses which, where they land, and what a correction replaces."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from sentiment_retrain.aws import athena, hooks
from sentiment_retrain.data import sources
from sentiment_retrain.data.sources import day_of
from sentiment_retrain.operators import LandReviewsOperator, PlanRunOperator, foresight
from sentiment_retrain.operators.catalog import RegisterGlueTablesOperator
from sentiment_retrain.settings import load_settings

from .test_ingest import deliver, keys, source

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentiment_retrain.aws.hooks import Aws

    Execute = Callable[..., Any]

pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")


def planned(execute: Execute, day: int, **params: Any) -> dict[str, Any]:
    date = dt.datetime(2026, 3, day, tzinfo=dt.UTC)
    return dict(execute(PlanRunOperator(task_id="plan"), logical_date=date, **params))


def landed(execute: Execute, run: dict[str, Any]) -> dict[str, Any]:
    return dict(execute(LandReviewsOperator(task_id="land_reviews", run=run)))


@pytest.mark.parametrize(
    ("uri", "day"),
    [
        ("s3://b/inbox/dt=2026-03-01/a.csv", "2026-03-01"),
        ("s3://b/inbox/reviews.dt=2026-03-01.csv", "2026-03-01"),
        ("s3://b/inbox/a.csv", None),
        ("s3://b/inbox/width=1/adt=2026-03-01/a.csv", None),
    ],
)
def test_day_of_a_key(uri: str, day: str | None) -> None:
    assert day_of(uri) == day


def test_a_run_uses_deliveries_up_to_its_day_and_lands_each_in_its_own(
    aws: Aws, bucket: str, execute: Execute
) -> None:
    for day in (1, 2, 3):
        deliver(aws, bucket, source(40, seed=day), f"dt=2026-03-0{day}/reviews.csv")
    second = landed(execute, planned(execute, 2))
    assert (second["partitions"], second["data_until"]) == (["2026-03-01", "2026-03-02"], "2026-03-02")
    assert not [uri for uri in keys(aws, bucket, "curated/") if "2026-03-03" in uri]
    # The first day, run after the second, gives what it would have given before, and writes nothing.
    before = list(aws.list_objects(f"s3://{bucket}/curated/"))
    first = landed(execute, planned(execute, 1))
    assert (first["partitions"], first["reused"]) == (["2026-03-01"], True)
    assert list(aws.list_objects(f"s3://{bucket}/curated/")) == before


def test_a_delivery_before_the_window_is_left_out(aws: Aws, bucket: str, execute: Execute) -> None:
    for day in (1, 5):
        deliver(aws, bucket, source(40, seed=day), f"dt=2026-03-0{day}/reviews.csv")
    run = planned(execute, 5, window_days=2)
    assert [item["partition"] for item in aws.get_json(run["plan_uri"])["sources"]] == ["2026-03-05"]


def test_a_corrected_delivery_replaces_its_rows(aws: Aws, bucket: str, execute: Execute) -> None:
    deliver(aws, bucket, source(40), "dt=2026-03-01/reviews.csv")
    first = landed(execute, planned(execute, 1))
    deliver(aws, bucket, source(50, seed=1), "dt=2026-03-01/reviews.csv")
    second = landed(execute, planned(execute, 1))
    (curated,) = keys(aws, bucket, "curated/")
    assert second["source_sha256"][0][:16] in curated
    assert second["fingerprint"] != first["fingerprint"]
    # What was received is kept byte for byte.
    assert len([uri for uri in keys(aws, bucket, "raw/") if uri.endswith(".csv")]) == 2


def test_a_day_that_does_not_exist_is_refused(aws: Aws, bucket: str, execute: Execute) -> None:
    deliver(aws, bucket, source(40), "dt=2026-02-31/reviews.csv")
    with pytest.raises(AirflowFailException, match="no day of the calendar"):
        planned(execute, 1)


def test_the_plan_says_what_is_new_since_the_last_one(aws: Aws, bucket: str, execute: Execute) -> None:
    deliver(aws, bucket, source(40), "dt=2026-03-01/reviews.csv")
    run = planned(execute, 1)
    steps = {step["step"]: step for step in aws.get_json(run["plan_uri"])["steps"]}
    assert steps["train.blazingtext"]["why"] == "nothing was built of these reviews before"
    deliver(aws, bucket, source(40, seed=2), "dt=2026-03-02/reviews.csv")
    later = planned(execute, 2, run_id="later")
    steps = {step["step"]: step for step in aws.get_json(later["plan_uri"])["steps"]}
    assert steps["train.blazingtext"]["decision"] == "run"
    assert f"s3://{bucket}/inbox/dt=2026-03-02/reviews.csv: none -> " in steps["train.blazingtext"]["why"]
    assert run["run_key"] in steps["train.blazingtext"]["why"]


def test_a_rollback_in_between_is_nothing_to_compare_a_plan_with(
    aws: Aws, bucket: str, execute: Execute
) -> None:
    deliver(aws, bucket, source(40), "dt=2026-03-01/reviews.csv")
    run = planned(execute, 1)
    planned(execute, 1, run_id="zz-back", mode="rollback")  # the newest by name, too
    deliver(aws, bucket, source(40, seed=2), "dt=2026-03-02/reviews.csv")
    later = planned(execute, 2, run_id="later")
    steps = {step["step"]: step for step in aws.get_json(later["plan_uri"])["steps"]}
    assert steps["train.blazingtext"]["why"].startswith(f"changed since run {run['run_key']}: ")


def test_the_inbox_is_read_once_for_as_long_as_it_stays_what_it_is(
    aws: Aws, bucket: str, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    whole = hooks.Aws.sha256

    def counted(self: Aws, uri: str) -> str:
        read.append(uri.rpartition("dt=")[2])
        return whole(self, uri)

    monkeypatch.setattr(hooks.Aws, "sha256", counted)
    for day in (1, 2):
        deliver(aws, bucket, source(40, seed=day), f"dt=2026-03-0{day}/reviews.csv")
    before = digests_of(aws, planned(execute, 2))
    assert len(read) == 2
    sources._Digests._seen.clear()  # as in another process
    deliver(aws, bucket, source(41, seed=1), "dt=2026-03-01/reviews.csv")
    after = digests_of(aws, planned(execute, 2))
    assert read[2:] == ["2026-03-01/reviews.csv"]
    assert [uri for uri in after if after[uri] != before[uri]] == [
        f"s3://{bucket}/inbox/dt=2026-03-01/reviews.csv"
    ]


def digests_of(aws: Aws, run: dict[str, Any]) -> dict[str, str]:
    return {item["uri"]: item["sha256"] for item in aws.get_json(run["plan_uri"])["sources"]}


def test_nothing_in_a_plan_is_left_open(aws: Aws, bucket: str, execute: Execute) -> None:
    """On new reviews every step runs, with a bound, also where an earlier one has yet to make its inputs."""
    deliver(aws, bucket, source(40), "dt=2026-03-01/reviews.csv")
    for reused in (True, False):
        steps = aws.get_json(planned(execute, 1, reuse=reused)["plan_uri"])["steps"]
        assert {step["decision"] for step in steps} == {"run"}
        assert min(step["bound_usd"] for step in steps) > 0


def test_what_becomes_of_the_winners_analyses_depends_on_who_wins() -> None:
    there, missing = foresight.Foreseen("reuse", "job a"), foresight.Foreseen("run", "not run before")
    assert foresight._whoever_wins({"autopilot": missing}) == missing
    assert foresight._whoever_wins({"autopilot": there, "blazingtext": there}).decision == "reuse"
    open_yet = foresight._whoever_wins({"autopilot": there, "blazingtext": missing})
    assert open_yet.decision == "run"
    assert "if autopilot wins: reuse, job a; if blazingtext wins: run" in open_yet.why


def test_of_two_deliveries_with_the_same_content_one_is_corrected(
    aws: Aws, bucket: str, execute: Execute
) -> None:
    for name in ("first", "second"):
        deliver(aws, bucket, source(40), f"dt=2026-03-01/{name}.csv")
    landed(execute, planned(execute, 1))
    deliver(aws, bucket, source(50, seed=1), "dt=2026-03-01/first.csv")
    result = landed(execute, planned(execute, 1, run_id="corrected"))
    # The second delivery has the earlier content still.
    assert curated(aws, bucket) == {digest[:16] for digest in result["source_sha256"]}
    assert len(curated(aws, bucket)) == 2
    deliver(aws, bucket, source(60, seed=2), "dt=2026-03-01/second.csv")
    result = landed(execute, planned(execute, 1, run_id="corrected-too"))
    assert curated(aws, bucket) == {digest[:16] for digest in result["source_sha256"]}


def curated(aws: Aws, bucket: str) -> set[str]:
    return {uri.rpartition("/")[2].removesuffix(".parquet") for uri in keys(aws, bucket, "curated/")}


def same_content_of_two_days(aws: Aws, bucket: str, execute: Execute) -> None:
    deliver(aws, bucket, source(40), "dt=2026-03-02/reviews.csv")
    landed(execute, planned(execute, 2))
    deliver(aws, bucket, source(40), "dt=2026-03-01/reviews.csv")
    landed(execute, planned(execute, 1, run_id="backfill"))


def no_day_and_two_runs_at_once(aws: Aws, bucket: str, execute: Execute) -> None:
    deliver(aws, bucket, source(40), "reviews.csv")
    for run in [planned(execute, day, run_id=f"of-{day}") for day in (1, 2)]:
        landed(execute, run)


@pytest.mark.parametrize("land_twice", [same_content_of_two_days, no_day_and_two_runs_at_once])
def test_rows_that_were_landed_on_two_days_count_once(
    aws: Aws, bucket: str, execute: Execute, land_twice: Callable[..., None]
) -> None:
    land_twice(aws, bucket, execute)
    deliver(aws, bucket, source(41, seed=3), "dt=2026-03-02/more.csv")
    run = planned(execute, 3, run_id="later")
    land = landed(execute, run)
    assert len(keys(aws, bucket, "curated/")) == 3
    execute(RegisterGlueTablesOperator(task_id="register_tables", run=run, land=land))
    settings = load_settings()
    values = athena.rows_of_run(aws, settings, run, land)
    (found,) = athena.query(aws, settings, bucket, "quality_profile", values).to_dict("records")
    assert (found["row_count"], found["repeated_ids"]) == (land["rows_accepted"], 0)


def test_the_quarantine_file_is_shown_also_when_a_later_delivery_is_clean(
    aws: Aws, bucket: str, execute: Execute
) -> None:
    deliver(aws, bucket, source(40, refused=4), "dt=2026-03-01/reviews.csv")
    deliver(aws, bucket, source(40, seed=1), "dt=2026-03-02/reviews.csv")
    result = landed(execute, planned(execute, 2))
    (quarantined,) = keys(aws, bucket, "quarantine/")
    assert result["quarantine_uri"] == quarantined
    assert result["gates"][0]["evidence_uri"] == quarantined
