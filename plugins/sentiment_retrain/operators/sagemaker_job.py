"""How a remote job is run without paying twice: one operator for every kind of SageMaker job."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk import conf

from sentiment_retrain import errors, naming
from sentiment_retrain.costs import cost_usd
from sentiment_retrain.jobs import JOB_KINDS, ended_at, output_uri, read_state, to_request_tags
from sentiment_retrain.links import LINK_KEY, SageMakerJobLink, console_url
from sentiment_retrain.operators.base import RetrainOperator
from sentiment_retrain.triggers import SageMakerJobTrigger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk import Context

    from sentiment_retrain.jobs import JobKind, JobState

#: How often one piece of work may fail and be started anew before a person must look at it.
MAX_ATTEMPTS = 100
#: How much longer than its own limit a job may take in all: waiting for machines, loading images.
QUEUE_SECONDS = 3600
LOG_LINES = 100


@dataclass(frozen=True)
class JobRequest:
    """One remote job that a task needs done.

    :param step: what is computed (not for which task): the same step on the same inputs is the same job
    :param inputs: everything the result depends on; its fingerprint is the job's identity
    :param body: gives the create request for a job name, without the name and the tags
    :param data_until: newest data in the inputs, ``YYYY-MM-DD``; part of the name
    :param prepare: called before submitting, with the job's name (uploads a config, say)
    """

    kind: JobKind
    step: str
    inputs: Mapping[str, Any]
    body: Callable[[str], dict[str, Any]]
    data_until: str
    instance_type: str
    instance_count: int
    timeout_seconds: int
    prepare: Callable[[str], None] | None = None

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of step and inputs."""
        return naming.fingerprint({"step": self.step, "inputs": dict(self.inputs)})


class Claim(NamedTuple):
    """How a job came to be ours: ``submitted``, ``reconnected``, ``reused`` or (empty) not at all.

    Only an ``owned`` job is stopped with the task: one of another run must survive this task's kill.
    """

    outcome: str
    why: str
    owned: bool = False


_SUBMITTED = Claim("submitted", "no job of these inputs was found", owned=True)


class SageMakerJobOperator(RetrainOperator):
    """Runs the jobs that :meth:`next_job` asks for, one after the other, then :meth:`parse`.

    Each job is looked for by its deterministic name first: one that completed is reused, one that runs is
    reconnected to, one that failed or was stopped gets a successor ``-rN``.

    :param run: output of the ``plan`` task
    :param deferrable: wait in the triggerer instead of in a worker slot; the result is the same
    """

    operator_extra_links = (SageMakerJobLink(),)
    ui_color = "#fdebd0"

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable
        self._waiting_for: dict[str, Any] | None = None

    # --- what subclasses say ------------------------------------------------------------------------------

    def next_job(self, done: Mapping[str, dict[str, Any]]) -> JobRequest | None:
        """The next job, None when there is nothing left to do.

        :param done: the ``job`` of each step that is done
        """
        raise NotImplementedError

    def parse(self, context: Context, done: Mapping[str, dict[str, Any]]) -> Any:
        """What the task hands on, read from the finished jobs."""
        raise NotImplementedError

    # --- how it runs --------------------------------------------------------------------------------------

    def work(self, context: Context) -> Any:
        """Run all jobs and parse them."""
        return self._proceed(context, {}, None)

    def resume(
        self, context: Context, event: dict[str, Any], done: dict[str, Any], started: dict[str, Any]
    ) -> Any:
        """Go on where the task was deferred."""
        if event.get("timed_out"):
            return self.guarded(context, lambda: self.give_up(started))
        return self.guarded(context, lambda: self._proceed(context, done, started))

    def on_kill(self) -> None:
        """Stop the job when the task is killed while it waits in a worker."""
        started = self._waiting_for
        if started and started["owned"]:
            stopped = self.aws.stop_job(JOB_KINDS[started["kind"]], started["name"])
            self.log.info(
                "%s %s: %s", started["kind"], started["name"], "stopping" if stopped else "had ended"
            )

    def _proceed(self, context: Context, done: dict[str, Any], started: dict[str, Any] | None) -> Any:
        while (request := self.next_job(done)) is not None:
            if started is None:
                started = self._start(context, request)
            # One look before deferring: a job that is done already needs no trigger.
            state = self._look(started)
            if state is None or not state.is_done:
                state = self._wait(done, started)
            done[request.step] = self._conclude(request, started, state)
            started = None
        return self.parse(context, done)

    def _start(self, context: Context, request: JobRequest) -> dict[str, Any]:
        """Find or submit the job; gives ``{kind, name, outcome, why, owned, deadline}``."""
        kind, date = request.kind, request.data_until
        for attempt in range(MAX_ATTEMPTS):
            name = naming.job_name(
                self.settings.prefix, request.step, date, request.fingerprint, attempt, kind.name_limit
            )
            description = self.aws.describe_job(kind, name)
            if description is None and self._submit(request, name):
                return self._started(context, request, name, _SUBMITTED)
            # Taken between look and create, or by a request whose answer was lost: look again.
            description = description or self.aws.describe_job(kind, name) or {}
            claim = self._judge(request, description)
            if claim.outcome:
                return self._started(context, request, name, claim)
            self.log.info("%s %s is not used: %s", kind.name, name, claim.why)
        raise errors.NameTaken(f"{MAX_ATTEMPTS} jobs named like {name}", "one that completed, or a free name")

    def _submit(self, request: JobRequest, name: str) -> bool:
        """Create the job; False when the name is taken."""
        if request.prepare:
            request.prepare(name)
        tags = to_request_tags(
            run=self.run["run_key"],
            step=request.step,
            fingerprint=request.fingerprint,
            data_until=request.data_until,
        )
        body = {request.kind.name_key: name, **request.body(name), "Tags": tags}
        return self.aws.create(request.kind.create, body)

    def _judge(self, request: JobRequest, description: Mapping[str, Any]) -> Claim:
        """What to do with a job of the right name, and why."""
        if not description:
            return Claim("", "its name is taken and it cannot be described")
        state = read_state(request.kind, description)
        tags = self.aws.tags(state.arn)
        if tags.get("retrain:fingerprint") != request.fingerprint:
            return Claim("", "it carries another fingerprint")
        owner = tags.get("retrain:run", "")
        owned = owner == self.run["run_key"]
        if not (owned or self.run.get("reuse", True)):
            return Claim("", f"it is of run {owner} and reuse is off")
        if state.status == "Stopping" or (state.is_done and not state.succeeded):
            return Claim("", f"it is {state.status}: {state.reason or 'no reason given'}")
        if not state.is_done:
            return Claim("reconnected", f"run {owner} started it and it is {state.progress}", owned)
        place = output_uri(request.kind, description)
        if place and not self.aws.has_objects(place):
            return Claim("", f"it completed but its output {place} is gone")
        when = ended_at(request.kind, description)
        return Claim("reused", f"run {owner} completed it at {when} from the same inputs", owned)

    def _started(self, context: Context, request: JobRequest, name: str, claim: Claim) -> dict[str, Any]:
        self.log.info("%s %s %s: %s", request.kind.name, name, claim.outcome, claim.why)
        endpoint_url = self.aws.client("sagemaker").meta.endpoint_url
        address = console_url(endpoint_url, self.run["region"], request.kind, name)
        context["ti"].xcom_push(key=LINK_KEY, value=address)
        return {
            "kind": request.kind.name,
            "name": name,
            "outcome": claim.outcome,
            "why": claim.why,
            "owned": claim.owned,
            "deadline": time.time() + request.timeout_seconds + QUEUE_SECONDS,
        }

    def _look(self, started: Mapping[str, Any]) -> JobState | None:
        kind = JOB_KINDS[started["kind"]]
        description = self.aws.describe_job(kind, started["name"])
        return read_state(kind, description) if description else None

    def _wait(self, done: dict[str, Any], started: dict[str, Any]) -> JobState:
        """The job's terminal state; does not come back when the task is deferred."""
        poll_seconds = self.settings.poll_seconds
        if self.deferrable:
            trigger = SageMakerJobTrigger(
                kind=started["kind"],
                name=started["name"],
                region=self.run["region"],
                poll_seconds=poll_seconds,
                deadline=started["deadline"],
                stop_on_kill=started["owned"],
            )
            self.defer(trigger=trigger, method_name="resume", kwargs={"done": done, "started": started})
        self._waiting_for, seen = started, ""
        try:
            while time.time() < started["deadline"]:
                state = self._look(started)
                if state and state.progress != seen:
                    self.log.info("%s %s: %s", started["kind"], started["name"], state.progress)
                    seen = state.progress
                if state and state.is_done:
                    return state
                time.sleep(poll_seconds)
        finally:
            self._waiting_for = None
        raise self._late(started)

    def give_up(self, started: Mapping[str, Any]) -> Any:
        """End the task because its job takes longer than it may."""
        raise self._late(started)

    def _late(self, started: Mapping[str, Any]) -> errors.JobTimedOut:
        """Stop a job that takes longer than it may, and say so."""
        if started["owned"]:
            self.aws.stop_job(JOB_KINDS[started["kind"]], started["name"])
        return errors.JobTimedOut(
            f"{started['kind']} {started['name']} did not end in time", "a terminal state"
        )

    def _conclude(self, request: JobRequest, started: Mapping[str, Any], state: JobState) -> dict[str, Any]:
        """The ``job`` of the contract; raises when the job did not succeed."""
        kind = request.kind
        if kind.log_group and started["outcome"] != "reused":
            for line in self.aws.log_lines(kind.log_group, state.name, LOG_LINES):
                self.log.info("[%s] %s", state.name, line)
        if not state.succeeded:
            raise job_error(state)
        description = self.aws.describe_job(kind, state.name) or {}
        # Of a reused job it is what was paid when it ran; the card counts it as saved.
        cost = cost_usd(
            state.billable_seconds, request.instance_type, request.instance_count, self.settings.prices
        )
        self.log.info(
            "%s %s: %s after %.0f s, about $%.4f", kind.name, state.name, state.status, state.seconds, cost
        )
        return {
            "kind": kind.name,
            "name": state.name,
            "arn": state.arn,
            "status": state.status,
            "outcome": started["outcome"],
            "why": started["why"],
            "seconds": state.seconds,
            "billable_seconds": state.billable_seconds,
            "cost_usd": cost,
            "output_uri": output_uri(kind, description),
        }


def job_error(state: JobState) -> errors.JobError:
    """The error that a job's terminal state is; capacity and AWS's own faults may pass, all others not."""
    observed = f"{state.kind} {state.name} is {state.status}: {state.reason or 'no reason given'}"
    if state.status == "Stopped":
        return errors.JobStopped(observed, "Completed")
    if "CapacityError" in state.reason or "InsufficientInstanceCapacity" in state.reason:
        return errors.CapacityError(observed, "Completed")
    return errors.JobFailed(observed, "Completed")
