"""Ten intervals at once, and many runs of one: nothing is made twice, nothing is lost. Real threads."""

from __future__ import annotations

import datetime as dt
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from sentiment_retrain.aws.hooks import MAX_CONNECTIONS
from sentiment_retrain.operators import (
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


def test_as_many_threads_as_read_cards_each_have_a_connection(
    aws: Aws, bucket: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One connection too few would be opened and thrown away again with each request."""
    uri = f"s3://{bucket}/one.json"
    aws.put_json(uri, {"one": 1})
    with caplog.at_level("WARNING", "urllib3.connectionpool"):
        read = [
            result for _ in range(5) for result in together([partial(aws.get_json, uri)] * MAX_CONNECTIONS)
        ]
    assert read == [{"one": 1}] * 5 * MAX_CONNECTIONS
    assert not [found for found in caplog.records if found.levelname == "WARNING"]


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
