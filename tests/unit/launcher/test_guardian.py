"""A test that is killed leaves nothing running."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

TESTS = Path(__file__).resolve().parents[2]
SLEEP = "import time; time.sleep(60)"
#: Starts something in the way that tests do, says its process id, and hangs.
SINGLE = """
process = subprocess.Popen([sys.executable, "-c", {sleep!r}], start_new_session=True)
guardian.end_with_us(process.pid)
"""
INSTALLATION = """
from launcher import processes
from launcher.places import Places

places = Places(Path({local!r}))
places.local.mkdir()
guardian.sweep_after_us(places.local)
command = [sys.executable, "-c", {sleep!r}]
process = processes.start(places, "sleeper", command, os.environ, directory=places.local)
"""
FRAME = """
import os, subprocess, sys, time
from pathlib import Path
sys.path[:0] = [{localaws!r}, {include!r}]
import guardian
{start}
print(process.pid, flush=True)
{rest}
"""


@pytest.mark.parametrize("start", [SINGLE, INSTALLATION], ids=["process", "installation"])
@pytest.mark.parametrize("rest", ["time.sleep(60)", ""], ids=["killed", "ended"])
def test_what_a_test_has_started_ends_with_it(tmp_path: Path, start: str, rest: str) -> None:
    program = FRAME.format(
        localaws=str(TESTS / "localaws"),
        include=str(TESTS.parent / "include"),
        start=start.format(sleep=SLEEP, local=str(tmp_path / "local")),
        rest=rest,
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as test:
        assert test.stdout is not None
        started = psutil.Process(int(test.stdout.readline()))
        test.kill()

    deadline = time.monotonic() + 10
    while runs(started) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not runs(started)


def runs(process: psutil.Process) -> bool:
    """A process that has ended and whom nobody asked how is still listed."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
