"""Whom a message goes to, and how often. The one place that sends.

A message is claimed before it is sent (an object that only one writer can create), so that a retried
report, or Airflow's own callback after it, says nothing twice; a run that somebody cleared counts as new.
What a channel does not take is kept and sent with the next message.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sentiment_retrain.endpoint.live import find_live
from sentiment_retrain.errors import NotificationError, RetrainError
from sentiment_retrain.notifications import outbox
from sentiment_retrain.notifications.channels import TopicNotifier, WebhookNotifier

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.sdk import BaseNotifier

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.endpoint.live import Live
    from sentiment_retrain.notifications.messages import Message
    from sentiment_retrain.settings import Settings

#: How :func:`send` calls the webhook; topics go by their ARN.
WEBHOOK = "webhook"
#: What a run is told of, each once: :func:`claim`.
FAILED, CHANGED, ASKED = "failed", "changed", "asked"
#: A day of a backfill is kept for its digest once, too.
KEPT = "kept"


def send(
    message: Message, settings: Settings, log: Any, topics: Iterable[str] = (), aws: Aws | None = None
) -> int:
    """Send to every channel that is set; a channel that does not work is a warning, never a failed task.

    :param topics: SNS topics that are told whatever `notifications` says
    :param aws: with it, what a channel does not take is kept, and sent with the next message
    :return: how many channels took it
    """
    rules = settings.notifications
    told = set(topics)
    wanted = is_asked_for(message, settings)
    if wanted and rules.topic_arn:
        told.add(rules.topic_arn)
    channels = [*sorted(told), *([WEBHOOK] if wanted and rules.webhook_connection else [])]
    taken = 0
    for channel in channels:
        if _took(channel, message, settings, log):
            taken += 1
        elif aws and settings.bucket:
            _keep(aws, settings.bucket, channel, message, log)
    return taken


def _keep(aws: Aws, bucket: str, channel: str, message: Message, log: Any) -> None:
    try:
        outbox.keep(aws, bucket, channel, message)
    except RetrainError as error:
        log.warning("the message could not be kept: %s", error)
    else:
        log.warning("the message is kept; the next one that is sent takes it along")


def _took(channel: str, message: Message, settings: Settings, log: Any) -> bool:
    """Whether a channel took it.

    :param channel: ARN of a topic, or :data:`WEBHOOK`
    """
    notifier: BaseNotifier
    if channel == WEBHOOK:
        connection = settings.notifications.webhook_connection
        if not connection:
            return False
        notifier = WebhookNotifier(connection, message.subject, message.text)
    else:
        notifier = TopicNotifier(channel, message.short_subject, message.text, message.attributes)
    try:
        notifier.notify({})
    except RetrainError as error:
        known = error if isinstance(error, NotificationError) else NotificationError(error.observed)
        log.warning("%s: nobody was told:\n%s", type(notifier).__name__, known)
        return False
    return True


def send_kept(aws: Aws, settings: Settings, log: Any) -> None:
    """Send what a channel did not take before; one that does not take it now is not asked for more."""
    if not settings.bucket:
        return
    down, sent = set[str](), 0
    for found in outbox.kept(aws, settings.bucket):
        if found.channel in down or not outbox.claim(aws, found):
            continue
        if not _took(found.channel, found.message, settings, log):
            down.add(found.channel)
            outbox.release(aws, found)
            continue
        outbox.forget(aws, found.uri)
        sent += 1
        if sent == outbox.MOST:
            return


def is_asked_for(message: Message | None, settings: Settings) -> bool:
    """Whether `notifications.events` names an event of the message."""
    return message is not None and bool(set(message.events) & set(settings.notifications.events))


def live_now(aws: Aws, settings: Settings, log: Any) -> Live | None:
    """What serves, None where AWS did not say: a message does not depend on it."""
    try:
        return find_live(aws, settings.endpoint_name)
    except RetrainError as error:
        log.warning("what is live could not be asked: %s", error)
        return None


def claim(aws: Aws, bucket: str, run_key: str, topic: str, dag_run: Any) -> bool:
    """Whether it is for the caller to tell of this; True once for each run, topic and clearing."""
    said = {"at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")}
    return aws.put_if_absent(f"s3://{bucket}/runs/{run_key}/told/{topic}-{times_cleared(dag_run)}.json", said)


def times_cleared(dag_run: Any) -> int:
    """How often somebody has cleared a run; 0 where Airflow hands on a run that does not say."""
    return getattr(dag_run, "clear_number", 0) or 0
