"""Deployments under steady load: nothing is dropped but what a bad model itself fails to answer.

Every model is a tiny web server; the endpoint's updates, alarms and rollbacks are the stand-in's own.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import threading
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred

from sentiment_retrain.aws.hooks import Aws
from sentiment_retrain.operators.approve import ApproveModelOperator
from sentiment_retrain.operators.base import FAILURE_KEY
from sentiment_retrain.operators.report import PublishReportOperator
from sentiment_retrain.settings import load_settings
from unit.operators.conftest import context
from unit.operators.hosted import World

from .load import PROPERTY, RIGHT, DeployRow, Load
from .tiny_job import ROLE
from .world import Background, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stand_in import StandIn

IS_LONG = os.environ.get("DRILLS") == "long"
long_form = pytest.mark.skipif(not IS_LONG, reason="the long form: make drills")
OLD, NEW, NEWEST = 0.9, 0.8, 0.7
SHARE = 0.25
#: Before and after what is drilled, so that the load meets both states.
LEAD_SECONDS = 1.0


@pytest.fixture
def world(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    """An installation with an endpoint of its own, and a canary of a quarter of the traffic."""
    overlay, bucket = tmp_path / "overlay.yaml", f"deploys-{uuid.uuid4().hex[:12]}"
    overlay.write_text(json.dumps({"poll_seconds": 0.3, "prefix": f"d{uuid.uuid4().hex[:8]}"}))
    for name, value in {
        "AWS_ENDPOINT_URL": stand_in.url,
        "SENTIMENT_RETRAIN_BUCKET": bucket,
        "SENTIMENT_RETRAIN_ROLE_ARN": ROLE,
        "SENTIMENT_RETRAIN_CONFIG": str(overlay),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    stand_in.client("s3").create_bucket(Bucket=bucket)
    made = World(Aws("us-east-1"), bucket, overlay, run_task)
    # The bounds of latency are for models, not for a machine that others use as well.
    alarms: dict[str, Any] = {"maximum_error_share": 0.02, "maximum_latency_ms": 1200}
    alarms |= {"latency_percentile": 90, "quality": True, "existing": []}
    made.configure(deployment={"canary_percent": 100 * SHARE, "bake_seconds": 2, "alarms": alarms})
    yield made
    if made.aws.find("describe_endpoint", EndpointName=made.endpoint):
        made.aws.sagemaker("delete_endpoint", EndpointName=made.endpoint)
    load_settings.cache_clear()


def run_task(operator: Any, pushed: dict[str, Any] | None = None) -> Any:
    """What the task hands on."""
    return operator.execute(context(pushed))


@pytest.fixture
def line(record_property: Callable[[str, object], None]) -> Callable[[DeployRow], None]:
    """Put a line into the table."""
    return lambda row: record_property(PROPERTY, dataclasses.asdict(row))


class Drill:
    """Load on the endpoint while something is done, which is timed."""

    def __init__(self, world: World, url: str) -> None:
        self.world = world
        self.load = Load(url, world.endpoint)
        self.seconds = self.ended = 0.0

    def run(self, work: Callable[[], Any]) -> Any:
        """``work()`` under load; an error of it is raised when the load has ended."""
        with self.load:
            time.sleep(LEAD_SECONDS)
            began = time.monotonic()
            try:
                return work()
            finally:
                self.ended = time.monotonic()
                self.seconds = self.ended - began
                time.sleep(LEAD_SECONDS)

    def require_all_by(self, sure: float) -> None:
        """Since the end only this model has answered, rightly."""
        last = self.load.after(self.ended)
        assert last
        assert {(one.sure, one.label, one.error) for one in last} == {(str(sure), RIGHT, None)}


@pytest.fixture
def drill(world: World, stand_in: StandIn) -> Drill:
    """A drill on the world's endpoint."""
    return Drill(world, stand_in.url)


def state_of(world: World, names: dict[str, str]) -> str:
    """What the endpoint serves, by the configuration's nickname."""
    found = world.describe()
    return f"{found['EndpointStatus']}, {names.get(found['EndpointConfigName'], 'another')} model"


@long_form
def test_first_create(world: World, stand_in: StandIn, line: Callable[[DeployRow], None]) -> None:
    creating, began = Background(partial(world.deploy, world.verdict())), time.monotonic()
    wait_until(lambda: bool(world.aws.find("describe_endpoint", EndpointName=world.endpoint)))
    world.wait_until_at_rest()
    seconds = time.monotonic() - began
    # From the moment it says InService.
    with Load(stand_in.url, world.endpoint) as load:
        time.sleep(2 * LEAD_SECONDS)
    created = creating.join()
    assert load.errors == []
    assert created["outcome"] == "created"
    state = state_of(world, {created["endpoint_config_name"]: "the first"})
    line(load.row("first create", state, seconds, len(load.answered)))


def test_good_canary(world: World, drill: Drill, line: Callable[[DeployRow], None]) -> None:
    world.deploy(world.verdict(sure=OLD))
    second = world.verdict(sure=NEW)

    updated = drill.run(lambda: world.deploy(second, name="run-2"))

    assert drill.load.errors == []
    assert {one.label for one in drill.load.answered} == {RIGHT}
    drill.require_all_by(NEW)
    state = state_of(world, {updated["endpoint_config_name"]: "the new"})
    line(drill.load.row("good canary", state, drill.seconds, len(drill.load.by(NEW))))


@pytest.mark.parametrize(
    ("manner", "alarms"),
    [
        # No answer is a wrong answer, too: which of the two rings first is a matter of moments.
        ("failing", {"errors", "golden"}),
        pytest.param("slow", {"latency"}, marks=long_form),
        pytest.param("wrong", {"golden"}, marks=long_form),
    ],
)
def test_bad_canary(
    world: World, drill: Drill, line: Callable[[DeployRow], None], manner: str, alarms: set[str]
) -> None:
    # Long enough for an alarm to see it; the rollback ends the wait.
    world.configure(deployment={"bake_seconds": 60})
    created = world.deploy(world.verdict(sure=OLD))
    bad, pushed = world.verdict(manner, sure=NEW), dict[str, Any]()

    with pytest.raises(AirflowFailException, match="SR-DEPLOY-002"):
        drill.run(lambda: world.deploy(bad, pushed=pushed, name="run-2"))

    left = pushed[FAILURE_KEY]["result"]
    rung = [one["alarm"].rpartition("-")[2] for one in left["rolled_back_by"]]
    assert alarms & set(rung)
    assert left["endpoint_config_name"] == created["endpoint_config_name"]
    load = drill.load
    met = len(load.by(NEW)) + len(load.errors)
    # Only the model's own failures, and only the canary's share of the traffic met it.
    assert all("ModelError" in error and "the weights are missing" in error for error in load.errors)
    assert bool(load.errors) is (manner == "failing")
    count = len(load.answered)
    assert 0 < met <= SHARE * count + 4 * math.sqrt(count * SHARE * (1 - SHARE))
    wrong = [one for one in load.answered if one.label not in (RIGHT, None)]
    assert {one.sure for one in wrong} <= {str(NEW)}
    assert bool(wrong) is (manner == "wrong")
    drill.require_all_by(OLD)
    state = f"{state_of(world, {created['endpoint_config_name']: 'the old'})}; by {', '.join(rung)}"
    line(load.row(f"bad canary: {manner}, rolled back", state, drill.seconds, met))


def ask_for_approval(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any, dict[str, Any]]:
    """A task that waits for somebody's decision: the operator, its trigger, the registration.

    Airflow itself is not there, so what it would show is not looked at.
    """
    monkeypatch.setattr("airflow.sdk.execution_time.hitl.upsert_hitl_detail", lambda **_: None)
    card = {"html_uri": world.aws.put_bytes(world.uri("card.html"), b"the card")}
    monkeypatch.setattr(PublishReportOperator, "publish", lambda *_, **__: card)
    verdict = world.verdict(sure=NEW)
    registered = world.register(verdict)
    run = world.run("run-2", approval="manual")
    operator = ApproveModelOperator(task_id="approve", run=run, verdict=verdict, registration=registered)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context())
    return operator, deferred.value.trigger, registered


@long_form
def test_manual_reject(
    world: World, drill: Drill, line: Callable[[DeployRow], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    created = world.deploy(world.verdict(sure=OLD))

    def reject() -> dict[str, Any]:
        operator, _, registered = ask_for_approval(world, monkeypatch)
        time.sleep(1)
        answer = {"chosen_options": ["Reject"], "responded_by_user": {"id": "7", "name": "Ada"}}
        with pytest.raises(AirflowSkipException, match="rejected by Ada"):
            operator.resume(context(), answer)
        return registered

    registered = drill.run(reject)

    assert world.package(registered)["ModelApprovalStatus"] == "Rejected"
    assert drill.load.errors == []
    drill.require_all_by(OLD)
    state = f"{state_of(world, {created['endpoint_config_name']: 'the old'})}; package Rejected by Ada"
    line(drill.load.row("manual reject", state, drill.seconds, len(drill.load.by(NEW))))


@long_form
def test_approval_timeout(
    world: World, drill: Drill, line: Callable[[DeployRow], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.configure(approval={"deadline_hours": 3 / 3600, "reminder_hours": 1 / 3600})
    created = world.deploy(world.verdict(sure=OLD))

    def wait() -> dict[str, Any]:
        operator, trigger, registered = ask_for_approval(world, monkeypatch)
        wait_until(lambda: time.time() > trigger.deadline)
        with pytest.raises(AirflowFailException, match="SR-DEPLOY-004"):
            operator.resume(context(), {"timed_out": True})
        return registered

    registered = drill.run(wait)

    assert world.package(registered)["ModelApprovalStatus"] == "Rejected"
    assert drill.load.errors == []
    drill.require_all_by(OLD)
    state = (
        f"{state_of(world, {created['endpoint_config_name']: 'the old'})}; package Rejected, SR-DEPLOY-004"
    )
    line(drill.load.row("approval timeout", state, drill.seconds, len(drill.load.by(NEW))))


@long_form
def test_rollback_action(world: World, drill: Drill, line: Callable[[DeployRow], None]) -> None:
    created = world.deploy(world.verdict(sure=OLD))
    world.configure(deployment={"bake_seconds": 0})
    world.deploy(world.verdict(sure=NEW), name="run-2")

    back = drill.run(world.roll_back)

    assert back["endpoint_config_name"] == created["endpoint_config_name"]
    assert drill.load.errors == []
    drill.require_all_by(OLD)
    state = f"{state_of(world, {created['endpoint_config_name']: 'the old'})}; pinned"
    line(drill.load.row("rollback action", state, drill.seconds, len(drill.load.by(OLD))))


@long_form
def test_update_during_scale_out(world: World, drill: Drill, line: Callable[[DeployRow], None]) -> None:
    # The steady load is far above the target, so that scaling goes to two instances by itself, and never back
    # to one: a target above the load would scale in after fifteen of the stand-in's short minutes.
    scaling = {"minimum": 1, "maximum": 2, "target_invocations": 2}
    scaling |= {"scale_in_seconds": 300, "scale_out_seconds": 60}
    world.configure(deployment={"autoscaling": scaling})
    world.deploy(world.verdict(sure=OLD))
    second = world.verdict(sure=NEW)
    counts: list[int] = []

    def scale_and_update() -> Any:
        wait_until(lambda: world.describe()["EndpointStatus"] == "Updating")
        updated = world.deploy(second, name="run-2")
        # At once: what the update left, not what scaling has made of it since.
        counts.extend(one["CurrentInstanceCount"] for one in world.describe()["ProductionVariants"])
        return updated

    updated = drill.run(scale_and_update)

    assert updated["outcome"] == "updated"
    assert counts == [2]
    assert world.scaling_activities() == ["Setting desired instance count to 2."]
    assert world.scalable_targets() == [(1, 2)]
    assert drill.load.errors == []
    drill.require_all_by(NEW)
    state = f"{state_of(world, {updated['endpoint_config_name']: 'the new'})}; 2 instances, scaling on"
    line(drill.load.row("update during scale-out", state, drill.seconds, len(drill.load.by(NEW))))


@pytest.mark.parametrize("first", ["newer", pytest.param("older", marks=long_form)])
def test_concurrent_deploys_of_two_runs(
    world: World, drill: Drill, line: Callable[[DeployRow], None], first: str
) -> None:
    world.deploy(world.verdict(sure=OLD), data_until="2026-03-01")
    older = partial(
        world.deploy, world.verdict(sure=NEW, data_until="2026-03-02"), data_until="2026-03-02", name="run-2"
    )
    newer = partial(
        world.deploy,
        world.verdict(sure=NEWEST, data_until="2026-03-03"),
        data_until="2026-03-03",
        name="run-3",
    )
    said: list[str] = []

    def tell(deploy: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        try:
            return deploy()
        except AirflowSkipException as skipped:
            said.append(str(skipped))
            return None

    def both() -> tuple[Any, Any]:
        order = (newer, older) if first == "newer" else (older, newer)
        early = Background(partial(tell, order[0]))
        wait_until(lambda: world.describe()["EndpointStatus"] == "Updating")
        late = Background(partial(tell, order[1]))
        results = early.join(), late.join()
        return results if first == "newer" else (results[1], results[0])

    of_newer, of_older = drill.run(both)

    assert of_newer["outcome"] == "updated"
    assert drill.load.errors == []
    drill.require_all_by(NEWEST)
    if first == "newer":
        assert of_older is None
        assert "a model trained on data until 2026-03-03 went live meanwhile" in said[0]
        assert drill.load.by(NEW) == []
    else:
        # It was live until the newer one came, or was replaced before it could look.
        assert (
            of_older is not None or "another run replaces it" in said[0] or "went live meanwhile" in said[0]
        )
    state = f"{state_of(world, {of_newer['endpoint_config_name']: 'the newer'})}"
    if said:
        state += "; the other skipped: newer data" if first == "newer" else "; the other skipped: replaced"
    line(
        drill.load.row(
            f"two runs at once, {first} data first", state, drill.seconds, len(drill.load.by(NEWEST))
        )
    )


def test_the_load_counts_what_is_dropped(stand_in: StandIn) -> None:
    with Load(stand_in.url, f"none-{threading.get_ident()}") as load:
        time.sleep(0.5)
    assert len(load.errors) == len(load.answered) > 0
    assert "ValidationError" in load.errors[0]
