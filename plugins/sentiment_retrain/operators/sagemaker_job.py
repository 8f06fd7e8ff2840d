"""How a remote job is run without paying twice: one operator for every kind of SageMaker job.

docs/job-life.md says which event does what to the job.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from airflow.sdk import conf
from airflow.sdk.exceptions import AirflowTaskTimeout

from sentiment_retrain import errors
from sentiment_retrain.aws import failures
from sentiment_retrain.aws.failures import Cause, Policy
from sentiment_retrain.aws.hooks import Aws
from sentiment_retrain.aws.job_log import JobLog
from sentiment_retrain.aws.jobs import JOB_KINDS, read_state
from sentiment_retrain.aws.triggers import SageMakerJobTrigger
from sentiment_retrain.operators.base import RetrainOperator
from sentiment_retrain.operators.job_control import comes_back, is_tried_again, patiently, stop_held
from sentiment_retrain.operators.job_request import job_document
from sentiment_retrain.operators.job_start import JobStarter, job_error
from sentiment_retrain.operators.links import (
    JOB_KEY,
    LINK_KEY,
    JobLogLink,
    RunCardLink,
    SageMakerJobLink,
    console_url,
)
from sentiment_retrain.runs.costs import known_cost_usd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow.sdk import Context

    from sentiment_retrain.aws.jobs import JobState
    from sentiment_retrain.operators.job_request import JobRequest

#: How often one try of a task does lost work again; Airflow's further tries have as many.
RECOVERIES = 2
#: CloudWatch shows a line a moment after it was written.
LOG_DELAY_SECONDS = 1.0
#: Between two looks at a job during the short wait before a task is deferred.
SHORT_POLL_SECONDS = 0.5


class SageMakerJobOperator(RetrainOperator):
    """Runs the jobs that :meth:`next_job` asks for, one after the other, then :meth:`parse`.

    Each job is looked for by its deterministic name first: one that completed is reused, one that runs is
    reconnected to, one that failed or was stopped gets a successor ``-rN``.

    :param run: output of the ``plan`` task
    :param deferrable: wait in the triggerer instead of in a worker slot; the result is the same
    """

    operator_extra_links = (SageMakerJobLink(), JobLogLink(), RunCardLink())
    ui_color = "#fdebd0"

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable
        # The job that must not be left running when this task ends without it.
        self._held: dict[str, Any] | None = None
        self._is_killed = False
        self._is_left = False
        self._context: Context | None = None
        self._job_log: JobLog | None = None

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
        """Stop the job when the task is killed, or runs out of time, in a worker.

        Airflow calls this in a signal handler, in the middle of anything, and lets the task go on after it;
        so the stop has clients of its own, and the flag ends the waiting. A job that the task's next try
        joins is left running.
        """
        self._is_killed = True
        has_timed_out = isinstance(sys.exc_info()[1], AirflowTaskTimeout)
        if self._context is not None and not has_timed_out and comes_back(self._context):
            self.log.info("the job goes on: Airflow runs this task again, which joins it")
            self._is_left = True
        self._stop(Aws(self.aws.region))

    def _proceed(self, context: Context, done: dict[str, Any], started: dict[str, Any] | None) -> Any:
        self._context = context
        try:
            while (request := self.next_job(done)) is not None:
                done[request.step] = self._finish(context, request, done, started)
                started = None
            return self.parse(context, done)
        except Exception as error:
            if not is_tried_again(context, error):
                # Nobody would find it before somebody runs the same work again.
                self._stop(self.aws)
            raise

    def _finish(
        self, context: Context, request: JobRequest, done: dict[str, Any], started: dict[str, Any] | None
    ) -> dict[str, Any]:
        """The ``job`` of the contract; raises when the work did not get done."""
        recovered = started["recovered"] if started else 0
        while True:
            if started is None:
                started = {**self._start(context, request), "recovered": recovered}
            self._held = started
            # One look before deferring: a job that is done already needs no trigger.
            state = self._look(started)
            if state is None or not state.is_done:
                state = self._wait(done, started)
            self._held = None
            self.remember(job_arn=state.arn)
            if started["outcome"] != "reused":
                self._print_rest(started)
            if state.succeeded:
                return self._conclude(request, started, state)
            self._require_recoverable(request, started, state)
            started, recovered = None, recovered + 1

    def _require_recoverable(self, request: JobRequest, started: dict[str, Any], state: JobState) -> None:
        """Come back when the next attempt should begin at once; raise what the job's end is otherwise."""
        failure, limit = failures.of_job(state), RECOVERIES
        # A job joined on its way was stopped for the task that had started it, not for this one.
        is_foreign_stop = failure.cause is Cause.STOPPED and started["outcome"] == "reconnected"
        if failure.policy is Policy.NEXT_INSTANCE_TYPE:
            limit = len(request.instance_types) - 1
        if started["recovered"] >= limit or not (is_foreign_stop or failure.policy is not Policy.FAIL):
            raise job_error(state)
        policy = Policy.NEXT_ATTEMPT if is_foreign_stop else failure.policy
        self.log.warning(
            "%s %s is %s (%s): %s; %s",
            state.kind,
            state.name,
            state.status,
            failure.cause,
            state.reason,
            policy,
        )
        if failure.cause is Cause.INTERNAL_ERROR:
            self._pause(failures.backoff_seconds(started["recovered"], base=2))

    def _start(self, context: Context, request: JobRequest) -> dict[str, Any]:
        """Find or submit the job, patiently."""
        starter = JobStarter(self.aws, self.settings, self.run, self.log, self._submitting)
        started = patiently(lambda: starter.start(request), self._pause, self.log)
        self.log.info("%s %s %s: %s", started["kind"], started["name"], started["outcome"], started["why"])
        self._held = started
        self._end_if_killed()
        endpoint_url = self.aws.client("sagemaker").meta.endpoint_url
        address = console_url(endpoint_url, self.run["region"], request.kind, started["name"])
        context["ti"].xcom_push(key=LINK_KEY, value=address)
        context["ti"].xcom_push(key=JOB_KEY, value=f"{started['kind']}/{started['name']}")
        return started

    def _submitting(self, kind: str, name: str) -> None:
        """Remember a job before it exists: a kill may arrive while its answer is on the way."""
        self._held = {"kind": kind, "name": name, "owned": True, "is_sure": False}
        self._end_if_killed()

    def _stop(self, aws: Aws) -> None:
        if self._held and not self._is_left:
            stop_held(aws, self._held, self.run, self.log)

    def _end_if_killed(self) -> None:
        """Raise when the task was killed; the job may have come to be after :meth:`on_kill` looked."""
        if self._is_killed:
            self._stop(self.aws)
            held, self._held = self._held or {}, None
            raise errors.JobInterrupted(
                f"the task was killed while {held.get('kind')} {held.get('name')} was under way",
                "the task to wait for its job",
            )

    def _look(self, started: Mapping[str, Any]) -> JobState | None:
        kind = JOB_KINDS[started["kind"]]
        find = self.aws.describe_job
        description = patiently(lambda: find(kind, started["name"]), self._pause, self.log)
        return read_state(kind, description) if description else None

    def _wait(self, done: dict[str, Any], started: dict[str, Any]) -> JobState:
        """The job's terminal state; does not come back when the task is deferred."""
        poll_seconds = self.settings.poll_seconds
        if self.deferrable:
            # A job that ends within seconds is not worth a trigger and another start of the task.
            state = self._watch(started, time.time() + self.settings.short_wait_seconds, SHORT_POLL_SECONDS)
            if state:
                return state
            trigger = SageMakerJobTrigger(
                kind=started["kind"],
                name=started["name"],
                region=self.run["region"],
                poll_seconds=poll_seconds,
                deadline=started["deadline"],
                stop_on_kill=started["owned"],
            )
            self._end_if_killed()
            self.defer(trigger=trigger, method_name="resume", kwargs={"done": done, "started": started})
        state = self._watch(started, started["deadline"], poll_seconds)
        if state is None:
            raise self._late(started)
        return state

    def _watch(self, started: dict[str, Any], until: float, poll_seconds: float) -> JobState | None:
        """The job's terminal state, None when it goes on past ``until`` (seconds since the epoch)."""
        self._held, seen = dict(started), ""
        while time.time() < min(until, started["deadline"]):
            state = self._look(started)
            if state and state.progress != seen:
                self.log.info("%s %s: %s", started["kind"], started["name"], state.progress)
                seen = state.progress
            if state and state.is_done:
                return state
            if not self.deferrable:
                # A task that is deferred after all prints every line when it resumes.
                self._print(started["name"], self._follow(started).new_lines())
            self._pause(poll_seconds)
        return None

    def _pause(self, seconds: float) -> None:
        """Sleep, but not through a kill: ``time.sleep`` goes on after a signal handler."""
        end = time.monotonic() + seconds
        self._end_if_killed()
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(0.5, left))
            self._end_if_killed()

    def _follow(self, started: Mapping[str, Any]) -> JobLog:
        if self._job_log is None or self._job_log.job != started["name"]:
            self._job_log = JobLog(self.aws, JOB_KINDS[started["kind"]].log_group, started["name"])
        return self._job_log

    def _print(self, job: str, lines: Iterable[str]) -> None:
        for line in lines:
            self.log.info("[%s] %s", job, line)

    def _print_rest(self, started: Mapping[str, Any]) -> None:
        """Everything the job wrote that is not printed yet: after a deferral that is all."""
        if JOB_KINDS[started["kind"]].log_group:
            time.sleep(min(LOG_DELAY_SECONDS, self.settings.poll_seconds))
            self._print(started["name"], self._follow(started).last_lines())

    def give_up(self, started: Mapping[str, Any]) -> Any:
        """End the task because its job takes longer than it may."""
        raise self._late(started)

    def _late(self, started: Mapping[str, Any]) -> errors.JobTimedOut:
        """Stop a job that takes longer than it may, and say so."""
        self._held = dict(started)
        self._stop(self.aws)
        self._held = None
        return errors.JobTimedOut(
            f"{started['kind']} {started['name']} did not end in time", "a terminal state"
        )

    def _conclude(self, request: JobRequest, started: Mapping[str, Any], state: JobState) -> dict[str, Any]:
        """The ``job`` of the contract, of a job that succeeded."""
        find = self.aws.describe_job
        description = patiently(lambda: find(request.kind, state.name), self._pause, self.log) or {}
        # Of a job of another run it is what that run pays; the card counts it as saved.
        cost = known_cost_usd(
            state.billable_seconds, started["instance_type"], request.instance_count, self.settings.prices
        )
        self.log.info(
            "%s %s: %s after %.0f s, %s",
            state.kind,
            state.name,
            state.status,
            state.seconds,
            "of unknown cost" if cost is None else f"about ${cost:.4f}",
        )
        return job_document(
            request.kind,
            description,
            state,
            outcome=started["outcome"],
            owner=started.get("owner", ""),
            why=started["why"],
            cost_usd=cost,
        )
