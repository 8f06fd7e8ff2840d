"""Which running jobs are stopped because nobody waits for them, and which a killed task leaves running."""

from __future__ import annotations

import logging
import time
import types
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, AirflowTaskTimeout, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from sentiment_retrain import errors
from sentiment_retrain.aws import jobs
from sentiment_retrain.operators import abandoned, job_control
from sentiment_retrain.operators.planning import PlanRunOperator

from .conftest import context
from .test_ingest import deliver, source
from .test_sagemaker_job import ProbeOperator, in_background, is_waiting, run_of, status_of, wait_until

if TYPE_CHECKING:
    from sentiment_retrain.aws.hooks import Aws

log: Any = logging.getLogger(__name__)


class Airflow:
    """Stands for Airflow's answers to a task: states of runs by id, and of the task itself."""

    dag_id, run_id, task_id, try_number, max_tries = "d", "r", "probe", 1, 2

    def __init__(self, runs: dict[str, str] | None = None, state: Any = "running", delay: float = 0) -> None:
        self.runs = runs or {}
        self.state = state
        self.delay = delay

    def get_dagrun_state(self, dag_id: str, run_id: str) -> str:
        assert dag_id == "d"
        if run_id not in self.runs:
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.GENERIC_ERROR))
        return self.runs[run_id]

    def get_task_states(self, dag_id: str, task_ids: list[str], run_ids: list[str]) -> dict[str, Any]:
        time.sleep(self.delay)
        return {run_ids[0]: {task_ids[0]: self.state}} if dag_id == self.dag_id else {}

    def xcom_push(self, key: str, value: Any) -> None:
        """Links are of no interest here."""


def plan_of(aws: Aws, bucket: str, run_key: str) -> None:
    document = {"run_key": run_key, "dag_id": "d", "run_id": f"id of {run_key}"}
    aws.put_json(f"s3://{bucket}/runs/{run_key}/plan.json", document)


def long_job(aws: Aws, bucket: str, run_key: str) -> str:
    """A running job that `run_key` started."""
    probe = ProbeOperator(run=run_of(bucket, run_key), command="sleep", deferrable=True)
    request = probe.next_job({})
    assert request is not None
    return str(probe._start({"ti": Airflow()}, request)["name"])  # type: ignore[typeddict-item]


class Account:
    """Stands for AWS: one running processing job with tags, and the plans of some runs."""

    name = "sentiment-retrain-probe-20260301-0123456789"

    def __init__(self, tags: dict[str, str], plans: tuple[str, ...] = ("owner", "guest")) -> None:
        self._tags = tags
        self._plans = plans

    def running_jobs(self, kind: jobs.JobKind) -> list[tuple[str, str]]:
        return [(self.name, "arn")] if kind is jobs.PROCESSING else []

    def tags(self, arn: str) -> dict[str, str]:
        assert arn == "arn"
        return self._tags

    def find_json(self, uri: str) -> dict[str, str] | None:
        run_key = uri.removeprefix("s3://b/runs/").removesuffix("/plan.json")
        return {"dag_id": "d", "run_id": f"id of {run_key}"} if run_key in self._plans else None

    def stop_job(self, kind: jobs.JobKind, name: str) -> bool:
        return (kind, name) == (jobs.PROCESSING, self.name)


OURS = {"retrain:bucket": "b"}
OWNER, GUEST = OURS | {"retrain:run": "owner"}, {"retrain:guest:guest": "waits"}


@pytest.mark.parametrize(
    ("tags", "runs", "is_stopped"),
    [
        (OWNER, {"id of owner": "failed"}, True),
        (OWNER, {"id of owner": "success"}, True),
        (OWNER, {"id of owner": "running"}, False),
        (OWNER, {"id of owner": "queued"}, False),
        # A run that this Airflow does not know may go on in another.
        (OWNER, {}, False),
        (OWNER | GUEST, {"id of owner": "failed", "id of guest": "running"}, False),
        (OWNER | GUEST, {"id of owner": "running", "id of guest": "failed"}, False),
        (OWNER | GUEST, {"id of owner": "failed", "id of guest": "failed"}, True),
        # Runs of another installation in the account: scheduled runs have the same keys in each.
        (OURS | {"retrain:run": "theirs"}, {"id of theirs": "failed"}, False),
        (OWNER | {"retrain:bucket": "of production"}, {"id of owner": "failed"}, False),
        ({"retrain:run": "owner"}, {"id of owner": "failed"}, False),
        (
            OWNER | {"retrain:guest:theirs": "waits"},
            {"id of owner": "failed", "id of theirs": "failed"},
            False,
        ),
        # Somebody else's job.
        (OURS, {"id of owner": "failed"}, False),
        (OURS | GUEST, {"id of guest": "failed"}, False),
    ],
)
def test_a_job_is_stopped_when_all_its_runs_have_ended(
    tags: dict[str, str], runs: dict[str, str], is_stopped: bool
) -> None:
    account: Any = Account(tags)
    stopped = abandoned.stop_abandoned(account, "b", Airflow(runs), log)
    assert stopped == ([Account.name] if is_stopped else [])


def test_a_job_whose_name_is_not_like_ours_is_not_even_asked_for_its_tags() -> None:
    account: Any = Account(OWNER)
    account.name, account.tags = "nightly-report", None  # asking would raise
    assert abandoned.stop_abandoned(account, "b", Airflow({"id of owner": "failed"}), log) == []


def test_a_report_ends_its_own_run_but_not_what_another_run_joined(aws: Aws, bucket: str) -> None:
    name = long_job(aws, bucket, "owner")
    plan_of(aws, bucket, "guest")
    long_job(aws, bucket, "guest")
    airflow = Airflow({"id of guest": "running"})
    assert abandoned.stop_abandoned(aws, bucket, airflow, log, ended=["owner"]) == []
    airflow.runs["id of guest"] = "success"
    assert abandoned.stop_abandoned(aws, bucket, airflow, log, ended=["owner"]) == [name]


def test_an_aws_that_refuses_to_list_costs_no_run(
    aws: Aws, bucket: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(kind: jobs.JobKind) -> Any:
        raise errors.AccessDenied(f"sagemaker:{kind.listing}", "permission")

    monkeypatch.setattr(aws, "running_jobs", refuse)
    assert abandoned.stop_abandoned(aws, bucket, Airflow(), log) == []
    assert "could not be looked for" in caplog.text


@pytest.mark.parametrize(("mode", "status"), [("plan_only", "InProgress"), ("retrain", "Stopped")])
@pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")
def test_the_next_plan_stops_what_a_run_left_behind(aws: Aws, bucket: str, mode: str, status: str) -> None:
    name = long_job(aws, bucket, "owner")
    plan_of(aws, bucket, "owner")
    deliver(aws, bucket, source(40), "dt=2026-03-01/reviews.csv")
    surroundings = context(mode=mode)
    surroundings["ti"] = Airflow({"id of owner": "failed"})
    PlanRunOperator(task_id="plan").execute(surroundings)
    wait_until(lambda: status_of(aws, name) == status)
    aws.stop_job(jobs.PROCESSING, name)


@pytest.mark.parametrize(
    ("state", "tries_left", "expected"),
    [
        (None, False, True),  # reset by a scheduler that has lost sight of the worker
        ("scheduled", True, True),
        ("queued", True, True),
        ("up_for_retry", True, True),
        ("running", True, True),  # the worker is being shut down
        ("running", False, False),
        ("restarting", True, False),  # cleared by a person
        ("failed", True, False),
        ("success", True, False),
        ("skipped", True, False),
        ("removed", True, False),
    ],
)
def test_which_killed_task_comes_back(state: str | None, tries_left: bool, expected: bool) -> None:
    airflow = Airflow(state=state)
    airflow.max_tries = 2 if tries_left else 0
    assert job_control.comes_back({"ti": airflow}) is expected


@pytest.mark.parametrize("tries_left", [True, False])
def test_without_an_answer_the_next_try_decides(monkeypatch: pytest.MonkeyPatch, tries_left: bool) -> None:
    monkeypatch.setattr(job_control, "ASK_SECONDS", 0.1)
    silent = Airflow(state="failed", delay=1)
    broken = types.SimpleNamespace(try_number=1)
    for airflow in (silent, broken):
        airflow.max_tries = 2 if tries_left else 0
        assert job_control.comes_back({"ti": airflow}) is tries_left


@pytest.mark.parametrize(("state", "status"), [("scheduled", "InProgress"), ("failed", "Stopped")])
def test_a_killed_task_stops_its_job_unless_it_comes_back(
    aws: Aws, bucket: str, state: str, status: str
) -> None:
    probe = ProbeOperator(run=run_of(bucket), command="sleep", deferrable=False)
    surroundings = context()
    surroundings["ti"] = Airflow(state=state)
    thread, raised = in_background(lambda: probe.execute(surroundings))
    wait_until(lambda: is_waiting(probe))
    name = str((probe._held or {})["name"])
    probe.on_kill()
    thread.join(20)
    assert "SR-JOB-007" in str(raised[0])
    wait_until(lambda: status_of(aws, name) == status)
    aws.stop_job(jobs.PROCESSING, name)


def test_a_task_that_ran_out_of_time_stops_its_job_though_it_comes_back(aws: Aws, bucket: str) -> None:
    probe = ProbeOperator(run=run_of(bucket), command="sleep", deferrable=False)
    surroundings = context()
    surroundings["ti"] = Airflow(state="running")
    thread, _ = in_background(lambda: probe.execute(surroundings))
    wait_until(lambda: is_waiting(probe))
    name = str((probe._held or {})["name"])
    try:
        raise AirflowTaskTimeout
    except AirflowTaskTimeout:
        # As Airflow's task runner does.
        probe.on_kill()
    thread.join(20)
    wait_until(lambda: status_of(aws, name) == "Stopped")
