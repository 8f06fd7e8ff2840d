"""What is told of a run: its end, its crash, that it is late, and the days of a backfill in one digest.

Days of a backfill are kept in the bucket; whoever ends as the last sends one digest of them. Nothing that
goes wrong here fails a run.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sentiment_retrain import naming
from sentiment_retrain.aws import packages
from sentiment_retrain.cards.paths import PREFIX, Links
from sentiment_retrain.errors import RetrainError
from sentiment_retrain.notifications import digest, incidents, late, messages
from sentiment_retrain.notifications.sending import (
    CHANGED,
    FAILED,
    KEPT,
    claim,
    is_asked_for,
    live_now,
    send,
    send_kept,
    times_cleared,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.notifications.messages import Message
    from sentiment_retrain.settings import Settings

_UNDONE = ["queued", "running"]
#: A run that waits for a decision has registered its model a moment ago.
_NEWEST = 5


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
        send_kept(aws, settings, log)
        card = {"dag_id": dag_run.dag_id, **_known(aws.get_json(result["card_uri"]))}
        link = card_link(dag_run.dag_id, dag_run.run_id, result["html_uri"])
        bucket = urlsplit(result["card_uri"]).netloc
        if is_backfill(dag_run.run_type, dag_run.run_id):
            _keep_day(aws, bucket, dag_run, result["run_key"], digest.entry(card, link))
        else:
            _tell(aws, settings, bucket, card, link, dag_run, log)
        send_digest(aws, settings, bucket, dag_run.dag_id, context["ti"], log)
    except RetrainError as error:
        log.warning("nobody was told of this run: %s", error)


def _keep_day(aws: Aws, bucket: str, dag_run: Any, run_key: str, day: Mapping[str, Any]) -> None:
    """Keep a day of a backfill for the digest, once for each clearing of its run."""
    if claim(aws, bucket, run_key, KEPT, dag_run):
        # A day that ends twice in the same way is news both times: the digest goes by what it says.
        entry = {**day, "cleared": times_cleared(dag_run)}
        aws.put_json(_kept(bucket, dag_run.dag_id, run_key), entry)


def _known(card: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a card that are there: a run that failed at once does not know its own DAG."""
    return {name: part for name, part in card.items() if part is not None or name != "dag_id"}


def _tell(
    aws: Aws, settings: Settings, bucket: str, card: Mapping[str, Any], link: str, dag_run: Any, log: Any
) -> None:
    """Tell of one run, and of what is over with it."""
    failed = card["status"] == "failed"
    key = messages.incident_key(str(card["dag_id"]), card.get("mode"))
    is_over = not failed and incidents.find(aws, bucket, key) is not None
    if not messages.events_of(card) and not is_over:
        return
    if not claim(aws, bucket, card["run_key"], FAILED if failed else CHANGED, dag_run):
        return
    recovered = incidents.close(aws, bucket, key) if is_over else ()
    message = messages.of_card(card, link, live_now(aws, settings, log), recovered)
    if failed and is_asked_for(message, settings):
        code = (card.get("failure") or {}).get("code") or "no code"
        incidents.note(aws, bucket, key, run_id=card["run_id"], what=code)
    if message:
        send(message, settings, log, aws=aws)


def tell_of_crash(aws: Aws, settings: Settings, context: Any, reason: str, log: Any) -> None:
    """Tell of a failed run whose report did not; Airflow calls this where it processes DAG files.

    :param context: of a DAG's failure callback; may lack ``dag_run`` where no task ever started
    """
    if not settings.notifications.are_sent:
        return
    dag_run = context.get("dag_run")
    dag_id = dag_run.dag_id if dag_run else context["dag"].dag_id
    run_id = dag_run.run_id if dag_run else context["run_id"]
    link = run_link(dag_id, run_id)
    if dag_run is None or not settings.bucket:
        if not is_backfill("", run_id):
            send(messages.of_crash(dag_id, run_id, reason, link, live_now(aws, settings, log)), settings, log)
        return
    day = (dag_run.logical_date or dag_run.run_after).astimezone(dt.UTC).date()
    run_key = naming.run_key(dag_id, run_id, day)
    if is_backfill(dag_run.run_type, run_id):
        # Its report has kept it already, unless there was none.
        entry = digest.crash_entry(run_id, run_key, reason, link)
        _keep_day(aws, settings.bucket, dag_run, run_key, entry)
    elif _is_untold(aws, settings.bucket, run_key, dag_run, log):
        mode = (getattr(dag_run, "conf", None) or {}).get("mode")
        message = messages.of_crash(dag_id, run_id, reason, link, live_now(aws, settings, log), mode)
        _note(aws, settings, message, run_id, "no report", log)
        send(message, settings, log, aws=aws)


def _is_untold(aws: Aws, bucket: str, run_key: str, dag_run: Any, log: Any) -> bool:
    """Whether nobody was told of a failed run; where that cannot be asked, its report could not tell."""
    try:
        return claim(aws, bucket, run_key, FAILED, dag_run)
    except RetrainError as error:
        log.warning("whether somebody was told of %s could not be asked: %s", run_key, error)
        return True


def _note(aws: Aws, settings: Settings, message: Message, run_id: str, what: str, log: Any) -> None:
    """Note the incident that a message opens; the message does not depend on it."""
    if not settings.bucket or not is_asked_for(message, settings):
        return
    try:
        incidents.note(aws, settings.bucket, message.key, run_id=run_id, what=what)
    except RetrainError as error:
        log.warning("the incident %s could not be noted: %s", message.key, error)


def tell_of_late_run(
    aws: Aws, settings: Settings, run: Mapping[str, Any], deadline: dt.datetime, log: Any
) -> None:
    """Tell of a run that should be done by now.

    Not of one that has ended: Airflow looks at the deadlines of failed runs as well. Not of a day of a
    backfill, which is in nobody's way.

    :param run: as Airflow's API gives it
    """
    run_id, state = str(run["dag_run_id"]), str(run["state"])
    if is_backfill(run["run_type"], run_id) or state not in late.UNDONE:
        log.info("%s is late; nobody is told: it is %s, of type %s", run_id, state, run["run_type"])
        return
    dag_id, mode = str(run["dag_id"]), (run.get("conf") or {}).get("mode")
    message = late.of_late_run(
        dag_id,
        run_id,
        state,
        deadline,
        run_link(dag_id, run_id),
        live_now(aws, settings, log),
        mode=mode,
        waits_for_decision=_waits_for_decision(aws, settings, run, log),
    )
    _note(aws, settings, message, run_id, incidents.LATE, log)
    send(message, settings, log, aws=aws)


def _waits_for_decision(aws: Aws, settings: Settings, run: Mapping[str, Any], log: Any) -> bool:
    """Whether this run has asked about its model and nobody has answered."""
    began = dt.datetime.fromisoformat(str(run.get("logical_date") or run["run_after"]).replace("Z", "+00:00"))
    run_key = naming.run_key(str(run["dag_id"]), str(run["dag_run_id"]), began.astimezone(dt.UTC).date())
    try:
        newest = packages.recent(aws, settings.model_package_group, limit=_NEWEST)
        return any(
            found["ModelApprovalStatus"] == packages.PENDING
            and packages.metadata(found).get(packages.ASKED_BY) == run_key
            for found in newest
        )
    except RetrainError as error:
        log.warning("whether %s waits for a decision could not be asked: %s", run_key, error)
        return False


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
    message = digest.digest(dag_id, days, live_now(aws, settings, log))
    if not message.events:
        log.info("%s: nothing in it that anybody wants to be told of", message.subject)
        return False
    return bool(send(message, settings, log, aws=aws))


def is_backfill(run_type: object, run_id: str) -> bool:
    """Whether a run is one day of a backfill."""
    return str(getattr(run_type, "value", run_type)) == "backfill" or run_id.startswith("backfill__")


def run_link(dag_id: str, run_id: str) -> str:
    """The run in Airflow, which is there before any card is; empty where Airflow's address is not set."""
    base = _base()
    return Links(base + PREFIX, dag_id, run_id).run or "" if base else ""


def _base() -> str:
    from airflow.configuration import conf

    return (conf.get("api", "base_url", fallback="") or "").rstrip("/")


def card_link(dag_id: str, run_id: str, html_uri: str) -> str:
    """Where people read the card: Airflow's page, behind its login, else the object in S3."""
    base = _base()
    return Links(base + PREFIX, dag_id).card_of(run_id) if base else html_uri


def _folder(dag_id: str) -> str:
    return f"runs/digests/{naming.slug(dag_id, 60)}"


def _kept(bucket: str, dag_id: str, run_key: str) -> str:
    return f"s3://{bucket}/{_folder(dag_id)}/{run_key}.json"
