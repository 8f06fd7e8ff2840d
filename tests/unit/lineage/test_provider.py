"""The provider: where it has nobody to tell, where it is not there, and where its receiver is not well."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from launcher import airflow
from sentiment_retrain import errors
from sentiment_retrain.operators.base import RetrainOperator

from . import documents as d

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[3]
PAGE = CHECKOUT / "docs" / "lineage.md"
#: Parses the DAG as Airflow does, and prints which modules of OpenLineage that took.
PARSE = """
import sys
from airflow.dag_processing.dagbag import DagBag
from airflow.plugins_manager import ensure_plugins_loaded
ensure_plugins_loaded()
bag = DagBag(dag_folder=sys.argv[1])
assert not bag.import_errors, bag.import_errors
assert len(bag.dags) == 1
from sentiment_retrain.operators.base import RetrainOperator
assert RetrainOperator(task_id="x", run={}).outcome.result is None
print("loaded:", *sorted(name for name in sys.modules if name.startswith("openlineage.client")))
"""
#: As PARSE, where the provider and its client are not installed.
WITHOUT = (
    """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        # Airflow finds installed providers by their entry points, which this does not hide.
        if name.startswith(("openlineage", "airflow.providers.openlineage.extractors")):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Missing())
"""
    + PARSE
)
#: Sends one event as the listener does after a task, and prints how long the task had to wait for that.
SEND = """
import time
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from airflow.providers.openlineage.plugins.listener import OpenLineageListener
listener = OpenLineageListener()
event = RunEvent(
    eventType=RunState.COMPLETE, eventTime="2026-03-01T00:00:00Z", job=Job(namespace="n", name="j"),
    run=Run(runId="01900000-0000-7000-8000-000000000000"), producer="urn:x",
)
listener.adapter.get_or_create_openlineage_client()
began = time.monotonic()
listener._execute(lambda: listener.adapter.emit(event), "on_success", use_fork=True)
print(time.monotonic() - began)
"""


def ran(code: str, *arguments: str, directory: Path = CHECKOUT, **variables: str) -> str:
    """The last line that some Python prints, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT / "plugins"), **variables},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.rstrip("\n").rpartition("\n")[2]


@pytest.mark.parametrize("code", [PARSE, WITHOUT], ids=["nobody to tell", "not installed"])
def test_where_nothing_is_sent_nothing_is_loaded(code: str) -> None:
    assert ran(code, str(CHECKOUT / "dags")) == "loaded:"


class Receiver(BaseHTTPRequestHandler):
    """Takes events as Marquez does."""

    def do_POST(self) -> None:
        """Keep one."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(201)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def well() -> Iterator[ThreadingHTTPServer]:
    """A receiver that does its work; ``taken`` are the paths and events that it got."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.taken = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def unwell() -> Iterator[list[str]]:
    """The addresses of one that refuses connections, and of one that takes them and never answers."""
    with socket.socket() as down, socket.socket() as silent:
        for one in (down, silent):
            one.bind(("127.0.0.1", 0))
        silent.listen()
        yield [f"http://127.0.0.1:{one.getsockname()[1]}" for one in (down, silent)]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder as Git clones it from a server, with the password that it was given."""
    git = tmp_path / ".git"
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_text('[remote "origin"]\n\turl = https://me:password@git.example.com/repo.git\n')
    return tmp_path


def test_receivers_that_are_not_well_hold_a_task_up_for_seconds_at_most(
    well: Any, unwell: list[str], clone: Path
) -> None:
    receivers = [f"http://127.0.0.1:{well.server_port}", *unwell]
    (shown,) = re.findall(r"TRANSPORT='(\{.*http.*\})'", PAGE.read_text(encoding="utf-8"))
    transports = [{**json.loads(shown), "url": url} for url in receivers]
    limit = airflow.SETTINGS["OPENLINEAGE__EXECUTION_TIMEOUT"]

    waited = ran(
        SEND,
        AIRFLOW__OPENLINEAGE__TRANSPORT=json.dumps({"type": "composite", "transports": transports}),
        AIRFLOW__OPENLINEAGE__EXECUTION_TIMEOUT=limit,
        directory=clone,
        **airflow.NO_REMOTE,
    )

    # The provider gives the process that sends three seconds to end.
    assert float(waited) < float(limit) + 3.5
    ((path, event),) = well.taken
    assert path == "/api/v1/lineage"
    assert "git.example.com" not in json.dumps(event)
    assert (event["eventType"], event["job"]["name"]) == ("COMPLETE", "j")


class Ends(RetrainOperator):
    """Ends as it is told to."""

    def __init__(self, *, end: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.end = end

    def work(self, context: Any) -> Any:
        """Raise or hand on what was given."""
        del context
        if isinstance(self.end, BaseException):
            raise self.end
        return self.end


class Instance:
    """Takes what a failed task leaves behind."""

    def xcom_push(self, key: str, value: Any) -> None:
        """Forget it."""


def ended(end: Any) -> tuple[Ends, BaseException | None]:
    task = Ends(task_id="x", run=d.RUN, end=end)
    context: Any = {"ti": Instance()}
    try:
        task.guarded(context, lambda: task.work(context))
    except (AirflowSkipException, AirflowFailException, RuntimeError) as raised:
        return task, raised
    return task, None


def test_a_task_that_skips_itself_tells_of_no_data() -> None:
    task, _ = ended(AirflowSkipException("not wanted"))
    told = task.get_openlineage_facets_on_complete(None)
    assert (told.inputs, told.outputs, told.run_facets) == ([], [], {})


def test_a_failed_gate_is_told_with_its_code_and_the_run() -> None:
    failed = errors.GateFailed([d.GATE])
    failed.result = {"gates": [d.GATE]}  # type: ignore[attr-defined]
    task, raised = ended(failed)
    told = task.get_openlineage_facets_on_failure(None)
    assert told.run_facets["test"].tests[0].params["code"] == "SR-GATE-001"
    assert told.run_facets["sentimentRetrain_work"].runKey == d.RUN["run_key"]
    assert "SR-GATE-001" in str(raised)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (errors.NoUsableRow("for example 'I love this dress'", "a row"), "SR-SOURCE-005"),
        (RuntimeError("could not convert 'I love this dress'"), "RuntimeError"),
    ],
)
def test_what_the_provider_sends_of_an_exception_quotes_no_review(end: Any, said: str) -> None:
    task, raised = ended(end)
    assert "dress" in str(raised)
    task.get_openlineage_facets_on_failure(None)
    assert said in str(raised)
    assert "dress" not in str(raised)
