"""What becomes of paid jobs when a real Airflow is killed, cancelled and cleared around them.

Our operators and the provider's, side by side. See docs/job-life.md.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import pytest

from launcher import airflow
from launcher.places import Places

from .real_airflow import DrillRun, RealAirflow
from .world import Row, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stand_in import StandIn


pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(900),
    # A drill takes half a minute: too long for the default suite.
    pytest.mark.skipif(os.environ.get("DRILLS") != "long", reason="part of make drills"),
]

Act = Callable[[RealAirflow, DrillRun], None]
#: A job that is expected to end by itself takes so long; one that is to be stopped, much longer.
SHORT, LONG = 15.0, 400.0
PROCESSING, TRAINING = "CreateProcessingJob", "CreateTrainingJob"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, stand_in: StandIn) -> Iterator[RealAirflow]:
    """Airflow, started once for all drills."""
    from fault_client import Faults

    directory = tmp_path_factory.mktemp("real-airflow").resolve()
    overlay = directory / "overlay.yaml"
    overlay.write_text('{"poll_seconds": 1}')
    patch = pytest.MonkeyPatch()
    made = RealAirflow(Places(directory / "local"), stand_in, Faults(stand_in.url), overlay)
    try:
        made.start(patch)
        yield made
    finally:
        made.stop()
        patch.undo()


@pytest.fixture(scope="module")
def undisturbed(real: RealAirflow) -> dict[str, float]:
    """Seconds of a run that nothing happens to, by DAG; measured on first use."""
    return {}


# --- the events -------------------------------------------------------------------------------------------


def nothing(real: RealAirflow, run: DrillRun) -> None:
    """Only wait."""


def kill_task(real: RealAirflow, run: DrillRun) -> None:
    real.task_process(run.task()["id"]).send_signal(signal.SIGKILL)


def lose_machine(real: RealAirflow, run: DrillRun) -> None:
    runner = real.task_process(run.task()["id"])
    supervisor = runner.parent()
    supervisor.send_signal(signal.SIGKILL)
    runner.send_signal(signal.SIGKILL)


def terminate_worker(real: RealAirflow, run: DrillRun) -> None:
    real.task_process(run.task()["id"]).parent().send_signal(signal.SIGTERM)


def kill_triggerer(real: RealAirflow, run: DrillRun) -> None:
    real.kill(airflow.TRIGGERER)
    real.restart(airflow.TRIGGERER)


def kill_scheduler(real: RealAirflow, run: DrillRun) -> None:
    real.kill(airflow.SCHEDULER)
    real.restart(airflow.SCHEDULER)


def kill_api_server(real: RealAirflow, run: DrillRun) -> None:
    real.kill(airflow.API_SERVER)
    real.restart(airflow.API_SERVER)


def kill_stand_in(real: RealAirflow, run: DrillRun) -> None:
    real.kill_stand_in()


def cancel(real: RealAirflow, run: DrillRun) -> None:
    run.cancel()


def mark_failed(real: RealAirflow, run: DrillRun) -> None:
    run.fail_task()


def clear(real: RealAirflow, run: DrillRun) -> None:
    run.clear_task()


def kill_task_then_cancel(real: RealAirflow, run: DrillRun) -> None:
    kill_task(real, run)
    wait_until(lambda: run.task()["state"] == "up_for_retry", 30)
    run.cancel()


def cancel_without_triggerer(real: RealAirflow, run: DrillRun) -> None:
    real.kill(airflow.TRIGGERER)
    run.cancel()
    run.wait_for_end()
    real.restart(airflow.TRIGGERER)


def time_out_without_triggerer(real: RealAirflow, run: DrillRun) -> None:
    real.kill(airflow.TRIGGERER)
    run.wait_for_end()
    real.restart(airflow.TRIGGERER)
    # Its report was skipped with it; the next run of the product sweeps.
    following = DrillRun(real, "ours_worker_plain", 0)
    following.wait_for_end()


class Case(NamedTuple):
    """One event, and what has to come of it; no state where the outcome is only reported."""

    event: str
    act: Act
    dag_id: str
    needed: int
    state: str | None = None
    #: Whether the run ends by itself, later; otherwise its job is to be stopped or done anew.
    goes_on: bool = False
    #: The request whose answer is lost once, before anything else happens.
    lost: str = ""


# These reach every run of the installation, so they happen one at a time.
ALONE = [
    Case("response lost after create", nothing, "ours_worker_plain", 1, "success", True, PROCESSING),
    Case("response lost after create", nothing, "upstream_processing_worker", 1, None, True, PROCESSING),
    Case("response lost after create", nothing, "upstream_training_worker", 1, None, True, TRAINING),
    Case("triggerer SIGKILL and restart", kill_triggerer, "ours_deferred_plain", 1, "success", True),
    Case("triggerer SIGKILL and restart", kill_triggerer, "upstream_training_deferred", 1, None, True),
    Case("scheduler SIGKILL and restart", kill_scheduler, "ours_worker_plain", 1, "success", True),
    Case("scheduler SIGKILL and restart", kill_scheduler, "ours_deferred_plain", 1, "success", True),
    Case("scheduler SIGKILL and restart", kill_scheduler, "upstream_training_worker", 1, None, True),
    Case("API server SIGKILL and restart", kill_api_server, "ours_worker_patient", 1, "success", True),
    Case("API server SIGKILL and restart", kill_api_server, "ours_deferred_patient", 1, "success", True),
    Case("stand-in SIGKILL and restart", kill_stand_in, "ours_worker_plain", 2, "success", True),
    Case("stand-in SIGKILL and restart", kill_stand_in, "ours_deferred_plain", 2, "success", True),
    Case("stand-in SIGKILL and restart", kill_stand_in, "upstream_training_worker", 2, None, True),
    Case("cancelled, no triggerer", cancel_without_triggerer, "ours_deferred_plain", 1, "failed"),
    Case("cancelled, no triggerer", cancel_without_triggerer, "upstream_processing_deferred", 1),
    Case("cancelled, no triggerer", cancel_without_triggerer, "upstream_training_deferred", 1),
    Case("timed out, no triggerer", time_out_without_triggerer, "ours_deferred_dagrun_timeout", 1, "failed"),
]
# These reach one run only.
TOGETHER = [
    Case("worker process SIGKILL", kill_task, "ours_worker_plain", 1, "success", True),
    Case("worker process SIGKILL", kill_task, "upstream_processing_worker", 1, None, True),
    Case("worker process SIGKILL", kill_task, "upstream_training_worker", 1, None, True),
    Case("task cleared", clear, "ours_worker_plain", 2, "success"),
    Case("task cleared", clear, "upstream_processing_worker", 2),
    Case("task cleared", clear, "upstream_training_worker", 2),
    Case("task cleared", clear, "ours_deferred_plain", 2, "success"),
    Case("task cleared", clear, "upstream_processing_deferred", 2),
    Case("task cleared", clear, "upstream_training_deferred", 2),
    Case("task marked failed", mark_failed, "ours_worker_plain", 1, "failed"),
    Case("task marked failed", mark_failed, "upstream_processing_worker", 1),
    Case("task marked failed", mark_failed, "upstream_training_worker", 1),
    Case("task marked failed", mark_failed, "ours_deferred_plain", 1, "failed"),
    Case("task marked failed", mark_failed, "upstream_processing_deferred", 1),
    Case("task marked failed", mark_failed, "upstream_training_deferred", 1),
    Case("worker machine lost", lose_machine, "ours_worker_plain", 1, "success", True),
    Case("worker SIGTERM", terminate_worker, "ours_worker_plain", 1, "success", True),
    Case("worker SIGKILL, then cancelled", kill_task_then_cancel, "ours_worker_plain", 1, "failed"),
    Case("run cancelled", cancel, "ours_worker_plain", 1, "failed"),
    Case("run cancelled", cancel, "ours_deferred_plain", 1, "failed"),
    Case("execution_timeout", nothing, "ours_worker_execution_timeout", 2, "success"),
    Case("dagrun_timeout", nothing, "ours_worker_dagrun_timeout", 1, "failed"),
    Case("dagrun_timeout", nothing, "ours_deferred_dagrun_timeout", 1, "failed"),
]
AT_A_TIME = 3


@pytest.mark.parametrize("first", range(0, len(TOGETHER), AT_A_TIME))
def test_events_of_one_run(
    real: RealAirflow, undisturbed: dict[str, float], record: Callable[[Row], None], first: int
) -> None:
    cases = TOGETHER[first : first + AT_A_TIME]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        rows = list(pool.map(lambda case: drill(real, undisturbed, case), cases))
    for row in rows:
        record(row)
    for case, row in zip(cases, rows, strict=True):
        require(case, row)


@pytest.mark.parametrize("case", ALONE, ids=[f"{case.event}, {case.dag_id}" for case in ALONE])
def test_events_of_all_runs(
    real: RealAirflow, undisturbed: dict[str, float], record: Callable[[Row], None], case: Case
) -> None:
    row = drill(real, undisturbed, case)
    record(row)
    require(case, row)


def require(case: Case, row: Row) -> None:
    """Nothing paid twice, nothing left running; of the provider's operators the outcome is only reported."""
    if case.state is not None:
        assert (row.jobs_created, row.orphans, row.state) == (case.needed, 0, case.state), row


def drill(real: RealAirflow, undisturbed: dict[str, float], case: Case) -> Row:
    """Let it happen; what came of it."""
    plain = re.sub("^(ours_.*?)_.*", r"\1_plain", case.dag_id)
    if case.goes_on and plain not in undisturbed:
        baseline = DrillRun(real, plain, SHORT)
        baseline.wait_until_waiting()
        assert baseline.wait_for_end() == "success"
        undisturbed[plain] = time.monotonic() - baseline.began
    if case.lost:
        real.faults.set("lost_response", service="sagemaker", operation=case.lost, count=1)
    run = DrillRun(real, case.dag_id, SHORT if case.goes_on else LONG)
    try:
        run.wait_until_waiting()
        happened = time.monotonic()
        case.act(real, run)
        state = run.wait_for_end()
        orphans = run.wait_for_stop()
        # Of a run that goes on: how much later it ends. Of one that is ended: how long its job ran on.
        lost = max(0.0, time.monotonic() - (run.began + undisturbed[plain] if case.goes_on else happened))
        return Row(case.event, case.needed, len(run.jobs()), len(orphans), state, round(lost, 1), case.dag_id)
    finally:
        run.clean_up()
