"""Where the job's artefacts are written, and the events that tell the service about them.

Everything below `artifacts` is laid out as below `<S3OutputPath>/<job>/`. An event is one JSON line of
`output/data/events.jsonl`; the files and directories it names are complete and may be uploaded.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def utc_now() -> str:
    """The present as an ISO 8601 string."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Workspace:
    """The output side of the container."""

    def __init__(self, base: Path, job_name: str) -> None:
        """Use `<base>/output/data`, where `base` is `/opt/ml`."""
        self.job_name = job_name
        self.root = base / "output/data/artifacts"
        self.root.mkdir(parents=True, exist_ok=True)
        self._events = base / "output/data/events.jsonl"
        self._scratch = base / "tmp"

    def step_name(self, step: str) -> str:
        """A job name for a step of this job, such as `<job>-dpp0-1-<hex>`; at most 63 characters."""
        digest = hashlib.sha256(f"{self.job_name}/{step}".encode()).hexdigest()
        return f"{self.job_name}-{step}-1-{digest}"[:63]

    def candidate_name(self, number: int) -> str:
        """`<job>-<number>-<hex>`, numbered from 1."""
        digest = hashlib.sha256(f"{self.job_name}/candidate/{number}".encode()).hexdigest()
        return f"{self.job_name}-{number:03d}-{digest[:8]}"

    def directory(self, relative: str) -> Path:
        """A directory of the artefacts, created when missing."""
        path = self.root / relative
        path.mkdir(parents=True, exist_ok=True)
        return path

    def scratch(self, name: str) -> Path:
        """A directory for what is no artefact; it goes with the container."""
        path = self._scratch / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def emit(self, event: str, files: Sequence[str] = (), **facts: Any) -> None:
        """Append an event; `files` are relative to the artefacts."""
        line = json.dumps({"event": event, "time": utc_now(), "files": list(files), **facts})
        with self._events.open("a", encoding="utf-8") as events:
            events.write(line + "\n")

    def step(self, kind: str, name: str, started: str, files: Sequence[str] = (), **facts: Any) -> None:
        """Tell of a finished piece of work that AWS would have run as a job of its own."""
        self.emit("step", files, kind=kind, name=name, started=started, **facts)

    def pack(self, directory: Path, relative: str) -> None:
        """Write a directory's content as tar.gz to `relative`, the same bytes for the same files."""
        target = self.root / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            gzip.GzipFile(target, mode="wb", compresslevel=5, mtime=0) as zipped,
            tarfile.open(fileobj=zipped, mode="w") as archive,
        ):
            for path in sorted(directory.rglob("*")):
                archive.add(path, path.relative_to(directory).as_posix(), recursive=False, filter=_plain)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
