"""The calls of Airflow's REST API that the launcher makes."""

from __future__ import annotations

import logging
import time
from typing import Any

import httpx

from launcher.failures import LauncherError
from launcher.places import Places

log = logging.getLogger(__name__)

#: Seconds until a request is sent again that Airflow answered with an error of its own.
PAUSES = (1.0, 4.0)
FINISHED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


class AirflowApi:
    """A signed-in client of one Airflow.

    :param url: of the API server, e.g. `http://127.0.0.1:8080`
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        # One core may be busy training: an answer can take its time.
        self._http = httpx.Client(base_url=url, timeout=60)
        token = self._post("/auth/token", {"username": user, "password": password})["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        """Let go of the connection: the API server waits for it when it stops."""
        self._http.close()

    def wait_for_dag(self, dag_id: str, seconds: float = 120) -> None:
        """Until the DAG processor has stored the DAG.

        :raises LauncherError: it cannot be imported, or does not appear in time.
        """
        deadline = time.monotonic() + seconds
        while self._send("GET", f"/api/v2/dags/{dag_id}").status_code != httpx.codes.OK:
            for error in self._get("/api/v2/importErrors")["import_errors"]:
                raise LauncherError(
                    "LOCAL_DAG_IMPORT",
                    f"{error['filename']} cannot be imported:\n{error['stack_trace'].strip()}",
                    "Correct the file; `make test` shows the same error.",
                )
            if time.monotonic() > deadline:
                raise LauncherError(
                    "LOCAL_DAG_MISSING",
                    f"Airflow did not find the DAG {dag_id} within {seconds:.0f} s.",
                    f"Read {Places.here().logs}/dag-processor.log.",
                )
            time.sleep(0.5)

    def unpause(self, dag_id: str) -> None:
        """Let the DAG run: the runs of a paused one stay queued for ever."""
        self._patch(f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def is_paused(self, dag_id: str) -> bool:
        """Whether runs of the DAG stay queued."""
        return bool(self._get(f"/api/v2/dags/{dag_id}")["is_paused"])

    def trigger(self, dag_id: str, run_id: str, conf: dict[str, Any]) -> None:
        """Start a manual run. Its id makes it safe to ask again: the same one is never started twice."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        path = f"/api/v2/dags/{dag_id}/dagRuns"
        answer = self._send("POST", path, json=body)
        if answer.is_server_error:
            answer = self._again("POST", path, json=body)
            if answer.status_code == httpx.codes.CONFLICT:
                # The request that was answered with an error had started it.
                return
        self._checked(answer)

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """One run, with `state, logical_date, run_after, start_date`."""
        return self._get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")

    def run_state(self, dag_id: str, run_id: str) -> str:
        """`queued`, `running`, `success` or `failed`."""
        return str(self.run(dag_id, run_id)["state"])

    def unfinished_runs(self, dag_id: str) -> list[str]:
        """Ids of the runs that have not ended."""
        found = self._get(f"/api/v2/dags/{dag_id}/dagRuns", state=["queued", "running"])
        return [run["dag_run_id"] for run in found["dag_runs"]]

    def fail_run(self, dag_id: str, run_id: str) -> None:
        """Mark a run failed, which stops its tasks and through them their remote jobs."""
        self._patch(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}", {"state": "failed"})

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Every task of the run with `task_id, state, start_date, end_date, duration, try_number`."""
        found = self._get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=100)
        return list(found["task_instances"])

    def task_order(self, dag_id: str) -> list[str]:
        """Task ids, each after all it depends on, and otherwise near what it follows."""
        return topological(self.downstream(dag_id))

    def downstream(self, dag_id: str) -> dict[str, list[str]]:
        """Of each task, those that wait for it."""
        tasks = self._get(f"/api/v2/dags/{dag_id}/tasks")["tasks"]
        return {task["task_id"]: task["downstream_task_ids"] for task in tasks}

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """The newest runs: those that run, those that wait, then the last that began.

        By beginning, because the runs of a backfill belong to past days; a run that waits has none yet.
        """
        path = f"/api/v2/dags/{dag_id}/dagRuns"
        found: dict[str, dict[str, Any]] = {}
        # In the order of a run's life: what goes on between two requests is in both answers, never in none.
        for states, order in (
            (["queued"], "-run_after"),
            (["running"], "-start_date"),
            (["success", "failed"], "-start_date"),
        ):
            for run in self._get(path, state=states, order_by=order, limit=100)["dag_runs"]:
                found.pop(run["dag_run_id"], None)
                found[run["dag_run_id"]] = run
        first = {"running": 0, "queued": 1}
        return sorted(found.values(), key=lambda run: first.get(run["state"], 2))

    def log_entries(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> list[dict[str, Any]]:
        """The structured log lines of one attempt of a task."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        wanted = {"Accept": "application/json"}
        answer = self._send("GET", path, params={"full_content": "true"}, headers=wanted)
        if answer.status_code != httpx.codes.OK:
            log.debug("No log of %s: %s", task_id, answer.status_code)
            return []
        return [entry for entry in answer.json()["content"] if isinstance(entry, dict)]

    def interval_dates(self, request: dict[str, Any]) -> list[str]:
        """Logical dates of the runs that a backfill would start; starts nothing."""
        found = self._post("/api/v2/backfills/dry_run", request)
        return [str(entry["logical_date"]) for entry in found["backfills"]]

    def start_backfill(self, request: dict[str, Any]) -> int:
        """Start a backfill and give its number."""
        return int(self._post("/api/v2/backfills", request)["id"])

    def backfill_is_complete(self, number: int) -> bool:
        """Whether every run of a backfill has ended."""
        return self._get(f"/api/v2/backfills/{number}")["completed_at"] is not None

    def cancel_backfill(self, number: int) -> None:
        """Start none of its runs that are still queued."""
        self._checked(self._send("PUT", f"/api/v2/backfills/{number}/cancel"))

    def runs_between(self, dag_id: str, first: str, last: str) -> list[dict[str, Any]]:
        """Backfilled runs with a logical date in this range, oldest first."""
        found = self._get(
            f"/api/v2/dags/{dag_id}/dagRuns",
            logical_date_gte=first,
            logical_date_lte=last,
            run_type="backfill",
            order_by="logical_date",
            limit=100,
        )
        return list(found["dag_runs"])

    def _get(self, path: str, **parameters: Any) -> dict[str, Any]:
        return self._checked(self._repeatable("GET", path, params=parameters))

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._checked(self._send("POST", path, json=body))

    def _patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._checked(self._repeatable("PATCH", path, json=body))

    def _repeatable(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Send a request that does no harm when it comes twice, and where Airflow fails, send it again."""
        answer = self._send(method, path, **given)
        return self._again(method, path, **given) if answer.is_server_error else answer

    def _again(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Send a request after an error: SQLite, on a laptop, gives up when others write for too long."""
        for pause in PAUSES:
            time.sleep(pause)
            answer = self._send(method, path, **given)
            if not answer.is_server_error:
                break
        return answer

    def _send(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Every request; Airflow that was stopped or killed meanwhile is no defect of the command."""
        try:
            return self._http.request(method, path, **given)
        except httpx.TransportError as error:
            raise LauncherError(
                "LOCAL_AIRFLOW_API",
                f"Airflow at {self.url} does not answer any more ({error}).",
                "`make status` says what runs. `make up` starts it again, and a run under way goes on.",
            ) from error

    def _checked(self, answer: httpx.Response) -> dict[str, Any]:
        if answer.is_success:
            return dict(answer.json())
        raise LauncherError(
            "LOCAL_AIRFLOW_API",
            f"Airflow answered {answer.status_code} to {answer.request.method} {answer.request.url.path}: "
            f"{answer.text[:500]}",
            f"Read {Places.here().logs}/api-server.log.",
        )


def topological(downstream: dict[str, list[str]]) -> list[str]:
    """Kahn's algorithm, ties in the order of discovery, so that a branch's tasks stay together."""
    waiting_for = dict.fromkeys(downstream, 0)
    for followers in downstream.values():
        for follower in followers:
            waiting_for[follower] += 1
    ready = sorted((task for task, count in waiting_for.items() if not count), reverse=True)
    order = []
    while ready:
        task = ready.pop()
        order.append(task)
        for follower in sorted(downstream[task], reverse=True):
            waiting_for[follower] -= 1
            if not waiting_for[follower]:
                ready.append(follower)
    return order
