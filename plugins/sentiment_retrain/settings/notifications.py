"""Settings: who is told of what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, field_validator

from sentiment_retrain.settings.base import Frozen

Event = Literal[
    "gate_failed", "run_failed", "approval_waiting", "deployed", "rolled_back", "run_late", "recovered"
]
ALL_EVENTS: tuple[Event, ...] = (
    "gate_failed",
    "run_failed",
    "approval_waiting",
    "deployed",
    "rolled_back",
    "run_late",
    "recovered",
)


class Notifications(Frozen):
    """Who is told of what; nobody, as long as there is neither a topic nor a webhook.

    :param topic_arn: SNS topic
    :param webhook_connection: Airflow connection that holds the address of a Slack-compatible webhook
    :param events: what is told
    :param late_after_minutes: a run that is not done so long after it was queued is late; None: never
    """

    topic_arn: Annotated[str, Field(pattern=r"^arn:[^:]+:sns:")] | None = None
    webhook_connection: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,250}$")] | None = None
    events: tuple[Event, ...] = ALL_EVENTS
    late_after_minutes: PositiveInt | None = 360

    @field_validator("events")
    @classmethod
    def _no_repetition(cls, value: tuple[Event, ...]) -> tuple[Event, ...]:
        if len(set(value)) < len(value):
            raise ValueError("use each event once")
        return value

    @property
    def are_sent(self) -> bool:
        """Whether anybody is told of anything."""
        return bool(self.topic_arn or self.webhook_connection) and bool(self.events)
