"""Airflow's REST API as the launcher calls it, and the order in which tasks are shown."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from launcher import rest
from launcher.failures import LauncherError
from launcher.rest import AirflowApi, topological

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

STARTED, TAKEN, BROKEN = 200, 409, 500
#: The server ends in the middle of the request.
GONE = 0


class Airflow(http.server.BaseHTTPRequestHandler):
    """Signs everybody in, and answers everything else with the next of `answers`."""

    answers: list[int]
    asked: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/auth/token":
            return self.say(201, {"access_token": "t"})
        return self.do_GET()

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        status = self.answers.pop(0)
        if status == GONE:
            self.close_connection = True
        else:
            self.say(status, {"state": "running"})

    def say(self, status: int, body: Mapping[str, object]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[AirflowApi, type[Airflow]]]:
    """A client, and what decides the answers that it gets."""
    monkeypatch.setattr(rest, "PAUSES", (0.0, 0.0))
    handler = type("Handler", (Airflow,), {"answers": [], "asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        api = AirflowApi(f"http://127.0.0.1:{server.server_port}", "admin", "secret")
        yield api, handler
        api.close()
        server.shutdown()


@pytest.mark.parametrize(
    "answers", [[STARTED], [BROKEN, STARTED], [BROKEN, BROKEN, STARTED], [BROKEN, TAKEN]]
)
def test_a_run_is_started_though_the_database_is_busy(
    airflow: tuple[AirflowApi, type[Airflow]], answers: list[int]
) -> None:
    api, server = airflow
    server.answers[:] = answers
    api.trigger("dag", "run", {})
    assert server.asked == ["POST /api/v2/dags/dag/dagRuns"] * len(answers)
    assert server.answers == []


@pytest.mark.parametrize("answers", [[TAKEN], [BROKEN, BROKEN, BROKEN]])
def test_a_run_that_is_not_started_is_an_error(
    airflow: tuple[AirflowApi, type[Airflow]], answers: list[int]
) -> None:
    api, server = airflow
    server.answers[:] = answers
    with pytest.raises(LauncherError, match=f"Airflow answered {answers[-1]} to POST"):
        api.trigger("dag", "run", {})


def test_what_is_only_read_is_asked_again(airflow: tuple[AirflowApi, type[Airflow]]) -> None:
    api, server = airflow
    server.answers[:] = [BROKEN, STARTED]
    assert api.run_state("dag", "run") == "running"
    assert len(server.asked) == 2


def test_airflow_that_is_stopped_meanwhile_is_no_defect_of_the_command(
    airflow: tuple[AirflowApi, type[Airflow]],
) -> None:
    api, server = airflow
    server.answers[:] = [GONE]
    with pytest.raises(LauncherError, match=f"Airflow at {api.url} does not answer any more") as found:
        api.run_state("dag", "run")
    assert found.value.code == "LOCAL_AIRFLOW_API"
    assert "make up" in found.value.remedy


def test_the_log_to_read_is_the_one_of_this_installation(
    airflow: tuple[AirflowApi, type[Airflow]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SENTIMENT_RETRAIN_LOCAL", str(tmp_path))
    api, server = airflow
    server.answers[:] = [TAKEN]
    with pytest.raises(LauncherError) as found:
        api.run_state("dag", "run")
    assert f"{tmp_path}/logs/api-server.log" in found.value.remedy


def test_a_backfill_of_past_days_that_runs_now_comes_before_newer_days_that_have_ended(
    airflow: tuple[AirflowApi, type[Airflow]], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = ("dag_run_id", "state", "run_after", "start_date")
    runs = [
        dict(zip(columns, values, strict=True))
        for values in (
            ("today", "success", "2026-11-23", "2026-11-23T01"),
            ("backfill-waits", "queued", "2026-11-20", ""),
            ("backfill-runs", "running", "2026-11-19", "2026-11-23T03"),
            ("backfill-failed", "failed", "2026-11-18", "2026-11-23T02"),
        )
    ]

    def answer(request: Airflow) -> None:
        wanted = parse_qs(urlsplit(request.path).query)
        found = [run for run in runs if run["state"] in wanted.get("state", [run["state"]])]
        key = wanted["order_by"][0].removeprefix("-")
        request.say(200, {"dag_runs": sorted(found, key=lambda run: run[key], reverse=True)})

    api, server = airflow
    monkeypatch.setattr(server, "do_GET", answer)
    assert [run["dag_run_id"] for run in api.runs("dag")] == [
        "backfill-runs",
        "backfill-waits",
        "backfill-failed",
        "today",
    ]


@pytest.mark.parametrize(("before", "after"), [("queued", "running"), ("running", "success")])
@pytest.mark.parametrize("moment", [1, 2, 3])
def test_no_run_is_missed_that_goes_on_while_airflow_is_asked(
    before: str,
    after: str,
    moment: int,
    airflow: tuple[AirflowApi, type[Airflow]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def answer(request: Airflow) -> None:
        wanted = parse_qs(urlsplit(request.path).query)
        asked.append(request.path)
        state = before if len(asked) <= moment else after
        found = [{"dag_run_id": "it", "state": state}] if state in wanted["state"] else []
        request.say(200, {"dag_runs": found})

    api, server = airflow
    monkeypatch.setattr(server, "do_GET", answer)
    assert [run["dag_run_id"] for run in api.runs("dag")] == ["it"]


def test_every_task_comes_after_all_it_depends_on() -> None:
    downstream = {
        "report": [],
        "select": ["report"],
        "evaluate.blazingtext": ["select"],
        "evaluate.autopilot": ["select"],
        "train.blazingtext": ["evaluate.blazingtext"],
        "train.autopilot": ["evaluate.autopilot"],
        "plan": ["train.autopilot", "train.blazingtext", "report"],
    }

    order = topological(downstream)

    assert sorted(order) == sorted(downstream)
    assert all(order.index(task) < order.index(after) for task in downstream for after in downstream[task])


def test_the_tasks_of_a_branch_stay_together() -> None:
    downstream = {
        "plan": ["a.train", "b.train"],
        "a.train": ["a.test"],
        "b.train": ["b.test"],
        "a.test": [],
        "b.test": [],
    }

    assert topological(downstream) == ["plan", "a.train", "a.test", "b.train", "b.test"]
