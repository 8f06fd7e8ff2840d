"""The newest reviews, answered by the live model into the table `predictions`, once."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import awswrangler as wr
import pytest
from airflow.sdk.exceptions import AirflowSkipException

from sentiment_retrain import errors
from sentiment_retrain.data import datasets
from sentiment_retrain.data.columns import PREDICTION_TYPES
from sentiment_retrain.operators import LandReviewsOperator, PlanRunOperator
from sentiment_retrain.operators.predictions import (
    PredictOperator,
    newest_reviews,
    prediction_rows,
)
from sentiment_retrain.runs import scoring
from sentiment_retrain.settings import load_settings

from .test_ingest import deliver, source

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from .hosted import World

    Execute = Callable[..., Any]

pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")

RUN = {"mode": "retrain", "predict": "auto", "run_type": "scheduled", "deploy": "auto"}
MODEL = {"model_name": "m", "model_fingerprint": "f", "model_data_until": "2026-03-01"}
ANSWER = b"""1,0.8,"[0.1, 0.1, 0.8]","['-1', '0', '1']"\n-1,0.5,"[0.5, 0.3, 0.2]","['-1', '0', '1']"\n"""


@pytest.fixture
def world(world: World) -> World:
    """An installation that deploys at once."""
    world.configure(deployment={"strategy": "all_at_once", "bake_seconds": 0})
    return world


class Week:
    """A delivery that one run has planned and landed."""

    def __init__(self, world: World) -> None:
        deliver(world.aws, world.bucket, source(12))
        self.world = world
        self.run = dict(world.execute(PlanRunOperator(task_id="plan"))) | {"predict": "auto"}
        self.land = dict(world.execute(LandReviewsOperator(task_id="land_reviews", run=self.run)))

    def predict(self, **changes: Any) -> dict[str, Any]:
        operator = PredictOperator(
            task_id="predict", run=self.run | changes, land=self.land, deferrable=False
        )
        return dict(self.world.execute(operator))

    def table(self) -> pd.DataFrame:
        """The table as Athena reads it."""
        return wr.athena.read_sql_query(
            "SELECT * FROM predictions",
            database=load_settings().database,
            ctas_approach=False,
            s3_output=f"s3://{self.world.bucket}/queries/",
            boto3_session=self.world.aws.session,
        )

    def reviews(self) -> pd.DataFrame:
        uri = f"s3://{self.world.bucket}/curated/reviews/"
        return wr.s3.read_parquet(uri, boto3_session=self.world.aws.session)

    def jobs(self) -> list[str]:
        listed = self.world.aws.sagemaker("list_transform_jobs", NameContains=load_settings().prefix)
        return [job["TransformJobName"] for job in listed["TransformJobSummaries"]]


def live_answers(world: World, texts: list[str]) -> list[list[str]]:
    """What the endpoint says of each text, asked one by one."""
    runtime = world.aws.client("sagemaker-runtime")
    rows = []
    for text in texts:
        body = datasets.request_csv([text])
        answer = runtime.invoke_endpoint(EndpointName=world.endpoint, ContentType="text/csv", Body=body)
        rows += list(csv.reader(io.StringIO(answer["Body"].read().decode())))
    return rows


def test_predictions_are_the_endpoint_s_answers_and_twice_changes_nothing(world: World) -> None:
    first = world.verdict(sure=0.9)
    world.deploy(first)
    week = Week(world)

    made = week.predict()

    table, reviews = week.table(), week.reviews()
    assert list(table.columns) == [*PREDICTION_TYPES, "dt"]
    assert made["rows"] == len(table) == len(reviews) > 0
    assert set(table["dt"]) == {made["partition"]} == {week.land["data_until"]}
    assert set(table["model_name"]) == {first["model_name"]} == {made["model_name"]}
    assert sum(made["label_counts"].values()) == len(table)
    joined = table.merge(reviews, on="review_id", validate="one_to_one")
    answers = live_answers(world, joined["review_body"].tolist())
    assert joined["predicted_sentiment"].tolist() == [int(row[0]) for row in answers]
    shares = joined[["probability_negative", "probability_neutral", "probability_positive"]]
    assert shares.to_numpy().tolist() == [json.loads(row[2]) for row in answers]

    bucket = world.bucket
    before = [entry for entry in world.aws.list_objects(f"s3://{bucket}/") if "/queries/" not in entry.uri]
    again = week.predict()
    after = [entry for entry in world.aws.list_objects(f"s3://{bucket}/") if "/queries/" not in entry.uri]

    assert again["job"]["outcome"] == "reused"
    assert again["replaced"] is None
    assert len(week.jobs()) == 1
    assert after == before  # the same objects, none of them written again

    second = world.verdict(sure=0.7)
    world.deploy(second)
    other = week.predict()

    table = week.table()
    assert other["replaced"] == first["model_name"]
    assert len(table) == len(reviews)
    assert set(table["model_name"]) == {second["model_name"]}
    assert set(table["probability"].round(6)) == {0.7}


def test_nothing_live_is_no_failure(world: World) -> None:
    week = Week(world)
    with pytest.raises(AirflowSkipException, match="nothing is live"):
        week.predict()
    assert week.jobs() == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"deploy": "force", "run_type": "backfill"}, None),
        ({"predict": "always", "run_type": "backfill", "deploy": "never"}, None),
        ({"run_type": "backfill"}, "a backfill chooses no model"),
        ({"deploy": "never"}, "deploy is never"),
        ({"predict": "never", "deploy": "force"}, "predict is never"),
        ({"mode": "plan_only", "predict": "always"}, "mode is plan_only"),
        ({"mode": "rollback"}, "mode is rollback"),
    ],
)
def test_a_run_that_chose_no_model_scores_only_when_told_to(changes: dict[str, str], reason: Any) -> None:
    found = scoring.why_not(RUN | changes)
    assert found is None if reason is None else str(found).startswith(reason)


def test_the_newest_partition_is_scored_whatever_else_the_window_has() -> None:
    sources = [
        {"sha256": "c", "partition": "2026-03-02"},
        {"sha256": "a", "partition": "2026-03-01"},
        {"sha256": "b", "partition": "2026-03-02"},
    ]
    assert newest_reviews(sources, "2026-03-02") == ("2026-03-02", ("b", "c"))


def test_rows_keep_order_and_say_which_model() -> None:
    frame = prediction_rows(["x", "y"], ANSWER, MODEL)
    assert frame["review_id"].tolist() == ["x", "y"]
    assert frame["predicted_sentiment"].tolist() == [1, -1]
    assert frame["probability_negative"].tolist() == [0.1, 0.5]
    assert set(frame["model_data_until"]) == {"2026-03-01"}
    assert str(frame["predicted_sentiment"].dtype) == "int32"


def test_an_answer_too_few_is_no_table() -> None:
    with pytest.raises(errors.PredictionsMalformed, match="2 predictions"):
        prediction_rows(["x", "y", "z"], ANSWER, MODEL)
