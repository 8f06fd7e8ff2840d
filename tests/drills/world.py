"""A stand-in with faults, tasks run as Airflow runs them, and what is counted afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from sentiment_retrain.aws import jobs
from sentiment_retrain.aws.hooks import Aws
from sentiment_retrain.aws.triggers import SageMakerJobTrigger

from .tiny_job import TinyJobOperator, context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest
    from fault_client import Faults
    from stand_in import StandIn

ROWS = [f"row {number}" for number in range(50)]
TESTS = Path(__file__).resolve().parents[1]
#: After this something hangs, however busy the machine is.
PATIENCE_SECONDS = 240.0
#: Longer than any test holds a job, shorter than the tiny job's own time limit.
HELD_SECONDS = 540


@dataclass
class Row:
    """One line of the drills' table."""

    event: str
    jobs_needed: int
    jobs_created: int
    orphans: int
    state: str
    seconds_lost: float
    #: Whose they are, and where they run: in this process, or in a DAG of a real Airflow.
    operators: str = "ours"


class World:
    """One drill's surroundings: a bucket, a run, a prefix that only its jobs have."""

    def __init__(self, stand_in: StandIn, faults: Faults, bucket: str, prefix: str, baseline: float) -> None:
        self.stand_in = stand_in
        self.faults = faults
        self.bucket = bucket
        self.prefix = prefix
        self.baseline = baseline
        self.data = uuid.uuid4().hex
        self.began = time.monotonic()
        self._held_since = self.began
        self._held_seconds = 0.0

    def run(self, run_key: str = "first") -> dict[str, Any]:
        """Output of ``plan``."""
        return {"run_key": run_key, "bucket": self.bucket, "region": "us-east-1", "reuse": True}

    def operator(self, run_key: str = "first", deferrable: bool = False) -> TinyJobOperator:
        """A task that needs the job done."""
        return TinyJobOperator(data=self.data, run=self.run(run_key), deferrable=deferrable)

    # --- as Airflow does ----------------------------------------------------------------------------------

    def finish(self, run_key: str = "first", deferrable: bool = False, tries: int = 3) -> tuple[str, Any]:
        """Run the task with retries until it ends; ``success`` and the job, or ``failed`` and the error."""
        for number in range(1, tries + 1):
            try:
                return "success", self.try_once(run_key, deferrable, number, tries)
            except AirflowFailException as error:
                return "failed", error
            except AirflowException as error:
                last = error
        return "failed", last

    def try_once(self, run_key: str, deferrable: bool, number: int = 1, tries: int = 3) -> Any:
        """One try, through as many deferrals as it takes."""
        surroundings = context(number, tries - 1)
        method, arguments = self.operator(run_key, deferrable).execute, dict[str, Any]()
        while True:
            try:
                return method(surroundings, **arguments)
            except TaskDeferred as deferred:
                event = asyncio.run(event_of(triggered(deferred)))
                # Airflow resumes in a new process.
                method = getattr(self.operator(run_key, deferrable), deferred.method_name)
                arguments = {"event": event, **(deferred.kwargs or {})}

    def deferred(self, run_key: str = "first") -> SageMakerJobTrigger:
        """The trigger of a task that waits in the triggerer."""
        try:
            self.operator(run_key, deferrable=True).execute(context())
        except TaskDeferred as deferred:
            return triggered(deferred)
        raise AssertionError("the task did not defer")

    @contextmanager
    def worker(self, log: Path, state: str = "running") -> Iterator[subprocess.Popen[bytes]]:
        """A process of its own that waits for the job in a worker slot, from when it does.

        :param log: what it writes
        :param state: what Airflow says of the task when it is killed
        """
        arguments = [sys.executable, "-m", "drills.tiny_job", self.data, json.dumps(self.run()), state]
        environment = os.environ | {"PYTHONPATH": f"{TESTS}:{TESTS.parent / 'plugins'}"}
        with (
            log.open("wb") as file,
            subprocess.Popen(arguments, env=environment, stdout=file, stderr=file) as process,
        ):
            try:
                # Submitted and looked at: the job's state is told after both.
                wait_until(lambda: "InProgress" in log.read_text() or process.poll() is not None)
                assert process.poll() is None, log.read_text()
                yield process
            finally:
                process.kill()

    # --- jobs that go on until the test lets them end -------------------------------------------------------

    def hold(self, count: int | None = None) -> None:
        """Let jobs not end before :meth:`release`; only so many of them, if it is said.

        Nothing then depends on how long anything takes on a busy machine.
        """
        self.faults.set(
            "job_delay", job="ProcessingJob", stage="Completing", seconds=HELD_SECONDS, count=count
        )

    def release(self) -> None:
        """Let the held jobs end; what they were held is not counted as lost."""
        self.faults.call("DELETE")
        self._held_seconds += time.monotonic() - self._held_since

    def finish_joined(
        self, caplog: pytest.LogCaptureFixture, run_key: str = "first", deferrable: bool = False
    ) -> tuple[str, Any]:
        """As :meth:`finish`, of a task that joins a held job, which is released then."""
        task = Background(lambda: self.finish(run_key, deferrable))
        wait_until_joined(caplog)
        self.release()
        state, job = task.join()
        return str(state), job

    # --- what is seen from outside ------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Every job of this drill."""
        listed = self.stand_in.client("sagemaker").list_processing_jobs(
            NameContains=self.prefix, MaxResults=100
        )
        return sorted(item["ProcessingJobName"] for item in listed["ProcessingJobSummaries"])

    def describe(self, name: str) -> dict[str, Any]:
        """One job."""
        return dict(self.stand_in.client("sagemaker").describe_processing_job(ProcessingJobName=name))

    def running(self) -> list[str]:
        """Jobs that cost money now and that nobody asked to stop."""
        return [name for name in self.names() if self.describe(name)["ProcessingJobStatus"] == "InProgress"]

    def wait_until_running(self) -> str:
        """Wait for the first job; gives its name."""
        wait_until(lambda: bool(self.running()))
        self._held_since = time.monotonic()
        return self.running()[0]

    def require_all_rows(self, job: dict[str, Any]) -> None:
        """No row is lost on the way through the job."""
        aws = Aws("us-east-1")
        written = aws.get_bytes(f"{job['output_uri']}/rows.csv").decode().split("\n")
        assert written == [row.upper() for row in ROWS]

    def row(self, event: str, *, needed: int, state: str, foreign: int = 0) -> Row:
        """What came of it; what jobs were held is not lost."""
        lost = time.monotonic() - self.began - self.baseline - self._held_seconds
        self.faults.call("DELETE")
        created, orphans = len(self.names()) - foreign, len(self.running())
        row = Row(event, needed, created, orphans, state, round(max(0.0, lost), 1))
        assert (row.jobs_created, row.orphans) == (row.jobs_needed, 0), row
        return row


def triggered(deferred: TaskDeferred) -> SageMakerJobTrigger:
    """The trigger as the triggerer has it: from its serialized form."""
    _, arguments = deferred.trigger.serialize()
    return SageMakerJobTrigger(**arguments)


async def event_of(trigger: SageMakerJobTrigger) -> dict[str, Any]:
    """What the trigger fires."""
    async for event in trigger.run():
        return dict(event.payload)
    raise AssertionError("the trigger ended without an event")


def wait_until_joined(caplog: pytest.LogCaptureFixture) -> None:
    """Wait until a task of this process says that it has found a job on its way."""
    wait_until(lambda: any(" reconnected: " in record.getMessage() for record in caplog.records[:]))


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for ``condition``. What does come takes seconds; how many depends on who else uses the machine."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.1)


class Background:
    """Work in a thread; :meth:`join` gives its result or raises its error."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._result: Any = None
        self._error: BaseException | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - handed on by join
            self._error = error

    def join(self, seconds: float = PATIENCE_SECONDS) -> Any:
        """Wait for the end."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the work did not end in time"
        if self._error:
            raise self._error
        return self._result


def status(name: str) -> str:
    """A job's status as the operators see it."""
    return str((Aws("us-east-1").describe_job(jobs.PROCESSING, name) or {})["ProcessingJobStatus"])
