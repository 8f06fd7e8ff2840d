"""`make status`: in a few lines what is live, what is wrong, and the next command; and pipes that close."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from launcher import status
from launcher.status import Run, State
from sentiment_retrain.endpoint.live import Live, of_answers

if TYPE_CHECKING:
    from launcher.places import Places

CHECKOUT = Path(__file__).resolve().parents[3]
NOW = dt.datetime(2026, 11, 23, 3, 0, tzinfo=dt.UTC)
SERVING = Live("e", "InService", "model-1", "2026-11-22 01:00 UTC")
RUNNING = {"localaws": "http://a", "api-server": "http://b", "scheduler": ""}
GOOD = Run("scheduled__1", "success", NOW - dt.timedelta(hours=5))
FAILED = Run("scheduled__2", "failed", NOW, (), "plan: SR-SOURCE-001: not there", "SR-SOURCE-001")
QUEUED = Run("manual__3", "queued", None)
BUSY = Run("manual__4", "running", NOW - dt.timedelta(minutes=3), ("train.autopilot waits for AWS",))
PAST_DAY = Run("backfill__2026-03-01T00:00:00+00:00", "running", NOW)
ASKS = Run("manual__5", "running", NOW, ("waits for somebody's decision",), asks=True)


def shown(**parts: Any) -> dict[str, str]:
    """The lines by name; those without one are joined to the one above."""
    given: dict[str, Any] = {"running": RUNNING, "live": SERVING, "runs": [GOOD]} | parts
    state = State(**given)
    found: dict[str, str] = {}
    last = ""
    for name, words in status.lines(state, NOW):
        last = name or last
        found[last] = f"{found[last]} | {words}" if not name else words
    assert sum(1 for _ in status.lines(state, NOW)) <= 10
    return found


@pytest.mark.parametrize(
    ("parts", "wrong", "following"),
    [
        ({}, "nothing", "make predict"),
        ({"runs": [FAILED, GOOD]}, "SR-SOURCE-001", "docs/runbook.md#sr-source-001"),
        # A run that succeeded since makes an old failure history.
        ({"runs": [GOOD, FAILED]}, "nothing", "make predict"),
        ({"runs": [QUEUED], "is_paused": True}, "the DAG is paused", "make up, which lifts the pause"),
        ({"runs": [BUSY]}, "nothing", "mark manual__4 as failed"),
        ({"runs": [PAST_DAY]}, "nothing", "to end the backfill and its jobs, Ctrl-C"),
        ({"runs": [ASKS]}, "nothing", "Required Actions"),
        ({"dead": ["scheduler"]}, "scheduler ended by itself", "make down && make up"),
        ({"live": Live("e", "Failed", reason="no image"), "runs": [FAILED]}, "no image", "make rollback"),
        ({"live": Live("e"), "runs": []}, "nothing", "make run"),
        ({"running": {}, "live": None, "runs": None}, "nothing", "make up"),
    ],
)
def test_the_most_urgent_is_named_with_the_next_command(
    parts: dict[str, Any], wrong: str, following: str
) -> None:
    found = shown(**parts)
    assert wrong in found["wrong"]
    assert following in found["next"]


def test_what_is_live_what_ran_and_what_costs_is_in_it() -> None:
    pin = {"model_name": "model-0", "pinned_at": "x", "reason": "rolled back", "run_key": "k"}
    found = shown(runs=[BUSY, FAILED, GOOD, GOOD], jobs=["sr-automl-1"], pin=pin)
    assert found["live"] == "model-1 on e, changed last 2026-11-22 01:00 UTC"
    assert "pinned to model-0" in found["pinned"]
    runs = found["runs"].split(" | ")
    assert runs[0] == "manual__4 running, began 3 min ago: train.autopilot waits for AWS"
    assert runs[2] == "scheduled__1 success, began 5 h ago"
    assert len(runs) == status.RUNS
    assert "1 running, which would cost money on AWS: sr-automl-1" in found["jobs"]
    assert found["processes"] == "localaws http://a, api-server http://b, scheduler"


def test_where_nothing_runs_it_says_so(places: Places) -> None:
    state = status.find(places)
    assert state == State({}, dead=[])
    assert "not known" in dict(status.lines(state, NOW))["live"]


def test_an_endpoint_is_told_of_by_its_state() -> None:
    at = dt.datetime(2026, 11, 22, 1, 0, tzinfo=dt.UTC)
    config = {"ProductionVariants": [{"ModelName": "m"}]}

    def told(state: str, tags: dict[str, str] | None = None) -> Live:
        endpoint = {"EndpointStatus": state, "EndpointConfigName": "c", "LastModifiedTime": at}
        return of_answers("e", endpoint, config, tags or {})

    assert str(told("InService")) == "m on e, changed last 2026-11-22 01:00 UTC"
    assert "the former fleet answers" in str(told("Updating"))
    assert "CUSTOMERS MAY GET ERRORS" in str(told("Failed"))
    assert "answers nobody yet" in str(told("Creating"))
    assert "FAILED ITS VERIFICATION" in str(told("InService", {"retrain:unverified-config": "c"}))
    assert [told(state).is_hurt for state in ("InService", "Updating", "Failed", "OutOfService")] == [
        False,
        False,
        True,
        True,
    ]
    assert str(of_answers("e", None, None, {})) == "nothing, there is no endpoint e"


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_reader_who_has_seen_enough_is_no_error(tmp_path: Path, form: str) -> None:
    home = tmp_path / "runs" / "r"
    home.mkdir(parents=True)
    card = {"run_key": "r", "status": "failed", "failure": {"title": "t", "observed": "x" * 1_000_000}}
    (home / "card.json").write_text(json.dumps(card))
    (tmp_path / "runs" / "latest").write_text("r")
    environment = os.environ | {
        "PYTHONPATH": str(CHECKOUT / "include"),
        "SENTIMENT_RETRAIN_LOCAL": str(tmp_path),
    }
    command = f"set -o pipefail; {sys.executable} -m launcher report --format {form} | head -c 10"
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout) == 10
