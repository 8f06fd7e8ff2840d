"""A real Airflow for drills: its processes are killed and started again, its runs watched from outside."""

from __future__ import annotations

import functools
import os
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import guardian
import httpx
import psutil

from launcher import airflow, localaws, processes
from launcher.rest import AirflowApi
from sentiment_retrain import naming

from .tiny_job import DAY, ROLE, STEP, TinyJobOperator
from .world import ROWS, wait_until

if TYPE_CHECKING:
    import pytest
    from fault_client import Faults
    from stand_in import StandIn

    from launcher.places import Places

HERE = Path(__file__).resolve().parent
#: What is quicker here than in the installation, so that a drill takes seconds: when Airflow counts a silent
#: process as dead.
IMPATIENT = {
    "CORE__DAGS_FOLDER": str(HERE / "dag_files"),
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
}
ENDED = frozenset({"success", "failed"})
KINDS = ("Processing", "Training")
#: After the end of a run, how long its jobs may take to be stopped: Airflow gives a trigger 30 seconds.
GRACE_SECONDS = 35.0


class RealAirflow:
    """The four processes as the launcher starts them, with the drills' DAGs, on the drills' stand-in."""

    def __init__(self, places: Places, stand_in: StandIn, faults: Faults, overlay: Path) -> None:
        self.places = places
        self.stand_in = stand_in
        self.faults = faults
        self.overlay = overlay
        self.api: AirflowApi = None  # type: ignore[assignment]  # until it has started
        self.environment: dict[str, str] = {}

    def start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Start and wait until every component reports."""
        guardian.sweep_after_us(self.places.local)
        localaws.prepare_account(self.stand_in.url)
        rows = "\n".join(ROWS).encode()
        self.stand_in.client("s3").put_object(Bucket=localaws.BUCKET, Key="in/rows.csv", Body=rows)
        usual = airflow.environment

        def environment(places: Places, api_url: str, aws_url: str) -> dict[str, str]:
            given = usual(places, api_url, aws_url)
            self.environment = {
                **given,
                **{f"AIRFLOW__{name}": value for name, value in IMPATIENT.items()},
                "PYTHONPATH": os.pathsep.join(filter(None, [given.get("PYTHONPATH"), str(HERE.parent)])),
                "SENTIMENT_RETRAIN_CONFIG": str(self.overlay),
                "SENTIMENT_RETRAIN_ROLE_ARN": ROLE,
            }
            return self.environment

        monkeypatch.setattr(airflow, "environment", environment)
        server = airflow.start(self.places, self.stand_in.url)
        airflow.wait_healthy(self.places, server.url)
        self.api = AirflowApi(server.url, airflow.USER, airflow.password(self.places))
        # Several runs at a time on few cores: an answer may take longer than a person would wait.
        self.api._http.timeout = httpx.Timeout(180)

    def stop(self) -> None:
        """Stop what was started, also what lost its parent in a drill."""
        if self.api:
            self.api.close()
        airflow.stop(self.places)
        processes.sweep(self.places)

    # --- what is killed -----------------------------------------------------------------------------------

    def kill(self, name: str) -> None:
        """SIGKILL to one of Airflow's components; a scheduler's workers live on without it."""
        background = processes.find(self.places, name)
        process = background.process() if background else None
        assert process is not None, f"{name} does not run"
        doomed = [process] if name == airflow.SCHEDULER else [process, *process.children(recursive=True)]
        for one in doomed:
            one.kill()
        psutil.wait_procs(doomed, timeout=10)

    def restart(self, name: str) -> None:
        """Start a killed component again."""
        url = self.api.url if name == airflow.API_SERVER else ""
        airflow._start_one(self.places, name, self.environment, url)
        if url:
            wait_until(lambda: airflow._answers(f"{url}/execution/health"), 120)

    def task_process(self, task_instance: str) -> psutil.Process:
        """The process that runs a task's code; its parent is the supervisor, in a worker of the executor.

        :param task_instance: id of the task instance, which Airflow shows in the process's title
        """
        found = [
            process
            for process in psutil.process_iter()
            if task_instance in (title := " ".join(_command_line(process))) and "LocalExecutor" not in title
        ]
        assert len(found) == 1, [_command_line(process) for process in found]
        return found[0]

    def kill_stand_in(self) -> None:
        """SIGKILL to the stand-in, and its restart at the same address."""
        self.stand_in.kill()
        self.stand_in.start()


class DrillRun:
    """One run of a drill's DAG, and its jobs."""

    def __init__(self, real: RealAirflow, dag_id: str, delay: float, data: str = "") -> None:
        """Start it; its first job is made to take `delay` seconds longer."""
        self.real = real
        self.dag_id = dag_id
        self.is_ours = dag_id.startswith("ours")
        self.run_id = f"drill-{uuid.uuid4().hex[:8]}"
        self.data = data or f"up-{uuid.uuid4().hex[:10]}"
        self.key = (
            self.data
            if not self.is_ours
            else naming.job_name(
                "x",
                "x",
                DAY,
                TinyJobOperator(data=self.data, run={"bucket": localaws.BUCKET}).request().fingerprint,
            ).rsplit("-", 1)[1]
        )
        if delay:
            for kind in KINDS:
                self.real.faults.set(
                    "job_delay",
                    job=f"{kind}Job",
                    stage="Completing",
                    resource=f"*{self.key}*",
                    seconds=delay,
                    count=1,
                )
        self.began = time.monotonic()
        self.real.api.trigger(dag_id, self.run_id, {"data": self.data, "bucket": localaws.BUCKET})

    # --- Airflow ------------------------------------------------------------------------------------------

    def task(self, task_id: str = STEP) -> dict[str, Any]:
        """One task of the run as Airflow has it."""
        found = self.real.api.task_instances(self.dag_id, self.run_id)
        return next((one for one in found if one["task_id"] == task_id), {})

    def cancel(self) -> None:
        """Mark the run failed."""
        self.real.api.fail_run(self.dag_id, self.run_id)

    def fail_task(self) -> None:
        """Mark the task failed."""
        path = f"/api/v2/dags/{self.dag_id}/dagRuns/{self.run_id}/taskInstances/{STEP}"
        self.real.api._patch(path, {"new_state": "failed"})

    def clear_task(self) -> None:
        """Clear the task."""
        request = {"dry_run": False, "dag_run_id": self.run_id, "task_ids": [STEP], "only_failed": False}
        self.real.api._post(f"/api/v2/dags/{self.dag_id}/clearTaskInstances", request)

    def wait_until_waiting(self) -> None:
        """Until the job runs and the task waits for it where it should."""
        wanted = "deferred" if "deferred" in self.dag_id else "running"
        wait_until(lambda: bool(self.running()), 240)
        wait_until(lambda: self.task().get("state") == wanted, 90)
        time.sleep(2)

    def wait_for_end(self, seconds: float = 300) -> str:
        """State of the run once it and its report have ended."""
        wait_until(functools.partial(self._has_ended), seconds)
        return self.real.api.run_state(self.dag_id, self.run_id)

    def _has_ended(self) -> bool:
        if self.real.api.run_state(self.dag_id, self.run_id) not in ENDED:
            return False
        tasks = self.real.api.task_instances(self.dag_id, self.run_id)
        return all(one["state"] in ENDED | {"skipped", "upstream_failed"} for one in tasks)

    # --- AWS ----------------------------------------------------------------------------------------------

    def jobs(self) -> dict[str, str]:
        """Status of every job of the drill."""
        sagemaker = self.real.stand_in.client("sagemaker")
        found = {}
        for kind in KINDS:
            listed = getattr(sagemaker, f"list_{kind.lower()}_jobs")(NameContains=self.key, MaxResults=100)
            for one in listed[f"{kind}JobSummaries"]:
                found[one[f"{kind}JobName"]] = one[f"{kind}JobStatus"]
        return found

    def running(self) -> list[str]:
        """Jobs that cost money and that nobody asked to stop."""
        return [name for name, status in self.jobs().items() if status == "InProgress"]

    def wait_for_stop(self) -> list[str]:
        """Jobs that still run when everybody has had the time to stop them."""
        deadline = time.monotonic() + GRACE_SECONDS
        while (left := self.running()) and time.monotonic() < deadline:
            time.sleep(0.5)
        return left

    def clean_up(self) -> None:
        """Stop what is left."""
        sagemaker = self.real.stand_in.client("sagemaker")
        for name in self.running():
            for kind in KINDS:
                try:
                    getattr(sagemaker, f"stop_{kind.lower()}_job")(**{f"{kind}JobName": name})
                except sagemaker.exceptions.ClientError:
                    continue


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() or [""]
    except psutil.Error:
        return [""]
