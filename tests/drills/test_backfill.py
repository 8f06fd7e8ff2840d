"""Past days through Airflow's own backfill, on a tiny slice, through the command that people type."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from launcher import first_data, localaws, processes
from launcher.places import CHECKOUT, Places
from sentiment_retrain.runs.naming import name_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(900),
    # Four backfills in a real Airflow take minutes: too long for the default suite.
    pytest.mark.skipif(os.environ.get("DRILLS") != "long", reason="part of make drills"),
]

DAYS = ("2026-03-01", "2026-03-02")
#: Reviews of each sentiment a day.
EACH = 130
OVERLAY = {
    "poll_seconds": 1,
    "schedule": "@daily",
    "datasets": {"minimum_rows": 60, "minimum_test_rows_per_class": 3, "shap_rows": 3},
    "defaults": {"contenders": ["blazingtext"]},
    "jobs": {"analysis": {"shap_samples": 20}},
    "gates": {
        "floor": {"minimum": 0.1, "minimum_over_baseline": 0.0},
        "quality": "warn",
        "golden": {"severity": "warn", "minimum_share_correct": 0.0},
    },
}
LISTINGS = {
    "list_processing_jobs": "ProcessingJobSummaries",
    "list_training_jobs": "TrainingJobSummaries",
    "list_transform_jobs": "TransformJobSummaries",
}


class Installation:
    """A `.local` of the test's own."""

    def __init__(self, places: Places, config: Path) -> None:
        self.places = places
        self.config = config

    def launch(self, *arguments: str) -> str:
        """Run one command of the launcher; what it printed."""
        environment = os.environ | {
            "PYTHONPATH": str(CHECKOUT / "include"),
            "SENTIMENT_RETRAIN_LOCAL": str(self.places.local),
            "SENTIMENT_RETRAIN_CONFIG": str(self.config),
        }
        done = subprocess.run(
            [sys.executable, "-m", "launcher", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def backfill(self, *more: str) -> str:
        return self.launch("backfill", "--from", DAYS[0], "--to", DAYS[1], *more)

    def client(self, service: str) -> Any:
        server = processes.find(self.places, localaws.NAME)
        assert server is not None
        return localaws.client(service, server.url)

    def deliver(self, day: str, content: bytes) -> None:
        key = f"inbox/dt={day}/reviews.csv"
        self.client("s3").put_object(Bucket=localaws.BUCKET, Key=key, Body=content)

    def jobs(self) -> set[str]:
        """Names of all jobs that were ever made."""
        sagemaker = self.client("sagemaker")
        return {
            next(value for key, value in item.items() if key.endswith("JobName"))
            for operation, key in LISTINGS.items()
            for item in getattr(sagemaker, operation)(MaxResults=100)[key]
        }

    def live(self) -> dict[str, Any]:
        """What the endpoint serves, and since when."""
        found = self.client("sagemaker").describe_endpoint(EndpointName="sentiment-retrain")
        return {key: found[key] for key in ("EndpointConfigName", "LastModifiedTime", "EndpointStatus")}

    def partitions(self) -> set[str]:
        found = self.client("s3").list_objects_v2(Bucket=localaws.BUCKET, Prefix="curated/reviews/")
        return {item["Key"].split("/")[2] for item in found.get("Contents", [])}


def slices(count: int) -> list[bytes]:
    """Disjoint balanced slices of the first data, `EACH` reviews of each sentiment."""
    with first_data.ensure(Places.here()).open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    header, column = rows[0], rows[0].index("mean_sentiment_rating")
    sides: dict[int, list[list[str]]] = {-1: [], 0: [], 1: []}
    for row in rows[1:]:
        rating = float(row[column])
        sides[0 if abs(rating) < 0.75 else (1 if rating > 0 else -1)].append(row)
    chosen = [
        [row for side in sides.values() for row in side[n * EACH : (n + 1) * EACH]] for n in range(count)
    ]
    return [("\n".join(_line(row) for row in [header, *part]) + "\n").encode() for part in chosen]


def _line(row: list[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in row)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("backfill").resolve()
    config = directory / "overlay.yaml"
    config.write_text(yaml.safe_dump(OVERLAY))
    made = Installation(Places(directory / "local"), config)
    try:
        made.launch("up")
        yield made
    finally:
        made.launch("down")


def test_backfill(installation: Installation) -> None:
    """One set of jobs a day, nothing twice, no older model live; a correction changes what it must."""
    *deliveries, corrected = slices(3)
    for day, content in zip(DAYS, deliveries, strict=True):
        installation.deliver(day, content)

    # The dry run plans both days and does nothing.
    dry = installation.backfill("--dry-run", "1")
    assert all(day in dry for day in DAYS)
    assert dry.count("train.blazingtext") == 2
    assert installation.jobs() == set()

    # The newer day goes live, because it is told to.
    installation.launch("backfill", "--from", DAYS[1], "--to", DAYS[1], "--deploy", "force")
    live, newer = installation.live(), installation.jobs()
    assert _days(newer, "blazingtext") == {_compact(DAYS[1])}

    # The older day does not replace it even then, and the newer one is not paid for again.
    installation.backfill("--deploy", "force")
    older = installation.jobs() - newer
    assert _days(older, "") == {_compact(DAYS[0])}
    assert installation.partitions() == {f"dt={day}" for day in DAYS}
    assert installation.live() == live

    # The newer day is delivered again, corrected: only its work is done again, and nothing goes live unasked.
    installation.deliver(DAYS[1], corrected)
    assert f"inbox/dt={DAYS[1]}/reviews.csv" in installation.backfill("--dry-run", "1")
    installation.backfill()
    anew = installation.jobs() - newer - older
    assert _days(anew, "") == {_compact(DAYS[1])}
    assert installation.live() == live


def _days(jobs: set[str], step: str) -> set[str]:
    """Days, ``yyyymmdd``, in the names of the jobs of a step."""
    return {parts.date for name in jobs if step in name and (parts := name_parts(name))}


def _compact(day: str) -> str:
    return day.replace("-", "")
