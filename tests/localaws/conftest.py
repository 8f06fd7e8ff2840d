"""The stand-in for conformance tests: they talk to it with boto3 only."""

from __future__ import annotations

import functools
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from autopilot import Autopilot
from stand_in import StandIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """The stand-in that all conformance tests share."""
    running = StandIn(tmp_path_factory.mktemp("localaws") / "state")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def endpoint_url(stand_in: StandIn) -> str:
    """The address of the shared stand-in."""
    return stand_in.url


@pytest.fixture(scope="session")
def aws(stand_in: StandIn) -> Callable[[str], Any]:
    """A function from the name of a service to a boto3 client of the shared stand-in."""
    return stand_in.client


@pytest.fixture(scope="session")
def unchecked(stand_in: StandIn) -> Callable[[str], Any]:
    """As `aws`, but botocore sends every request as it is, so that the service decides."""
    return functools.partial(stand_in.client, checked=False)


@pytest.fixture
def own_stand_in(tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in of one test alone, not started yet; it may be stopped, killed and started again."""
    own = StandIn(tmp_path / "state")
    yield own
    own.kill()


@pytest.fixture
def bucket(aws: Callable[[str], Any]) -> str:
    """A fresh bucket in the shared stand-in."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    aws("s3").create_bucket(Bucket=name)
    return name


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
