"""docker-compose.yaml: what it says, and a run of the real DAG on its services, a worker killed halfway.

No container engine is needed: the services run as plain processes, with the commands and the environment that
the file gives them. `make topology` runs the long test.
"""

from __future__ import annotations

import http.server
import importlib.metadata
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from installation import OVERLAY, balanced_slice
from packaging.markers import Marker
from stand_in import StandIn
from topology import CHECKOUT, COMPOSE, Topology, interpolated, postgres_programs, read_services, wait_until

from launcher import first_data, localaws
from launcher.places import Places
from launcher.rest import AirflowApi

sys.path.insert(0, str(CHECKOUT / "include" / "deployment"))
import compose_env

if TYPE_CHECKING:
    from collections.abc import Iterator

DAG_ID = "review_sentiment_retrain"
RUN_ID = "topology"
#: Both contenders train then: whichever the worker runs, its job goes on while nobody waits for it.
KILLED_DURING = ("train.autopilot", "train.blazingtext")
AIRFLOW_SERVICES = ("init", "api-server", "scheduler", "dag-processor", "triggerer", "worker")
PYTHON = Path(os.environ.get("TOPOLOGY_PYTHON") or CHECKOUT / ".local" / "celery" / "bin" / "python")


def why_not() -> str | None:
    """Why the long test cannot run here."""
    if os.environ.get("TOPOLOGY") != "run":
        return "takes minutes: make topology"
    if postgres_programs() is None:
        return "PostgreSQL is not installed (Debian: postgresql)"
    if shutil.which("redis-server") is None or shutil.which("redis-cli") is None:
        return "Redis is not installed (Debian: redis-server)"
    return None if PYTHON.exists() else f"{PYTHON} with requirements-celery.txt does not exist"


# --- what the file says -----------------------------------------------------------------------------------


def test_the_file_follows_the_compose_specification() -> None:
    from check_jsonschema.builtin_schemas import get_builtin_schema
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(get_builtin_schema("vendor.compose-spec"))
    document = yaml.safe_load(COMPOSE.read_text())

    assert [error.message for error in validator.iter_errors(document)] == []
    # The validator sees mistakes.
    document["services"]["worker"]["restrat"] = "celery worker"
    assert any("restrat" in error.message for error in validator.iter_errors(document))


def test_it_holds_no_secret_and_says_how_to_make_each(tmp_path: Path) -> None:
    text = COMPOSE.read_text()
    services = read_services()
    required = set(re.findall(r"\$\{(\w+):\?", text))
    assert required == set(compose_env.SECRETS)
    with pytest.raises(KeyError, match="make compose-env"):
        interpolated(services["worker"]["environment"]["AIRFLOW__CORE__FERNET_KEY"], {})

    target = tmp_path / ".env"
    compose_env.main(target)
    first = target.read_text()
    compose_env.main(target)

    assert target.read_text() == first
    assert target.stat().st_mode & 0o077 == 0
    values = env_file(first)
    assert all(len(values[name]) >= 32 for name in compose_env.SECRETS)
    assert len({values[name] for name in compose_env.SECRETS}) == len(compose_env.SECRETS)
    assert not any(values[name] in text for name in compose_env.SECRETS)


def test_all_of_airflow_shares_one_configuration_and_nothing_runs_as_root() -> None:
    services = read_services()
    own = {"DUMB_INIT_SETSID"}
    shared = [
        {key: value for key, value in services[name]["environment"].items() if key not in own}
        for name in AIRFLOW_SERVICES
    ]
    assert all(one == shared[0] for one in shared)
    assert all(services[name]["volumes"] == services["init"]["volumes"] for name in AIRFLOW_SERVICES)
    assert not any(str(service.get("user", "")).startswith(("0", "root")) for service in services.values())
    for name, service in services.items():
        assert "healthcheck" in service or name == "init"
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert services["localaws"]["profiles"] == ["local"]


def test_an_address_that_is_kept_for_one_is_given_to_no_other() -> None:
    """Docker hands out what `ip_range` leaves free, also while the container that wants it is not up."""
    document = yaml.safe_load(COMPOSE.read_text())
    [pool] = document["networks"]["default"]["ipam"]["config"]
    subnet, dynamic = ip_network(pool["subnet"]), ip_network(pool["ip_range"])
    kept = [
        ip_address(network["ipv4_address"])
        for service in document["services"].values()
        for network in (service.get("networks") or {}).values()
    ]

    assert dynamic.subnet_of(subnet)  # type: ignore[arg-type]
    assert kept
    assert all(address in subnet and address not in dynamic for address in kept)
    # Where `.env` sends AWS's clients on the stand-in.
    example = (CHECKOUT / ".env.example").read_text()
    assert all(f"http://{address}:4566" in example for address in kept)


def test_the_overlay_that_is_suggested_is_mounted() -> None:
    """A path of the host, as docs/aws.md sets it, means nothing in a container."""
    [path] = re.findall(r"^# SENTIMENT_RETRAIN_CONFIG=(.+)$", (CHECKOUT / ".env.example").read_text(), re.M)
    mounted = [volume.split(":")[1] for volume in read_services()["worker"]["volumes"]]

    assert any(Path(path).is_relative_to(target) for target in mounted)
    assert path in (CHECKOUT / "docs" / "deployment.md").read_text()


def test_the_image_has_the_same_versions_as_the_tests() -> None:
    airflow = importlib.metadata.version("apache-airflow")
    assert f"FROM apache/airflow:{airflow}-python3.11" in (CHECKOUT / "Dockerfile").read_text()
    pins, image = pinned("requirements.txt"), pinned("requirements-celery.txt")
    assert {name: image[name] for name in pins if name in image} == {
        name: version for name, version in pins.items() if name in image
    }
    assert {"apache-airflow-providers-celery", "psycopg2-binary", "redis", "celery"} <= set(image)
    assert set(pins) <= set(image)


def pinned(file: str) -> dict[str, str]:
    """Versions by package in a file of requirements, of those that Linux needs."""
    pin = re.compile(r"^([a-z0-9.-]+)(?:\[[^]]*\])?==([^\s;\\]+)( ; [^\\\n]*)?", re.MULTILINE)
    return {
        name: version
        for name, version, marker in pin.findall((CHECKOUT / file).read_text())
        if not marker or Marker(marker.strip(" ;")).evaluate()
    }


def env_file(text: str) -> dict[str, str]:
    """What a `.env` sets."""
    lines = [line.partition("=") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in lines if value}


# --- what it does -----------------------------------------------------------------------------------------

SETTINGS = OVERLAY | {
    # A worker waits so long for a job before it defers: it is killed while it does.
    "short_wait_seconds": 120,
    "notifications": {"webhook_connection": "chat", "late_after_minutes": 1},
}


class Chat(http.server.ThreadingHTTPServer):
    """A Slack-compatible webhook that keeps what it is told."""

    def __init__(self) -> None:
        told = self.told = list[str]()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture
def root() -> Iterator[Path]:
    """A directory that PostgreSQL's own user can reach; pytest's are closed to others."""
    directory = Path(tempfile.mkdtemp(prefix="topology-"))
    directory.chmod(0o755)
    yield directory
    if not os.environ.get("TOPOLOGY_KEEP"):
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def stand_in(root: Path) -> Iterator[StandIn]:
    running = StandIn(root / "localaws")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def chat() -> Iterator[Chat]:
    server = Chat()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def topology(root: Path, stand_in: StandIn, chat: Chat) -> Iterator[Topology]:
    """The whole file, running."""
    localaws.prepare_account(stand_in.url)
    overlay = root / "overlay.yaml"
    overlay.write_text(yaml.safe_dump(SETTINGS))
    compose_env.main(root / ".env")
    variables = env_file((root / ".env").read_text()) | {
        **localaws.client_environment(stand_in.url),
        "SENTIMENT_RETRAIN_BUCKET": localaws.BUCKET,
        "SENTIMENT_RETRAIN_ROLE_ARN": localaws.ROLE_ARN,
        "SENTIMENT_RETRAIN_CONFIG": str(overlay),
        "AIRFLOW_CONN_CHAT": f"http://127.0.0.1:{chat.server_address[1]}/hooks/notforlogs",
        "AIRFLOW_HEARTBEAT_TIMEOUT": "30",
        # Unpausing starts a run for the latest past date, which the run of the test would queue behind.
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
        "OMP_NUM_THREADS": "1",
    }
    made = Topology(root, PYTHON, variables)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def api(topology: Topology) -> Iterator[AirflowApi]:
    """Airflow's API, signed in with the password that the API server has made."""
    password = json.loads((topology.home / "auth" / "passwords.json").read_text())["admin"]
    client = AirflowApi(topology.url, "admin", password)
    yield client
    client.close()


@pytest.mark.system
@pytest.mark.timeout(1500)
@pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
def test_a_run_survives_a_killed_worker_and_pays_for_nothing_twice(
    topology: Topology, api: AirflowApi, stand_in: StandIn, chat: Chat, root: Path
) -> None:
    reviews = balanced_slice(first_data.ensure(Places.here()), root / "reviews.csv")
    s3 = stand_in.client("s3")
    s3.upload_file(str(reviews), localaws.BUCKET, "inbox/reviews.csv")
    api.wait_for_dag(DAG_ID, 240)
    api.unpause(DAG_ID)
    began = time.monotonic()
    api.trigger(DAG_ID, RUN_ID, {})

    killed = kill_a_worker_that_trains(topology, api, stand_in)
    wait_until(lambda: api.run_state(DAG_ID, RUN_ID) in {"success", "failed"}, 1200, "the run", every=2)

    tasks = {one["task_id"]: one for one in api.task_instances(DAG_ID, RUN_ID)}
    assert api.run_state(DAG_ID, RUN_ID) == "success", {name: one["state"] for name, one in tasks.items()}
    tried_again = {name for name in KILLED_DURING if tasks[name]["try_number"] > 1}
    assert tried_again
    latest = json.loads(s3.get_object(Bucket=localaws.BUCKET, Key="runs/latest.json")["Body"].read())
    key = latest["card_uri"].removeprefix(f"s3://{localaws.BUCKET}/")
    card = json.loads(s3.get_object(Bucket=localaws.BUCKET, Key=key)["Body"].read())
    needed = sorted(job["name"] for job in card["jobs"])
    assert sorted(jobs_of(stand_in)) == needed
    outcomes = {job["task"]: job["outcome"] for job in card["jobs"]}
    # The job goes on without its worker; by the next try it may have ended.
    assert {outcomes[name] for name in tried_again} <= {"reconnected", "reused"}
    assert card["endpoint"]["status"] == "InService"
    wait_until(lambda: len(chat.told) >= 2, 60, "the late run's message")
    late, over = sorted(chat.told, key=lambda text: "is late" not in text.splitlines()[0])
    assert f"{DAG_ID} is late" in late.splitlines()[0]
    # The run that was late has ended well: one message says so, and what is live.
    assert f"{DAG_ID} is back to normal" in over.splitlines()[0]
    assert card["endpoint"]["model_name"] in over
    logs = [*topology.home.glob("logs/**/*.log"), *root.glob("*.log")]
    assert logs
    assert not [path for path in logs if "notforlogs" in path.read_text(errors="replace")]
    sys.stderr.write(
        f"\nrun of {time.monotonic() - began:.0f} s, {killed} killed, {len(needed)} jobs needed and made, "
        f"outcomes {outcomes}\n"
    )


def kill_a_worker_that_trains(topology: Topology, api: AirflowApi, stand_in: StandIn) -> str:
    """Wait until a worker waits for a job of training, and kill it; gives its name."""
    found: list[tuple[str, str]] = []

    def trains() -> bool:
        assert api.run_state(DAG_ID, RUN_ID) not in {"success", "failed"}, "the run ended before"
        jobs = jobs_of(stand_in)
        for one in api.task_instances(DAG_ID, RUN_ID):
            step = one["task_id"].removeprefix("train.")
            if one["task_id"] in KILLED_DURING and one["state"] == "running":
                worker = topology.worker_of(one["id"])
                if worker and any(step in name or "automl" in name for name in jobs):
                    found.append((worker, one["task_id"]))
        return bool(found)

    wait_until(trains, 900, "a task that trains", every=0.5)
    worker, _ = found[0]
    topology.kill(worker)
    return worker


def jobs_of(stand_in: StandIn) -> list[str]:
    """Names of all jobs that the DAG has asked for; an AutoML job starts others itself, named after it."""
    sagemaker = stand_in.client("sagemaker")
    searches = [one["AutoMLJobName"] for one in sagemaker.list_auto_ml_jobs()["AutoMLJobSummaries"]]
    found = list(searches)
    for kind in ("Training", "Processing", "Transform"):
        listed = getattr(sagemaker, f"list_{kind.lower()}_jobs")(MaxResults=100)[f"{kind}JobSummaries"]
        names = [one[f"{kind}JobName"] for one in listed]
        found += [name for name in names if not name.startswith(tuple(f"{one}-" for one in searches))]
    return found
