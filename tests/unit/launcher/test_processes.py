from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest

from launcher import processes
from launcher.failures import LauncherError
from launcher.places import CHECKOUT, Places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INCLUDE = str(CHECKOUT / "include")
SLEEP = "import time; time.sleep(60)"
PARENT = (
    "import subprocess, sys, time;"
    f"child = subprocess.Popen([sys.executable, '-c', '{SLEEP}'], start_new_session=True);"
    "print(child.pid, flush=True); time.sleep(60)"
)
#: What a worker of Airflow looks like from outside: no environment, a group of its own, its parent's session.
FORGETFUL_PARENT = PARENT.replace("start_new_session=True", "process_group=0, env={}")


@pytest.fixture(autouse=True)
def _nothing_left(places: Places) -> Iterator[None]:
    yield
    processes.sweep(places)


def begin(places: Places, code: str, name: str = "sleeper") -> processes.Background:
    command = [sys.executable, "-c", code]
    return processes.start(places, name, command, os.environ, url="http://here", directory=places.local)


def first_line(background: processes.Background) -> str:
    def written() -> bool:
        return bool(processes.last_lines(background.log))

    processes.wait_until(written, background, 10, every=0.02)
    return processes.last_lines(background.log)[0]


def test_a_started_process_is_found_by_a_later_command(places: Places) -> None:
    places.local.mkdir()
    started = begin(places, SLEEP)

    assert processes.find(places, "sleeper") == started
    assert started.url == "http://here"


def test_stop_ends_a_process_with_its_descendants_and_forgets_it(places: Places) -> None:
    places.local.mkdir()
    started = begin(places, PARENT)
    child = psutil.Process(int(first_line(started)))

    assert processes.stop(places, ["sleeper", "never-started"]) == ["sleeper"]

    psutil.wait_procs([child], timeout=5)
    assert processes.find(places, "sleeper") is None
    assert started.process() is None


@pytest.mark.parametrize("end", ["processes.stop(places, ['sleeper'])", "processes.sweep(places)"])
def test_a_command_that_ended_what_it_began_ends_without_a_word(places: Places, end: str) -> None:
    places.local.mkdir()
    program = f"""
import os, sys
from pathlib import Path
from launcher import processes
from launcher.places import Places

places = Places(Path({str(places.local)!r}))
sleep = [sys.executable, "-c", {SLEEP!r}]
processes.start(places, "sleeper", sleep, os.environ, directory=places.local)
{end}
"""

    command = [sys.executable, "-W", "always", "-c", program]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": INCLUDE}, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_process_id_that_was_given_to_somebody_else_is_not_ours(places: Places) -> None:
    places.processes.mkdir(parents=True)
    foreign = {"name": "sleeper", "pid": os.getpid(), "created": 1.0, "url": "", "log": ""}
    (places.processes / "sleeper.json").write_text(json.dumps(foreign))

    assert processes.find(places, "sleeper") is None
    assert processes.stop(places, ["sleeper"]) == []


@pytest.mark.parametrize("content", ["", "{", "{}", "[]"])
def test_a_damaged_record_counts_as_not_running(places: Places, content: str) -> None:
    places.processes.mkdir(parents=True)
    (places.processes / "sleeper.json").write_text(content)

    assert processes.find(places, "sleeper") is None


def test_sweep_ends_an_orphan_of_this_installation_and_no_other(places: Places, tmp_path: Path) -> None:
    places.local.mkdir()
    other = Places(tmp_path / "other")
    other.local.mkdir()
    neighbour = begin(other, SLEEP)
    started = begin(places, PARENT)
    orphan = psutil.Process(int(first_line(started)))
    process = started.process()
    assert process is not None
    process.kill()
    process.wait(5)

    ended = processes.sweep(places)

    assert ended == 1
    assert not orphan.is_running()
    assert neighbour.process() is not None
    processes.stop(other, ["sleeper"])


def orphan_of(places: Places) -> psutil.Process:
    """A process without a mark, whose parent was killed."""
    started = begin(places, FORGETFUL_PARENT)
    orphan = psutil.Process(int(first_line(started)))
    parent = started.process()
    assert parent is not None
    parent.kill()
    parent.wait(5)
    assert processes.MARKER not in orphan.environ()
    return orphan


def test_sweep_ends_an_orphan_that_lost_its_mark(places: Places) -> None:
    places.local.mkdir()
    orphan = orphan_of(places)
    # What was started in the parent's place does not hide it.
    successor = begin(places, SLEEP)
    assert successor.process() is not None

    assert processes.sweep(places) == 2
    assert not orphan.is_running()

    assert not list((places.processes / "sessions").glob("*"))
    assert processes.sweep(places) == 0


def test_sweep_leaves_a_later_session_of_the_same_number_alone(places: Places, tmp_path: Path) -> None:
    places.local.mkdir()
    other = Places(tmp_path / "other")
    other.local.mkdir()
    neighbour = begin(other, SLEEP)
    begin(places, SLEEP)
    (places.processes / "sessions" / str(neighbour.pid)).write_text(str(neighbour.created - 60))

    assert processes.sweep(places) == 1
    assert neighbour.process() is not None
    processes.stop(other, ["sleeper"])


@pytest.mark.parametrize("content", ["", "yesterday", "1.0"])
def test_a_session_that_cannot_be_ours_is_passed_over(places: Places, content: str) -> None:
    sessions = places.processes / "sessions"
    sessions.mkdir(parents=True)
    # The test's own session, as a damaged record or as one of before the machine was started.
    (sessions / str(os.getsid(0))).write_text(content)
    (sessions / "notes.txt").write_text(content)

    assert processes.sweep(places) == 0


def test_a_process_that_ends_while_starting_shows_its_last_lines(places: Places) -> None:
    places.local.mkdir()
    started = begin(places, "print('no such port'); raise SystemExit(3)")

    with pytest.raises(LauncherError, match="no such port"):
        processes.wait_until(lambda: False, started, 10)


def test_a_process_that_does_not_become_ready_is_not_waited_for_for_ever(places: Places) -> None:
    places.local.mkdir()
    started = begin(places, SLEEP)
    began = time.monotonic()

    with pytest.raises(LauncherError, match="not ready after"):
        processes.wait_until(lambda: False, started, 0.3)
    assert time.monotonic() - began < 5


def test_background_processes_are_in_a_group_of_their_own(places: Places) -> None:
    places.local.mkdir()
    started = begin(places, SLEEP)

    assert os.getpgid(started.pid) == started.pid
    assert os.getpgid(started.pid) != os.getpgrp()


def test_who_listens_is_told_from_who_wanted_to(places: Places) -> None:
    places.local.mkdir()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        command = [sys.executable, "-c", SLEEP]
        url = f"http://127.0.0.1:{port}"
        sleeper = processes.start(places, "sleeper", command, os.environ, url=url, directory=places.local)
        ours = replace(sleeper, pid=os.getpid(), created=psutil.Process().create_time())

        assert processes.listens(ours)
        assert not processes.listens(sleeper)
