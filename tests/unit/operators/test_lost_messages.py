"""Messages that were lost, or that told of something that was not so."""

from __future__ import annotations

import datetime as dt
import logging
import types
from typing import TYPE_CHECKING, Any

import pytest

from sentiment_retrain import naming
from sentiment_retrain.aws.hooks import Aws
from sentiment_retrain.cards import report, timeline
from sentiment_retrain.errors import ServiceUnavailable
from sentiment_retrain.notifications import callbacks, messages, outbox, sending
from sentiment_retrain.settings import load_settings

from .. import sample_cards
from .test_notifications import DAG_ID, card, end, failed_card, miss

if TYPE_CHECKING:
    from .hosted import World
    from .receivers import Receiver, Subscriber

DAY = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
LOG = logging.getLogger("sentiment_retrain.test")


def crash(run_id: str, clear_number: int = 0, **conf: Any) -> None:
    """Airflow fails a run by itself."""
    run_type = run_id.split("__")[0]
    dag_run = types.SimpleNamespace(
        dag_id=DAG_ID,
        run_id=run_id,
        run_type=run_type,
        clear_number=clear_number,
        logical_date=DAY,
        run_after=DAY,
        conf=conf,
    )
    callbacks.FailedRunNotifier()({"dag_run": dag_run, "reason": "timed_out"})


def day_card(run_id: str) -> dict[str, Any]:
    """The card of a day of a backfill that failed, under the key that the run has."""
    return failed_card(run_id) | {"run_key": naming.run_key(DAG_ID, run_id, DAY.date())}


def keep(world: World, number: int) -> None:
    """A message for the webhook that it did not take."""
    outbox.keep(world.aws, world.bucket, sending.WEBHOOK, messages.Message(("deployed",), f"{number}", ()))


def test_a_day_of_a_backfill_that_fails_again_in_the_same_way_is_told_of_again(
    world: World, subscriber: Subscriber
) -> None:
    run_id = "backfill__2026-03-02"
    end(world, day_card(run_id))
    assert len(subscriber.got()) == 1
    # A retried report says nothing again, nor does Airflow's own callback after it.
    end(world, day_card(run_id))
    crash(run_id)
    end(world, card("scheduled__2026-03-09") | {"endpoint": None})
    assert subscriber.got() == []

    end(world, day_card(run_id), clear_number=1)

    (again,) = subscriber.got()
    assert again["Subject"].endswith("backfill: 1 of 1 days failed")


def test_a_day_of_a_backfill_that_was_told_of_and_crashes_when_cleared_is_told_of(
    world: World, subscriber: Subscriber
) -> None:
    run_id = "backfill__2026-03-02"
    end(world, day_card(run_id))
    assert len(subscriber.got()) == 1

    crash(run_id, clear_number=1)
    end(world, card("scheduled__2026-03-09") | {"endpoint": None})

    (told,) = subscriber.got()
    assert "no report (timed_out)" in told["Message"]


def test_a_crashed_rollback_is_an_incident_of_its_own(world: World, subscriber: Subscriber) -> None:
    crash("manual__x", mode="rollback")
    # That the retraining works says nothing of it.
    end(world, card("scheduled__2026-03-03") | {"endpoint": None})
    end(world, card("manual__2026-03-04") | {"mode": "rollback", "endpoint": None})

    first, over = subscriber.got()
    key = f"sentiment-retrain/{DAG_ID}/rollback"
    assert first["MessageAttributes"]["dedup_key"]["Value"] == key
    assert over["MessageAttributes"]["dedup_key"]["Value"] == key
    assert "manual__x failed with no report" in over["Message"]


def test_a_channel_that_is_down_holds_up_no_other(
    world: World, subscriber: Subscriber, webhook: Receiver
) -> None:
    told = messages.Message(("run_failed",), "the first thing", ("line",))
    for number in range(outbox.MOST + 1):
        outbox.keep(
            world.aws, world.bucket, sending.WEBHOOK, messages.Message(("deployed",), f"{number}", ())
        )
    outbox.keep(world.aws, world.bucket, f"{subscriber.topic}", told)
    webhook.answers = [500] * 100

    sending.send_kept(world.aws, load_settings(), LOG)

    (arrived,) = subscriber.got()
    assert "the first thing" in arrived["Subject"]
    # It is asked once, not once a message, and those for it wait on.
    webhook.answers = []
    sending.send_kept(world.aws, load_settings(), LOG)
    assert len(webhook.got) == outbox.MOST


def test_a_message_that_another_run_sends_meanwhile_stops_nothing(world: World) -> None:
    for number in range(2):
        outbox.keep(
            world.aws, world.bucket, sending.WEBHOOK, messages.Message(("deployed",), f"{number}", ())
        )
    waiting = outbox.kept(world.aws, world.bucket)
    next(waiting)
    for item in world.aws.list_objects(f"s3://{world.bucket}/runs/unsent/"):
        outbox.forget(world.aws, item.uri)
    assert list(waiting) == []


def test_two_reports_at_the_same_moment_send_a_kept_message_once(
    world: World, subscriber: Subscriber, webhook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert subscriber.got() == []
    keep(world, 1)
    took, others = sending._took, [1]

    def took_while_another_report_ends(*arguments: Any) -> bool:
        if others.pop() if others else None:
            sending.send_kept(world.aws, load_settings(), LOG)
        return took(*arguments)

    monkeypatch.setattr(sending, "_took", took_while_another_report_ends)
    sending.send_kept(world.aws, load_settings(), LOG)

    assert len(webhook.got) == 1


def test_of_two_who_have_read_a_kept_message_one_may_send_it(world: World) -> None:
    keep(world, 1)
    (first,), (second,) = (list(outbox.kept(world.aws, world.bucket)) for _ in range(2))

    assert [outbox.claim(world.aws, first), outbox.claim(world.aws, second)] == [True, False]


def test_a_kept_message_outlives_whoever_died_sending_it(
    world: World, subscriber: Subscriber, webhook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert subscriber.got() == []
    keep(world, 1)
    (found,) = outbox.kept(world.aws, world.bucket)
    monkeypatch.setattr(outbox, "CLAIM_MINUTES", 0)
    assert outbox.claim(world.aws, found)

    sending.send_kept(world.aws, load_settings(), LOG)

    assert len(webhook.got) == 1


def test_whoever_listens_is_told_while_aws_does_not_answer(
    world: World, webhook: Receiver, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert world.bucket

    def down(*_: Any, **__: Any) -> Any:
        raise ServiceUnavailable("s3: no answer", "an answer")

    for name in ("put_bytes", "put_if_absent", "exists"):
        monkeypatch.setattr(Aws, name, down)
    subscriber.aws.call("sns", "delete_topic", TopicArn=subscriber.topic)

    miss()
    # Most runs that fail without a report do so because the bucket cannot be reached.
    crash("manual__x")

    late, failed = [posted["text"] for posted in webhook.got]
    assert "is late" in late
    assert "failed without a report" in failed


@pytest.mark.parametrize(
    ("said", "is_back"),
    [
        ("e was put back to before", True),
        ("left as it is: nothing was live before", False),
        ("e is left as it is: another update of it is under way", False),
        ("e is still Updating on its way back to before", False),
        ("e could not be put back to before: no capacity", False),
    ],
)
def test_only_a_model_that_was_put_back_counts_as_rolled_back(said: str, is_back: bool) -> None:
    deployed = {**(sample_cards.whole_run().parts["deployment"] or {}), "outcome": "updated"}
    deployed |= {"endpoint_config_name": "now", "previous_endpoint_config_name": "before"}
    outputs = sample_cards.whole_run(deployment=deployed, verification={"put_back": said})
    made = report.build_card(outputs, run_key="k", run_id="r", created_at="2026-03-01T00:00:00+00:00")
    made |= {"status": "failed", "failure": None}

    told = messages.of_card(made, "a link")

    assert told is not None
    assert ("rolled_back" in told.events) is is_back
    assert ("the former model serves" in told.subject) is is_back
    assert made["endpoint"]["config"] == ("before" if is_back else "now")
    # What was put back never counts as having gone live.
    assert timeline.summarize(made)["champion_changed"] is not is_back
