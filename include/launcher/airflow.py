"""Airflow as four processes of its own on loopback, tuned for a machine with few cores.

`airflow standalone` is not used: it binds log servers to every interface, and says "ready" before the API is.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import secrets
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from launcher import localaws, processes
from launcher.failures import LauncherError, RefusedError
from launcher.places import AIRFLOW_PYTHON, CHECKOUT
from launcher.ports import HOST, free_port

if TYPE_CHECKING:
    from launcher.places import Places
    from launcher.processes import Background

API_SERVER, SCHEDULER, DAG_PROCESSOR, TRIGGERER = NAMES = (
    "api-server",
    "scheduler",
    "dag-processor",
    "triggerer",
)
USUAL_PORT = 8080
START_SECONDS = 180.0
USER = "admin"

# Where a value differs from Airflow's default, the reason is a measurement on two cores.
SETTINGS = {
    "CORE__EXECUTOR": "LocalExecutor",
    "CORE__LOAD_EXAMPLES": "False",
    "DATABASE__SQL_ALCHEMY_CONNECT_ARGS": "airflow_local_settings.CONNECT_ARGS",
    # 32 idle workers would cost 0.7 GB; the contenders need two.
    "CORE__PARALLELISM": "4",
    # A task that waits for AWS gives its slot back.
    "OPERATORS__DEFAULT_DEFERRABLE": "True",
    "API__HOST": HOST,
    "API__EXPOSE_CONFIG": "False",
    "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    # Unpausing a scheduled DAG starts a run for the latest past date; here people start runs themselves.
    "SCHEDULER__USE_JOB_SCHEDULE": "False",
    "TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    # With 5 s a task whose trigger fires early can be marked failed (apache/airflow#72716).
    "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
    "DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "LOGGING__NAMESPACE_LEVELS": "botocore=WARNING aiobotocore=WARNING",
    "USAGE_DATA_COLLECTION__ENABLED": "False",
    # Where OpenLineage's events go somewhere, a receiver that does not answer holds a task up this long.
    "OPENLINEAGE__EXECUTION_TIMEOUT": "2",
}
#: OpenLineage's client would send the URL of the checkout's remote, with the password that may be in it.
NO_REMOTE = {"OPENLINEAGE__FACETS__SOURCE_CODE_LOCATION__DISABLED": "true"}
#: The user's own: connections (the webhook's, say), and where metrics and lineage go (docs/metrics.md).
THE_USERS_OWN = ("AIRFLOW_CONN_", "AIRFLOW__METRICS__", "AIRFLOW__OPENLINEAGE__")
COMMANDS = {
    API_SERVER: ["api-server"],
    # The log servers of these two would listen on every interface.
    SCHEDULER: ["scheduler", "--skip-serve-logs"],
    DAG_PROCESSOR: ["dag-processor"],
    TRIGGERER: ["triggerer", "--skip-serve-logs"],
}


def secret(path: Path) -> str:
    """The secret kept in `path`, made on first use and readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text()


def password(places: Places) -> str:
    """The password of the user `admin`; also writes the file that Airflow reads it from."""
    word = secret(places.airflow_home / "admin-password")
    passwords = places.airflow_home / "passwords.json"
    if not passwords.exists():
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps({USER: word}))
    return word


def environment(places: Places, api_url: str, aws_url: str) -> dict[str, str]:
    """The whole environment of Airflow's processes, and so of every task."""
    kept = {name: value for name, value in os.environ.items() if _is_kept(name)}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    kept.pop("PYTHONPATH", None)
    configured = SETTINGS | {
        "CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
        "CORE__PLUGINS_FOLDER": str(CHECKOUT / "plugins"),
        "CORE__EXECUTION_API_SERVER_URL": f"{api_url}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(places.airflow_home / "passwords.json"),
        "API__PORT": api_url.rsplit(":", 1)[1],
        "API__BASE_URL": api_url,
        "API__SECRET_KEY": secret(places.airflow_home / "api-secret"),
        "API_AUTH__JWT_SECRET": secret(places.airflow_home / "jwt-secret"),
    }
    return {
        **kept,
        **NO_REMOTE,
        **{f"AIRFLOW__{name}": value for name, value in configured.items()},
        "AIRFLOW_HOME": str(places.airflow_home),
        # Holds airflow_local_settings.
        "PYTHONPATH": str(CHECKOUT / "include" / "launcher" / "sqlite"),
        "NO_COLOR": "1",
        "GX_ANALYTICS_ENABLED": "False",
        **localaws.client_environment(aws_url),
        "SENTIMENT_RETRAIN_BUCKET": localaws.BUCKET,
        "SENTIMENT_RETRAIN_ROLE_ARN": localaws.ROLE_ARN,
        "SENTIMENT_RETRAIN_CONFIG": overlay(),
        "SENTIMENT_RETRAIN_INCLUDE": str(CHECKOUT / "include"),
    }


def _is_kept(name: str) -> bool:
    """Whether Airflow gets a variable of the user: none that could change a run, but who is told of it."""
    return name.startswith(THE_USERS_OWN) or not name.startswith(("AWS_", "AIRFLOW_", "SENTIMENT_RETRAIN_"))


def overlay() -> str:
    """The files laid over include/config: a laptop's, then the user's own, which win key by key.

    :raises RefusedError: one that the user names is not there
    """
    laptop = CHECKOUT / "include" / "launcher" / "laptop.yaml"
    named = filter(None, os.environ.get("SENTIMENT_RETRAIN_CONFIG", "").split(os.pathsep))
    # One command may set the variable for another part of itself: no file is laid twice.
    own = [path for path in (Path(name).expanduser().resolve() for name in named) if path != laptop]
    for path in own:
        if not path.is_file():
            raise RefusedError(
                "LOCAL_CONFIG",
                f"SENTIMENT_RETRAIN_CONFIG names {path}, which is not a file.",
                "Correct the path, or `unset SENTIMENT_RETRAIN_CONFIG`. docs/configuration.md has its form.",
            )
    return os.pathsep.join(map(str, [laptop, *own]))


def settings_in_use() -> dict[str, str]:
    """The files of :func:`overlay`, and a sha256 of what is in them: what a process reads that starts now."""
    files = overlay()
    content = b"".join(Path(name).read_bytes() for name in files.split(os.pathsep))
    return {"files": files, "sha256": hashlib.sha256(content).hexdigest()}


def require_same_settings(places: Places) -> None:
    """Refuse a command that would judge by other settings than the tasks of the Airflow that runs.

    :raises RefusedError: it was started with other files, or one has changed since
    """
    record = _settings_record(places)
    if running(places) is None or not record.exists():
        return
    started, now = json.loads(record.read_text()), settings_in_use()
    if started == now:
        return
    if started["files"] == now["files"]:
        what = f"Settings have changed since Airflow was started: {now['files']}."
    else:
        what = f"Airflow was started with the settings {started['files']}, this command has {now['files']}."
    raise RefusedError(
        "LOCAL_CONFIG", what, "`make down` stops that Airflow; or set SENTIMENT_RETRAIN_CONFIG as it was."
    )


def _settings_record(places: Places) -> Path:
    return places.processes / "airflow-settings"


def migrate(places: Places, env: dict[str, str]) -> None:
    """Bring Airflow's database up to this Airflow's schema; instant when it is already.

    :raises LauncherError: with the last lines of the migration.
    """
    stamp = places.airflow_home / "database-version"
    current = version("apache-airflow")
    if stamp.exists() and stamp.read_text() == current:
        return
    done = subprocess.run(_airflow("db", "migrate"), env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-12:])
        raise LauncherError(
            "LOCAL_DATABASE",
            f"`airflow db migrate` ended with {done.returncode}:\n{tail}",
            f"Move {places.airflow_home} away (it holds only past runs' records), then try again.",
        )
    stamp.write_text(current)


def _airflow(*arguments: str) -> list[str]:
    return [str(AIRFLOW_PYTHON), "-m", "airflow", *arguments]


def running(places: Places) -> Background | None:
    """The API server of a complete running Airflow, else None."""
    found = [processes.find(places, name) for name in NAMES]
    return found[0] if all(found) else None


def start(places: Places, aws_url: str) -> Background:
    """Start all of Airflow and return its API server once that can run tasks.

    The scheduler comes last: a task that starts before the API server listens fails, and the first use of the
    Execution API costs seconds that no task should wait for.
    """
    password(places)
    while True:
        port = free_port(USUAL_PORT)
        api_url = f"http://{HOST}:{port}"
        env = environment(places, api_url, aws_url)
        migrate(places, env)
        server = _start_one(places, API_SERVER, env, api_url)
        _start_one(places, DAG_PROCESSOR, env)
        _start_one(places, TRIGGERER, env)
        try:
            processes.wait_until(functools.partial(_is_warm, server), server, START_SECONDS)
        except LauncherError:
            stop(places)
            # Seconds pass between the choice of a port and its use: somebody else may have taken it.
            if free_port(port) == port:
                raise
            continue
        _settings_record(places).write_text(json.dumps(settings_in_use()))
        _start_one(places, SCHEDULER, env)
        return server


def _is_warm(server: Background) -> bool:
    return _answers(f"{server.url}/execution/health") and processes.listens(server)


def _start_one(places: Places, name: str, env: dict[str, str], url: str = "") -> Background:
    return processes.start(
        places, name, _airflow(*COMMANDS[name]), env, url=url, directory=places.airflow_home
    )


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def wait_healthy(places: Places, api_url: str) -> None:
    """Until every component reports a fresh heartbeat.

    :raises LauncherError: a component ended or does not report.
    """
    deadline = time.monotonic() + START_SECONDS
    while not _all_healthy(api_url):
        for name in NAMES:
            if processes.find(places, name) is None:
                tail = "\n".join(processes.last_lines(places.logs / f"{name}.log"))
                raise LauncherError(
                    "LOCAL_START",
                    f"Airflow's {name} ended while starting. Its last lines:\n{tail}",
                    f"Read {places.logs / name}.log; `make down` clears what is left, then try again.",
                )
        if time.monotonic() > deadline:
            raise LauncherError(
                "LOCAL_START",
                f"Airflow was not healthy after {START_SECONDS:.0f} s.",
                f"Read the logs in {places.logs}; `make down`, then try again.",
            )
        time.sleep(0.5)


def _all_healthy(api_url: str) -> bool:
    try:
        parts = httpx.get(f"{api_url}/api/v2/monitor/health", timeout=30).json()
    except (httpx.HTTPError, ValueError):
        return False
    names = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    return all((parts.get(name) or {}).get("status") == "healthy" for name in names)


def stop(places: Places) -> list[str]:
    """Stop Airflow; return the names of what ran."""
    return processes.stop(places, NAMES)
