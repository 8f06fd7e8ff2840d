"""What a test has started ends with the process of the test, however that ends.

SIGKILL runs no fixture's end. A helper process holds the other end of a pipe, which the kernel closes when
the test's process is gone; then the helper ends what it was told of: single processes with their
descendants, and whole installations of the launcher.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

STOP_SECONDS = 20
INCLUDE = Path(__file__).resolve().parents[2] / "include"


def end_with_us(process: int) -> None:
    """Have the process of this id, and its descendants, end with ours at the latest."""
    with contextlib.suppress(psutil.NoSuchProcess):
        _tell({"process": process, "created": psutil.Process(process).create_time()})


def sweep_after_us(local: Path) -> None:
    """Have all that was started from the installation whose state is in `local` end with our process."""
    _tell({"local": str(local)})


def _tell(what: dict[str, object]) -> None:
    sink = _helper(os.getpid()).stdin
    if sink is not None:
        sink.write(json.dumps(what).encode() + b"\n")
        sink.flush()


@functools.cache
def _helper(_process: int) -> subprocess.Popen[bytes]:
    """The helper of this process; one that was forked off gets its own."""
    command = [sys.executable, str(Path(__file__).resolve())]
    # A session of its own: Ctrl-C is for the tests, whose fixtures clean up as usual.
    helper = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(INCLUDE)},
        start_new_session=True,
    )
    atexit.register(_dismiss, helper, os.getpid())
    return helper


def _dismiss(helper: subprocess.Popen[bytes], ours: int) -> None:
    """The usual end: nothing is left for the helper to do."""
    if helper.stdin is not None and os.getpid() == ours:
        helper.stdin.close()
        helper.wait()


def main() -> None:
    """Wait for the end of whoever started this; then end what it named and left."""
    told = [json.loads(line) for line in sys.stdin]
    for one in told:
        if "local" in one:
            _sweep(Path(one["local"]))
    _end([process for one in told if "process" in one for process in _family(one)])


def _sweep(local: Path) -> None:
    from launcher import processes
    from launcher.places import Places

    if local.exists():
        processes.sweep(Places(local))


def _family(one: dict[str, float]) -> list[psutil.Process]:
    """The process and its descendants; [] where its id was given to somebody else since."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(int(one["process"]))
        if abs(process.create_time() - one["created"]) < 1:
            return [process, *process.children(recursive=True)]
    return []


def _end(left: Iterable[psutil.Process]) -> None:
    alive = list(left)
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for process in alive:
            with contextlib.suppress(psutil.Error):
                end(process)
        _, alive = psutil.wait_procs(alive, timeout=STOP_SECONDS)


if __name__ == "__main__":
    main()
