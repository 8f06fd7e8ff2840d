"""Local containers: a subprocess that sees its directory as ``/opt/ml``, as SageMaker lays it out."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from localaws import clients
from localaws.cloudwatch_logs import LogStream
from localaws.containers.sandbox import OPT_ML, bubblewrap, kill_group, spawn, wrapping
from localaws.images import REPOSITORIES
from localaws.state import scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

log = logging.getLogger(__name__)

IMAGES = Path(__file__).resolve().parents[1] / "images"
# What a child inherits from the server's own environment; everything else is the container's business.
_INHERITED = ("HOME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_JOB_NICENESS = 5
_PROGRAMS = ("train", "serve", "process")


class ImageNotFound(Exception):  # noqa: N818  the contract's name
    """No local image stands for this image URI."""


def repository(image_uri: str) -> str:
    """The repository name in an image URI: ``<registry>/<repository>[:tag][@digest]``."""
    name = image_uri.partition("@")[0].partition("/")[2] or image_uri
    return name.rpartition("/")[2].partition(":")[0]


def image_directory(image_uri: str) -> Path:
    """The directory of the local image that stands for `image_uri`.

    Directories named in the environment variable LOCALAWS_IMAGES (separated by ``:``) are searched first, by
    repository name. Raises `ImageNotFound`.
    """
    name = repository(image_uri)
    extra = [Path(path) for path in os.environ.get("LOCALAWS_IMAGES", "").split(os.pathsep) if path]
    candidates = [path / name for path in extra]
    if name in REPOSITORIES:
        candidates.append(IMAGES / REPOSITORIES[name])
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    known = ", ".join(sorted(REPOSITORIES))
    raise ImageNotFound(
        f"No local image for repository {name!r} of {image_uri!r}. Local repositories: {known}; "
        "further ones are found through the environment variable LOCALAWS_IMAGES."
    )


class Box:
    """A directory laid out as ``/opt/ml``; its container sees it there."""

    def __init__(self, root: Path) -> None:
        """Use `root` (created when missing) as ``/opt/ml``; beside it lies the container's TMPDIR."""
        root.mkdir(parents=True, exist_ok=True)
        self.root = root.resolve()
        self.temporary = self.root.with_name(f"{self.root.name}.tmp")
        self.temporary.mkdir(exist_ok=True)

    @classmethod
    def create(cls, name: str) -> Box:
        """A fresh box in the stand-in's scratch space; `name` makes it recognisable."""
        return cls(scratch("boxes") / f"{name}-{uuid.uuid4().hex[:8]}")

    def local(self, path: str) -> Path:
        """Where the container's ``/opt/ml/...`` path lies here; raise `ValueError` for other paths."""
        pure = PurePosixPath(path)
        if not pure.is_relative_to(OPT_ML) or ".." in pure.parts:
            raise ValueError(f"Expected a path below /opt/ml, got {path!r}.")
        return self.root / pure.relative_to(OPT_ML)

    def directory(self, path: str) -> Path:
        """Like `local`, with the directory created."""
        directory = self.local(path)
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def failure(self) -> str | None:
        """What the container wrote to ``/opt/ml/output/failure``, the first 1024 characters, or None."""
        path = self.root / "output" / "failure"
        if not path.is_file():
            return None
        return path.read_text(encoding="utf-8", errors="replace")[:1024].strip() or None

    def remove(self) -> None:
        """Delete the directory, and what the container left in its TMPDIR."""
        for directory in (self.root, self.temporary):
            shutil.rmtree(directory, ignore_errors=True)


class Container:
    """One container: `command` of the image at `image_uri`, run in `box`.

    The first word of `command` may be ``train``, ``serve`` or ``process`` (the image's programs) or any other
    program; ``python`` and ``python3`` are the stand-in's own. Each line it prints goes to CloudWatch Logs
    and to the callbacks in `lines`. An `isolated` one has no network, if bubblewrap is there to take it.
    """

    def __init__(
        self,
        image_uri: str,
        command: Sequence[str],
        box: Box,
        environment: Mapping[str, str] | None = None,
        log_group: str | None = None,
        log_stream: str | None = None,
        region: str = "us-east-1",
        *,
        isolated: bool = False,
    ) -> None:
        """Prepare only; raise `ImageNotFound` when there is no such image."""
        self.image = image_directory(image_uri)
        self.box = box
        self.lines: list[Callable[[str], None]] = []
        self._command = list(command)
        self._environment = dict(environment or {})
        self._log = LogStream(log_group, log_stream, region) if log_group and log_stream else None
        self._region = region
        self._isolated = isolated
        self._process: subprocess.Popen[bytes] | None = None
        self._main_pid = 0  # of the container's own program: bubblewrap is its parent
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start it; raise `FileNotFoundError` when the image lacks the program."""
        command = self._resolve()
        environment = self._full_environment()
        program = bubblewrap()
        if program:
            command = [program, *wrapping(self.box.root, isolated=self._isolated), *command]
        else:
            command = [self._rewrite(word) for word in command]
            environment = {name: self._rewrite(value) for name, value in environment.items()}
        self._process, self._main_pid = spawn(command, environment, self.box.root)
        if self._command[0] != "serve":
            _lower_priority(self._process.pid, self._main_pid)
        _running.add(self)
        self._reader = threading.Thread(target=self._read, name=f"output-of-{self._process.pid}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int | None:
        """Process id, None before `start`."""
        return self._process.pid if self._process else None

    def poll(self) -> int | None:
        """The exit code if it has ended, else None."""
        return self._process.poll() if self._process else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends and its output is read; exit code, or raise `subprocess.TimeoutExpired`."""
        if self._process is None or self._reader is None:
            raise RuntimeError("the container was not started")
        code = self._process.wait(timeout)
        kill_group(self._process.pid, signal.SIGKILL)  # what it left running in the background
        self._reader.join(timeout=10)
        _running.discard(self)
        return code

    def terminate(self) -> None:
        """SIGTERM to the container's main program, as on SageMaker; return at once."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self._main_pid, signal.SIGTERM)

    def stop(self, grace_seconds: float) -> int:
        """SIGTERM, then SIGKILL after `grace_seconds`; return the exit code."""
        if self._process is None:
            raise RuntimeError("the container was not started")
        if self._process.poll() is None:
            self.terminate()
            try:
                self._process.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                kill_group(self._process.pid, signal.SIGKILL)
        return self.wait()

    def _resolve(self) -> list[str]:
        first, *rest = self._command
        if first in _PROGRAMS:
            script = self.image / f"{first}.py"
            if not script.is_file():
                raise FileNotFoundError(f"The local image {self.image.name} has no {first}.py.")
            return [sys.executable, str(script), *rest]
        if first in ("python", "python3"):
            return [sys.executable, *rest]
        return [first, *rest]

    def _full_environment(self) -> dict[str, str]:
        binaries = str(Path(sys.executable).parent)
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return {
            **inherited,
            "TMPDIR": str(self.box.temporary),
            "PATH": os.pathsep.join([binaries, os.environ.get("PATH", os.defpath)]),
            "PYTHONPATH": str(IMAGES),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "SAGEMAKER_BASE_DIR": str(OPT_ML),
            **clients.environment(self._region),
            **self._environment,
        }

    def _rewrite(self, text: str) -> str:
        return text.replace(str(OPT_ML), str(self.box.root))

    def _read(self) -> None:
        output = self._process.stdout if self._process else None
        if output is None:
            return
        for raw in output:
            self._handle(raw.decode("utf-8", errors="replace").rstrip("\r\n"))
        output.close()
        if self._log:
            self._log.close()

    def _handle(self, line: str) -> None:
        if self._log:
            self._log.write(line)
        for callback in self.lines:
            try:
                callback(line)
            except Exception:
                log.exception("A callback failed on the line %r", line)


def _lower_priority(*pids: int) -> None:
    """Let jobs leave the processor to the server, to endpoints and to whoever waits for them."""
    for pid in pids:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, _JOB_NICENESS)


def stop_all(grace_seconds: float = 5) -> None:
    """End every container that still runs; the server calls this when it stops."""
    running = list(_running)
    for container in running:
        container.terminate()
    for container in running:
        with contextlib.suppress(RuntimeError):
            container.stop(grace_seconds)


_running: set[Container] = set()


def _kill_remaining() -> None:
    for container in list(_running):
        if container.pid and container.poll() is None:
            kill_group(container.pid, signal.SIGKILL)


atexit.register(_kill_remaining)
