"""``predict``: the live model answers the newest reviews, into the Glue table ``predictions``."""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk.exceptions import AirflowSkipException

from sentiment_retrain import errors, naming
from sentiment_retrain.aws.glue_tables import (
    PARQUET,
    PARQUET_PARAMETERS,
    PARTITION_TYPES,
    GlueTables,
    WantedTable,
    table_input,
)
from sentiment_retrain.data import datasets
from sentiment_retrain.data.columns import PREDICTION_TYPES
from sentiment_retrain.endpoint import champion
from sentiment_retrain.operators.evaluate import find_output
from sentiment_retrain.operators.ingest import parse_fingerprint
from sentiment_retrain.operators.input_records import noted
from sentiment_retrain.operators.sagemaker_job import SageMakerJobOperator
from sentiment_retrain.operators.transform_request import transform_request
from sentiment_retrain.runs import scoring

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from airflow.sdk import Context

    from sentiment_retrain.operators.job_request import JobRequest
    from sentiment_retrain.settings import Settings

STEP = "predict"
TABLE = "predictions"
_PROBABILITIES = ("probability_negative", "probability_neutral", "probability_positive")


class Reviews(NamedTuple):
    """Curated reviews of one partition: the source objects that the plan froze."""

    partition: str
    digests: tuple[str, ...]

    def identity(self, settings: Settings) -> str:
        """What the rows are, known before they are read."""
        return naming.fingerprint(
            {"sources": self.digests, "parser": parse_fingerprint(settings), "partition": self.partition}
        )


class PredictOperator(SageMakerJobOperator):
    """Batch transform of the newest partition's reviews by the model that is live when the task starts.

    The table has one object a partition, replaced in one request: a query sees all of a partition's
    predictions by one model. The same model and reviews are the same job, and the same object.

    :param run: output of ``plan``
    :param land: output of ``ingest.land_reviews``
    """

    template_fields: Sequence[str] = ("run", "land")

    def __init__(self, *, land: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.land = land

    def next_job(self, done: Mapping[str, dict[str, Any]]) -> JobRequest | None:
        """The transform job; skips the task where nothing is to be scored."""
        if done:
            return None
        reason = scoring.why_not(self.run)
        if reason:
            raise AirflowSkipException(reason)
        live = champion.find_champion(self.aws, self.settings.endpoint_name)
        if live is None:
            raise AirflowSkipException("nothing is live: there is no model to predict with")
        reviews = self._reviews()
        if live["data_until"] < reviews.partition:
            self.log.warning(
                "%s was trained on data until %s; the reviews are of %s",
                live["model_name"],
                live["data_until"] or "an unknown day",
                reviews.partition,
            )
        return noted(self, self.request(live, reviews))

    def request(self, live: Mapping[str, Any], reviews: Reviews) -> JobRequest:
        """The transform job of one model and one partition's reviews."""
        identity = reviews.identity(self.settings)
        place = identity[: naming.PATH_FINGERPRINT_LENGTH]
        input_uri = f"s3://{self.run['bucket']}/scoring/dt={reviews.partition}/{place}.csv"

        def upload(_name: str) -> None:
            texts = self._rows(reviews)["review_body"]
            self.aws.put_bytes(input_uri, datasets.request_csv(texts), "text/csv")

        return transform_request(
            self.settings,
            bucket=self.run["bucket"],
            step=STEP,
            model_name=live["model_name"],
            input_uri=input_uri,
            inputs={"model": live["model_fingerprint"], "reviews": identity},
            data_until=reviews.partition,
            prepare=upload,
        )

    def parse(self, context: Context, done: Mapping[str, dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG002
        """Write and register the predictions (docs/contracts.md section 2)."""
        reviews = self._reviews()
        model = self._model_of(done[STEP]["name"])
        frame = prediction_rows(
            self._rows(reviews)["review_id"].tolist(),
            self.aws.get_bytes(find_output(self.aws, done[STEP]["output_uri"])),
            model,
        )
        uri = f"s3://{self.run['bucket']}/{TABLE}/dt={reviews.partition}/{TABLE}.parquet"
        replaced = self._write(uri, frame)
        self._register(reviews.partition)
        counts = Counter(frame["predicted_sentiment"].tolist())
        self.log.info(
            "%d reviews of %s, answered by %s: %s", len(frame), reviews.partition, model["model_name"], counts
        )
        return {
            "database": self.settings.database,
            "table": TABLE,
            "partition": reviews.partition,
            "predictions_uri": uri,
            "rows": len(frame),
            "label_counts": {str(label): counts[label] for label in sorted(counts)},
            **model,
            "replaced": replaced,
            "job": done[STEP],
        }

    def _reviews(self) -> Reviews:
        sources = self.aws.get_json(self.run["plan_uri"])["sources"]
        return newest_reviews(sources, self.land["data_until"])

    def _rows(self, reviews: Reviews) -> pd.DataFrame:
        """``review_id`` and ``review_body``, always in the same order."""
        import awswrangler as wr
        import pandas as pd

        root = f"s3://{self.run['bucket']}/curated/reviews/dt={reviews.partition}"
        frames = []
        for digest in reviews.digests:
            uri = f"{root}/{digest[: naming.PATH_FINGERPRINT_LENGTH]}.parquet"
            if not self.aws.exists(uri):
                raise errors.SourceNotFound(
                    f"{uri} is gone",
                    "the rows that this run landed or found landed",
                    "The delivery was corrected since the plan: clear the run, or start a new one.",
                )
            frames.append(
                wr.s3.read_parquet(uri, columns=["review_id", "review_body"], boto3_session=self.aws.session)
            )
        return pd.concat(frames, ignore_index=True)

    def _model_of(self, job: str) -> dict[str, str]:
        """The model that a job asked, which need not be live any more when the job has ended."""
        name = self.aws.sagemaker("describe_transform_job", TransformJobName=job)["ModelName"]
        arn = self.aws.sagemaker("describe_model", ModelName=name)["ModelArn"]
        tags = self.aws.tags(arn)
        return {
            "model_name": name,
            "model_fingerprint": tags.get("retrain:fingerprint", ""),
            "model_data_until": tags.get("retrain:data-until", ""),
        }

    def _write(self, uri: str, frame: pd.DataFrame) -> str | None:
        """Put the partition's object unless it is there already; the model whose answers it replaced."""
        import pandas as pd

        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False, compression="snappy")
        before = self.aws.get_bytes(uri) if self.aws.exists(uri) else None
        if before == buffer.getvalue():
            self.log.info("%s has these predictions already", uri)
            return None
        self.aws.put_bytes(uri, buffer.getvalue(), "application/vnd.apache.parquet")
        if before is None:
            return None
        earlier = pd.read_parquet(io.BytesIO(before), columns=["model_name"])["model_name"]
        replaced = str(earlier.iloc[0]) if len(earlier) else ""
        self.log.info("they replace those of %s", replaced)
        return replaced

    def _register(self, partition: str) -> None:
        """Make table and partition known to Athena."""
        import awswrangler as wr

        settings = self.settings
        root = f"s3://{self.run['bucket']}/{TABLE}/"
        tables = GlueTables(self.aws, settings.database)
        tables.make_database()
        described = "What the live model says of each review of a partition, and which model it was"
        tables.agree(
            WantedTable(table_input(TABLE, root, PREDICTION_TYPES, described, PARQUET, PARQUET_PARAMETERS))
        )
        wr.catalog.add_parquet_partitions(
            settings.database,
            TABLE,
            {f"{root}{next(iter(PARTITION_TYPES))}={partition}/": [partition]},
            compression="snappy",
            columns_types=PREDICTION_TYPES,
            boto3_session=self.aws.session,
        )


def newest_reviews(sources: Iterable[Mapping[str, Any]], data_until: str) -> Reviews:
    """The source objects of the newest partition among those that a plan froze."""
    digests = {str(source["sha256"]) for source in sources if source["partition"] == data_until}
    return Reviews(data_until, tuple(sorted(digests)))


def prediction_rows(review_ids: Sequence[str], output: bytes, model: Mapping[str, str]) -> pd.DataFrame:
    """Rows of the table, one a review, in the order of the reviews.

    :param output: a transform's answers in the serving contract's CSV
    :param model: ``model_name, model_fingerprint, model_data_until``
    :raises PredictionsMalformed: when the answers are not as many as the reviews, or break the contract
    """
    import pandas as pd

    from sentiment_retrain.verdict import evaluation

    parsed = evaluation.parse_predictions(output.decode().splitlines(), len(review_ids))
    probabilities = dict(zip(_PROBABILITIES, parsed.probabilities.T, strict=True))
    frame = pd.DataFrame(
        {
            "review_id": list(review_ids),
            "predicted_sentiment": parsed.labels.astype("int32"),
            "probability": parsed.probabilities.max(axis=1),
            **probabilities,
            **model,
        }
    )
    return frame[list(PREDICTION_TYPES)]
