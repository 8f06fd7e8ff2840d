"""The stand-in as a subprocess of its own virtual environment; the tests talk to it with boto3 only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = CHECKOUT / ".venv-localaws" / "bin" / "python"
IMAGES = Path(__file__).parent / "images"
START_SECONDS = 90
STOP_SECONDS = 60
JOB_SECONDS = 60

ROLE = "arn:aws:iam::123456789012:role/sentiment-retrain"
TEST_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/test-image:1"


class StandIn:
    """One running stand-in."""

    def __init__(self, state: Path, **environment: str) -> None:
        """Keep everything in `state`; `environment` is added to the server's."""
        self.state = state
        self.environment = environment
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}

    def start(self) -> None:
        """Start and wait until it listens; its log is `<state>.log`."""
        with self._log().open("ab") as log:
            begin = log.tell()
            self._process = subprocess.Popen(
                [str(PYTHON), "-m", "localaws", "--port", "0", "--state", str(self.state)],
                cwd=CHECKOUT / "include",
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": os.environ.get("HOME", "/"),
                    "LOCALAWS_IMAGES": str(IMAGES),
                    "OMP_NUM_THREADS": "1",
                    **self.environment,
                },
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            written = self._log().read_bytes()[begin:].decode()
            if "Listening on " in written:
                self.url = written.partition("Listening on ")[2].split()[0]
                self._clients.clear()
                return
            time.sleep(0.1)
        self.kill()
        raise RuntimeError(f"the stand-in did not start within {START_SECONDS} s:\n{self._log().read_text()}")

    def stop(self) -> int:
        """SIGTERM; return the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL, as a crash."""
        return self._end(signal.SIGKILL)

    def client(self, service: str) -> Any:
        """A boto3 client that does not retry."""
        if service not in self._clients:
            self._clients[service] = boto3.Session().client(
                service,
                region_name="us-east-1",
                endpoint_url=self.url,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        return self._clients[service]

    def health(self) -> dict[str, Any]:
        """The health page."""
        with urllib.request.urlopen(f"{self.url}/_localaws/health", timeout=10) as response:
            return dict(json.load(response))

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(STOP_SECONDS)

    def _log(self) -> Path:
        path = self.state.with_name(f"{self.state.name}.log")
        path.touch()
        return path


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """The stand-in that all conformance tests share."""
    running = StandIn(tmp_path_factory.mktemp("localaws") / "state")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def endpoint_url(stand_in: StandIn) -> str:
    """The address of the shared stand-in."""
    return stand_in.url


@pytest.fixture(scope="session")
def aws(stand_in: StandIn) -> Callable[[str], Any]:
    """A function from the name of a service to a boto3 client of the shared stand-in."""
    return stand_in.client


@pytest.fixture
def own_stand_in(tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in of one test alone, not started yet; it may be stopped, killed and started again."""
    own = StandIn(tmp_path / "state")
    yield own
    own.kill()


@pytest.fixture
def bucket(aws: Callable[[str], Any]) -> str:
    """A fresh bucket in the shared stand-in."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    aws("s3").create_bucket(Bucket=name)
    return name


def job_name() -> str:
    """A job name that no other test uses."""
    return f"test-{uuid.uuid4().hex[:10]}"


def wait_for(describe: Callable[[], dict[str, Any]], key: str, *values: str) -> dict[str, Any]:
    """Call `describe` until its `key` is one of `values`; fail after a minute with the last answer."""
    deadline = time.monotonic() + JOB_SECONDS
    answer: dict[str, Any] = {}
    while time.monotonic() < deadline:
        answer = describe()
        if answer.get(key) in values:
            return answer
        time.sleep(0.1)
    return pytest.fail(f"{key} is not one of {values} after {JOB_SECONDS} s: {answer}")


if not PYTHON.exists():
    sys.stderr.write(f"{PYTHON} is missing; run `make test`, which sets it up.\n")
