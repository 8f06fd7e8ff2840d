"""The whole DAG, in a real Airflow, on the stand-in, through the commands that people type.

On a slice of the first data: three hundred reviews of each sentiment let every step do its real work.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from launcher import first_data, localaws, processes
from launcher.places import CHECKOUT, Places
from launcher.predict import invoke

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

EACH = 300
OVERLAY = {
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
    """A `.local` of the test's own, with Airflow and the stand-in running in it."""

    places: Places
    reviews: Path
    config: Path

    def launch(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command of the launcher, as the Makefile does."""
        environment = os.environ | {
            "PYTHONPATH": str(CHECKOUT / "include"),
            "SENTIMENT_RETRAIN_LOCAL": str(self.places.local),
            "SENTIMENT_RETRAIN_CONFIG": str(self.config),
            "COLUMNS": "160",
        }
        return subprocess.run(
            [sys.executable, "-m", "launcher", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    @property
    def aws_url(self) -> str:
        server = processes.find(self.places, localaws.NAME)
        assert server is not None, "the stand-in is not running"
        return server.url

    def client(self, service: str) -> Any:
        return localaws.client(service, self.aws_url)

    def rows_in_athena(self) -> int:
        """Reviews that a query of the curated table sees."""
        athena = self.client("athena")
        started = athena.start_query_execution(
            QueryString="SELECT count(*) FROM sentiment_retrain.data.reviews",
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


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("whole-dag").resolve()
    # Fetched once for the checkout and not once a test run.
    reviews = balanced_slice(first_data.ensure(Places.here()), directory / "reviews.csv")
    config = directory / "overlay.yaml"
    config.write_text(yaml.safe_dump(OVERLAY))
    made = Installation(Places(directory / "local"), reviews, config)
    try:
        up = made.launch("up")
        assert up.returncode == 0, up.stdout + up.stderr
        yield made
    finally:
        down = made.launch("down")
        assert down.returncode == 0, down.stderr


@pytest.fixture(scope="module")
def card(installation: Installation) -> dict[str, Any]:
    """The card of a first run, as `make report FORMAT=json` prints it."""
    run = installation.launch("run", "--data", str(installation.reviews))
    assert run.returncode == 0, run.stdout + run.stderr
    report = installation.launch("report", "--format", "json")
    assert report.returncode == 0, report.stderr
    return dict(json.loads(report.stdout))


def test_every_row_is_accounted_for(card: dict[str, Any], installation: Installation) -> None:
    data = card["data"]

    assert data["rows_received"] == 3 * EACH
    assert data["rows_accepted"] + data["rows_refused"] == 3 * EACH
    assert installation.rows_in_athena() == data["rows_accepted"]


def test_both_contenders_are_scored_on_the_same_reviews(card: dict[str, Any]) -> None:
    tests = {name: contender["test"] for name, contender in card["contenders"].items()}

    assert set(tests) == {"autopilot", "blazingtext"}
    assert tests["autopilot"]["n"] == tests["blazingtext"]["n"] > 0
    for test in tests.values():
        assert {"accuracy", "balanced_accuracy", "macro_f1", "intervals"} <= set(test)
        assert sum(sum(row) for row in test["confusion_matrix"]) == test["n"]
    by_class = [[sum(row) for row in test["confusion_matrix"]] for test in tests.values()]
    assert by_class[0] == by_class[1]


def test_the_verdict_names_the_winner_and_why(card: dict[str, Any]) -> None:
    assert card["status"] == "success"
    assert card["verdict"]["winner"] in card["contenders"]
    assert card["verdict"]["metric"]
    assert card["verdict"]["reason"]
    assert card["gates"]
    assert all(gate["status"] in {"pass", "warn"} for gate in card["gates"])
    assert {"plan", "train.autopilot", "train.blazingtext"} <= set(card["timings"])


def test_the_winner_answers_from_a_pipeline_of_three_containers(
    card: dict[str, Any], installation: Installation
) -> None:
    endpoint = card["endpoint"]
    assert endpoint["status"] == "InService"
    assert len(endpoint["containers"]) == 3

    prediction = invoke(installation.client("sagemaker-runtime"), endpoint["name"], "I love it, it is great")

    assert prediction.label in {-1, 0, 1}
    assert set(prediction.probabilities) == {-1, 0, 1}
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert prediction.probability == pytest.approx(prediction.probabilities[prediction.label], abs=1e-3)


def test_predict_answers_in_words(card: dict[str, Any], installation: Installation) -> None:
    assert card["endpoint"]

    done = installation.launch("predict", "--text", "I love it, it is great")

    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] in {"negative", "neutral", "positive"}


def test_the_same_data_again_trains_nothing_again(card: dict[str, Any], installation: Installation) -> None:
    again = installation.launch("run", "--data", str(installation.reviews))
    assert again.returncode == 0, again.stdout + again.stderr
    second = json.loads(installation.launch("report", "--format", "json").stdout)

    assert second["run_key"] != card["run_key"]
    training = {job["task"]: job for job in second["jobs"] if job["task"].startswith(("train.", "evaluate."))}
    assert {job["outcome"] for job in training.values()} == {"reused"}
    before = {job["name"] for job in card["jobs"]}
    assert {training["train.autopilot"]["name"], training["train.blazingtext"]["name"]} <= before
    assert second["data"]["reused"] is True
    assert "reused" in again.stdout
    assert installation.rows_in_athena() == card["data"]["rows_accepted"]


HEADER = "review_body,product_category,mean_sentiment_rating\n"
GARBAGE = {
    "missing column": ("a,b\n1,2\n", "SR-SOURCE-003"),
    "empty file": ("", "SR-SOURCE-002"),
    "only bad rows": (HEADER + ",movies,1\n!!!,movies,2\n" * 20, "SR-SOURCE-005"),
}


@pytest.mark.parametrize(("content", "code"), GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_refused_before_anything_starts(
    content: str, code: str, installation: Installation, tmp_path: Path
) -> None:
    path = tmp_path / "garbage.csv"
    path.write_text(content)
    began = time.monotonic()

    done = installation.launch("run", "--data", str(path))

    assert done.returncode == 2
    assert time.monotonic() - began < 60
    assert code in done.stderr
    assert "observed" in done.stderr
    assert "what to do" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_path_that_does_not_exist_is_refused(installation: Installation, tmp_path: Path) -> None:
    done = installation.launch("run", "--data", str(tmp_path / "nothing.csv"))

    assert done.returncode == 2
    assert "SR-SOURCE-001" in done.stderr
    assert "nothing.csv" in done.stderr


def test_garbage_that_reaches_the_dag_fails_it_and_nothing_becomes_visible(
    card: dict[str, Any], installation: Installation
) -> None:
    content, code = GARBAGE["only bad rows"]
    key = "inbox/garbage/garbage.csv"
    installation.client("s3").put_object(Bucket=localaws.BUCKET, Key=key, Body=content.encode())
    began = time.monotonic()

    done = installation.launch("run", "--data", f"s3://{localaws.BUCKET}/{key}")

    assert done.returncode == 1
    assert time.monotonic() - began < 180
    assert code in done.stderr
    assert "what to do" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert installation.rows_in_athena() == card["data"]["rows_accepted"]
