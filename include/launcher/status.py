"""`make status`, the first place to look at night: what is live, what ran, what is wrong, what to type."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from launcher import airflow, localaws, processes
from launcher.diagnosis import error_message, failed_tasks
from launcher.examples import newest_example
from launcher.failures import LauncherError
from launcher.remote import RemoteJobs
from launcher.rest import AirflowApi
from sentiment_retrain.endpoint import live, pins
from sentiment_retrain.error_base import runbook_entry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from launcher.places import Places

DAG_ID = "review_sentiment_retrain"
#: Newest runs that are shown.
RUNS = 3
_UNDONE = frozenset({"queued", "running"})
_ACTIVE = frozenset({"running", "deferred", "up_for_retry", "queued"})
_WORDS = {"deferred": "waits for AWS", "up_for_retry": "will retry"}


@dataclass(frozen=True)
class Run:
    """A run as it is told of.

    :param tasks: what is under way, in words
    :param failure: first line and code of what failed first; empty where nothing did
    """

    run_id: str
    state: str
    began: dt.datetime | None
    tasks: tuple[str, ...] = ()
    failure: str = ""
    code: str = ""
    asks: bool = False


@dataclass(frozen=True)
class State:
    """What was found. None: it could not be asked, because what knows it does not run.

    :param example: a text for the endpoint, as the shell takes it
    """

    running: Mapping[str, str]
    live: live.Live | None = None
    pin: Mapping[str, Any] | None = None
    runs: Sequence[Run] | None = None
    jobs: Sequence[str] | None = None
    is_paused: bool = False
    dead: Sequence[str] = field(default_factory=tuple)
    example: str = "…"


def lines(state: State, now: dt.datetime) -> list[tuple[str, str]]:
    """Name and words of each line. Pure."""
    found = [("live", str(state.live) if state.live else "not known: the stand-in for AWS does not run")]
    if state.pin:
        found.append(("pinned", pins.explain(state.pin)))
    if state.runs is None:
        found.append(("runs", "not known: Airflow does not run; `make report` has the last card"))
    for number, run in enumerate((state.runs or ())[:RUNS]):
        found.append(("" if number else "runs", _run_words(run, now)))
    if state.runs is not None and not state.runs:
        found.append(("runs", "none yet"))
    if state.jobs:
        found.append(
            ("jobs", f"{len(state.jobs)} running, which would cost money on AWS: {', '.join(state.jobs)}")
        )
    wrong, following = problem(state)
    found += [("wrong", wrong or "nothing"), ("next", following)]
    where = ", ".join(f"{name} {url}".strip() for name, url in state.running.items())
    return [*found, ("processes", where or "none")]


def problem(state: State) -> tuple[str, str]:
    """What is wrong, empty for nothing, and the command that comes next. The most urgent first."""
    newest = state.runs[0] if state.runs else None
    if state.live and state.live.is_hurt:
        return f"the endpoint: {state.live}", "make rollback"
    if state.dead:
        return f"{', '.join(state.dead)} ended by itself; see the logs", "make down && make up"
    if newest and newest.asks:
        return (
            "",
            "somebody has to decide: Required Actions in Airflow (until then the endpoint stays as it is)",
        )
    if newest and newest.state == "queued" and state.is_paused:
        return f"{newest.run_id} cannot begin: the DAG is paused", "make up, which lifts the pause"
    if newest and newest.state in _UNDONE:
        return "", _how_to_end(newest)
    if newest and newest.state == "failed":
        return newest.failure or f"{newest.run_id} failed", runbook_entry(newest.code or None)
    if not state.running:
        return "", "make up (with the UI), or make run"
    if state.live and state.live.status is None:
        return "", "make run"
    return "", f"make predict TEXT={state.example}, or make report"


def _how_to_end(run: Run) -> str:
    """A run of a backfill that is ended alone makes room for the next day."""
    if run.run_id.startswith("backfill__"):
        return (
            "wait; to end the backfill and its jobs, Ctrl-C where `make backfill` watches it; else cancel it "
            "in Airflow (the DAG's Backfills), then mark the days that still run as failed"
        )
    return f"wait; to end it and its jobs, mark {run.run_id} as failed in Airflow"


def _run_words(run: Run, now: dt.datetime) -> str:
    ago = f", began {_span(now - run.began)} ago" if run.began else ""
    doing = f": {'; '.join(run.tasks)}" if run.tasks else f": {run.failure}" if run.failure else ""
    return f"{run.run_id} {run.state}{ago}{doing}"


def _span(time: dt.timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    for size, name in ((1440, "d"), (60, "h")):
        if minutes >= 2 * size:
            return f"{minutes // size} {name}"
    return f"{minutes} min"


# --- Asking ---------------------------------------------------------------------------------------------


def find(places: Places) -> State:
    """Ask what runs; whatever does not answer is not known."""
    names = (localaws.NAME, *airflow.NAMES)
    found = {name: processes.find(places, name) for name in names}
    running = {name: process.url for name, process in found.items() if process}
    left = [name for name in names if (places.processes / f"{name}.json").exists()]
    parts: dict[str, Any] = {"dead": [name for name in left if name not in running]}
    if running:
        parts["example"] = newest_example(places)
    server, api_server = found[localaws.NAME], found[airflow.API_SERVER]
    if server:
        with contextlib.suppress(ClientError, BotoCoreError):
            parts |= _of_aws(server.url)
    if api_server:
        with contextlib.suppress(httpx.HTTPError, LauncherError):
            parts |= _of_airflow(api_server.url, airflow.password(places))
    return State(running, **parts)


def _of_aws(url: str) -> dict[str, Any]:
    from sentiment_retrain.settings import load_settings

    name = load_settings().endpoint_name
    sagemaker, s3 = localaws.client("sagemaker", url), localaws.client("s3", url)
    found: dict[str, Any] = {"jobs": RemoteJobs(url).in_progress(), "live": live.Live(name)}
    with contextlib.suppress(ClientError):
        endpoint = sagemaker.describe_endpoint(EndpointName=name)
        config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
        tags = {
            tag["Key"]: tag["Value"]
            for tag in sagemaker.list_tags(ResourceArn=endpoint["EndpointArn"])["Tags"]
        }
        found["live"] = live.of_answers(name, endpoint, config, tags)
    with contextlib.suppress(ClientError):
        key = pins.pin_uri(localaws.BUCKET, name).split("/", 3)[3]
        document = json.loads(s3.get_object(Bucket=localaws.BUCKET, Key=key)["Body"].read())
        found["pin"] = document if document.get("is_pinned") else None
    return found


def _of_airflow(url: str, password: str) -> dict[str, Any]:
    with contextlib.closing(AirflowApi(url, airflow.USER, password)) as api:
        newest = api.runs(DAG_ID)[:RUNS]
        return {"runs": [describe(api, run) for run in newest], "is_paused": api.is_paused(DAG_ID)}


def describe(api: AirflowApi, run: Mapping[str, Any]) -> Run:
    """A run of Airflow's REST API, with what is under way in it and what failed first."""
    run_id, state = str(run["dag_run_id"]), str(run["state"])
    began = dt.datetime.fromisoformat(run["start_date"]) if run.get("start_date") else None
    if state == "success":
        return Run(run_id, state, began)
    instances = api.task_instances(DAG_ID, run_id)
    active = [one for one in instances if one["state"] in _ACTIVE]
    tasks = tuple(f"{one['task_id']} {_WORDS.get(one['state'], one['state'])}" for one in active)
    asks = any(one["task_id"] == "approve" and one["state"] == "deferred" for one in active)
    if asks:
        tasks = ("waits for somebody's decision",)
    failed = failed_tasks(instances)
    if not failed:
        return Run(run_id, state, began, tasks, asks=asks)
    first = failed[0]
    entries = api.log_entries(DAG_ID, run_id, first["task_id"], first["try_number"])
    message = error_message(entries).splitlines()[0]
    code = message.partition(":")[0] if message.startswith("SR-") else ""
    return Run(run_id, state, began, tasks, f"{first['task_id']}: {message}", code, asks)


def show(places: Places, console: Console) -> None:
    """Print it."""
    for name, words in lines(find(places), dt.datetime.now(dt.UTC)):
        console.print(f"{name:<10}{words}", markup=False, soft_wrap=True)
