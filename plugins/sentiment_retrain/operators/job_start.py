"""Finding the job that does a piece of work, or submitting it: never twice."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from sentiment_retrain import errors
from sentiment_retrain.aws import failures
from sentiment_retrain.aws.failures import Cause, Policy
from sentiment_retrain.aws.jobs import (
    as_tags,
    ended_at,
    instance_type_of,
    on_instance_type,
    output_uri,
    read_state,
    to_request_tags,
)
from sentiment_retrain.operators import abandoned
from sentiment_retrain.operators.job_request import Claim
from sentiment_retrain.runs import reuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk.types import Logger

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.aws.jobs import JobState
    from sentiment_retrain.operators.job_request import JobRequest
    from sentiment_retrain.settings import Settings

#: How often one piece of work may fail and be started anew before a person must look at it.
MAX_ATTEMPTS = 100
#: How much longer than its own limit a job may take in all: waiting for machines, loading images.
QUEUE_SECONDS = 3600
#: For how long a lack of capacity is remembered: a later try begins with the configured type again.
CAPACITY_MEMORY_SECONDS = 3600


class _Unused(NamedTuple):
    """An earlier attempt that cannot be used."""

    name: str
    why: str
    #: The type it found no capacity for, None when it failed for another reason or long ago.
    exhausted: str | None = None


class JobStarter:
    """Finds or submits jobs for one task.

    :param run: output of the ``plan`` task
    :param submitting: called with kind and name before a job is created, so that a kill can find it
    """

    def __init__(
        self,
        aws: Aws,
        settings: Settings,
        run: Mapping[str, Any],
        log: Logger,
        submitting: Callable[[str, str], None],
    ) -> None:
        self.aws = aws
        self.settings = settings
        self.run = run
        self.log = log
        self.submitting = submitting
        self._asked_for: set[str] = set()

    def start(self, request: JobRequest) -> dict[str, Any]:
        """Find or submit the job; gives what :func:`started` does.

        May be repeated after any error: a job that was created nevertheless is found by its name.
        """
        kind, unused = request.kind, list[_Unused]()
        for attempt in range(MAX_ATTEMPTS):
            name = request.name(self.settings.prefix, attempt)
            description = self.aws.describe_job(kind, name)
            if description is None:
                instance_type = self._submit(request, name, unused)
                if instance_type:
                    why = self._why_submitted(request, unused, instance_type)
                    claim = Claim("submitted", why, owned=True, owner=self.run["run_key"])
                    return started(request, name, claim, instance_type)
                # Taken between look and create, or by a request whose answer was lost: look again.
                description = self.aws.describe_job(kind, name) or {}
            claim = judge(self.aws, self.run, request, description)
            if name in self._asked_for:
                claim = _joined(claim)
            if claim.outcome:
                if claim.outcome == "reconnected" and not claim.owned:
                    abandoned.register_guest(
                        self.aws, description[kind.arn_key], self.run["run_key"], self.log
                    )
                instance_type = instance_type_of(kind, description) or request.instance_type
                return started(request, name, claim, instance_type)
            self.log.info("%s %s is not used: %s", kind.name, name, claim.why)
            unused.append(_Unused(name, claim.why, _exhausted(request, description)))
        raise errors.NameTaken(f"{MAX_ATTEMPTS} jobs named like {name}", "one that completed, or a free name")

    def _submit(self, request: JobRequest, name: str, unused: list[_Unused]) -> str | None:
        """Create the job; gives its instance type, None when the name is taken."""
        exhausted = [item.exhausted for item in unused if item.exhausted]
        choices = request.instance_types
        for _ in choices:
            instance_type = failures.choose_instance_type(choices, exhausted)
            try:
                return instance_type if self._create(request, name, instance_type) else None
            except errors.QuotaError as error:
                refusal = error
                exhausted.append(instance_type)
                unused.append(_Unused(f"a request for {instance_type}", refusal.observed))
                self.log.warning("no quota for %s: %s", instance_type, refusal.observed)
        # Room that other jobs use is free again later; room that does not exist is not.
        refusal.retryable = not failures.quota_is_too_small(refusal.observed)
        raise refusal

    def _create(self, request: JobRequest, name: str, instance_type: str) -> bool:
        """Create the job on these machines; False when the name is taken."""
        if request.prepare:
            request.prepare(name)
        tags = to_request_tags(
            run=self.run["run_key"],
            step=request.step,
            fingerprint=request.fingerprint,
            data_until=request.data_until,
        )
        tags += as_tags({abandoned.BUCKET_TAG: self.run["bucket"]})
        body = on_instance_type(request.kind, request.body(name), instance_type)
        self.submitting(request.kind.name, name)
        self._asked_for.add(name)
        return self.aws.create(request.kind.create, {request.kind.name_key: name, **body, "Tags": tags})

    def _why_submitted(self, request: JobRequest, unused: list[_Unused], instance_type: str) -> str:
        if not unused:
            return "no job of these inputs was found"
        last = unused[-1]
        why = f"{last.name} is not used: {last.why}"
        if instance_type != request.instance_type:
            why = f"on {instance_type} instead of {request.instance_type}; {why}"
        return why


def judge(aws: Aws, run: Mapping[str, Any], request: JobRequest, description: Mapping[str, Any]) -> Claim:
    """What to do with a job of the right name, and why: the plan foresees by this what the task decides."""
    if not description:
        return Claim("", "its name is taken and it cannot be described")
    state = read_state(request.kind, description)
    tags = aws.tags(state.arn)
    if tags.get("retrain:fingerprint") != request.fingerprint:
        return Claim("", "it carries another fingerprint")
    place = tags.get(abandoned.BUCKET_TAG, run["bucket"])
    if place != run["bucket"]:
        # Its runs may have the same keys as ours, and its results are where our roles may not read.
        return Claim("", f"it is of another installation, whose bucket is {place}")
    owner = tags.get("retrain:run", "")
    owned = owner == run["run_key"]
    refusal = reuse.why_not(
        reuse.reuse_policy(run.get("reuse", True)),
        owner=owner,
        run_key=run["run_key"],
        ended_at=_ended(request, description) if state.is_done else None,
        now=dt.datetime.now(dt.UTC),
    )
    if refusal:
        return Claim("", refusal)
    if state.status == "Stopping" or (state.is_done and not state.succeeded):
        return Claim("", f"it is {state.status}: {state.reason or 'no reason given'}")
    if not state.is_done:
        return Claim("reconnected", f"run {owner} started it and it is {state.progress}", owned, owner)
    place = output_uri(request.kind, description)
    if place and not aws.has_objects(place):
        return Claim("", f"it completed but its output {place} is gone")
    when = ended_at(request.kind, description)
    return Claim("reused", f"run {owner} completed it at {when} from the same inputs", owned, owner)


def _joined(claim: Claim) -> Claim:
    """A job of ours that came to be while we asked for it is this run's own cost, however fast it ended."""
    if claim.outcome != "reused" or not claim.owned:
        return claim
    return claim._replace(outcome="reconnected", why="the answer to its create request was lost")


def started(request: JobRequest, name: str, claim: Claim, instance_type: str) -> dict[str, Any]:
    """What a task remembers of its job, also while it is deferred: JSON."""
    return {
        "kind": request.kind.name,
        "name": name,
        "outcome": claim.outcome,
        "why": claim.why,
        "owned": claim.owned,
        "owner": claim.owner,
        "instance_type": instance_type,
        "deadline": time.time() + request.timeout_seconds + QUEUE_SECONDS,
    }


def _ended(request: JobRequest, description: Mapping[str, Any]) -> dt.datetime | None:
    return next((description[key] for key in request.kind.ended_keys if description.get(key)), None)


def _exhausted(request: JobRequest, description: Mapping[str, Any]) -> str | None:
    """The instance type that this job found no capacity for lately."""
    if not description:
        return None
    state = read_state(request.kind, description)
    if state.status != "Failed" or failures.of_job(state).policy is not Policy.NEXT_INSTANCE_TYPE:
        return None
    ended = _ended(request, description)
    age = (dt.datetime.now(dt.UTC) - ended).total_seconds() if ended else 0.0
    return instance_type_of(request.kind, description) if age < CAPACITY_MEMORY_SECONDS else None


def job_error(state: JobState) -> errors.JobError:
    """The error that a job's terminal state is."""
    failure = failures.of_job(state)
    observed = (
        f"{state.kind} {state.name} is {state.status} ({failure.cause}): {state.reason or 'no reason given'}"
    )
    kind: type[errors.JobError] = {
        Cause.CAPACITY: errors.CapacityError,
        Cause.QUOTA: errors.QuotaError,
        Cause.INTERNAL_ERROR: errors.JobLost,
        Cause.SPOT_INTERRUPTION: errors.JobLost,
        Cause.TIME_LIMIT: errors.JobTimedOut,
        Cause.STOPPED: errors.JobStopped,
    }.get(failure.cause, errors.JobFailed)
    return kind(observed, "Completed", _REMEDIES.get(failure.cause))


_REMEDIES = {
    Cause.USER_ERROR: "Correct what AWS names: an input, its format, a path or a permission. "
    "The same request would fail the same way.",
    Cause.ALGORITHM_ERROR: "Read the container's last lines in this task's log; "
    "an exit code of 137 is memory: choose a larger instance type.",
}
