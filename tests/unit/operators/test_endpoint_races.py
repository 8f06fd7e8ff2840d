"""Runs that change one endpoint at once: the newest data wins, a person's rollback stays, nobody fails."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred
from fault_client import Faults

from sentiment_retrain.endpoint import pins
from sentiment_retrain.operators import DeployInferencePipelineOperator, VerifyEndpointOperator
from sentiment_retrain.operators.base import FAILURE_KEY
from sentiment_retrain.operators.rollback import RollbackEndpointOperator

from .conftest import context
from .test_concurrency import together

if TYPE_CHECKING:
    from collections.abc import Callable

    from stand_in import StandIn

    from .hosted import World

pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")


@pytest.fixture
def world(world: World) -> World:
    """An installation that deploys at once."""
    world.configure(
        deployment={
            "strategy": "all_at_once",
            "bake_seconds": 0,
            "alarms": {"quality": False, "maximum_error_share": None, "maximum_latency_ms": None},
        }
    )
    return world


class LateDeploy(DeployInferencePipelineOperator):
    """Other runs act at a moment of this one: after its first comparison, or just before its update."""

    def __init__(self, *, meanwhile: dict[str, Callable[[], Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.meanwhile = dict(meanwhile)

    def _ensure_config(self) -> str:
        name = super()._ensure_config()
        self._let_pass("compared")
        return name

    def _plan_canary(self, deployment: str) -> str | None:
        uri = super()._plan_canary(deployment)
        self._let_pass("asked the old fleet")
        return uri

    def _let_pass(self, moment: str) -> None:
        if moment in self.meanwhile:
            self.meanwhile.pop(moment)()


def deploy_of(world: World, day: str, verdict: Any, **kwargs: Any) -> DeployInferencePipelineOperator:
    """A task that deploys what was trained on data until ``day``, itself waiting for the end."""
    kind = LateDeploy if "meanwhile" in kwargs else DeployInferencePipelineOperator
    run, datasets = world.run(f"run-{day}"), world.datasets(day)
    return kind(task_id="endpoint", run=run, datasets=datasets, verdict=verdict, deferrable=False, **kwargs)


def live_model(world: World) -> str:
    """Name of the model that the endpoint serves."""
    config = world.describe()["EndpointConfigName"]
    serving = world.aws.sagemaker("describe_endpoint_config", EndpointConfigName=config)
    return str(serving["ProductionVariants"][0]["ModelName"])


@pytest.mark.parametrize(
    ("moment", "live"),
    [("compared", None), ("compared", "2026-03-01"), ("asked the old fleet", "2026-03-01")],
)
def test_newer_data_that_went_live_in_the_middle_of_a_deployment_stays(
    world: World, moment: str, live: str | None
) -> None:
    if live:
        deploy_of(world, live, world.verdict(data_until=live)).execute(context())
    older, newer = (world.verdict(data_until=day) for day in ("2026-03-02", "2026-03-03"))
    other = deploy_of(world, "2026-03-03", newer)
    late = deploy_of(world, "2026-03-02", older, meanwhile={moment: partial(other.execute, context())})
    with pytest.raises(AirflowSkipException, match="trained on data until 2026-03-03 went live meanwhile"):
        late.execute(context())
    assert live_model(world) == newer["model_name"]


def test_newer_data_that_is_just_going_live_is_waited_for(world: World) -> None:
    """An endpoint that another run is creating serves nobody yet, and so hides its data from a comparison."""
    older, newer = (world.verdict(data_until=day) for day in ("2026-03-02", "2026-03-03"))
    other = deploy_of(world, "2026-03-03", newer)
    with ThreadPoolExecutor(1) as pool:
        creating: list[Future[Any]] = []

        def begin() -> None:
            creating.append(pool.submit(other.execute, context()))
            while world.aws.find("describe_endpoint", EndpointName=world.endpoint) is None:
                time.sleep(0.002)

        late = deploy_of(
            world,
            "2026-03-02",
            older,
            meanwhile={"compared": begin, "asked the old fleet": lambda: creating[0].result(60)},
        )
        with pytest.raises(AirflowSkipException, match="until 2026-03-03 went live meanwhile"):
            late.execute(context())
        assert creating[0].result(60)["outcome"] == "created"
    assert live_model(world) == newer["model_name"]


def test_the_endpoint_has_one_writer_and_the_newest_data_wins(world: World) -> None:
    """Three runs deploy at once: whoever is late says why, and nobody fails."""
    days = ["2026-03-01", "2026-03-02", "2026-03-03"]
    verdicts = {day: world.verdict(data_until=day) for day in days}

    def deploy(day: str) -> str:
        operator = deploy_of(world, day, verdicts[day])
        try:
            return str(operator.execute(context())["outcome"])
        except AirflowSkipException as skipped:
            return str(skipped)

    outcomes = dict(zip(days, together([partial(deploy, day) for day in days]), strict=True))
    assert live_model(world) == verdicts[days[-1]]["model_name"], outcomes
    assert outcomes[days[-1]] in {"created", "updated"}
    # Whoever created it may find itself replaced already when it looks, and is skipped as any other.
    assert list(outcomes.values()).count("created") <= 1
    for day in days[:-1]:
        words = ("created", "updated", "went live")
        assert any(word in outcomes[day] for word in words), outcomes


class LateRollback(RollbackEndpointOperator):
    """Another run begins to deploy between this one's wait and its look at the endpoint."""

    def __init__(self, *, meanwhile: Callable[[], Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.meanwhile = [meanwhile]

    def begin(self, context: Any) -> dict[str, Any]:
        while self.meanwhile:
            self.meanwhile.pop()()
        return super().begin(context)


def begun(world: World, pool: ThreadPoolExecutor, task: Callable[[], Any]) -> Future[Any]:
    """A deployment in a thread of its own, whose update AWS has accepted."""
    future = pool.submit(task)
    while world.describe()["EndpointStatus"] == "InService":
        time.sleep(0.002)
    return future


def test_a_rollback_never_takes_another_runs_update_for_its_own(world: World) -> None:
    """It would pin the very model that the person wants to be rid of."""
    world.deploy(world.verdict(), name="run-1")
    second = world.deploy(world.verdict(sure=0.8), name="run-2")
    third = deploy_of(world, "2026-03-03", world.verdict(sure=0.7))
    with ThreadPoolExecutor(1) as pool:
        others: list[Future[Any]] = []
        back = LateRollback(
            task_id="rollback",
            run=world.run("run-back", mode="rollback"),
            deferrable=False,
            meanwhile=lambda: others.append(begun(world, pool, partial(third.execute, context()))),
        ).execute(context())
        others[0].exception(60)
    assert back["endpoint_config_name"] == second["endpoint_config_name"]
    assert back["pin"]["endpoint_config_name"] == world.describe()["EndpointConfigName"]
    assert live_model(world) == back["pin"]["model_name"] == second["model_name"]


def test_a_rollback_is_pinned_before_it_begins_so_that_no_waiting_run_undoes_it(world: World) -> None:
    first = world.deploy(world.verdict(), name="run-1")
    world.deploy(world.verdict(sure=0.8), name="run-2")
    world.configure(short_wait_seconds=0)
    with pytest.raises(TaskDeferred):
        world.roll_back(deferrable=True)
    pin = pins.find_pin(world.aws, world.bucket, world.endpoint)
    assert pin is not None
    assert pin["model_name"] == first["model_name"]
    with pytest.raises(AirflowSkipException, match="pinned to .* run-back"):
        world.deploy(world.verdict(sure=0.7), name="run-3")
    assert world.roll_back()["model_name"] == first["model_name"]


@pytest.mark.parametrize("was_pinned", [False, True])
def test_a_rollback_whose_target_does_not_start_leaves_the_pin_as_it_was(
    world: World, was_pinned: bool
) -> None:
    broken = world.verdict("broken")
    live = world.deploy(world.verdict(), name="run-1")
    if was_pinned:
        world.roll_back(name="run-pin", rollback_to=live["model_name"])
    before = pins.find_pin(world.aws, world.bucket, world.endpoint)
    with pytest.raises(AirflowFailException, match="SR-DEPLOY-001"):
        world.roll_back(rollback_to=broken["model_name"])
    assert live_model(world) == live["model_name"]
    assert pins.find_pin(world.aws, world.bucket, world.endpoint) == before
    assert (before is not None) is was_pinned


def test_a_rollback_that_aws_refuses_leaves_the_pin_as_it_was(world: World, stand_in: StandIn) -> None:
    world.deploy(world.verdict(), name="run-1")
    world.deploy(world.verdict(sure=0.8), name="run-2")
    refuse = {"code": "ValidationException", "message": "no", "status": 400, "operation": "UpdateEndpoint"}
    Faults(stand_in.url).set("error", service="sagemaker", **refuse, count=1)
    with pytest.raises(AirflowFailException, match="SR-AWS-003"):
        world.roll_back()
    assert pins.find_pin(world.aws, world.bucket, world.endpoint) is None


class LateVerify(VerifyEndpointOperator):
    """Another run, or a person, changes the endpoint after the model was asked."""

    def __init__(self, *, meanwhile: Callable[[], Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.meanwhile = meanwhile

    def settle(self, *args: Any, **kwargs: Any) -> Any:
        self.meanwhile()
        return super().settle(*args, **kwargs)


def verify_of(world: World, verdict: Any, deployed: Any, **kwargs: Any) -> VerifyEndpointOperator:
    """The verification of a deployment."""
    kind = LateVerify if kwargs else VerifyEndpointOperator
    return kind(
        task_id="verify",
        run=world.run("run-2"),
        datasets=world.datasets(),
        verdict=verdict,
        deployment=deployed,
        **kwargs,
    )


def test_what_another_run_has_replaced_is_not_verified(world: World) -> None:
    first = world.verdict()
    deployed = world.deploy(first, name="run-1")
    world.deploy(world.verdict("wrong"), name="run-2")
    with pytest.raises(AirflowSkipException, match=f"goes from {deployed['endpoint_config_name']} to"):
        verify_of(world, first, deployed).execute(context())


def test_a_failed_verification_does_not_undo_what_came_after_it(
    world: World, execute: Callable[..., Any]
) -> None:
    world.deploy(world.verdict(), name="run-1")
    wrong = world.verdict("wrong")
    deployed = world.deploy(wrong, name="run-2")
    newest = world.verdict(sure=0.7)
    late = verify_of(world, wrong, deployed, meanwhile=partial(world.deploy, newest, name="run-3"))
    pushed: dict[str, Any] = {}
    with pytest.raises(AirflowFailException, match="SR-GATE-009"):
        execute(late, pushed)
    assert "left as it is" in pushed[FAILURE_KEY]["result"]["put_back"]
    assert live_model(world) == newest["model_name"]
