"""The disk that the stand-in uses: how much, and what may go."""

from __future__ import annotations

import fcntl
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

from localaws import state

if TYPE_CHECKING:
    from pathlib import Path

_FRESH_SECONDS = 5.0  # walking a large state for every health check would be a load of its own
# Below scratch/: what only running jobs, queries and containers need.
_TEMPORARY = ("boxes", "athena", "temporary")


class _Last:
    lock = threading.Lock()
    at = 0.0
    usage: dict[str, Any] = {}


def usage(directory: Path) -> dict[str, Any]:
    """Bytes below the state directory, in all and by kind; at most five seconds old."""
    with _Last.lock:
        if not _Last.usage or time.monotonic() - _Last.at > _FRESH_SECONDS:
            _Last.usage = _measure(directory)
            _Last.at = time.monotonic()
        return dict(_Last.usage)


def remove_leftovers() -> None:
    """Delete working directories that a killed process left. Call it before anything runs."""
    for name in _TEMPORARY:
        shutil.rmtree(state.scratch(name), ignore_errors=True)


def _measure(directory: Path) -> dict[str, Any]:
    services = directory / "services"
    parts = {
        "objects_bytes": _size(services / "contents"),
        "journal_bytes": sum(_bytes(path) for path in services.glob("journal-*.log")),
        "snapshot_bytes": sum(_size(path) for path in services.glob("snapshot-*")),
        "documents_bytes": sum(_bytes(path) for path in directory.glob("documents.sqlite*")),
        "athena_cache_bytes": _size(directory / "athena"),
        "scratch_bytes": _size(directory / "scratch"),
    }
    return {"directory": str(directory), "bytes": sum(parts.values()), **parts}


def _size(directory: Path) -> int:
    return sum(_bytes(path) for path in directory.rglob("*"))


def _bytes(path: Path) -> int:
    try:
        found = path.lstat()
    except OSError:  # gone meanwhile
        return 0
    return 0 if path.is_dir() else found.st_size


class ResetError(Exception):
    """A state that is not removed; the message says why and what to do."""


def reset(directory: Path) -> int:
    """Remove everything the stand-in keeps in `directory`; return the bytes freed. Stops nothing.

    Raises:
        ResetError: a stand-in uses it, or it is no state directory.
    """
    if not directory.exists():
        return 0
    lock = directory / "lock"
    if not lock.is_file():
        raise ResetError(f"{directory} is no state directory of the stand-in (it has no lock): left alone.")
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ResetError(
                f"A stand-in uses {directory}. Stop it first (make down, or Ctrl-C where it runs)."
            ) from error
        freed = _size(directory)
        shutil.rmtree(directory)
    return freed
