"""Messages as they arrive: at a queue that is subscribed to the topic, and at a webhook."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import re
import types
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG

from sentiment_retrain import naming
from sentiment_retrain.aws import packages
from sentiment_retrain.cards import report
from sentiment_retrain.endpoint.live import Live
from sentiment_retrain.errors import NotificationError
from sentiment_retrain.notifications import callbacks, channels, digest, messages, telling
from sentiment_retrain.settings import load_settings

from .. import sample_cards, samples
from .receivers import CONNECTION, SECRET, Receiver, Subscriber

if TYPE_CHECKING:
    from .hosted import World

DAG_ID = "review_sentiment_retrain"


class Instance:
    """The report's task instance: which runs of the DAG are undone."""

    def __init__(self, run_id: str, undone: set[str]) -> None:
        self.run_id = run_id
        self.undone = undone

    def get_dr_count(self, dag_id: str, run_ids: list[str] | None = None, states: Any = ()) -> int:
        assert dag_id == DAG_ID
        assert set(states) == {"queued", "running"}
        return len(self.undone if run_ids is None else self.undone & set(run_ids))


def card(run_id: str, **parts: Any) -> dict[str, Any]:
    """A run that replaced the champion."""
    key = f"{run_id.rsplit('__', 1)[1].replace('-', '')}-{run_id.split('__')[0]}"
    made = report.build_card(
        sample_cards.whole_run(**parts), run_key=key, run_id=run_id, created_at="2026-03-01T00:00:00+00:00"
    )
    made["endpoint"]["outcome"] = "updated"
    return made


def failed_card(run_id: str, code: str = "SR-GATE-002", task: str = "check.reviews") -> dict[str, Any]:
    """A run that ended at a gate."""
    found = card(run_id)
    failure = {
        "task": task,
        "code": code,
        "title": "A gate said no",
        "observed": "no rows",
        "expected": "rows",
        "remedy": "Deliver rows.",
        "runbook": f"docs/runbook.md#{code.lower()}",
    }
    return found | {"status": "failed", "failure": failure, "endpoint": None, "verdict": None}


def end(world: World, card: dict[str, Any], undone: set[str] | None = None, clear_number: int = 0) -> None:
    """What the task `report` does once the card is written."""
    folder = f"s3://{world.bucket}/runs/{card['run_key']}"
    result = {
        "run_key": card["run_key"],
        "status": card["status"],
        "card_uri": world.aws.put_json(f"{folder}/card.json", card),
        "html_uri": f"{folder}/card.html",
    }
    run_id = card["run_id"]
    dag_run = types.SimpleNamespace(
        dag_id=DAG_ID, run_id=run_id, run_type=run_id.split("__")[0], clear_number=clear_number
    )
    context = {"dag_run": dag_run, "ti": Instance(run_id, {run_id, *(undone or set())})}
    telling.tell_of_run(
        world.aws, load_settings(), result, context, logging.getLogger("sentiment_retrain.test")
    )


def test_a_deployment_tells_both_channels_the_numbers_once(
    world: World, subscriber: Subscriber, webhook: Receiver
) -> None:
    found = card("manual__2026-03-01")
    score = found["verdict"]["scores"][found["verdict"]["winner"]]

    end(world, found)
    # A retried report says nothing again.
    end(world, found)

    (message,) = subscriber.got()
    assert message["MessageAttributes"]["events"]["Value"] == "deployed"
    low, high = score["interval"]
    figure = f"{score['value']:.3f} ({low:.3f} to {high:.3f})"
    winner = found["verdict"]["winner"]
    assert f"{winner} (winner): {found['verdict']['metric']} {figure}" in message["Message"].splitlines()
    assert found["endpoint"]["model_name"] in message["Subject"] + message["Message"]
    assert f"Cost: {found['cost']['jobs_usd']:.2f} USD of at most 7.50" in message["Message"]
    assert f"Card: s3://{world.bucket}/runs/{found['run_key']}/card.html" in message["Message"]
    (posted,) = webhook.got
    assert posted["text"].startswith(f"*{message['Subject']}*\n")
    assert figure in posted["text"]
    assert webhook.paths == [f"/services/{SECRET}"]


def test_a_failed_gate_says_what_to_do_and_a_cleared_run_says_it_again(
    world: World, subscriber: Subscriber
) -> None:
    found = failed_card("scheduled__2026-03-02")

    end(world, found)
    end(world, found, clear_number=1)

    messages = subscriber.got()
    assert len(messages) == 2
    assert messages[0]["MessageAttributes"]["events"]["Value"] == "gate_failed"
    assert "SR-GATE-002" in messages[0]["Subject"]
    assert "What to do: Deliver rows. (docs/runbook.md#sr-gate-002)" in messages[0]["Message"]


def test_airflows_own_callback_speaks_only_where_the_report_did_not(
    world: World, subscriber: Subscriber, bucket: str
) -> None:
    day = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    for name, reports in (("told", True), ("silent", False)):
        run_id = f"manual__{name}"
        key = naming.run_key(DAG_ID, run_id, day.date())
        if reports:
            end(world, failed_card("manual__2026-03-02") | {"run_id": run_id, "run_key": key})
        dag_run = types.SimpleNamespace(
            dag_id=DAG_ID, run_id=run_id, run_type="manual", clear_number=0, logical_date=day, run_after=day
        )
        callbacks.FailedRunNotifier()({"dag_run": dag_run, "reason": "timed_out"})

    of_told, of_silent = subscriber.got()
    assert "SR-GATE-002" in of_told["Message"]
    assert "failed without a report" in of_silent["Subject"]
    assert "timed_out" in of_silent["Message"]
    assert "manual__silent" in of_silent["Message"]
    # No task ever started: Airflow knows the run's name and nothing else.
    callbacks.FailedRunNotifier()({"dag": DAG(DAG_ID), "run_id": "manual__x", "reason": ""})
    assert len(subscriber.got()) == 1
    assert bucket == load_settings().bucket


def test_a_backfill_is_one_message_with_its_failures_grouped(
    world: World, subscriber: Subscriber, webhook: Receiver
) -> None:
    days = [f"backfill__2026-03-{day:02}" for day in range(1, 7)]
    undone = set(days)
    for run_id in days[:5]:
        failed = run_id in days[1:4]
        found = failed_card(run_id) if failed else card(run_id)
        end(world, found, undone=undone)
        undone.discard(run_id)
        assert subscriber.got() == []
    end(world, failed_card(days[5], code="SR-JOB-005"), undone=undone)

    (message,) = subscriber.got()
    assert message["Subject"] == f"Can wait: {DAG_ID} backfill: 4 of 6 days failed"
    lines = message["Message"].splitlines()
    assert lines[0].startswith("Live now: ")
    assert lines[1] == "2 of 6 days succeeded, 2026-03-01 to 2026-03-06."
    assert "SR-GATE-002 (A gate said no), 3 days: 2026-03-02, 2026-03-03, 2026-03-04" in lines
    assert "SR-JOB-005 (A gate said no), 1 day: 2026-03-06" in lines
    assert any("make backfill FROM=2026-03-02 TO=2026-03-06" in line for line in lines)
    assert len(webhook.got) == 1
    # The next run finds nothing left to tell.
    end(world, card("scheduled__2026-03-09") | {"endpoint": None})
    assert subscriber.got() == []


def test_of_days_that_end_together_one_sends(world: World, subscriber: Subscriber) -> None:
    first, second = "backfill__2026-03-01", "backfill__2026-03-02"
    both = {first, second}
    end(world, failed_card(first), undone=both)
    assert subscriber.got() == []
    # Both reports are written, both runs are still running: whoever looks now may send, one does.
    settings, log = load_settings(), logging.getLogger("sentiment_retrain.test")
    kept = telling._kept(world.bucket, DAG_ID, "20260302-backfill")
    world.aws.put_json(kept, digest.entry(failed_card(second), "a link"))
    sent = [
        telling.send_digest(world.aws, settings, world.bucket, DAG_ID, Instance(run_id, both), log)
        for run_id in (first, second)
    ]
    assert sent == [True, False]
    assert len(subscriber.got()) == 1


def test_a_backfill_that_went_well_and_changed_nothing_is_no_news(
    world: World, subscriber: Subscriber
) -> None:
    end(world, card("backfill__2026-03-01") | {"endpoint": None})
    assert subscriber.got() == []


def test_nobody_is_told_by_default(world: World, bucket: str) -> None:
    end(world, card("manual__2026-03-01"))
    told = list(world.aws.list_objects(f"s3://{bucket}/runs/20260301-manual/told/"))
    assert told == []


def test_events_that_nobody_asked_for_are_not_told(world: World, subscriber: Subscriber) -> None:
    world.configure(notifications={"topic_arn": subscriber.topic, "events": ["rolled_back"]})
    end(world, card("manual__2026-03-01"))
    assert subscriber.got() == []
    rolled_back = card("manual__2026-03-03")
    reasons = [{"alarm": "x-errors", "reason": "1 of 1 above 0.02", "at": "now"}]
    rolled_back["endpoint"] |= {"outcome": "rolled_back", "rolled_back_by": reasons}
    end(world, rolled_back | {"status": "failed", "failure": failed_card("manual__2026-03-03")["failure"]})
    (message,) = subscriber.got()
    assert "rolled back" in message["Subject"]
    assert "Alarm x-errors: 1 of 1 above 0.02" in message["Message"]


def test_a_webhook_that_stumbles_is_asked_again_and_its_address_is_nowhere(
    world: World, subscriber: Subscriber, webhook: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.answers = [503, 429]
    with caplog.at_level(logging.DEBUG):
        end(world, card("manual__2026-03-01"))
        webhook.answers = [404]
        end(world, card("manual__2026-03-02"))
        # What the second could not say is still to be said: the third says that first, in vain.
        webhook.answers = [500] * 2 * channels.TRIES
        end(world, card("manual__2026-03-03"))
    assert len(webhook.got) == 1
    assert len(webhook.paths) == 3 + 1 + 2 * channels.TRIES
    warnings = [record.getMessage() for record in caplog.records if "nobody was told" in record.getMessage()]
    assert [re.findall(r"observed: 127.0.0.1 answered (\d+)", text) for text in warnings] == [
        ["404"],
        ["500"],
        ["500"],
    ]
    assert all("SR-NOTIFY-001" in text for text in warnings)
    assert "dontlogme" not in caplog.text
    # The run's other channel got all three, and no task failed.
    assert len(subscriber.got()) == 3
    for found in world.aws.list_objects(f"s3://{world.bucket}/"):
        assert b"dontlogme" not in world.aws.get_bytes(found.uri)


def test_a_topic_that_is_gone_fails_nothing(
    world: World, subscriber: Subscriber, webhook: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    world.aws.call("sns", "delete_topic", TopicArn=subscriber.topic)
    end(world, card("manual__2026-03-01"))
    assert "TopicNotifier: nobody was told" in caplog.text
    assert len(webhook.got) == 1


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("https://hooks.slack.com/services/T/B/X", "https://hooks.slack.com/services/T/B/X"),
        (
            '{"conn_type": "slackwebhook", "host": "https://hooks.slack.com/services", "password": "T/B/X"}',
            "https://hooks.slack.com/services/T/B/X",
        ),
        (
            '{"conn_type": "generic", "password": "https://chat.example.com/hooks/abc?x=1"}',
            "https://chat.example.com/hooks/abc?x=1",
        ),
        ("http://127.0.0.1:8065/hooks/abc", "http://127.0.0.1:8065/hooks/abc"),
    ],
)
def test_an_address_may_be_given_in_several_forms(
    monkeypatch: pytest.MonkeyPatch, uri: str, address: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_A_HOOK", uri)
    assert channels.address_of("a_hook") == address


def test_a_connection_without_an_address_says_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EMPTY", '{"conn_type": "generic", "password": "file:///etc/passwd"}')
    with pytest.raises(NotificationError, match="put it into its password"):
        channels.address_of("empty")


def test_slack_reads_no_mention_in_a_review(webhook: Receiver) -> None:
    channels.WebhookNotifier(CONNECTION, "a & b", "<!channel> look")({})
    assert webhook.got == [{"text": "*a &amp; b*\n&lt;!channel&gt; look"}]


def late_run(**changes: Any) -> dict[str, Any]:
    """A run as Airflow's API gives it."""
    return {
        "dag_id": DAG_ID,
        "dag_run_id": "scheduled__2026-03-01",
        "run_type": "scheduled",
        "state": "running",
        "logical_date": None,
        "run_after": "2026-03-01T00:00:00Z",
        "conf": {},
    } | changes


def miss(**changes: Any) -> None:
    """What Airflow's triggerer does when a deadline passes."""
    deadline = {"id": "1", "deadline_time": "2026-03-01 06:00:00.123456+00:00"}

    async def wait() -> None:
        await callbacks.LateRunNotifier(context={"dag_run": late_run(**changes), "deadline": deadline})

    asyncio.run(wait())


def test_a_late_run_is_told_of_from_the_triggerer(world: World, subscriber: Subscriber) -> None:
    miss()
    miss(dag_run_id="backfill__2026-03-01", run_type="backfill")
    # Airflow looks at the deadlines of runs that have failed long ago as well.
    miss(dag_run_id="scheduled__2026-03-02", state="failed")
    miss(dag_run_id="scheduled__2026-03-03", state="queued", conf={"mode": "unpin"})

    running, queued = subscriber.got()
    assert running["Subject"] == f"Can wait: {DAG_ID} is late: still running"
    assert "It should have ended by 2026-03-01 06:00 UTC. Nothing was stopped." in running["Message"]
    assert "the DAG is paused" in queued["Message"]
    assert queued["MessageAttributes"]["dedup_key"]["Value"] == f"sentiment-retrain/{DAG_ID}/unpin"
    alert = callbacks.late_run_alert(load_settings())
    assert alert is not None
    assert alert.callback.path == f"{callbacks.__name__}.LateRunNotifier"
    world.configure(notifications={"topic_arn": subscriber.topic, "late_after_minutes": None})
    assert callbacks.late_run_alert(load_settings()) is None


def test_a_late_run_that_waits_for_somebody_says_so(
    world: World, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = late_run()
    run_key = naming.run_key(DAG_ID, run["dag_run_id"], dt.date(2026, 3, 1))
    package = {
        "ModelApprovalStatus": "PendingManualApproval",
        "CustomerMetadataProperties": {"approval_asked_by_run": run_key},
    }
    monkeypatch.setattr(packages, "recent", lambda *_, **__: iter([package]))
    miss()
    miss(dag_run_id="scheduled__of_another")

    waits, other = subscriber.got()
    assert waits["Subject"].endswith("is late: nobody has decided on its model")
    assert "Required Actions" in waits["Message"]
    assert other["Subject"].endswith("still running")
    assert world.bucket


# --- What a lock screen shows, and what programs go by --------------------------------------------------


@pytest.mark.parametrize(
    ("live", "failed", "begins", "severity"),
    [
        (Live("e", "InService", "m", "today"), False, "FYI: ", "info"),
        (Live("e", "InService", "m", "today"), True, "Can wait: ", "warning"),
        (Live("e"), True, "Can wait: ", "warning"),
        (None, True, "Can wait: ", "warning"),
        (Live("e", "Failed", "m", "today", "no image"), True, "GET UP: ", "critical"),
        (Live("e", "OutOfService", "m", "today"), False, "GET UP: ", "critical"),
        (Live("e", "InService", "m", "today", is_unverified=True), True, "GET UP: ", "critical"),
    ],
)
def test_the_first_words_say_whether_to_get_up(
    live: Live | None, failed: bool, begins: str, severity: str
) -> None:
    found = failed_card("manual__2026-03-01") if failed else card("manual__2026-03-01")
    message = messages.of_card(found | {"dag_id": DAG_ID}, "a link", live)
    assert message is not None
    assert message.short_subject.startswith(begins)
    assert message.attributes["severity"] == severity
    assert message.lines[0].startswith("Live now: ")
    if live and live.reason:
        assert live.reason in message.lines[0]
    # A lock screen shows about so much: what happened is in it, and for a failure its code.
    seen = message.subject[:100]
    assert ("SR-GATE-002, gate quality said no" in seen) is failed
    assert ("serves a new model, " in seen) is not failed


def test_failure_and_recovery_are_one_incident_that_is_opened_and_closed(
    world: World, subscriber: Subscriber
) -> None:
    end(world, failed_card("scheduled__2026-03-01"))
    end(world, failed_card("scheduled__2026-03-02", code="SR-JOB-001"))
    # Neither a day of a backfill nor a rollback shows that the retraining works again.
    end(world, card("backfill__2026-01-01") | {"endpoint": None})
    end(world, card("manual__2026-03-02") | {"mode": "rollback", "endpoint": None})
    end(world, card("scheduled__2026-03-03") | {"endpoint": None})
    end(world, card("scheduled__2026-03-04") | {"endpoint": None})

    first, second, over = subscriber.got()
    attributes = [
        {name: value["Value"] for name, value in message["MessageAttributes"].items()}
        for message in (first, second, over)
    ]
    assert [found["event_action"] for found in attributes] == ["trigger", "trigger", "resolve"]
    assert {found["dedup_key"] for found in attributes} == {f"sentiment-retrain/{DAG_ID}/retrain"}
    assert attributes[2]["events"] == "recovered"
    assert over["Subject"] == f"FYI: {DAG_ID} is back to normal"
    assert "Over with this run: scheduled__2026-03-01 failed with SR-GATE-002, and 1 more" in over["Message"]


def test_a_late_run_that_ends_well_is_told_of_as_over(world: World, subscriber: Subscriber) -> None:
    miss()
    end(world, card("scheduled__2026-03-01") | {"endpoint": None})
    _, over = subscriber.got()
    assert "Over with this run: scheduled__2026-03-01 was late" in over["Message"]


def test_what_did_not_arrive_is_sent_with_the_next_message(
    world: World, subscriber: Subscriber, webhook: Receiver
) -> None:
    webhook.answers = [500] * channels.TRIES
    end(world, failed_card("scheduled__2026-03-01"))
    assert webhook.got == []
    end(world, card("scheduled__2026-03-02") | {"endpoint": None})
    end(world, card("scheduled__2026-03-03"))

    late, over, deployed = [posted["text"] for posted in webhook.got]
    assert "SR-GATE-002" in late
    assert "Could not be delivered before; this is from " in late
    assert "back to normal" in over
    assert "serves a new model" in deployed
    # The channel that worked has each message once.
    assert len(subscriber.got()) == 3


def test_two_failures_of_one_run_are_one_message(world: World, subscriber: Subscriber) -> None:
    found = failed_card("manual__2026-03-01", code="SR-JOB-001", task="train.autopilot")
    found["failure"]["also"] = [{"task": "train.blazingtext", "code": "SR-JOB-005"}]
    end(world, found)
    (message,) = subscriber.got()
    assert "Failed too: train.blazingtext (SR-JOB-005)" in message["Message"].splitlines()


def test_what_the_channels_cannot_take_is_taken_out(webhook: Receiver) -> None:
    subject = "a \x1b[31mred\nline of\tSR-GATE-001 über " + 200 * "x"
    message = messages.Message(("run_failed",), subject, ("text",))
    assert message.short_subject.isascii()
    assert message.short_subject.isprintable()
    assert len(message.short_subject) <= 99

    lines = [f"line {number} <&>" for number in range(2000)]
    long = "\n".join([*lines, "Run: r", "Card: c"])
    channels.WebhookNotifier(CONNECTION, "*bold* & more", long)({})
    (text,) = [posted["text"] for posted in webhook.got]
    assert text.splitlines()[0] == "* bold  &amp; more*"
    assert text.splitlines()[-2:] == ["Run: r", "Card: c"]
    assert "the rest is on the card" in text.splitlines()[-3]
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", text)
    assert len(channels.shortened(long)) <= channels.TEXT_LIMIT


def test_the_shipped_configuration_tells_nobody() -> None:
    rules = samples.settings().notifications
    assert not rules.are_sent
    assert callbacks.late_run_alert(samples.settings()) is None
