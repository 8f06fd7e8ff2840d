"""Jobs: one thread and one document each, with SageMaker's statuses, stop, timeout and honest ends."""

from __future__ import annotations

import abc
import logging
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar

from localaws import faults
from localaws.artifacts import ArtifactError
from localaws.containers import ImageNotFound
from localaws.state import now, store

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.containers import Container

log = logging.getLogger(__name__)

IN_PROGRESS, COMPLETED, FAILED, STOPPING, STOPPED = "InProgress", "Completed", "Failed", "Stopping", "Stopped"
TERMINAL = (COMPLETED, FAILED, STOPPED)
ORPHANED = (
    "InternalServerError: The local stand-in stopped while this job ran, so its work is lost. "
    "Submit the job again under another name."
)
NO_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML "
    "instance type."
)
GRACE_SECONDS = 120.0  # between SIGTERM and SIGKILL, as on SageMaker
MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"
_POLL_SECONDS = 0.2
_ABANDON_SECONDS = 10.0


class JobFailed(Exception):  # noqa: N818
    """Ends a job with status Failed; the text is its FailureReason."""


class JobStopped(Exception):  # noqa: N818
    """Ends a job with status Stopped: somebody asked for it, or the runtime was used up."""


class Job(abc.ABC):
    """A job whose description is the document (`kind`, `name`) of the store.

    Subclasses set `kind` (the store's kind, AWS's name of the resource, e.g. ``TrainingJob``) and implement
    `run`, which returns changes for the document, or raises `JobFailed` or `JobStopped`. Status keys are
    ``<kind>Status`` unless `status_key` says otherwise. `has_secondary` jobs keep SecondaryStatusTransitions.
    """

    kind: ClassVar[str]
    status_key: ClassVar[str]
    end_time_key: ClassVar[str] = "EndTime"
    has_secondary: ClassVar[bool] = False
    kinds: ClassVar[dict[str, type[Job]]] = {}

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Register the kind, so that start-up finds its orphans."""
        super().__init_subclass__(**keywords)
        kind = cls.__dict__.get("kind")
        if kind:
            if "status_key" not in cls.__dict__:
                cls.status_key = f"{kind}Status"
            Job.kinds[kind] = cls

    def __init__(self, name: str, max_runtime_seconds: float | None = None) -> None:
        """A job whose document exists already (`Store.create` decides who owns a name)."""
        self.name = name
        self.stop_requested = threading.Event()
        self._deadline = None if max_runtime_seconds is None else time.monotonic() + max_runtime_seconds
        self._abandoned = False
        self._changing = threading.Lock()  # status and transitions change together
        self._thread = threading.Thread(target=self._live, name=f"{self.kind}-{name}", daemon=True)

    @abc.abstractmethod
    def run(self) -> dict[str, Any]:
        """Do the work; return what the document gains at the end."""

    def submit(self) -> None:
        """Start the job's thread and return."""
        _running[(self.kind, self.name)] = self
        self._thread.start()

    @property
    def document(self) -> dict[str, Any]:
        """The job's description as it is now."""
        document = store().get(self.kind, self.name)
        if document is None:
            raise JobFailed(f"InternalServerError: the description of {self.kind} {self.name} is gone")
        return document

    def update(self, **changes: Any) -> dict[str, Any]:
        """Change the description and its LastModifiedTime."""
        return store().update(self.kind, self.name, LastModifiedTime=now(), **changes)

    def enter(self, secondary: str, message: str = "") -> None:
        """Go on to a secondary status, closing the transition before it."""
        with self._changing:
            self.update(**self._transition(secondary, message))
        self.suffer(secondary)

    def suffer(self, stage: str) -> None:
        """Let the faults happen that are set for this stage; raises `JobFailed` or `JobStopped`."""
        if not faults.active.any(faults.JOB_ACTIONS):
            return
        for fault in faults.active.strike(faults.JOB_ACTIONS, job=self.kind, resource=self.name, stage=stage):
            if fault.action == "capacity":
                raise JobFailed(NO_CAPACITY)
            if fault.action == "job_failure":
                raise JobFailed(fault.message or f"InternalServerError: a fault was set for stage {stage}.")
            self._wait(fault)

    def _wait(self, fault: faults.Fault) -> None:
        """Be late for as long as the fault says and is set."""
        end = time.monotonic() + fault.seconds
        while (left := end - time.monotonic()) > 0 and faults.active.has(fault.id):
            self.check()
            self.stop_requested.wait(min(left, _POLL_SECONDS))

    def _work(self) -> dict[str, Any]:
        self.suffer(faults.STARTING)
        changes = self.run()
        self.suffer(faults.COMPLETING)
        return changes

    def stop(self) -> None:
        """Ask for the end; the status is Stopping until the work has ended."""
        with self._changing:
            if self.document[self.status_key] == IN_PROGRESS:
                self.update(**{self.status_key: STOPPING}, **self._transition(STOPPING, "Stopping the job"))
        self.stop_requested.set()

    def check(self) -> None:
        """Raise `JobStopped` when a stop was asked for or the runtime is used up; call it between steps."""
        if self.stop_requested.is_set():
            raise JobStopped("stopped on request")
        if self.timed_out:
            raise JobStopped(MAX_RUNTIME_EXCEEDED)

    @property
    def timed_out(self) -> bool:
        """Whether MaxRuntimeInSeconds has passed."""
        return self._deadline is not None and time.monotonic() > self._deadline

    def run_container(self, container: Container, grace_seconds: float = GRACE_SECONDS) -> int:
        """Start a container and wait for its end, with stop and timeout observed; return its exit code.

        Raises `JobStopped` after the container has ended for one of these, `JobFailed` when it cannot start.
        """
        self.check()
        try:
            container.start()
        except (FileNotFoundError, PermissionError) as error:
            raise JobFailed(f"ClientError: Cannot start the container: {error}") from error
        while True:
            try:
                return container.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                if self.stop_requested.is_set() or self.timed_out:
                    container.stop(0 if self._abandoned else grace_seconds)
                    self.check()

    def abandon(self) -> None:
        """End the job because the stand-in stops: its container is killed, its status is Failed."""
        self._abandoned = True
        self.stop_requested.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the job's end."""
        self._thread.join(timeout)

    def _live(self) -> None:
        try:
            status, changes = self._outcome()
            if self._abandoned:
                status, changes = FAILED, {"FailureReason": ORPHANED}
            changes[self.end_time_key] = now()
            checkpoint()
            with self._changing:
                if self.has_secondary:
                    secondary = changes.pop("SecondaryStatus", status)
                    changes |= self._transition(secondary, changes.get("FailureReason", ""), last=True)
                self.update(**{self.status_key: status}, **changes)
        except Exception:
            log.exception("%s %s could not be ended", self.kind, self.name)
        finally:
            _running.pop((self.kind, self.name), None)

    def _outcome(self) -> tuple[str, dict[str, Any]]:
        try:
            try:
                return COMPLETED, self._work()
            except JobStopped as stopped:
                exceeded = str(stopped) == MAX_RUNTIME_EXCEEDED
                secondary = {"SecondaryStatus": MAX_RUNTIME_EXCEEDED} if exceeded else {}
                return STOPPED, self.stopped_changes() | (secondary if self.has_secondary else {})
        except Exception as error:
            changes = {"FailureReason": self._reason(error)[:1024]}
            try:
                return FAILED, changes | self.failed_changes()
            except Exception:
                log.exception("%s %s failed, and then could not tidy up", self.kind, self.name)
                return FAILED, changes

    def _reason(self, error: Exception) -> str:
        if isinstance(error, JobFailed):
            return str(error)
        if isinstance(error, (ArtifactError, ImageNotFound)):
            return f"ClientError: {error}"
        log.error("%s %s failed inside the stand-in", self.kind, self.name, exc_info=error)
        return f"InternalServerError: {type(error).__name__}: {error}"

    def stopped_changes(self) -> dict[str, Any]:
        """What the document gains when the job is stopped."""
        return {}

    def failed_changes(self) -> dict[str, Any]:
        """What the document gains when the job fails."""
        return {}

    def _transition(self, secondary: str, message: str, *, last: bool = False) -> dict[str, Any]:
        if not self.has_secondary:
            return {}
        return transition(self.document.get("SecondaryStatusTransitions", []), secondary, message, last=last)


def transition(earlier: list[dict[str, Any]], status: str, message: str, *, last: bool) -> dict[str, Any]:
    """SecondaryStatus and its transitions after entering `status`; the `last` one is closed at once."""
    moment = now()
    closed = [{"EndTime": moment, **item} for item in earlier]
    entered: dict[str, Any] = {"Status": status, "StartTime": moment, "StatusMessage": message}
    if last:
        entered["EndTime"] = moment
    return {"SecondaryStatus": status, "SecondaryStatusTransitions": [*closed, entered]}


_running: dict[tuple[str, str], Job] = {}
_checkpoints: list[Callable[[], object]] = []


def on_checkpoint(function: Callable[[], object]) -> None:
    """Have `function` called before a job's terminal status is written: its output must be durable."""
    _checkpoints.append(function)


def checkpoint() -> None:
    """Make durable what jobs have written."""
    for function in _checkpoints:
        try:
            function()
        except Exception:
            log.exception("A checkpoint failed; it is tried again later")


def running(kind: str, name: str) -> Job | None:
    """The job if it runs in this process."""
    return _running.get((kind, name))


def end_orphans() -> list[str]:
    """End jobs that a former process left unfinished: Failed, with an honest reason. Returns their names."""
    ended = []
    for kind, job_class in Job.kinds.items():
        for name in store().names(kind):
            document = store().get(kind, name) or {}
            if document.get(job_class.status_key) not in (IN_PROGRESS, STOPPING) or running(kind, name):
                continue
            changes: dict[str, Any] = {job_class.status_key: FAILED, "FailureReason": ORPHANED}
            changes |= {"LastModifiedTime": now(), job_class.end_time_key: now()}
            if job_class.has_secondary:
                changes |= transition(
                    document.get("SecondaryStatusTransitions", []), FAILED, ORPHANED, last=True
                )
            store().update(kind, name, **changes)
            ended.append(f"{kind} {name}")
    return ended


def end_running() -> None:
    """End the jobs of this process: it stops now, and a job must not look alive afterwards.

    One that does not end in time is ended by the next start (`end_orphans`).
    """
    remaining = list(_running.values())
    for job in remaining:
        job.abandon()
    deadline = time.monotonic() + _ABANDON_SECONDS
    for job in remaining:
        job.join(max(0.0, deadline - time.monotonic()))
