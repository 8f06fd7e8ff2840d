"""The whole DAG, in a real Airflow, on the stand-in, through the commands that people type.

On a slice of the first data: three hundred reviews of each sentiment let every step do its real work.
"""

from __future__ import annotations

import csv
import json
import time
from typing import TYPE_CHECKING, Any

import lineage_events as lineage
import pytest
import yaml
from installation import EACH, OVERLAY, WholeDag, balanced_slice

from launcher import first_data, localaws
from launcher.places import Places
from launcher.predict import invoke

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeDag]:
    directory = tmp_path_factory.mktemp("whole-dag").resolve()
    # Fetched once for the checkout and not once a test run.
    reviews = balanced_slice(first_data.ensure(Places.here()), directory / "reviews.csv")
    config = directory / "overlay.yaml"
    config.write_text(yaml.safe_dump(OVERLAY))
    events = directory / "events"
    events.mkdir()
    made = WholeDag(Places(directory / "local"), config, reviews, events, variables=lineage.transport(events))
    try:
        up = made.launch("up")
        assert up.returncode == 0, up.stdout + up.stderr
        yield made
    finally:
        down = made.launch("down")
        assert down.returncode == 0, down.stderr


@pytest.fixture(scope="module")
def card(installation: WholeDag) -> dict[str, Any]:
    """The card of a first run, as `make report FORMAT=json` prints it."""
    run = installation.launch("run", "--data", str(installation.reviews))
    assert run.returncode == 0, run.stdout + run.stderr
    report = installation.launch("report", "--format", "json")
    assert report.returncode == 0, report.stderr
    return dict(json.loads(report.stdout))


def test_every_row_is_accounted_for(card: dict[str, Any], installation: WholeDag) -> None:
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
    card: dict[str, Any], installation: WholeDag
) -> None:
    endpoint = card["endpoint"]
    assert endpoint["status"] == "InService"
    assert len(endpoint["containers"]) == 3

    prediction = invoke(installation.client("sagemaker-runtime"), endpoint["name"], "I love it, it is great")

    assert prediction.label in {-1, 0, 1}
    assert set(prediction.probabilities) == {-1, 0, 1}
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert prediction.probability == pytest.approx(prediction.probabilities[prediction.label], abs=1e-3)


def test_predict_answers_in_words(card: dict[str, Any], installation: WholeDag) -> None:
    assert card["endpoint"]

    done = installation.launch("predict", "--text", "I love it, it is great")

    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] in {"negative", "neutral", "positive"}


@pytest.fixture(scope="module")
def again(
    card: dict[str, Any], installation: WholeDag
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """A second run on the same data, and its card."""
    assert card
    done = installation.launch("run", "--data", str(installation.reviews))
    assert done.returncode == 0, done.stdout + done.stderr
    return done, json.loads(installation.launch("report", "--format", "json").stdout)


def test_the_same_data_again_trains_nothing_again(
    card: dict[str, Any],
    again: tuple[subprocess.CompletedProcess[str], dict[str, Any]],
    installation: WholeDag,
) -> None:
    done, second = again

    assert second["run_key"] != card["run_key"]
    training = {job["task"]: job for job in second["jobs"] if job["task"].startswith(("train.", "evaluate."))}
    assert {job["outcome"] for job in training.values()} == {"reused"}
    before = {job["name"] for job in card["jobs"]}
    assert {training["train.autopilot"]["name"], training["train.blazingtext"]["name"]} <= before
    assert second["data"]["reused"] is True
    assert "reused" in done.stdout
    assert installation.rows_in_athena() == card["data"]["rows_accepted"]


HEADER = "review_body,product_category,mean_sentiment_rating\n"
GARBAGE = {
    "missing column": ("a,b\n1,2\n", "SR-SOURCE-003"),
    "empty file": ("", "SR-SOURCE-002"),
    "only bad rows": (HEADER + ",movies,1\n!!!,movies,2\n" * 20, "SR-SOURCE-005"),
}


@pytest.mark.parametrize(("content", "code"), GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_refused_before_anything_starts(
    content: str, code: str, installation: WholeDag, tmp_path: Path
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


def test_a_path_that_does_not_exist_is_refused(installation: WholeDag, tmp_path: Path) -> None:
    done = installation.launch("run", "--data", str(tmp_path / "nothing.csv"))

    assert done.returncode == 2
    assert "SR-SOURCE-001" in done.stderr
    assert "nothing.csv" in done.stderr


@pytest.fixture(scope="module")
def failed(card: dict[str, Any], installation: WholeDag) -> subprocess.CompletedProcess[str]:
    """A run on a file of bad rows, which the launcher did not see."""
    assert card
    content, _ = GARBAGE["only bad rows"]
    key = "inbox/garbage/garbage.csv"
    installation.client("s3").put_object(Bucket=localaws.BUCKET, Key=key, Body=content.encode())
    return installation.launch("run", "--data", f"s3://{localaws.BUCKET}/{key}", seconds=180)


def test_garbage_that_reaches_the_dag_fails_it_and_nothing_becomes_visible(
    card: dict[str, Any], failed: subprocess.CompletedProcess[str], installation: WholeDag
) -> None:
    done, code = failed, GARBAGE["only bad rows"][1]

    assert done.returncode == 1
    assert code in done.stderr
    assert "what to do" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert installation.rows_in_athena() == card["data"]["rows_accepted"]


# --- lineage ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def events(
    again: Any, failed: subprocess.CompletedProcess[str], installation: WholeDag
) -> list[lineage.Event]:
    """What OpenLineage was told of the three runs."""
    assert again
    assert failed.returncode
    return lineage.read(installation.events)


def test_every_event_is_as_openlineage_has_it(events: list[lineage.Event]) -> None:
    assert len(events) > 100
    assert [problem for event in events for problem in lineage.problems(event)] == []


def test_what_is_live_is_traced_back_to_the_source(card: dict[str, Any], events: list[lineage.Event]) -> None:
    first = lineage.of_run(events, card["run_id"])
    deployed = lineage.of_task(first, "deploy.endpoint")
    (endpoint,) = lineage.names(deployed, "outputs")

    found = {lineage.plain(name) for _, name in lineage.upstream(first, endpoint)}

    assert {"source", "curated/reviews", "datasets/…/test/input.csv", "model", "model-package"} <= found
    assert deployed["outputs"][0]["facets"]["lifecycleStateChange"]["lifecycleStateChange"] == "CREATE"
    assert deployed["outputs"][0]["facets"]["version"]["datasetVersion"].startswith(
        "sentiment-retrain-endpoint-"
    )


def test_the_page_draws_what_was_told(card: dict[str, Any], events: list[lineage.Event]) -> None:
    first = lineage.of_run(events, card["run_id"])
    page = (lineage.CHECKOUT / "docs" / "lineage.md").read_text(encoding="utf-8")

    assert lineage.edges_drawn(page) == lineage.edges(first)


def test_refused_rows_and_checks_are_told(card: dict[str, Any], events: list[lineage.Event]) -> None:
    first = lineage.of_run(events, card["run_id"])
    landed = {one["name"]: one for one in lineage.of_task(first, "ingest.land_reviews")["outputs"]}
    rows = {name: one["outputFacets"]["outputStatistics"]["rowCount"] for name, one in landed.items()}
    assert rows == {
        "raw/reviews": card["data"]["rows_received"],
        "curated/reviews": card["data"]["rows_accepted"],
        "quarantine/reviews": card["data"]["rows_refused"],
    }
    checked = lineage.of_task(first, "check.reviews")
    assertions = checked["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert len(assertions) > 10
    assert all(one["success"] for one in assertions)
    assert checked["run"]["facets"]["externalQuery"]["source"] == "awsathena"


def test_the_same_data_again_tells_the_same_data_sets_and_no_deployment(
    card: dict[str, Any], again: Any, events: list[lineage.Event]
) -> None:
    first = lineage.data_sets(lineage.of_run(events, card["run_id"]))
    second = lineage.data_sets(lineage.of_run(events, again[1]["run_id"]))
    same = [task for task in first if task.startswith(("ingest", "check", "prepare", "train", "evaluate"))]
    assert len(same) == 9

    assert {task: second[task] for task in same} == {task: first[task] for task in same}
    assert "deploy.endpoint" in first
    assert "deploy.endpoint" not in second
    assert second["evaluate.champion"]
    trained = lineage.of_task(lineage.of_run(events, again[1]["run_id"]), "train.autopilot")
    assert trained["run"]["facets"]["sentimentRetrain_work"]["reused"] is True
    assert trained["run"]["facets"]["sentimentRetrain_work"]["costUsd"] == 0


def test_a_failed_task_tells_its_code_and_none_of_the_rows(events: list[lineage.Event]) -> None:
    (event,) = [one for one in events if one["eventType"] == "FAIL" and "parent" in one["run"]["facets"]]
    message = event["run"]["facets"]["errorMessage"]["message"]

    assert GARBAGE["only bad rows"][1] in message
    assert "what to do" in message
    assert event["outputs"] == []
    assert "!!!" not in json.dumps(event)


def test_no_review_and_no_secret_is_told(events: list[lineage.Event], installation: WholeDag) -> None:
    told = json.dumps(events, ensure_ascii=False)
    with installation.reviews.open(encoding="utf-8", newline="") as file:
        texts = [row["review_body"] for row in csv.DictReader(file)]
    home = installation.places.airflow_home
    secrets = [(home / name).read_text() for name in ("admin-password", "api-secret", "jwt-secret")]

    assert [text for text in texts if len(text) > 20 and text[:40] in told] == []
    assert [secret for secret in secrets if secret in told] == []
