"""Waiting without a worker: for an endpoint that changes (and watching it), and for somebody's decision."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from sentiment_retrain.aws import packages
from sentiment_retrain.aws.hooks import Aws
from sentiment_retrain.aws.triggers import SageMakerJobTrigger
from sentiment_retrain.endpoint.canary import Canary
from sentiment_retrain.errors import RetrainError
from sentiment_retrain.notifications import messages, sending
from sentiment_retrain.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: CloudWatch looks once a minute; a round before each look is enough.
ROUND_SECONDS = 15.0


class DeploymentTrigger(SageMakerJobTrigger):
    """Fires once, when the endpoint has come to rest; until then asks it known questions.

    :param canary_uri: the plan of :class:`~sentiment_retrain.endpoint.canary.Canary`, as JSON in S3; None
        asks nothing
    """

    def __init__(self, canary_uri: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.canary_uri = canary_uri
        self._canary: Canary | None = None
        if canary_uri:
            self.poll_seconds = min(self.poll_seconds, ROUND_SECONDS)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments."""
        _, arguments = super().serialize()
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {**arguments, "canary_uri": self.canary_uri}

    async def _look(self, seen: str) -> tuple[str, bool]:
        if self.canary_uri:
            await asyncio.to_thread(self._ask)
        return await super()._look(seen)

    def _ask(self) -> None:
        """One round; whatever keeps it from being asked is no reason to stop watching."""
        try:
            if self._canary is None:
                self._canary = Canary(self._aws, self._aws.get_json(str(self.canary_uri)))
            found = self._canary.round()
        except RetrainError as error:
            self.log.warning("the canary could not be asked: %s", error)
            return
        if found:
            worst = [min((getattr(q, name) or 0.0) for q in found) for name in ("golden", "agreement")]
            self.log.info(
                "%d answers of the new fleet: golden requests %.0f%%, agreement %.0f%% at least",
                len(found),
                *(100 * share for share in worst),
            )


class ApprovalTrigger(BaseTrigger):
    """Fires once, when the registry has a decision on a package or the deadline passed.

    A decision in Airflow's UI ends the wait by itself: Airflow resumes the task with the answer.

    :param arn: of the model package
    :param poll_seconds: time between two looks
    :param deadline: seconds since the epoch
    :param reminder_seconds: time between two reminders
    :param subject: what is asked, in one line
    :param topic_arn: SNS topic that is reminded, None for none
    """

    def __init__(
        self,
        arn: str,
        region: str | None,
        poll_seconds: float,
        deadline: float,
        reminder_seconds: float,
        subject: str,
        topic_arn: str | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.arn = arn
        self.region = region
        self.poll_seconds = poll_seconds
        self.deadline = deadline
        self.reminder_seconds = reminder_seconds
        self.subject = subject
        self.topic_arn = topic_arn
        self._aws = Aws(region)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments."""
        names = "arn", "region", "poll_seconds", "deadline", "reminder_seconds", "subject", "topic_arn"
        path = "sentiment_retrain.endpoint.triggers.ApprovalTrigger"
        return path, {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until there is a decision or it is too late; remind in between."""
        # Counted back from the deadline, so that a restart of the triggerer reminds at the same moments.
        to_come = self._reminders_to_come()
        while True:
            status = await asyncio.to_thread(self._status)
            late = time.time() > self.deadline
            if status in packages.DECIDED or late:
                payload = {"status": status, "timed_out": late and status not in packages.DECIDED}
                yield TriggerEvent(payload)  # type: ignore[no-untyped-call]
                return
            if self._reminders_to_come() < to_come:
                to_come = self._reminders_to_come()
                # A thread of asyncio's own may not ask Airflow for the webhook's connection.
                await sync_to_async(self._remind)(self.deadline - time.time())
            await asyncio.sleep(min(self.poll_seconds, max(0.1, self.deadline - time.time())))

    def _reminders_to_come(self) -> int:
        return int((self.deadline - time.time()) // self.reminder_seconds)

    def _status(self) -> str:
        try:
            found = packages.describe(self._aws, self.arn)
        except RetrainError as error:
            self.log.warning("%s could not be described, asking again: %s", self.arn, error)
            return packages.PENDING
        # Without the package nobody can approve it any more.
        return str(found["ModelApprovalStatus"]) if found else packages.REJECTED

    def _remind(self, seconds_left: float) -> None:
        text = f"{self.subject} Nobody has decided yet; {seconds_left / 3600:.1f} hours are left. {self.arn}"
        self.log.warning("%s", text)
        message = messages.of_reminder(self.subject, self.arn, seconds_left / 3600)
        try:
            sending.send(message, load_settings(), self.log, [self.topic_arn] if self.topic_arn else [])
        except RetrainError as error:
            self.log.warning("nobody was reminded: %s", error)
