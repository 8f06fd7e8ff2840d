"""Ten intervals at once, and many runs of one: nothing is made twice, nothing is lost. Real threads."""

from __future__ import annotations

import datetime as dt
import io
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowSkipException

from sentiment_retrain.operators import (
    DeployInferencePipelineOperator,
    LandReviewsOperator,
    PlanRunOperator,
    RegisterGlueTablesOperator,
)
from sentiment_retrain.settings import load_settings

from .conftest import context
from .test_ingest import deliver, keys, source
from .test_sagemaker_job import ProbeOperator, names, run_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.operators.base import RetrainOperator

    from .hosted import World

pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")

DAYS = [dt.datetime(2026, 3, day, tzinfo=dt.UTC) for day in range(1, 11)]


def together(tasks: Sequence[Callable[[], Any]]) -> list[Any]:
    """Results of all tasks, which start at the same moment."""
    barrier = threading.Barrier(len(tasks))

    def start(task: Callable[[], Any]) -> Any:
        barrier.wait(30)
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.result(120) for future in [pool.submit(start, task) for task in tasks]]


def executed(operators: Sequence[RetrainOperator], **params: Any) -> list[Any]:
    return together([partial(operator.execute, context(**params)) for operator in operators])


def test_ten_intervals_at_once_lose_no_row_and_no_partition(aws: Aws, bucket: str) -> None:
    """Each uses what it needs, whoever lands it: ten deliveries, objects and partitions, 250 rows."""
    for number, day in enumerate(DAYS):
        deliver(aws, bucket, source(25, seed=number), f"dt={day:%Y-%m-%d}/reviews.csv")
    runs = together(
        [
            partial(
                PlanRunOperator(task_id="plan").execute,
                context(logical_date=day, run_id=f"backfill__{day:%Y-%m-%d}"),
            )
            for day in DAYS
        ]
    )
    lands = executed([LandReviewsOperator(task_id="land", run=run) for run in runs])
    assert [len(land["partitions"]) for land in lands] == list(range(1, 11))
    objects = keys(aws, bucket, "curated/")
    assert len(objects) == len(DAYS)
    rows = pd.concat([pd.read_parquet(io.BytesIO(aws.get_bytes(uri))) for uri in objects])
    assert (len(rows), rows["review_id"].nunique()) == (250, 250)

    registered = executed(
        [
            RegisterGlueTablesOperator(task_id="tables", run=run, land=land)
            for run, land in zip(runs, lands, strict=True)
        ]
    )
    assert {len(tables["partitions"]) for tables in registered} == {10}
    assert partitions(aws) == {"reviews": 10, "reviews_raw": 10}


def test_a_table_of_another_form_is_altered_and_keeps_its_partitions(aws: Aws, bucket: str) -> None:
    """Two headers at once: the newer file's columns stay, whoever comes last."""
    deliver(aws, bucket, source(25), "dt=2026-03-01/reviews.csv")
    deliver(aws, bucket, source(25, seed=1).replace(b"Class Name", b"Category"), "dt=2026-03-02/reviews.csv")
    older: list[RetrainOperator] = []
    newer: list[RetrainOperator] = []
    for day, operators in zip(DAYS, (older, newer), strict=False):
        run = PlanRunOperator(task_id="plan").execute(context(logical_date=day))
        land = LandReviewsOperator(task_id="land", run=run).execute(context())
        for _ in range(2):
            operators.append(RegisterGlueTablesOperator(task_id="tables", run=run, land=land))
    executed([older[0], newer[0]])
    executed([older[1]])
    table = aws.client("glue").get_table(DatabaseName=load_settings().database, Name="reviews_raw")["Table"]
    assert [column["Name"] for column in table["StorageDescriptor"]["Columns"]][-1] == "category"
    assert partitions(aws) == {"reviews": 2, "reviews_raw": 2}


def partitions(aws: Aws) -> dict[str, int]:
    """How many partitions the catalog knows of each table."""
    glue, database = aws.client("glue"), load_settings().database
    return {
        name: len(glue.get_partitions(DatabaseName=database, TableName=name)["Partitions"])
        for name in ("reviews", "reviews_raw")
    }


def test_ten_runs_of_one_interval_share_one_job(aws: Aws, bucket: str) -> None:
    probes = [ProbeOperator(run=run_of(bucket, f"run-{number}")) for number in range(10)]
    done = executed(probes)
    assert len(names(aws)) == 1
    assert len({job["name"] for job in done}) == 1
    assert sorted(job["outcome"] for job in done).count("submitted") == 1


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


def test_a_model_that_many_runs_register_at_once_is_one_version(world: World) -> None:
    verdict = world.verdict()
    runs = [world.run(f"run-{number}") for number in range(6)]
    done = together([partial(world.register, verdict, run) for run in runs])
    listed = world.aws.sagemaker("list_model_packages", ModelPackageGroupName=world.endpoint)
    (package,) = listed["ModelPackageSummaryList"]
    assert {one["model_package_arn"] for one in done} == {package["ModelPackageArn"]}


def test_an_old_model_is_found_behind_any_number_of_newer_ones(world: World) -> None:
    verdict = world.verdict()
    first = world.register(verdict)
    for _ in range(25):
        world.aws.sagemaker(
            "create_model_package",
            ModelPackageGroupName=world.endpoint,
            InferenceSpecification={"Containers": verdict["containers"]},
        )
    again = world.register(verdict, world.run("again"))
    assert again["model_package_arn"] == first["model_package_arn"]


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
    assert list(outcomes.values()).count("created") == 1
    for day in days[:-1]:
        words = ("created", "updated", "went live")
        assert any(word in outcomes[day] for word in words), outcomes
