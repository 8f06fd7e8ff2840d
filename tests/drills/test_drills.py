"""What happens to a job when something happens to its task, or to AWS: docs/job-life.md, event by event."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowTaskTimeout
from airflow.sdk.execution_time.timeout import timeout

from sentiment_retrain.aws.jobs import as_tags
from sentiment_retrain.cards.report import build_card
from sentiment_retrain.runs.run_outputs import RunOutputs

from .tiny_job import KILL_TOOK, context
from .world import (
    HELD_SECONDS,
    PATIENCE_SECONDS,
    Background,
    World,
    event_of,
    status,
    wait_until,
    wait_until_joined,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Record = Callable[[Any], None]

CREATE = {"service": "sagemaker", "operation": "CreateProcessingJob"}
DEAR_USD = 1.25
LONG = os.environ.get("DRILLS") == "long"
long_form = pytest.mark.skipif(not LONG, reason="in the long form only: make drills")


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> None:
    """What the tasks of this process say is what the drills wait for."""
    caplog.set_level(logging.INFO, "drill")


@pytest.mark.parametrize(
    ("times", "deferrable"),
    [(1, False), (1, True), (7, False), pytest.param(7, True, marks=long_form)],
)
def test_response_lost_after_create(world: World, record: Record, times: int, deferrable: bool) -> None:
    world.faults.set("lost_response", **CREATE, count=times)
    state, job = world.finish(deferrable=deferrable)
    where = "deferred" if deferrable else "in a worker"
    record(world.row(f"response lost after create, {times} times, {where}", needed=1, state=state))
    assert job["outcome"] == "reconnected"
    world.require_all_rows(job)


@pytest.mark.parametrize("deferrable", [pytest.param(False, marks=long_form), True])
def test_throttling_storm(world: World, record: Record, deferrable: bool) -> None:
    world.faults.set("throttle", service="sagemaker", probability=0.6, seed=4, count=40 if LONG else 15)
    state, job = world.finish(deferrable=deferrable)
    where = "deferred" if deferrable else "in a worker"
    record(world.row(f"throttling storm, {where}", needed=1, state=state))
    world.require_all_rows(job)


def test_capacity_error_then_fallback(world: World, record: Record) -> None:
    world.faults.set("capacity", job="ProcessingJob", count=1)
    state, job = world.finish()
    # The first job was started and failed at AWS: two are needed.
    record(world.row("capacity error, then fallback", needed=2, state=state))
    assert job["name"] == f"{world.names()[0]}-r1"
    machines = world.describe(job["name"])["ProcessingResources"]["ClusterConfig"]
    assert machines["InstanceType"] == "ml.m5.xlarge"
    assert "on ml.m5.xlarge instead of ml.m5.large" in job["why"]
    assert "CapacityError" in job["why"]
    world.require_all_rows(job)


def test_no_quota_then_fallback(world: World, record: Record) -> None:
    world.faults.set("resource_limit", **CREATE, count=1)
    state, job = world.finish()
    record(world.row("quota used up, then fallback", needed=1, state=state))
    assert (
        world.describe(job["name"])["ProcessingResources"]["ClusterConfig"]["InstanceType"] == "ml.m5.xlarge"
    )
    assert "instead of ml.m5.large" in job["why"]


def test_internal_error_begins_the_next_attempt(world: World, record: Record) -> None:
    world.faults.set("job_failure", job="ProcessingJob", message="InternalServerError: sorry", count=1)
    state, job = world.finish()
    record(world.row("internal error of a job", needed=2, state=state))
    world.require_all_rows(job)


@pytest.mark.parametrize("reason", ["ClientError: no such file", "AlgorithmError: exit code 1"])
def test_an_error_that_would_come_again_is_explained_at_once(
    world: World, record: Record, reason: str
) -> None:
    world.faults.set("job_failure", job="ProcessingJob", message=reason)
    state, error = world.finish()
    assert state == "failed"
    assert reason in str(error)
    record(world.row(f"{reason.split(':')[0]} of a job", needed=1, state=state))


def test_stand_in_restart_mid_job(world: World, record: Record) -> None:
    world.hold()
    task = Background(world.finish)
    world.wait_until_running()
    world.stand_in.kill()
    world.stand_in.start()
    state, job = task.join()
    # The stand-in's restart ends its jobs, honestly; AWS has none that ends jobs.
    record(world.row("stand-in killed and started mid-job", needed=2, state=state))
    world.require_all_rows(job)


def test_name_collision_with_a_foreign_job(world: World, record: Record) -> None:
    operator = world.operator()
    name, request = operator.first_name(), operator.request()
    tags = as_tags({"retrain:fingerprint": "0" * 64, "retrain:run": "theirs"})
    foreign = {"ProcessingJobName": name, **request.body("theirs"), "Tags": tags}
    world.stand_in.client("sagemaker").create_processing_job(**foreign)
    state, job = world.finish()
    assert job["name"] == f"{name}-r1"
    assert "another fingerprint" in job["why"]
    wait_until(lambda: status(name) == "Completed")
    record(world.row("name taken by a foreign job", needed=1, state=state, foreign=1))


def test_task_marked_failed_mid_job(world: World, record: Record) -> None:
    world.hold()
    trigger = world.deferred()
    name = world.wait_until_running()
    # What the triggerer does when a person marks the task failed, or its run is cancelled.
    asyncio.run(trigger.on_kill())
    wait_until(lambda: status(name) == "Stopped")
    record(world.row("task marked failed, or run cancelled, mid-job", needed=1, state="failed"))


@long_form
def test_stop_while_aws_throttles(world: World, record: Record) -> None:
    world.hold()
    trigger = world.deferred()
    name = world.wait_until_running()
    world.faults.set("throttle", service="sagemaker", operation="StopProcessingJob", count=7)
    asyncio.run(trigger.on_kill())
    wait_until(lambda: status(name) == "Stopped")
    record(world.row("task marked failed while AWS throttles", needed=1, state="failed"))


@pytest.mark.parametrize("is_race", [False, True], ids=["stop first", "new try first"])
def test_task_cleared_mid_job(
    world: World, record: Record, caplog: pytest.LogCaptureFixture, is_race: bool
) -> None:
    world.hold(count=1)
    trigger = world.deferred()
    name = world.wait_until_running()
    if is_race:
        # The new try joins the job before the trigger of the old one stops it.
        task = Background(world.finish)
        wait_until_joined(caplog)
        asyncio.run(trigger.on_kill())
        state, job = task.join()
    else:
        asyncio.run(trigger.on_kill())
        state, job = world.finish()
    order = "new try before the stop" if is_race else "stop before the new try"
    # What was stopped has to be done again.
    record(world.row(f"task cleared mid-job, {order}", needed=2, state=state))
    assert job["name"] == f"{name}-r1"
    world.require_all_rows(job)


def test_worker_sigkill_mid_wait(
    world: World, record: Record, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    world.hold()
    with world.worker(tmp_path / "log") as worker:
        world.wait_until_running()
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    state, job = world.finish_joined(caplog)
    record(world.row("worker SIGKILL mid-wait", needed=1, state=state))
    assert job["outcome"] == "reconnected"
    world.require_all_rows(job)


def test_a_job_that_ended_while_its_worker_was_dead_is_on_the_runs_bill(
    world: World, record: Record, tmp_path: Path
) -> None:
    world.hold()
    with world.worker(tmp_path / "log") as worker:
        name = world.wait_until_running()
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    world.release()
    wait_until(lambda: status(name) == "Completed")
    state, job = world.finish()
    record(world.row("worker SIGKILL, job done before the next try", needed=1, state=state))
    assert (job["outcome"], job["owner"]) == ("reused", "first")
    assert 0 < job["billable_seconds"] < HELD_SECONDS
    assert cost_on_card(job, "first") == (DEAR_USD, 0)
    # The same job, used by another run, costs that one nothing.
    _, again = world.finish("second")
    assert (again["name"], again["outcome"], again["owner"]) == (name, "reused", "first")
    assert cost_on_card(again, "second") == (0, DEAR_USD)


def cost_on_card(job: dict[str, Any], run_key: str) -> tuple[float, float]:
    """US dollars that the card of a run with this one job says it has paid, and saved by reuse."""
    # A few seconds of the smallest machine would be rounded away.
    dear = {**job, "cost_usd": DEAR_USD}
    outputs = RunOutputs(parts={"run": {"run_key": run_key}, "bias": {"job": dear}})
    card = build_card(outputs, run_key=run_key, run_id=run_key, created_at="2026-03-01T00:00:00+00:00")
    return card["cost"]["jobs_usd"], card["cost"]["saved_by_reuse_usd"]


@long_form
@pytest.mark.parametrize(("state", "needed"), [("running", 1), ("restarting", 2)])
def test_worker_sigterm_mid_wait(
    world: World,
    record: Record,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    state: str,
    needed: int,
) -> None:
    """A worker that is shut down leaves the job to the next try; one whose task was cleared stops it."""
    world.hold(count=1)
    with world.worker(tmp_path / "log", state) as worker:
        name = world.wait_until_running()
        worker.send_signal(signal.SIGTERM)
        worker.wait(PATIENCE_SECONDS)
    log = (tmp_path / "log").read_text()
    # Airflow's next signal after five seconds is SIGKILL; by then the job is stopped or left.
    assert float(log.partition(KILL_TOOK)[2].split()[0]) < 5
    assert "SR-JOB-007" in log
    if needed == 2:
        wait_until(lambda: status(name) == "Stopped")
        ended, job = world.finish()
    else:
        ended, job = world.finish_joined(caplog)
    event = "worker SIGTERM" if needed == 1 else "task cleared in a worker"
    record(world.row(f"{event}, then the next try", needed=needed, state=ended))
    world.require_all_rows(job)


@long_form
# The time is up anywhere, also between the creation of a connection and the place where it is kept.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
def test_execution_timeout(world: World, record: Record) -> None:
    world.hold()
    operator = world.operator()
    try:
        with timeout(2 * PATIENCE_SECONDS):  # type: ignore[no-untyped-call]
            alarm = Background(partial(ring_when_running, world))
            operator.execute(context(state="running"))
    except AirflowTaskTimeout:
        # As Airflow's task runner does.
        operator.on_kill()
    alarm.join()
    wait_until(lambda: status(world.names()[0]) == "Stopped")
    record(world.row("execution_timeout", needed=1, state="failed"))


def ring_when_running(world: World) -> None:
    """Let the time be up, in the main thread, once the job is under way."""
    world.wait_until_running()
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)


def test_killed_between_create_and_its_answer(world: World, record: Record) -> None:
    world.hold()
    world.faults.set("latency", **CREATE, seconds=2, count=1)
    operator = world.operator()
    task = Background(lambda: operator.execute(context()))
    wait_until(lambda: operator._held is not None)
    operator.on_kill()
    with pytest.raises(AirflowException, match="SR-JOB-007"):
        task.join()
    wait_until(lambda: not world.running())
    record(world.row("killed while the create request was under way", needed=1, state="failed"))


def test_triggerer_shutdown_leaves_the_job(
    world: World, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    world.hold()
    trigger = world.deferred()
    world.wait_until_running()

    async def shut_down() -> None:
        waiting = asyncio.create_task(event_of(trigger))
        await asyncio.sleep(1)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting

    asyncio.run(shut_down())
    assert world.running()
    state, job = world.finish_joined(caplog, deferrable=True)
    record(world.row("triggerer restarted mid-job", needed=1, state=state))
    assert job["outcome"] == "reconnected"


def test_two_runs_of_the_same_work_at_once(world: World, record: Record) -> None:
    tasks = [Background(lambda key=key: world.finish(key)) for key in ("first", "second")]  # type: ignore[misc]
    (state, job), (other_state, other) = [task.join() for task in tasks]
    assert (state, job["name"]) == (other_state, other["name"])
    assert {job["outcome"], other["outcome"]} & {"reconnected", "reused"}
    record(world.row("two runs of the same work at once", needed=1, state=state))


@long_form
def test_the_other_runs_kill_does_not_cost_this_run_its_result(
    world: World, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    world.hold(count=1)
    owners_trigger = world.deferred("first")
    world.wait_until_running()
    guest = Background(lambda: world.finish("second"))
    wait_until_joined(caplog)
    asyncio.run(owners_trigger.on_kill())
    state, job = guest.join()
    record(world.row("the run that started a shared job is cancelled", needed=2, state=state))
    world.require_all_rows(job)


def test_the_last_try_leaves_nothing_running(world: World, record: Record) -> None:
    world.hold()
    world.faults.set(
        "expired_token", service="sagemaker", operation="DescribeProcessingJob", after=3, count=1
    )
    state, error = world.finish(tries=1)
    assert state == "failed"
    assert "SR-AWS-001" in str(error)
    wait_until(lambda: not world.running())
    record(world.row("credentials expire mid-job, last try", needed=1, state=state))
