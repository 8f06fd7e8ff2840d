"""One stand-in for all drills, a fresh world for each, and the table at the end."""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard
from fault_client import Faults
from stand_in import StandIn, lasting_port

from sentiment_retrain.aws import triggers
from sentiment_retrain.settings import load_settings

from . import backfill_table, load, tables
from .tiny_job import ROLE
from .world import ROWS, Row, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: The property of a test's report that carries a line of the table, also between test processes.
PROPERTY = "drill"
LINE = "{:<50} {:<30} {:>6} {:>7} {:>7}  {:<8} {:>12}"
HEADINGS = ("event", "operators", "needed", "created", "orphans", "state", "seconds lost")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the tables: the deployments; and of jobs the same event side by side, ours first."""
    load.write_table(terminalreporter)
    backfill_table.write_table(terminalreporter)
    rows = tables.rows(terminalreporter, PROPERTY, Row)
    if not rows:
        return
    first_seen = {row.event: number for number, row in reversed(list(enumerate(rows)))}
    rows.sort(key=lambda row: (first_seen[row.event], row.operators))
    terminalreporter.section("drills: jobs paid for, jobs left running")
    terminalreporter.write_line(LINE.format(*HEADINGS))
    for row in rows:
        numbers = (row.jobs_needed, row.jobs_created, row.orphans, row.state, row.seconds_lost)
        terminalreporter.write_line(LINE.format(row.event, row.operators, *numbers))


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """The stand-in of the drills, which restart it: its address stays."""
    running = StandIn(tmp_path_factory.mktemp("drills") / "state")
    running.port = lasting_port()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def new_world(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, baseline: list[float]
) -> Iterator[Callable[[], World]]:
    """Makes worlds; the faults of the last one end with the test."""
    faults = Faults(stand_in.url)
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    monkeypatch.setattr(triggers, "FIRST_POLL_SECONDS", 0.2)

    def make() -> World:
        faults.call("DELETE")
        name, prefix = f"drill-{uuid.uuid4().hex[:12]}", f"d{uuid.uuid4().hex[:8]}"
        overlay = tmp_path / "overlay.yaml"
        overlay.write_text(json.dumps({"poll_seconds": 0.3, "prefix": prefix}))
        monkeypatch.setenv("AWS_ENDPOINT_URL", stand_in.url)
        monkeypatch.setenv("SENTIMENT_RETRAIN_BUCKET", name)
        monkeypatch.setenv("SENTIMENT_RETRAIN_ROLE_ARN", ROLE)
        monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", str(overlay))
        load_settings.cache_clear()
        s3 = stand_in.client("s3")
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="in/rows.csv", Body="\n".join(ROWS).encode())
        return World(stand_in, faults, name, prefix, baseline[0] if baseline else 0.0)

    if not baseline:
        make().finish()  # the first pays for imports
        world = make()
        world.finish()
        baseline.append(time.monotonic() - world.began)
    yield make
    faults.call("DELETE")


@pytest.fixture(scope="session")
def baseline() -> list[float]:
    """Seconds of the undisturbed task, once measured."""
    return []


@pytest.fixture
def world(new_world: Callable[[], World]) -> World:
    """A world of its own."""
    return new_world()


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Callable[[Row], None]:
    """Put a line into the table."""
    return lambda row: record_property(PROPERTY, dataclasses.asdict(row))
