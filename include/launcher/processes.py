"""Background processes that outlive the command that started them; later commands find and stop them."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import psutil

from launcher.failures import LauncherError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from launcher.places import Places

log = logging.getLogger(__name__)

# Everything started here has this in its environment, so that `make down` also finds what lost its parent.
# Airflow's workers overwrite theirs with their title: they are known by the session they were born in.
MARKER = "SENTIMENT_RETRAIN_STARTED_FROM"
STOP_SECONDS = 20.0
LEFT_BEHIND_SECONDS = 5.0

# Children must be reaped by the command that started them, as long as it lives.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Background:
    """A process that was started: `url` is where it listens, empty where it does not."""

    name: str
    pid: int
    created: float
    url: str
    log: str

    def process(self) -> psutil.Process | None:
        """The live process, or None; a process id that was given to somebody else is not ours."""
        try:
            process = psutil.Process(self.pid)
            alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
            return process if alive and abs(process.create_time() - self.created) < 1 else None
        except psutil.NoSuchProcess:
            return None


def start(
    places: Places,
    name: str,
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    *,
    url: str = "",
    directory: Path,
) -> Background:
    """Start `command` in a process group of its own, output to `.local/logs/<name>.log`, and remember it."""
    places.logs.mkdir(parents=True, exist_ok=True)
    places.processes.mkdir(parents=True, exist_ok=True)
    output = places.logs / f"{name}.log"
    with output.open("wb") as sink:
        child = subprocess.Popen(
            [str(word) for word in command],
            env={**environment, MARKER: str(places.local)},
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[child.pid] = child
    background = Background(name, child.pid, psutil.Process(child.pid).create_time(), url, str(output))
    (places.processes / f"{name}.json").write_text(json.dumps(asdict(background)))
    _sessions(places).mkdir(exist_ok=True)
    (_sessions(places) / str(child.pid)).write_text(str(background.created))
    return background


def find(places: Places, name: str) -> Background | None:
    """The running process of that name, or None."""
    try:
        background = Background(**json.loads((places.processes / f"{name}.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return background if background.process() else None


def wait_until(ready: Callable[[], bool], background: Background, seconds: float, every: float = 0.2) -> None:
    """Wait for `ready`.

    :raises LauncherError: the process ended, or `seconds` passed; shows the last lines it wrote.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if background.process() is None:
            raise _not_started(background, "ended while starting")
        if time.monotonic() > deadline:
            raise _not_started(background, f"was not ready after {seconds:.0f} s")
        time.sleep(every)


def _not_started(background: Background, what: str) -> LauncherError:
    tail = "\n".join(last_lines(background.log))
    return LauncherError(
        "LOCAL_START",
        f"{background.name} {what}. Its last lines:\n{tail}",
        f"Read {background.log}; `make down` clears what is left, then try again.",
    )


def listens(background: Background) -> bool:
    """Whether it is this process, and no other, that listens at its URL."""
    process = background.process()
    port = int(background.url.rsplit(":", 1)[1])
    with contextlib.suppress(psutil.NoSuchProcess):
        found = process.net_connections(kind="tcp") if process else []
        return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found)
    return False


def last_lines(path: str | Path, count: int = 12) -> list[str]:
    """The end of a log file, [] where there is none."""
    try:
        with open(path, errors="replace") as lines:  # noqa: PTH123 - accepts text and Path alike
            return [line.rstrip() for line in lines.readlines()[-count:]]
    except FileNotFoundError:
        return []


def stop(places: Places, names: Iterable[str]) -> list[str]:
    """Stop these processes with all their descendants, together; return the names of those that ran."""
    running = [background for background in (find(places, name) for name in names) if background]
    families = [_family(background) for background in running]
    for background in running:
        _signal_group(background.pid, signal.SIGTERM)
    # A leader ends its own descendants; those that it leaves behind are ended here.
    psutil.wait_procs([family[0] for family in families if family], timeout=STOP_SECONDS)
    _end([process for family in families for process in family])
    for background in running:
        (places.processes / f"{background.name}.json").unlink(missing_ok=True)
    _reap()
    return [background.name for background in running]


def _reap() -> None:
    """Forget the children that have ended; psutil has waited for them, which `Popen` cannot know."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            del _children[pid]


def _family(background: Background) -> list[psutil.Process]:
    process = background.process()
    if process is None:
        return []
    return [process, *process.children(recursive=True)]


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        log.debug("Process group %s was gone already.", group)


def _end(processes: list[psutil.Process]) -> None:
    for send in (psutil.Process.terminate, psutil.Process.kill):
        _gone, processes = psutil.wait_procs(processes, timeout=0)
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                send(process)
        _gone, processes = psutil.wait_procs(processes, timeout=LEFT_BEHIND_SECONDS)


def sweep(places: Places) -> int:
    """Stop whatever else was started from this installation and lost its parent; return how many."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    sessions = _recorded_sessions(places)
    strays = [
        process
        for process in psutil.process_iter()
        if process.pid not in own and (_is_in(process, sessions) or _started_here(process, places))
    ]
    _end(strays)
    _reap()
    _forget_ended_sessions(places, sessions)
    return len(strays)


def _sessions(places: Places) -> Path:
    """One file a session that was started here: named by its id, with the time at which it was made."""
    return places.processes / "sessions"


def _recorded_sessions(places: Places) -> dict[int, float]:
    """When each session was made, seconds since the epoch, by id; none older than the machine's start."""
    recorded = {}
    for path in _sessions(places).glob("*"):
        with contextlib.suppress(ValueError, FileNotFoundError):
            recorded[int(path.name)] = float(path.read_text())
    return {session: made for session, made in recorded.items() if made >= psutil.boot_time()}


def _is_in(process: psutil.Process, sessions: Mapping[int, float]) -> bool:
    """Whether a process is in one of these sessions.

    The kernel gives a session's id to no new process while the session has members. A process that gets it
    after that is younger than the recorded session.
    """
    with contextlib.suppress(psutil.Error, OSError):
        session = os.getsid(process.pid)
        if session in sessions and process.status() != psutil.STATUS_ZOMBIE:
            leader = psutil.Process(session) if psutil.pid_exists(session) else None
            return leader is None or abs(leader.create_time() - sessions[session]) < 1
    return False


def _forget_ended_sessions(places: Places, sessions: Iterable[int]) -> None:
    alive = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            alive.add(os.getsid(process.pid))
    for session in set(sessions) - alive:
        (_sessions(places) / str(session)).unlink(missing_ok=True)


def _started_here(process: psutil.Process, places: Places) -> bool:
    try:
        return bool(process.environ().get(MARKER) == str(places.local))
    except (psutil.Error, OSError):
        return False
