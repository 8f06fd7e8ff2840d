"""How a container's process is started: under bubblewrap with its own /opt/ml, or plainly."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from localaws.state import scratch

if TYPE_CHECKING:
    import signal

log = logging.getLogger(__name__)

HOST = "algo-1"
_NAMED_HOSTS = 20
OPT_ML = PurePosixPath("/opt/ml")
_INFO_FD = "<info-fd>"  # replaced by the number of a pipe on which bubblewrap tells its child's id

Started = tuple[subprocess.Popen[bytes], int]


@functools.cache
def bubblewrap() -> str | None:
    """The path of a bubblewrap that works here, else None; LOCALAWS_BWRAP=0 turns it off."""
    program = shutil.which("bwrap")
    if program is None or os.environ.get("LOCALAWS_BWRAP") == "0":
        return None
    trial = [program, "--dev-bind", "/", "/", "--tmpfs", "/opt", "true"]
    works = subprocess.run(trial, capture_output=True, timeout=20, check=False).returncode == 0
    if not works:
        log.warning("bubblewrap does not work here; SAGEMAKER_BASE_DIR replaces /opt/ml")
    return program if works else None


def wrapping(root: Path, *, isolated: bool) -> list[str]:
    """bubblewrap's arguments: the machine as it is, but /opt/ml is `root` and the host is algo-1."""
    opt = [path for path in Path("/opt").iterdir() if path.name != "ml"] if Path("/opt").is_dir() else []
    rebound = [word for path in opt for word in ("--dev-bind", str(path), str(path))]
    # --die-with-parent watches the thread that starts it: the spawner lives as long as the server.
    return [
        *["--dev-bind", "/", "/", "--tmpfs", "/opt"],
        *rebound,
        *["--bind", str(root), str(OPT_ML)],
        *["--ro-bind", str(_hosts_file()), "/etc/hosts"],
        *(["--unshare-net"] if isolated else []),
        *["--info-fd", _INFO_FD],
        *["--die-with-parent", "--chdir", str(OPT_ML)],
    ]


def spawn(command: list[str], environment: dict[str, str], directory: Path) -> Started:
    """Start `command` in the one thread that lives as long as the server, which --die-with-parent needs.

    Returns the process and the id of the container's own program, which under bubblewrap is its child.
    """
    return _spawner.submit(_spawn, command, environment, directory).result()


def _spawn(command: list[str], environment: dict[str, str], directory: Path) -> Started:
    reading, writing = os.pipe()
    try:
        command = [str(writing) if word == _INFO_FD else word for word in command]
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(writing,) if str(writing) in command else (),
        )
    finally:
        os.close(writing)
        with os.fdopen(reading) as pipe:
            information = pipe.read()
    return process, json.loads(information)["child-pid"] if information else process.pid


@functools.cache
def _hosts_file() -> Path:
    """A copy of /etc/hosts in which a job's hosts, algo-1 and so on, are loopback addresses.

    Each has one of its own, so that programs which listen on their host's name may all use the same port.
    """
    original = Path("/etc/hosts")
    text = original.read_text(encoding="utf-8") if original.is_file() else ""
    path = scratch("temporary") / "hosts"
    names = "".join(f"127.0.0.{number} algo-{number}\n" for number in range(1, _NAMED_HOSTS + 1))
    path.write_text(f"{text.rstrip()}\n{names}", encoding="utf-8")
    return path


def kill_group(pid: int, number: signal.Signals) -> None:
    """Signal a process group; that it is gone already is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
