"""Whom a message goes to, and how often. The one place that sends.

A message is claimed before it is sent (an object that only one writer can create), so that a retried report,
or Airflow's own callback after it, says nothing twice; a run that somebody cleared counts as new. Days of a
backfill are kept in the bucket instead; whoever ends as the last sends one digest of them.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sentiment_retrain import naming
from sentiment_retrain.cards.paths import PREFIX, Links
from sentiment_retrain.errors import RetrainError
from sentiment_retrain.notifications import digest, messages
from sentiment_retrain.notifications.channels import NotificationError, TopicNotifier, WebhookNotifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow.sdk import BaseNotifier

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.notifications.messages import Message
    from sentiment_retrain.settings import Settings

_UNDONE = ["queued", "running"]
FAILED, CHANGED, ASKED = "failed", "changed", "asked"


def send(message: Message, settings: Settings, log: Any, topics: Iterable[str] = ()) -> int:
    """Send to every channel that is set; a channel that does not work is a warning, never a failed task.

    :param topics: SNS topics that are told whatever `notifications` says
    :return: how many channels took it
    """
    rules = settings.notifications
    channels: list[BaseNotifier] = []
    told = set(topics)
    wanted = bool(set(message.events) & set(rules.events))
    if wanted and rules.topic_arn:
        told.add(rules.topic_arn)
    attributes = {"events": ",".join(message.events)}
    for topic in sorted(told):
        channels.append(TopicNotifier(topic, message.short_subject, message.text, attributes))
    if wanted and rules.webhook_connection:
        channels.append(WebhookNotifier(rules.webhook_connection, message.subject, message.text))
    return sum(_took(channel, log) for channel in channels)


def _took(channel: BaseNotifier, log: Any) -> bool:
    try:
        channel.notify({})
    except (NotificationError, RetrainError) as error:
        log.warning("%s: nobody was told: %s", type(channel).__name__, error)
        return False
    return True


def tell_of_run(aws: Aws, settings: Settings, result: Mapping[str, Any], context: Any, log: Any) -> None:
    """Tell of a finished run, or keep it for the digest of its backfill; then send the digest that is due.

    Nothing that goes wrong here fails the run.

    :param result: output of ``report``
    :param context: the report task's
    """
    if not settings.notifications.are_sent:
        return
    dag_run = context["dag_run"]
    try:
        card = aws.get_json(result["card_uri"])
        link = card_link(dag_run.dag_id, dag_run.run_id, result["html_uri"])
        bucket = urlsplit(result["card_uri"]).netloc
        if is_backfill(dag_run.run_type, dag_run.run_id):
            aws.put_json(_kept(bucket, dag_run.dag_id, result["run_key"]), digest.entry(card, link))
        elif message := messages.of_card(card, link):
            topic = FAILED if card["status"] == "failed" else CHANGED
            if claim(aws, bucket, result["run_key"], topic, dag_run):
                send(message, settings, log)
        send_digest(aws, settings, bucket, dag_run.dag_id, context["ti"], log)
    except RetrainError as error:
        log.warning("nobody was told of this run: %s", error)


def tell_of_crash(aws: Aws, settings: Settings, context: Any, reason: str, log: Any) -> None:
    """Tell of a failed run whose report did not; Airflow calls this where it processes DAG files.

    :param context: of a DAG's failure callback; may lack ``dag_run`` where no task ever started
    """
    if not settings.notifications.are_sent:
        return
    dag_run = context.get("dag_run")
    dag_id = dag_run.dag_id if dag_run else context["dag"].dag_id
    run_id = dag_run.run_id if dag_run else context["run_id"]
    link = card_link(dag_id, run_id, "")
    if dag_run is None or not settings.bucket:
        if not is_backfill("", run_id):
            send(messages.of_crash(dag_id, run_id, reason, link), settings, log)
        return
    day = (dag_run.logical_date or dag_run.run_after).astimezone(dt.UTC).date()
    run_key = naming.run_key(dag_id, run_id, day)
    if is_backfill(dag_run.run_type, run_id):
        # Its report has kept it already, unless there was none.
        aws.put_if_absent(
            _kept(settings.bucket, dag_id, run_key), digest.crash_entry(run_id, run_key, reason, link)
        )
    elif claim(aws, settings.bucket, run_key, FAILED, dag_run):
        send(messages.of_crash(dag_id, run_id, reason, link), settings, log)


def claim(aws: Aws, bucket: str, run_key: str, topic: str, dag_run: Any) -> bool:
    """Whether it is for the caller to tell of this; True once for each run, topic and clearing."""
    times = getattr(dag_run, "clear_number", 0) or 0
    said = {"at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")}
    return aws.put_if_absent(f"s3://{bucket}/runs/{run_key}/told/{topic}-{times}.json", said)


def send_digest(aws: Aws, settings: Settings, bucket: str, dag_id: str, ti: Any, log: Any) -> bool:
    """Send one message about all kept days, once no run of the DAG is to come that would add to them.

    A day that was told of is left as an empty object: the role of the workers deletes nothing.
    """
    waiting = [found for found in aws.list_objects(f"s3://{bucket}/{_folder(dag_id)}/") if found.size_bytes]
    if not waiting:
        return False
    days = [aws.get_json(found.uri) for found in waiting]
    kept = [day["run_id"] for day in days]
    undone = ti.get_dr_count(dag_id, states=_UNDONE)
    # This run, and others whose report is done, are still running but have nothing to add.
    own = [ti.run_id] if ti.run_id not in kept else []
    finishing = ti.get_dr_count(dag_id, run_ids=[*kept, *own], states=_UNDONE)
    if undone > finishing:
        log.info(
            "%d runs are to come; the digest of %d days of backfill waits", undone - finishing, len(days)
        )
        return False
    versions = naming.fingerprint({found.uri: found.etag for found in waiting})
    if not aws.put_if_absent(f"s3://{bucket}/runs/digests/sent/{versions[:16]}.json", kept):
        return False
    for found in waiting:
        aws.put_bytes(found.uri, b"")
    message = digest.digest(dag_id, days)
    if not message.events:
        log.info("%s: nothing in it that anybody wants to be told of", message.subject)
        return False
    return bool(send(message, settings, log))


def is_backfill(run_type: object, run_id: str) -> bool:
    """Whether a run is one day of a backfill."""
    return str(getattr(run_type, "value", run_type)) == "backfill" or run_id.startswith("backfill__")


def card_link(dag_id: str, run_id: str, html_uri: str) -> str:
    """Where people read the card: Airflow's page, behind its login, else the object in S3."""
    from airflow.configuration import conf

    base = (conf.get("api", "base_url", fallback="") or "").rstrip("/")
    return Links(base + PREFIX, dag_id).card_of(run_id) if base else html_uri


def _folder(dag_id: str) -> str:
    return f"runs/digests/{naming.slug(dag_id, 60)}"


def _kept(bucket: str, dag_id: str, run_key: str) -> str:
    return f"s3://{bucket}/{_folder(dag_id)}/{run_key}.json"
