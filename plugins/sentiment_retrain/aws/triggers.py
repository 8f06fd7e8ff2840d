"""Waiting for a SageMaker job without holding a worker slot: one trigger for every kind of job."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from sentiment_retrain.aws.hooks import Aws
from sentiment_retrain.aws.jobs import JOB_KINDS, read_state
from sentiment_retrain.errors import RetrainError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: A trigger that fires faster can overtake the worker's own report (apache/airflow issue 72716).
FIRST_POLL_SECONDS = 2.0
#: Airflow gives `on_kill` of a trigger 30 seconds by default.
STOP_SECONDS = 20.0


class SageMakerJobTrigger(BaseTrigger):
    """Fires once, when the job reached a terminal state or the deadline passed.

    The event says only that it is time to look; what became of the job is read by the operator, by the same
    code that reads it when nothing was deferred.

    :param kind: a key of :data:`~sentiment_retrain.aws.jobs.JOB_KINDS`
    :param name: name of the job
    :param region: region the job runs in, None for the session's own
    :param poll_seconds: time between two looks
    :param deadline: seconds since the epoch; a restart of the triggerer does not extend the wait
    :param stop_on_kill: whether a person's kill of the task stops the job (not so for another run's job)
    """

    def __init__(
        self,
        kind: str,
        name: str,
        region: str | None,
        poll_seconds: float,
        deadline: float,
        stop_on_kill: bool = True,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kind = kind
        self.name = name
        self.region = region
        self.poll_seconds = poll_seconds
        self.deadline = deadline
        self.stop_on_kill = stop_on_kill
        self._aws = Aws(region)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, from which any triggerer can go on waiting."""
        return (
            "sentiment_retrain.aws.triggers.SageMakerJobTrigger",
            {
                "kind": self.kind,
                "name": self.name,
                "region": self.region,
                "poll_seconds": self.poll_seconds,
                "deadline": self.deadline,
                "stop_on_kill": self.stop_on_kill,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the job until it is done or too late; then fire."""
        await asyncio.sleep(FIRST_POLL_SECONDS)
        seen = ""
        while True:
            progress, done = await self._look(seen)
            if progress and progress != seen:
                self.log.info("%s %s: %s", self.kind, self.name, progress)
                seen = progress
            # Wall clock, because the deadline must mean the same in every process.
            late = time.time() > self.deadline
            if done or late:
                payload = {"kind": self.kind, "name": self.name, "timed_out": late and not done}
                yield TriggerEvent(payload)  # type: ignore[no-untyped-call]
                return
            # Jitter keeps the triggers of many tasks from asking AWS at the same moment.
            await asyncio.sleep(self.poll_seconds * random.uniform(0.9, 1.1))  # noqa: S311

    async def _look(self, seen: str) -> tuple[str, bool]:
        """Progress and whether the wait is over; an AWS that does not answer is asked again later."""
        kind = JOB_KINDS[self.kind]
        try:
            description = await asyncio.to_thread(self._aws.describe_job, kind, self.name)
        except RetrainError as error:
            if not error.retryable:
                # The operator meets the same refusal, and knows how to end the task and its job.
                self.log.warning("%s %s cannot be watched: %s", self.kind, self.name, error)
                return seen, True
            self.log.warning("%s %s could not be described, asking again: %s", self.kind, self.name, error)
            return seen, False
        # Just created jobs may not be visible yet.
        state = read_state(kind, description) if description else None
        return (state.progress, state.is_done) if state else (seen, False)

    async def on_kill(self) -> None:
        """Stop the job when a person fails, clears or marks the deferred task."""
        if not self.stop_on_kill:
            self.log.info("%s %s belongs to another run and goes on", self.kind, self.name)
            return
        kind = JOB_KINDS[self.kind]
        try:
            stopped = await asyncio.to_thread(self._aws.stop_job, kind, self.name, STOP_SECONDS)
        except RetrainError as error:
            self.log.error(  # noqa: TRY400 - a traceback would say nothing more
                "%s %s could not be stopped and runs on, at most until its time limit; the next run of this "
                "work finds it, or stop it in the console: %s",
                self.kind,
                self.name,
                error,
            )
            return
        self.log.info("%s %s: %s", self.kind, self.name, "stop requested" if stopped else "had ended already")
