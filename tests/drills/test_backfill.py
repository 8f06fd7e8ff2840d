"""Past days through Airflow's own backfill, on a tiny slice, through the command that people type."""

from __future__ import annotations

import csv
import dataclasses
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from installation import Installation

from launcher import first_data, localaws
from launcher.places import Places
from sentiment_retrain.naming import name_parts

from .backfill_table import PROPERTY, BackfillRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(3600),
    # 26 runs in a real Airflow take minutes: too long for the default suite.
    pytest.mark.skipif(os.environ.get("DRILLS") != "long", reason="part of make drills"),
]

DAYS = tuple(f"2026-03-{number:02d}" for number in range(1, 11))
#: A day whose file is corrected; the last, which gets a second file late; where the days done again begin.
CORRECTED, LATE = DAYS[6], DAYS[-1]
ANEW_FROM = DAYS[5]
#: Reviews of each sentiment a day.
EACH = 130
#: A pass of ten days that takes longer hangs.
PASS_SECONDS = 1500
OVERLAY = {
    "poll_seconds": 1,
    "schedule": "@daily",
    # Each day is trained on with the one before it.
    "window_days": 1,
    "datasets": {"minimum_rows": 60, "minimum_test_rows_per_class": 3, "shap_rows": 3},
    "defaults": {"contenders": ["blazingtext"]},
    "jobs": {"analysis": {"shap_samples": 20}},
    "gates": {
        "floor": {"minimum": 0.1, "minimum_over_baseline": 0.0},
        "quality": "warn",
        # So few rows of a category say nothing, and nothing of it is asked here.
        "bias": {"minimum_group_size": 10000},
        "golden": {"severity": "warn", "minimum_share_correct": 0.0},
    },
}
LISTINGS = {
    "list_processing_jobs": "ProcessingJobSummaries",
    "list_training_jobs": "TrainingJobSummaries",
    "list_transform_jobs": "TransformJobSummaries",
}


class Backfills(Installation):
    """An installation of the test's own, whose past days are filled."""

    def told(self, *arguments: str) -> str:
        """What a command of the launcher that succeeds prints."""
        done = self.launch(*arguments, seconds=PASS_SECONDS)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def backfill(self, *more: str, first: str = DAYS[0], last: str = DAYS[-1]) -> str:
        return self.told("backfill", "--from", first, "--to", last, *more)

    def deliver(self, day: str, content: bytes, name: str = "reviews.csv") -> None:
        key = f"inbox/dt={day}/{name}"
        self.client("s3").put_object(Bucket=localaws.BUCKET, Key=key, Body=content)

    def jobs(self) -> set[str]:
        """Names of all jobs that were ever made."""
        sagemaker = self.client("sagemaker")
        return {
            next(value for key, value in item.items() if key.endswith("JobName"))
            for operation, key in LISTINGS.items()
            for page in sagemaker.get_paginator(operation).paginate()
            for item in page[key]
        }

    def live(self) -> dict[str, Any]:
        """What the endpoint serves, and since when."""
        found = self.client("sagemaker").describe_endpoint(EndpointName="sentiment-retrain")
        return {key: found[key] for key in ("EndpointConfigName", "LastModifiedTime", "EndpointStatus")}

    def partitions(self) -> set[str]:
        found = self.client("s3").list_objects_v2(Bucket=localaws.BUCKET, Prefix="curated/reviews/")
        return {item["Key"].split("/")[2] for item in found.get("Contents", [])}


def slices(count: int) -> list[bytes]:
    """Disjoint balanced slices of the first data, alike, with `EACH` reviews of each sentiment."""
    with first_data.ensure(Places.here()).open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    header, column = rows[0], rows[0].index("mean_sentiment_rating")
    sides: dict[int, list[list[str]]] = {-1: [], 0: [], 1: []}
    for row in rows[1:]:
        rating = float(row[column])
        sides[0 if abs(rating) < 0.75 else (1 if rating > 0 else -1)].append(row)
    chosen = [
        [row for side in sides.values() for row in side[number::count][:EACH]] for number in range(count)
    ]
    return [("\n".join(_line(row) for row in [header, *part]) + "\n").encode() for part in chosen]


def _line(row: list[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in row)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backfills]:
    directory = tmp_path_factory.mktemp("backfill").resolve()
    config = directory / "overlay.yaml"
    config.write_text(yaml.safe_dump(OVERLAY))
    made = Backfills(Places(directory / "local"), config)
    try:
        made.told("up")
        yield made
    finally:
        made.told("down")


def test_backfill(installation: Backfills, record_property: Callable[[str, object], None]) -> None:
    """One set of jobs a day, nothing twice, no older model live; a late or corrected file redoes its days."""

    def note(event: str, printed: str, jobs: set[str]) -> None:
        found = _SUMMARY.search(printed)
        assert found, printed
        intervals, seconds = (int(number) for number in found.groups())
        row = BackfillRow(event, intervals, len(jobs), len(_days(jobs)), seconds)
        record_property(PROPERTY, dataclasses.asdict(row))

    *deliveries, corrected, late = slices(len(DAYS) + 2)
    for day, content in zip(DAYS, deliveries, strict=True):
        installation.deliver(day, content)

    # The dry run plans every day and does nothing.
    dry = installation.backfill("--dry-run", "1")
    assert all(day in dry for day in DAYS)
    assert dry.count("train.blazingtext") == len(DAYS)
    assert installation.jobs() == set()

    # The newest day goes live, because it is told to.
    printed = installation.backfill("--deploy", "force", first=DAYS[-1])
    live, newest = installation.live(), installation.jobs()
    assert _days(newest) == {DAYS[-1]}
    note("the newest day, deployed", printed, newest)

    # No older day replaces it even then, and the newest one is not paid for again.
    printed = installation.backfill("--deploy", "force")
    older = installation.jobs() - newest
    note("ten days", printed, older)
    assert _days(older) == set(DAYS[:-1])
    assert installation.partitions() == {f"dt={day}" for day in DAYS}
    assert installation.live() == live
    # One set of jobs a day: one model is trained, no step is tried twice.
    trained = {day: _count(older, "blazingtext", day) for day in DAYS[:-1]}
    assert trained == dict.fromkeys(DAYS[:-1], 1)
    assert all(parts.attempt == 0 for name in newest | older if (parts := name_parts(name)))

    # Once more: no new job.
    printed = installation.backfill("--deploy", "force")
    anew = installation.jobs() - newest - older
    note("ten days, again", printed, anew)
    assert anew == set()
    assert installation.live() == live

    # One file is corrected, another comes late: only the days that use them are done again, each step of
    # theirs once, and nothing goes live unasked.
    installation.deliver(CORRECTED, corrected)
    installation.deliver(LATE, late, "late.csv")
    dry = installation.backfill("--dry-run", "1", first=ANEW_FROM)
    assert f"inbox/dt={CORRECTED}/reviews.csv" in dry
    assert f"inbox/dt={LATE}/late.csv" in dry
    printed = installation.backfill(first=ANEW_FROM)
    anew = installation.jobs() - newest - older
    note("a corrected and a late file", printed, anew)
    affected = {CORRECTED, DAYS[DAYS.index(CORRECTED) + 1], LATE}
    assert _days(anew) == affected
    assert {day: _count(anew, "blazingtext", day) for day in affected} == dict.fromkeys(affected, 1)
    assert installation.live() == live


_SUMMARY = re.compile(r"(\d+) intervals, (\d+) s each on average")


def _days(jobs: set[str]) -> set[str]:
    """Days, ``YYYY-MM-DD``, in the names of the jobs."""
    found = {parts.date for name in jobs if (parts := name_parts(name))}
    return {f"{date[:4]}-{date[4:6]}-{date[6:]}" for date in found}


def _count(jobs: set[str], step: str, day: str) -> int:
    """How many jobs a step has on a day."""
    return sum(f"-{step}-{day.replace('-', '')}-" in name for name in jobs)
