"""One Airflow home and one environment for all tests, set before anything imports Airflow or boto3.

No test can reach AWS: credentials are made up, and the endpoint is a port on which nobody listens until a
test asks for the stand-in (fixture `endpoint_url` in tests/localaws).
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stand_in import StandIn

CHECKOUT = Path(__file__).resolve().parents[1]
AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="sentiment-retrain-tests-"))
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)

GAPS = pytest.StashKey[list[str]]()
LONGEST_FIRST = {"system": 0, "drills": 1, "localaws": 2}
FOREIGN = ("AIRFLOW", "AWS_", "OPENLINEAGE", "SENTIMENT_RETRAIN_")
GIVEN = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
for variable in [name for name in os.environ if name.startswith(FOREIGN)]:
    del os.environ[variable]
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ |= {
    "AIRFLOW_HOME": str(AIRFLOW_HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(CHECKOUT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "GX_ANALYTICS_ENABLED": "False",
    "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
FOLDERS = (
    *("tests/system", "tests/localaws"),
    *("include/containers/adapter", "include/containers", "include", "plugins"),
)
for folder in FOLDERS:
    sys.path.insert(0, str(CHECKOUT / folder))

import exercised  # noqa: E402  found on the path that was just set


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Among several processes, start with the longest tests, so that none is left alone with them."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: LONGEST_FIRST.get(item.path.parent.name, len(LONGEST_FIRST)))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Collect what one of several test processes called."""
    rows = getattr(node, "workeroutput", {}).get(exercised.OUTPUT)
    if rows is not None:
        stash = node.config.stash
        stash[exercised.SEEN] = [*stash.get(exercised.SEEN, []), rows]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail when the whole conformance suite passed and left an operation without a success or a refusal."""
    seen = session.config.stash.get(exercised.SEEN, None)
    if seen is None or session.exitstatus != pytest.ExitCode.OK:
        return
    gaps = exercised.gaps(exercised.merged(seen))
    if gaps:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        session.config.stash[GAPS] = gaps


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the operations that no test called."""
    for gap in config.stash.get(GAPS, []):
        terminalreporter.write_line(f"FAILED conformance: no test of {gap}", red=True)


@pytest.fixture(scope="session")
def given_environment() -> dict[str, str]:
    """AWS's variables as they were given; only the conformance tests with --aws may use them."""
    return GIVEN


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """The stand-in that all tests of a process share; each uses buckets, names and catalogs of its own."""
    from stand_in import StandIn

    running = StandIn(tmp_path_factory.mktemp("localaws") / "state")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's tables, for tests that run a DAG; costs some seconds once."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(autouse=True)
def _fresh_settings() -> Iterator[None]:
    """Settings are read once a process; a test that changes the environment must not leave its own behind."""
    yield
    settings = sys.modules.get("sentiment_retrain.settings")
    if settings is not None:
        settings.load_settings.cache_clear()
