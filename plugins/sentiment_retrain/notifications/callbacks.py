"""What the DAG hangs on Airflow's own events: a run that failed, a run that is late."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from sentiment_retrain.notifications import telling
from sentiment_retrain.settings import load_settings

if TYPE_CHECKING:
    from airflow.sdk import Context

    from sentiment_retrain.settings import Settings


class FailedRunNotifier(BaseNotifier):
    """Tells of a failed run whose report did not: it timed out, or its report could not be written."""

    def notify(self, context: Context) -> None:
        """Called where DAG files are processed."""
        from sentiment_retrain.aws.hooks import Aws

        reason = str(context.get("reason") or "")
        telling.tell_of_crash(Aws(), load_settings(), context, reason, self.log)


class LateRunNotifier(BaseNotifier):
    """Tells of a run that should be done by now, see :func:`.telling.tell_of_late_run`."""

    def __init__(self, context: Any = None) -> None:
        super().__init__(context=context)

    async def async_notify(self, context: Any) -> None:
        """Called in the triggerer, with the run as Airflow's API gives it and the deadline."""
        from asgiref.sync import sync_to_async

        await sync_to_async(self.notify)(context)

    def notify(self, context: Any) -> None:
        """Send the message."""
        from sentiment_retrain.aws.hooks import Aws

        deadline = dt.datetime.fromisoformat(str(context["deadline"]["deadline_time"]))
        telling.tell_of_late_run(Aws(), load_settings(), context["dag_run"], deadline, self.log)


def late_run_alert(settings: Settings) -> DeadlineAlert | None:
    """The DAG's deadline, None where nobody wants to be told of late runs."""
    rules = settings.notifications
    if not rules.are_sent or rules.late_after_minutes is None or "run_late" not in rules.events:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=dt.timedelta(minutes=rules.late_after_minutes),
        callback=AsyncCallback(LateRunNotifier),
        name="late run",
    )
