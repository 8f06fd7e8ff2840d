"""A run that was cancelled while its tasks only waited fails, after its card is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from sentiment_retrain.errors import ServiceUnavailable
from sentiment_retrain.notifications import messages
from sentiment_retrain.operators.base import FAILURE_KEY, SKIP_KEY, RetrainOperator
from sentiment_retrain.operators.report import PublishReportOperator
from sentiment_retrain.runs import run_end

from .conftest import context

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentiment_retrain.aws.hooks import Aws

CHAIN: dict[str, set[str]] = {"a": set(), "b": {"a"}, "c": {"b"}, "join": {"a", "b"}}


class SkippingOperator(RetrainOperator):
    """Skips itself."""

    def work(self, context: Any) -> Any:
        """Say why."""
        del context
        raise AirflowSkipException("nothing to do today")


class WholeRun:
    """What ``report`` asks Airflow for: the states of the run's tasks, and what they left behind."""

    dag_id, run_id, task_id = "d", "r", "report"

    def __init__(self, states: dict[str, str], left: dict[tuple[str, str], Any]) -> None:
        self.states = states
        self.left = left

    def get_task_breadcrumbs(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """One a task."""
        assert (dag_id, run_id) == (self.dag_id, self.run_id)
        return [{"task_id": name, "state": state, "duration": 1.0} for name, state in self.states.items()]

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        """What a task left behind."""
        return self.left.get((task_ids, key))

    def xcom_push(self, key: str, value: Any) -> None:
        """Left behind by the report."""
        self.left["report", key] = json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("states", "by_themselves", "found"),
    [
        ({"a": "success", "b": "success", "c": "success"}, {}, []),
        ({"a": "success", "b": "skipped", "c": "skipped"}, {"b"}, []),
        ({"a": "success", "b": "skipped", "c": "skipped"}, {}, ["b"]),
        ({"a": "skipped", "b": "skipped", "c": "skipped"}, {}, ["a"]),
        ({"a": "success", "b": "success", "c": "skipped"}, {}, ["c"]),
        # A join runs when one of those before it was skipped, so that does not explain it.
        ({"a": "success", "b": "skipped", "join": "skipped"}, {"b"}, ["join"]),
        ({"a": "skipped", "b": "skipped", "join": "skipped"}, {"a"}, []),
        ({"a": "failed", "b": "upstream_failed", "c": "upstream_failed"}, {}, []),
    ],
)
def test_who_was_skipped_from_outside(
    states: dict[str, str], by_themselves: set[str], found: list[str]
) -> None:
    outside = run_end.skipped_from_outside(states, CHAIN, ["join"], lambda task: task in by_themselves)
    assert outside == found


def test_a_task_that_skips_itself_leaves_its_reason() -> None:
    pushed: dict[str, Any] = {}
    with pytest.raises(AirflowSkipException):
        SkippingOperator(task_id="a").execute(context(pushed))
    assert pushed == {SKIP_KEY: "nothing to do today"}


def report_on(bucket: str, states: dict[str, str], left: dict[tuple[str, str], Any]) -> tuple[Any, Any]:
    """The report of ``plan`` and, after it, ``rollback``; with the context to run it in."""
    run = {"bucket": bucket, "region": "us-east-1", "run_key": "key", "dag_id": "d"}
    left["plan", "return_value"] = run
    with DAG("d", schedule=None):
        report = PublishReportOperator(task_id="report", run=run)
        SkippingOperator(task_id="plan") >> SkippingOperator(task_id="rollback") >> report
    return report, context() | {"ti": WholeRun(states, left)}


@pytest.fixture
def card(aws: Aws, bucket: str) -> Callable[[], dict[str, Any]]:
    """The card as it is stored."""
    return lambda: dict(aws.find_json(f"s3://{bucket}/runs/key/card.json") or {})


def test_a_rollback_that_fails_before_it_is_planned_is_told_of_as_a_rollback(aws: Aws, bucket: str) -> None:
    left: dict[tuple[str, str], Any] = {
        ("plan", FAILURE_KEY): ServiceUnavailable("no answer", "one").as_dict()
    }
    report, surroundings = report_on(bucket, {"plan": "failed", "rollback": "upstream_failed"}, left)
    del left["plan", "return_value"]
    surroundings["params"]["mode"] = "rollback"

    result = report.execute(surroundings)

    card = aws.get_json(result["card_uri"])
    assert (card["status"], card["mode"]) == ("failed", "rollback")
    message = messages.of_card(card, "a link")
    assert message is not None
    assert message.key == "sentiment-retrain/review_sentiment_retrain/rollback"


def test_the_report_of_a_cancelled_run_writes_its_card_and_fails(
    aws: Aws, bucket: str, card: Callable[[], dict[str, Any]]
) -> None:
    left: dict[tuple[str, str], Any] = {}
    report, surroundings = report_on(bucket, {"plan": "success", "rollback": "skipped"}, left)
    with pytest.raises(AirflowFailException, match=r"SR-RUN-001(?s:.*)rollback"):
        report.execute(surroundings)
    assert (card()["status"], card()["failure"]["code"]) == ("failed", "SR-RUN-001")
    assert card()["failure"]["task"] == "rollback"
    assert aws.find_json(f"s3://{bucket}/runs/latest.json")
    assert left["report", FAILURE_KEY]["code"] == "SR-RUN-001"


def test_the_report_of_a_run_whose_tasks_skipped_themselves_succeeds(
    bucket: str, card: Callable[[], dict[str, Any]]
) -> None:
    left = {("rollback", SKIP_KEY): "mode is retrain"}
    report, surroundings = report_on(bucket, {"plan": "success", "rollback": "skipped"}, left)
    assert report.execute(surroundings)["status"] == "success"
    assert card()["failure"] is None


def test_the_error_of_a_task_comes_before_the_cancellation(
    bucket: str, card: Callable[[], dict[str, Any]]
) -> None:
    failure = {"code": "SR-JOB-001", "title": "t", "observed": "o", "expected": "e", "remedy": "r"}
    left = {("plan", FAILURE_KEY): {**failure, "retryable": False, "runbook": "b"}}
    report, surroundings = report_on(bucket, {"plan": "failed", "rollback": "skipped"}, left)
    with pytest.raises(AirflowFailException, match="SR-RUN-001"):
        report.execute(surroundings)
    assert (card()["status"], card()["failure"]["code"]) == ("failed", "SR-JOB-001")
