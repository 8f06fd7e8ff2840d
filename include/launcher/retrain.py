"""`make run`: one retrain from a file to a live endpoint, watched from the first task to the last."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from launcher import airflow, card, localaws, processes, source
from launcher.diagnosis import error_message, failed_tasks
from launcher.examples import configured_requests, example
from launcher.failures import RunFailedError
from launcher.planning import planned, print_plan
from launcher.progress import Progress, stage, task_lines
from launcher.remote import RemoteJobs
from launcher.rest import FINISHED, AirflowApi
from launcher.summary import print_summary
from sentiment_retrain import naming

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from launcher.places import Places

DAG_ID = "review_sentiment_retrain"
POLL_SECONDS = 1.0
CANCEL_SECONDS = 30.0
GO_ON = "To go on, type the same command again: what had finished is not paid for twice."


def run(places: Places, data: str, console: Console) -> None:
    """Retrain on `data`: a file, an S3 URI, or the first data where it is empty.

    Leaves the stand-in with the new endpoint up; leaves Airflow as it was.

    :raises SourceError: the file cannot be used
    :raises RefusedError: Airflow runs with other settings than this command
    :raises RunFailedError: the run failed, with the error of the task that failed first
    """
    began = time.monotonic()
    airflow.require_same_settings(places)
    path = None if source.is_s3_uri(data) else source.local_file(places, data, console)
    with account(places, console) as aws_url:
        source_uri = source.deliver(path, aws_url) if path else source.require_object(data, aws_url)
        with airflow_api(places, aws_url, console) as api:
            run_id = f"run-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}"
            api.trigger(DAG_ID, run_id, {"source_uri": source_uri})
            console.print(f"data      {source_uri}", soft_wrap=True)
            console.print(
                f"watch     {api.url}/dags/{DAG_ID}/runs/{run_id} while it runs "
                f"(user {airflow.USER}, password {airflow.password(places)})",
                soft_wrap=True,
            )
            try:
                state = watch(api, run_id, RemoteJobs(aws_url), console)
            except KeyboardInterrupt:
                cancel(api, [run_id], aws_url, console)
                raise
            if state != "success":
                raise RunFailedError("LOCAL_RUN_FAILED", *explain(places, api, run_id, aws_url))
    home = card.bring_home(places, aws_url)
    document = json.loads(home.read_text())
    print_summary(console, document, home)
    text = example(document, configured_requests())
    _print_next(console, text, aws_url, time.monotonic() - began, is_up=airflow.running(places) is not None)


def plan(places: Places, data: str, console: Console) -> None:
    """`make plan`: what a run on `data` would do and cost at most; starts no job, and no Airflow."""
    path = None if source.is_s3_uri(data) else source.local_file(places, data, console)
    with account(places, console) as aws_url:
        if path:
            source_uri = source.deliver(path, aws_url, to_plan=True)
        else:
            source_uri = source.require_object(data, aws_url)
        today = dt.datetime.now(dt.UTC).date().isoformat()
        for document in planned(aws_url, places, [today], {"source_uri": source_uri}, "manual"):
            print_plan(console, document)


@contextlib.contextmanager
def account(places: Places, console: Console) -> Iterator[str]:
    """The stand-in's URL, with bucket and role; the stand-in stays up afterwards."""
    with stage(console, "Starting the stand-in for AWS"):
        server = localaws.start(places)
        localaws.wait(server)
        localaws.prepare_account(server.url)
    yield server.url


@contextlib.contextmanager
def airflow_api(places: Places, aws_url: str, console: Console) -> Iterator[AirflowApi]:
    """A running Airflow that is ready for a run of the DAG; stopped afterwards unless it ran before."""
    was_running = airflow.running(places)
    try:
        with stage(console, "Starting Airflow"):
            api = ready_airflow(places, aws_url, keep_runs=was_running is not None)
        with contextlib.closing(api):
            yield api
    finally:
        if was_running is None:
            with stage(console, "Stopping Airflow"):
                airflow.stop(places)


def ready_airflow(places: Places, aws_url: str, *, keep_runs: bool) -> AirflowApi:
    """Airflow started where it does not run, the DAG known and unpaused.

    :param keep_runs: False ends runs that an interrupted command left behind; they would block the next one
    """
    server = airflow.running(places)
    if server is None:
        airflow.stop(places)
        server = airflow.start(places, aws_url)
    airflow.wait_healthy(places, server.url)
    api = AirflowApi(server.url, airflow.USER, airflow.password(places))
    api.wait_for_dag(DAG_ID)
    if not keep_runs:
        for leftover in api.unfinished_runs(DAG_ID):
            api.fail_run(DAG_ID, leftover)
    api.unpause(DAG_ID)
    return api


def watch(api: AirflowApi, run_id: str, remote: RemoteJobs, console: Console) -> str:
    """Show progress until the run has ended; return its final state."""
    order = api.task_order(DAG_ID)
    with Progress(console) as progress:
        while True:
            state = api.run_state(DAG_ID, run_id)
            instances = api.task_instances(DAG_ID, run_id)
            remarks = _remarks(api, run_id, remote, instances)
            progress.show(task_lines(order, instances, remarks, dt.datetime.now(dt.UTC)))
            if state in FINISHED:
                return state
            time.sleep(POLL_SECONDS)


def _remarks(
    api: AirflowApi, run_id: str, remote: RemoteJobs, instances: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """By task, what its remote job says of itself, for the tasks that wait for one."""
    attempts = {i["task_id"]: i["try_number"] for i in instances if i["state"] == "deferred"}
    return remote.remarks(list(attempts), lambda task: api.log_entries(DAG_ID, run_id, task, attempts[task]))


def cancel(
    api: AirflowApi, run_ids: Sequence[str], aws_url: str, console: Console, afterwards: str = GO_ON
) -> None:
    """End the runs, wait until their remote jobs have stopped, which are paid for until then, and say so.

    :param afterwards: the last line: what to do next
    """
    with stage(console, "Cancelling: stopping what runs and its remote jobs"):
        for run_id in run_ids:
            api.fail_run(DAG_ID, run_id)
        remote = RemoteJobs(aws_url)
        deadline = time.monotonic() + CANCEL_SECONDS
        while (left := remote.in_progress()) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    if left:
        console.print(
            f"Not over after {CANCEL_SECONDS:.0f} s, and paid for until then: {', '.join(left)}. "
            "`make status` shows them.",
            soft_wrap=True,
        )
    else:
        ended = ", ".join(run_ids) or "none"
        console.print(f"Marked as failed: {ended}. No job runs any more.", soft_wrap=True)
    console.print(afterwards, soft_wrap=True)


def explain(places: Places, api: AirflowApi, run_id: str, aws_url: str) -> tuple[str, str]:
    """What was observed and what to do about a failed run."""
    failed = failed_tasks(api.task_instances(DAG_ID, run_id))
    blocks = []
    for instance in failed:
        task = instance["task_id"]
        entries = api.log_entries(DAG_ID, run_id, task, instance["try_number"])
        blocks.append(f"{task}\n{error_message(entries)}")
    observed = "\n\n".join(blocks) or "the run failed, and no task says why."
    logs = places.airflow_home / "logs" / f"dag_id={DAG_ID}" / f"run_id={run_id}"
    remedy = f"The tasks' whole logs are in {logs}."
    with contextlib.suppress(ClientError, BotoCoreError):
        home = card.bring_home(places, aws_url, _run_key(api.run(DAG_ID, run_id)))
        remedy += f" The run's card: {home.with_name('card.html')}."
    return observed, f"{remedy} `make status` says what is live."


def _run_key(run: Mapping[str, Any]) -> str:
    day = str(run.get("logical_date") or run["run_after"])[:10]
    return naming.run_key(DAG_ID, str(run["dag_run_id"]), day)


def _print_next(console: Console, text: str, aws_url: str, seconds: float, *, is_up: bool) -> None:
    console.print(f"took      {seconds:.0f} s", highlight=False)
    console.print()
    console.print(f"next      make predict TEXT={text}", highlight=False, markup=False, soft_wrap=True)
    console.print("          make report        the card again (FORMAT=json for programs)", highlight=False)
    if not is_up:
        console.print("          make up            Airflow's UI with this run", highlight=False)
    console.print(
        f"The stand-in for AWS stays up with the endpoint in service at {aws_url}; `make down` stops it.",
        highlight=False,
        soft_wrap=True,
    )


def up(places: Places, console: Console) -> None:
    """`make up`: everything running, with what a person needs to sign in."""
    with account(places, console) as aws_url:
        was_running = airflow.running(places) is not None
        with stage(console, "Starting Airflow"):
            api = ready_airflow(places, aws_url, keep_runs=True)
    console.print(f"Airflow         {api.url}  {'(was running)' if was_running else ''}", highlight=False)
    console.print(f"  user          {airflow.USER}", highlight=False)
    console.print(f"  password      {airflow.password(places)}", highlight=False)
    console.print(f"AWS stand-in    {aws_url}  (AWS_ENDPOINT_URL={aws_url})", highlight=False)
    console.print("`make run` starts a retrain here; `make down` stops everything.", highlight=False)


def down(places: Places, console: Console) -> None:
    """`make down`: Airflow first, so that no task sees the account go away."""
    stopped = airflow.stop(places) + processes.stop(places, [localaws.NAME])
    strays = processes.sweep(places)
    words = ", ".join(stopped) or "nothing was running"
    console.print(f"Stopped: {words}{f', {strays} leftover processes' if strays else ''}.", highlight=False)
