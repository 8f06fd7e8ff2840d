"""A bucket, and tasks run by hand in a made-up run."""

from __future__ import annotations

import datetime as dt
import json
import types
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard
from stand_in import ROLE

from sentiment_retrain.aws.hooks import Aws
from sentiment_retrain.notifications import channels
from sentiment_retrain.settings import load_settings

from .hosted import World
from .receivers import CONNECTION, Receiver, Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stand_in import StandIn

    from sentiment_retrain.operators.base import RetrainOperator

DAY = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@pytest.fixture
def bucket(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A fresh bucket, and an installation that uses it and nothing else."""
    name = f"retrain-{uuid.uuid4().hex[:12]}"
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(
        json.dumps(
            {
                "poll_seconds": 0.3,
                # Each test has its own catalog and its own names, so that none can reuse another's work.
                "prefix": f"t{uuid.uuid4().hex[:8]}",
                "database": f"db_{uuid.uuid4().hex[:8]}",
                "datasets": {"minimum_rows": 60, "minimum_test_rows_per_class": 3, "shap_rows": 3},
            }
        )
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", stand_in.url)
    monkeypatch.setenv("SENTIMENT_RETRAIN_BUCKET", name)
    monkeypatch.setenv("SENTIMENT_RETRAIN_ROLE_ARN", ROLE)
    monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", str(overlay))
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    load_settings.cache_clear()
    stand_in.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def aws(bucket: str) -> Aws:
    """AWS as the operators use it, in the region of the test."""
    del bucket
    return Aws("us-east-1")


class TaskInstance:
    """What a task sees of its instance: the XComs of the run."""

    dag_id, run_id = "review_sentiment_retrain", "manual__2026-03-01"
    id = "00000000-0000-0000-0000-000000000001"

    task_id = "probe"

    def __init__(self, pushed: dict[str, Any]) -> None:
        self.pushed = pushed

    def get_task_states(self, dag_id: str, task_ids: list[str], run_ids: list[str]) -> dict[str, Any]:
        # Tests that kill a task do it as for a person who has marked it failed.
        return {run_ids[0]: {task_ids[0]: "failed"}} if dag_id == self.dag_id else {}

    def xcom_push(self, key: str, value: Any) -> None:
        # As Airflow does, which would refuse what is not JSON.
        self.pushed[key] = json.loads(json.dumps(value))


def context(pushed: dict[str, Any] | None = None, **params: Any) -> Any:
    """The part of Airflow's context that operators read."""
    defaults = {
        "source_uri": None,
        "window_days": 365,
        "mode": "retrain",
        "deploy": "auto",
        "contenders": ["autopilot", "blazingtext"],
        "budget_usd": 100.0,
        "approval": "auto",
        "rollback_to": None,
        "reuse": True,
    }
    run = types.SimpleNamespace(
        dag_id=TaskInstance.dag_id,
        run_id=params.pop("run_id", TaskInstance.run_id),
        logical_date=params.pop("logical_date", DAY),
        run_after=DAY,
        run_type="manual",
    )
    pushed = {} if pushed is None else pushed
    return {"ti": TaskInstance(pushed), "dag_run": run, "params": defaults | params}


@pytest.fixture
def execute() -> Callable[..., Any]:
    """``execute(operator, pushed={}, **params)``: what the task hands on, as JSON."""

    def run(operator: RetrainOperator, pushed: dict[str, Any] | None = None, **params: Any) -> Any:
        return json.loads(json.dumps(operator.execute(context(pushed, **params))))

    return run


@pytest.fixture
def world(aws: Aws, bucket: str, tmp_path: Path, execute: Callable[..., Any]) -> Iterator[World]:
    """An installation with an endpoint of its own, which is taken down afterwards."""
    made = World(aws, bucket, tmp_path / "overlay.yaml", execute)
    yield made
    if aws.find("describe_endpoint", EndpointName=made.endpoint):
        aws.sagemaker("delete_endpoint", EndpointName=made.endpoint)


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A webhook whose address is in a connection."""
    receiver = Receiver()
    receiver.thread.start()
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", receiver.address)
    monkeypatch.setattr(channels, "_PAUSE_SECONDS", 0.01)
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def subscriber(world: World, webhook: Receiver) -> Subscriber:
    """An installation that tells a topic and a webhook."""
    del webhook
    made = Subscriber(world.aws, world.endpoint)
    world.configure(notifications={"topic_arn": made.topic, "webhook_connection": CONNECTION})
    return made
