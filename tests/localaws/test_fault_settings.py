"""Faults are set, listed and removed by the API, the environment and the documented commands."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from fault_client import Faults
from stand_in import CHECKOUT, PYTHON, StandIn, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENTATION = (CHECKOUT / "docs" / "faults.md").read_text()


@pytest.fixture
def faults(endpoint_url: str) -> Iterator[Faults]:
    """The faults of the shared stand-in; none is left afterwards."""
    own = Faults(endpoint_url)
    yield own
    own.call("DELETE")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"action": "explode"}, "Unknown action 'explode'"),
        ({}, "Expected an object with an action"),
        ({"action": "throttle", "seconds": 3}, "throttle has no seconds"),
        ({"action": "latency"}, "latency needs seconds"),
        ({"action": "throttle", "probability": 2}, "expected 0 to 1"),
        ({"action": "throttle", "count": 0}, "count is 0"),
        ({"action": "throttle", "service": 3}, "expected a string"),
        ({"action": "error", "status": 200}, "status is 200"),
        ({"action": "latency", "seconds": "long"}, "expected a number"),
        ([{"action": "throttle"}, {"action": "no"}], "Unknown action 'no'"),
    ],
)
def test_faults_that_make_no_sense_are_refused(faults: Faults, fault: object, said: str) -> None:
    status, answer = faults.call("POST", fault)
    assert status == 400
    assert said in answer["message"]
    assert faults.call("GET")[1]["faults"] == []


def test_faults_are_listed_and_removed(faults: Faults) -> None:
    first, second = (
        faults.set("throttle", service="none"),
        faults.set("expired_token", service="none", count=3),
    )
    assert faults.get(second)["remaining"] == 3
    assert faults.get(first)["remaining"] is None
    assert faults.call("DELETE", path=f"/{first}") == (200, {"removed": 1})
    assert faults.call("DELETE", path=f"/{first}")[0] == 404
    assert [fault["id"] for fault in faults.call("GET")[1]["faults"]] == [second]
    assert faults.call("DELETE") == (200, {"removed": 1})
    assert faults.call("PUT", {})[0] == 405


def test_faults_of_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text('[{"action": "throttle", "service": "glue"}]')
    own = StandIn(tmp_path / "state", LOCALAWS_FAULTS=str(file))
    try:
        own.start()
        assert refusal(own.client("glue").get_databases)[0] == "ThrottlingException"
        assert "WorkGroups" in own.client("athena").list_work_groups()
    finally:
        own.kill()


def test_a_bad_environment_is_said_at_the_start(tmp_path: Path) -> None:
    ended = subprocess.run(
        [str(PYTHON), "-m", "localaws", "--port", "0", "--state", str(tmp_path / "state")],
        cwd=CHECKOUT / "include",
        env={"PATH": os.environ["PATH"], "LOCALAWS_FAULTS": '{"action": "explode"}'},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "LOCALAWS_FAULTS cannot be used: Unknown action 'explode'" in ended.stderr.decode()


def block(language: str) -> str:
    """The code block of docs/faults.md in this language."""
    return DOCUMENTATION.split(f"```{language}\n")[1].partition("```")[0]


def test_the_documented_commands_work(endpoint_url: str, faults: Faults) -> None:
    ended = subprocess.run(
        ["bash", "-ec", block("bash")],
        env={"PATH": os.environ["PATH"], "LOCALAWS": endpoint_url},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    assert ended.stdout.decode().count('"action": "capacity"') == 2
    assert '"removed": ' in ended.stdout.decode()
    assert faults.call("GET")[1]["faults"] == []


def test_the_documented_drills_can_be_set(faults: Faults) -> None:
    status, answer = faults.call("POST", json.loads(block("json")))
    assert status == 201
    assert len(answer["faults"]) == 12
    actions = {line.split("`")[1] for line in DOCUMENTATION.splitlines() if line.startswith("| `")}
    assert {fault["action"] for fault in answer["faults"]} <= actions - {"action"}
