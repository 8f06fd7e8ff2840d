"""docker-compose.yaml's services as plain processes: commands and environment are read from the file itself.

What differs from containers is named here and nowhere else: addresses, directories, and a name and ports of
its own for each process, because all share one host.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import guardian
import httpx
import psutil
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHECKOUT = Path(__file__).resolve().parents[2]
COMPOSE = CHECKOUT / "docker-compose.yaml"
IMAGE_HOME = "/opt/airflow"
HOST = "127.0.0.1"
#: Several processes of one host cannot share a name, nor the port on which each serves its logs.
LOCAL_ARGUMENTS = {
    "worker": ["--celery-hostname", "{name}", "--skip-serve-logs"],
    "triggerer": ["--skip-serve-logs"],
}
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?::(?P<how>[?-])(?P<text>[^}]*))?\})")


def read_services() -> dict[str, Any]:
    """The services of the file, anchors resolved."""
    return dict(yaml.safe_load(COMPOSE.read_text())["services"])


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """``text`` with its variables as Docker Compose fills them in; raises KeyError for a required one."""

    def value(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return "$"
        if variables.get(name):
            return variables[name]
        if match["how"] == "?":
            raise KeyError(f"{name}: {match['text']}")
        return match["text"] or ""

    return _VARIABLE.sub(value, text)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def postgres_programs() -> Path | None:
    """Directory with `initdb` and `postgres`, None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    on_path = shutil.which("initdb")
    return found[0].parent if found else Path(on_path).parent if on_path else None


@dataclass
class Topology:
    """Every service of the file, running below `root`.

    :param python: of an environment with requirements-celery.txt
    :param variables: what `.env` holds
    """

    root: Path
    python: Path
    variables: dict[str, str]
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.services = read_services()
        self.ports = {name: free_port() for name in ("postgres", "redis", "api-server", "scheduler")}
        self.home = self.root / "home"
        self.home.mkdir()
        for folder in ("dags", "plugins", "include"):
            (self.home / folder).symlink_to(CHECKOUT / folder)
        for folder in ("logs", "auth"):
            (self.home / folder).mkdir()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.ports['api-server']}"

    def environment(self, service: str) -> dict[str, str]:
        """What the file gives a service, with this host's addresses and directories."""
        given = {
            name: self._here(interpolated(str(value), self.variables))
            for name, value in (self.services[service].get("environment") or {}).items()
        }
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "AIRFLOW", "SENTIMENT_RETRAIN", "PYTHON"))
        }
        local = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(self.ports["api-server"]),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self.ports["scheduler"]),
            # The image sets it.
            "SENTIMENT_RETRAIN_INCLUDE": str(self.home / "include"),
        }
        from_file = self.variables if self.services[service].get("env_file") else {}
        return kept | from_file | given | local

    def _here(self, value: str) -> str:
        for name, port in (("postgres", 5432), ("redis", 6379), ("api-server", 8080)):
            value = value.replace(f"{name}:{port}", f"{HOST}:{self.ports[name]}")
        return value.replace(IMAGE_HOME, str(self.home))

    # --- services -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything in the order that `depends_on` asks for."""
        self._start_postgres()
        self._start_redis()
        self._run_init()
        for service in ("api-server", "dag-processor", "triggerer"):
            self._start_airflow(service, service)
        wait_until(lambda: self._answers(f"{self.url}/execution/health"), 240, "the API server")
        for number in range(self.services["worker"]["deploy"]["replicas"]):
            self._start_airflow("worker", f"worker-{number + 1}")
        self._start_airflow("scheduler", "scheduler")
        wait_until(self.is_healthy, 240, "Airflow")

    def _start_postgres(self) -> None:
        programs = postgres_programs()
        assert programs is not None
        data = self.root / "postgres"
        data.mkdir()
        settings = self.environment("postgres")
        # PostgreSQL refuses to run as root.
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            os.chown(data, pwd.getpwnam(user).pw_uid, -1)
        password = self.root / "postgres-password"
        password.write_text(settings["POSTGRES_PASSWORD"])
        with password.open() as secret:
            subprocess.run(
                [programs / "initdb", "--pgdata", data, "--username", settings["POSTGRES_USER"],
                 "--auth", "scram-sha-256", "--pwfile", "/dev/stdin"],
                stdin=secret, check=True, capture_output=True, user=user,
            )  # fmt: skip
        port = str(self.ports["postgres"])
        options = ["-c", f"listen_addresses={HOST}", "-c", f"unix_socket_directories={data}"]
        command = [programs / "postgres", "-D", data, "-p", port, *options]
        self._spawn("postgres", [str(word) for word in command], settings, user=user)
        ready = [str(programs / "pg_isready"), "-h", HOST, "-p", port]
        wait_until(lambda: _succeeds(ready), 60, "PostgreSQL")
        create = [str(programs / "createdb"), "-h", HOST, "-p", port, "-U", settings["POSTGRES_USER"]]
        secret_environment = os.environ | {"PGPASSWORD": settings["POSTGRES_PASSWORD"]}
        subprocess.run([*create, settings["POSTGRES_DB"]], env=secret_environment, check=True)

    def _start_redis(self) -> None:
        command = [interpolated(word, self.variables) for word in self.services["redis"]["command"]]
        here = f"redis-server - --bind {HOST} --port {self.ports['redis']} --dir {self.root}"
        command[-1] = command[-1].replace("redis-server -", here)
        environment = self.environment("redis")
        self._spawn("redis", command, environment)
        ping = ["redis-cli", "-h", HOST, "-p", str(self.ports["redis"]), "ping"]
        secret = os.environ | {"REDISCLI_AUTH": environment["REDIS_PASSWORD"]}
        wait_until(lambda: _succeeds(ping, secret, "PONG"), 30, "Redis")

    def _run_init(self) -> None:
        command = self._airflow("init", "init")
        with (self.root / "init.log").open("wb") as log:
            subprocess.run(command, env=self.environment("init"), stdout=log, stderr=log, check=True)

    def _start_airflow(self, service: str, name: str) -> None:
        self._spawn(name, self._airflow(service, name), self.environment(service))

    def _airflow(self, service: str, name: str) -> list[str]:
        """As the image's entrypoint does it: the command is what `airflow` is asked."""
        words = shlex.split(self.services[service]["command"])
        local = [word.format(name=name) for word in LOCAL_ARGUMENTS.get(service, [])]
        return [str(self.python), "-m", "airflow", *words, *local]

    def _spawn(
        self, name: str, command: list[str], environment: dict[str, str], user: str | None = None
    ) -> None:
        with (self.root / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=user,
            )
        guardian.end_with_us(self.processes[name].pid)

    # --- looking and killing ------------------------------------------------------------------------------

    def is_healthy(self) -> bool:
        """Whether every component reports, and both workers answer."""
        if not self._answers(f"http://{HOST}:{self.ports['scheduler']}/health"):
            return False
        found = httpx.get(f"{self.url}/api/v2/monitor/health", timeout=30).json()
        names = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return all((found.get(name) or {}).get("status") == "healthy" for name in names)

    def _answers(self, url: str) -> bool:
        try:
            return httpx.get(url, timeout=30).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def worker_of(self, task_instance: str) -> str | None:
        """Which worker runs a task; Airflow shows the task instance's id in the process's title."""
        for name, process in self.processes.items():
            if not name.startswith("worker"):
                continue
            try:
                children = psutil.Process(process.pid).children(recursive=True)
                if any(task_instance in " ".join(child.cmdline()) for child in children):
                    return name
            except psutil.Error:
                continue
        return None

    def kill(self, name: str) -> None:
        """SIGKILL to a process and all its descendants: the container is gone."""
        process = psutil.Process(self.processes[name].pid)
        doomed = [process, *process.children(recursive=True)]
        for one in doomed:
            one.kill()
        psutil.wait_procs(doomed, timeout=10)
        self.processes.pop(name).wait()

    def stop(self) -> None:
        """End everything that was started here, Airflow first."""
        ordered = sorted(self.processes, key=lambda name: name in {"postgres", "redis"})
        for name in ordered:
            process = self.processes[name]
            family = []
            if process.poll() is None:
                family = psutil.Process(process.pid).children(recursive=True)
                # PostgreSQL waits for its clients on SIGTERM; SIGINT tells them to go.
                process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for child in psutil.wait_procs(family, timeout=5)[1]:
                child.kill()


def _succeeds(command: list[Any], environment: Mapping[str, str] | None = None, says: str = "") -> bool:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode == 0 and says in done.stdout


def wait_until(ready: Callable[[], bool], seconds: float, what: str, every: float = 0.5) -> None:
    """Wait for `ready`; fails the test when `seconds` passed."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"{what} was not ready after {seconds:.0f} s"
        time.sleep(every)
