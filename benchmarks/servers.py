"""Servers to measure: the stand-in and plain moto, each as a process of its own, and clients of them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

CHECKOUT = Path(__file__).resolve().parents[1]
PYTHON = CHECKOUT / ".venv-localaws" / "bin" / "python"
IMAGES = CHECKOUT / "tests" / "localaws" / "images"
TEST_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/test-image:1"
ROLE = "arn:aws:iam::123456789012:role/benchmark"
_TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
START_SECONDS = 120
STOP_SECONDS = 90


class Server:
    """One server process on a free port of 127.0.0.1, logging to a file."""

    def __init__(self, command: list[str], log: Path, ready: str, **environment: str) -> None:
        """`ready` is the pattern of the log line with the URL as its group."""
        self._command = command
        self._log = log
        self._ready = re.compile(ready)
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> float:
        """Start; return the seconds until it listens. Raises `RuntimeError` with its log when it does not."""
        began = time.monotonic()
        with self._log.open("ab") as log:
            offset = log.tell()
            self._process = subprocess.Popen(
                self._command,
                cwd=CHECKOUT / "include",
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": os.environ.get("HOME", "/"),
                    "LOCALAWS_IMAGES": str(IMAGES),
                    "PYTHONUNBUFFERED": "1",
                    "OMP_NUM_THREADS": "1",
                    **self._environment,
                },
                stdout=log,
                stderr=log,
            )
        while time.monotonic() - began < START_SECONDS and self._process.poll() is None:
            found = self._ready.search(self._log.read_bytes()[offset:].decode("utf-8", "replace"))
            if found:
                self.url = found.group(1)
                return time.monotonic() - began
            time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"The server did not start:\n{self._log.read_text()[-3000:]}")

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        self._end(signal.SIGTERM)

    @property
    def pid(self) -> int:
        """Its process."""
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process.pid

    def memory_mb(self) -> float:
        """Peak resident memory."""
        if self._process is None:
            return 0.0
        status = Path(f"/proc/{self._process.pid}/status")
        text = status.read_text() if status.exists() else ""
        found = re.search(r"VmHWM:\s+(\d+) kB", text)
        return int(found.group(1)) / 1024 if found else 0.0

    def log_tail(self, lines: int) -> str:
        """The log's last lines."""
        return "\n".join(self._log.read_text().splitlines()[-lines:])

    def client(self, service: str, connections: int = 10) -> Any:
        """A boto3 client that does not retry: every failure counts."""
        return boto3.Session().client(
            service,
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id="benchmark",
            aws_secret_access_key="benchmark",  # noqa: S106  nothing checks it
            config=Config(
                retries={"total_max_attempts": 1},
                max_pool_connections=connections,
                s3={"addressing_style": "path"},
                read_timeout=120,
            ),
        )

    def create_role(self) -> None:
        """Make the role `ROLE`, which SageMaker may take."""
        name, trust = ROLE.rpartition("/")[2], json.dumps(_TRUST)
        self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)

    def health(self) -> dict[str, Any]:
        """The stand-in's health page."""
        with urllib.request.urlopen(f"{self.url}/_localaws/health", timeout=30) as answer:  # noqa: S310
            return dict(json.load(answer))

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
        if self._process is not None:
            self._process.wait(STOP_SECONDS)


def stand_in(directory: Path, **environment: str) -> Server:
    """The stand-in, with its state below `directory`."""
    command = [str(PYTHON), "-m", "localaws", "--port", "0", "--state", str(directory / "state")]
    return Server(command, directory / "localaws.log", r"Listening on (http://\S+)", **environment)


def plain_moto(directory: Path) -> Server:
    """moto's own server."""
    from socket import socket

    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(PYTHON.parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    return Server(command, directory / "moto.log", r"Running on (http://\S+)")


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def processor_seconds(pid: int) -> float:
    """Processor time that a process and its living descendants have used; Linux only.

    Unlike the time on the clock it hardly depends on what else the machine does.
    """
    children: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        number = int(path.parent.name)
        children.setdefault(int(fields[1]), []).append(number)
        used[number] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    total, family = 0.0, [pid]
    while family:
        number = family.pop()
        total += used.get(number, 0.0)
        family += children.get(number, [])
    return total
