"""An installation of a test's own, driven by the commands that people type, and settings for few reviews."""

from __future__ import annotations

import csv
import itertools
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import guardian

from launcher import first_data, localaws, processes
from launcher.places import CHECKOUT, Places

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Reviews of each sentiment in a slice: enough that every step does its real work.
EACH = 300
#: Settings for such a slice.
OVERLAY: dict[str, Any] = {
    "poll_seconds": 2,
    "deployment": {
        "instance_count": 1,
        "canary_percent": 25,
        "bake_seconds": 5,
        "termination_wait_seconds": 0,
    },
    "datasets": {"minimum_rows": 300, "shap_rows": 6},
    "jobs": {"analysis": {"shap_samples": 40}, "autopilot": {"max_candidates": 2}},
    # On a few hundred reviews models are weak; what is tested is that each step does its work.
    "gates": {
        "floor": {"minimum": 0.2, "minimum_over_baseline": 0.0},
        "golden": {"severity": "warn", "minimum_share_correct": 0.0},
    },
}


@dataclass(frozen=True)
class Installation:
    """A `.local` of the test's own, in which Airflow and the stand-in may run.

    :param config: the settings that are laid over the shipped ones
    :param variables: of the environment, besides
    """

    places: Places
    config: Path
    variables: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    def launch(self, *arguments: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
        """Run one command of the launcher, as the Makefile does; raises TimeoutExpired after `seconds`."""
        guardian.sweep_after_us(self.places.local)
        environment = os.environ | {
            "PYTHONPATH": str(CHECKOUT / "include"),
            "SENTIMENT_RETRAIN_LOCAL": str(self.places.local),
            "SENTIMENT_RETRAIN_CONFIG": str(self.config),
            "COLUMNS": "160",
            **self.variables,
        }
        return subprocess.run(
            [sys.executable, "-m", "launcher", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )

    @property
    def aws_url(self) -> str:
        """Where its stand-in listens."""
        server = processes.find(self.places, localaws.NAME)
        assert server is not None, "the stand-in is not running"
        return server.url

    def client(self, service: str) -> Any:
        """A boto3 client of its stand-in."""
        return localaws.client(service, self.aws_url)


@dataclass(frozen=True)
class WholeDag(Installation):
    """An installation with Airflow and the stand-in running in it, the reviews to retrain on, and events."""

    reviews: Path
    events: Path

    def rows_in_athena(self) -> int:
        """Reviews that a query of the curated table sees."""
        athena = self.client("athena")
        started = athena.start_query_execution(
            QueryString="SELECT count(*) FROM sentiment_retrain.reviews",
            ResultConfiguration={"OutputLocation": f"s3://{localaws.BUCKET}/test-queries/"},
        )
        deadline = time.monotonic() + 60
        while True:
            query = athena.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"]
            state = query["Status"]["State"]
            if state not in {"QUEUED", "RUNNING"}:
                break
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert state == "SUCCEEDED", query["Status"]
        results = athena.get_query_results(QueryExecutionId=started["QueryExecutionId"])
        return int(results["ResultSet"]["Rows"][1]["Data"][0]["VarCharValue"])


def balanced_slice(source: Path, target: Path) -> Path:
    """The first `EACH` reviews of each sentiment."""
    with source.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ratings = [float(row["mean_sentiment_rating"]) for row in rows]
    sides = [0 if abs(rating) < 0.75 else (1 if rating > 0 else -1) for rating in ratings]
    chosen = itertools.chain.from_iterable(
        [row for row, side in zip(rows, sides, strict=True) if side == wanted][:EACH] for wanted in (-1, 0, 1)
    )
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, first_data.COLUMNS)
        writer.writeheader()
        writer.writerows(chosen)
    return target
