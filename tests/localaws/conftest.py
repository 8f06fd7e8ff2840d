"""The stand-in for conformance tests: they talk to it with boto3 only."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import exercised
import pytest
import real_aws
from athena_queries import Queries
from autopilot import Autopilot
from hosting import SHOUT, Hosting, new_bucket
from lake import Lake
from real_aws import RealAws
from stand_in import StandIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
WHOLE_SUITE = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/localaws --aws`: the same tests against a real account."""
    parser.addoption("--aws", action="store_true", help="test the real AWS (docs/conformance.md)")


def on_aws(config: pytest.Config) -> bool:
    """Whether the tests are for a real account; without tests/localaws on the command line they are not."""
    return bool(config.getoption("--aws", default=False))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip on AWS what cannot run there; note whether all tests were selected."""
    ours = [item for item in items if item.path.parent == HERE]
    selected = config.option.keyword or config.option.markexpr or config.getoption("lf", default=False)
    everything = {item.path for item in ours} == set(HERE.glob("test_*.py"))
    config.stash[WHOLE_SUITE] = everything and not selected and not on_aws(config)
    for item in ours:
        name = f"{item.path.name}::{item.name}"
        reason = real_aws.local_only_reason(name, set(getattr(item, "fixturenames", ())))
        if reason:
            item.add_marker(pytest.mark.local_only(reason))
            if on_aws(config):
                item.add_marker(pytest.mark.skip(reason=f"local only: {reason}"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand on what was called, from one of several processes too; tests/conftest.py looks for gaps."""
    config = session.config
    if config.stash.get(WHOLE_SUITE, False):
        output = getattr(config, "workeroutput", None)
        rows = exercised.packed(exercised.outcomes)
        if output is None:
            config.stash[exercised.SEEN] = [rows]
        else:
            output[exercised.OUTPUT] = rows


@pytest.fixture(scope="session")
def account(request: pytest.FixtureRequest) -> Iterator[StandIn | RealAws]:
    """What the tests talk to: the shared stand-in, or with --aws a real account."""
    if not on_aws(request.config):
        yield request.getfixturevalue("stand_in")
        return
    real = RealAws(request.getfixturevalue("given_environment"))
    yield real
    real.close()


@pytest.fixture(scope="session")
def endpoint_url(stand_in: StandIn) -> str:
    """The address of the shared stand-in."""
    return stand_in.url


@pytest.fixture(scope="session")
def aws(account: StandIn | RealAws) -> Callable[[str], Any]:
    """A function from the name of a service to a boto3 client."""
    return account.client


@pytest.fixture(scope="session")
def unchecked(account: StandIn | RealAws) -> Callable[[str], Any]:
    """As `aws`, but botocore sends every request as it is, so that the service decides."""
    return functools.partial(account.client, checked=False)


@pytest.fixture
def own_stand_in(tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in of one test alone, not started yet; it may be stopped, killed and started again."""
    own = StandIn(tmp_path / "state")
    yield own
    own.kill()


@pytest.fixture
def bucket(aws: Callable[[str], Any]) -> str:
    """A fresh bucket."""
    return new_bucket(aws, "test")


@pytest.fixture(scope="module")
def hosting(aws: Callable[[str], Any]) -> Hosting:
    """A bucket, models and endpoints."""
    return Hosting(aws)


@pytest.fixture(scope="module")
def endpoint(hosting: Hosting) -> Iterator[tuple[str, str, str]]:
    """An endpoint in service that shouts `!`; its configuration and its model."""
    model = hosting.model(hosting.container(SHOUT, "!"))
    config = hosting.config({model: 1})
    name = hosting.endpoint(config)
    assert hosting.settled(name)["EndpointStatus"] == "InService"
    yield name, config, model
    hosting.delete(name)


@pytest.fixture(scope="module")
def queries(aws: Callable[[str], Any]) -> Queries:
    """Queries that need no table."""
    return Queries(aws("athena"), f"s3://{new_bucket(aws, 'athena-sql')}/")


@pytest.fixture
def lake(aws: Callable[[str], Any], bucket: str) -> Lake:
    """A bucket with a database, of one test alone."""
    return Lake(aws, bucket)


@pytest.fixture(scope="session")
def autopilot(aws: Callable[[str], Any]) -> Autopilot:
    """A bucket with reviews, and AutoML jobs on them."""
    return Autopilot(aws)


@pytest.fixture(scope="session")
def watched_automl_job(autopilot: Autopilot) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A finished AutoML job of three candidates, and its descriptions on the way."""
    request = autopilot.request_v2({"CompletionCriteria": {"MaxCandidates": 3}})
    autopilot.sagemaker.create_auto_ml_job_v2(**request)
    return autopilot.watch(request["AutoMLJobName"])


@pytest.fixture
def aws_environment(endpoint_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment by which any public client finds the stand-in."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
