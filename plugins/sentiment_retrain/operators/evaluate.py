"""``evaluate.*``: every model answers the same test reviews through the pipeline that would serve it."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from sentiment_retrain import errors
from sentiment_retrain.aws import models
from sentiment_retrain.operators.input_records import noted
from sentiment_retrain.operators.sagemaker_job import SageMakerJobOperator
from sentiment_retrain.operators.transform_request import transform_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.operators.job_request import JobRequest

STEP = "transform"


class EvaluateModelOperator(SageMakerJobOperator):
    """Batch transform of the common test rows, and its metrics.

    Without a ``contender`` it is the live champion that is evaluated.

    :param run: output of ``plan``
    :param datasets: output of ``prepare.datasets``
    :param contender: output of ``train.*``
    """

    template_fields: Sequence[str] = ("run", "datasets", "contender")

    def __init__(self, *, datasets: Any, contender: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.datasets = datasets
        self.contender = contender

    def next_job(self, done: Mapping[str, dict[str, Any]]) -> JobRequest | None:
        """The transform job."""
        return None if done else self.request(self._model())

    def request(self, model: Mapping[str, Any]) -> JobRequest:
        """The transform job of one model: ``model_name, model_fingerprint``."""
        request = transform_request(
            self.settings,
            bucket=self.run["bucket"],
            step=STEP,
            model_name=model["model_name"],
            input_uri=self.datasets["files"]["test_input"],
            inputs={
                "model": model["model_fingerprint"],
                "test_input": self.datasets["sha256"]["test_input"],
            },
            data_until=self.datasets["data_until"],
        )
        return noted(self, request)

    def _model(self) -> dict[str, Any]:
        """``contender, model_name, model_fingerprint, containers`` of what is evaluated."""
        if self.contender:
            name, fingerprint = models.ensure_model(
                self.aws,
                self.settings,
                self.run,
                contender=self.contender["contender"],
                containers=self.contender["containers"],
                data_until=self.datasets["data_until"],
            )
            return {
                "contender": self.contender["contender"],
                "model_name": name,
                "model_fingerprint": fingerprint,
                "containers": self.contender["containers"],
            }
        champion = self.run["champion"]
        if not champion:
            raise AirflowSkipException("nothing is live yet: there is no champion to evaluate")
        description = self.aws.find("describe_model", ModelName=champion["model_name"])
        if description is None:
            raise errors.AwsError(
                f"model {champion['model_name']} of endpoint {champion['endpoint_name']} is gone",
                "the model that the endpoint's configuration names",
                "Run with deploy: force, which replaces the champion, or create the model again.",
            )
        return {
            "contender": "champion",
            "model_name": champion["model_name"],
            "model_fingerprint": champion["model_fingerprint"],
            "containers": models.containers_of(description),
        }

    def parse(self, context: Context, done: Mapping[str, dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG002
        """The evaluation of docs/contracts.md section 2."""
        from sentiment_retrain.verdict import evaluation

        rules = self.settings.selection
        rows = common_test_rows(self.aws, self.datasets)
        labels = [int(row["sentiment"]) for row in rows]
        predictions_uri = find_output(self.aws, done[STEP]["output_uri"])
        lines = self.aws.get_bytes(predictions_uri).decode().splitlines()
        test = evaluation.evaluate(
            labels,
            evaluation.parse_predictions(lines, len(labels)),
            groups=[row["product_category"] for row in rows],
            minimum_group_size=self.settings.gates.post_training_bias.minimum_group_size,
            confidence=rules.confidence,
            bootstrap_samples=rules.bootstrap_samples,
            seed=rules.seed,
        )
        model = self._model()
        self.log.info(
            "%s on %d test rows: accuracy %.3f, balanced accuracy %.3f, macro F1 %.3f, "
            "log loss %.3f, calibration error %.3f",
            model["contender"],
            test["n"],
            test["accuracy"],
            test["balanced_accuracy"],
            test["macro_f1"],
            test["log_loss"],
            test["ece"],
        )
        return {**model, "job": done[STEP], "predictions_uri": predictions_uri, "test": test}


def find_output(aws: Aws, prefix: str) -> str:
    """URI of the one ``.out`` object that a transform of one input object leaves."""
    found = [entry.uri for entry in aws.list_objects(f"{prefix.rstrip('/')}/") if entry.uri.endswith(".out")]
    if len(found) != 1:
        raise errors.ResultMalformed(f"{len(found)} objects *.out under {prefix}", "exactly one")
    return found[0]


def read_csv(content: bytes) -> list[dict[str, str]]:
    """Rows of a small CSV object with a header."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def true_labels(aws: Aws, datasets: Mapping[str, Any]) -> list[int]:
    """Sentiment of each test row, in the common order."""
    return [int(row["sentiment"]) for row in common_test_rows(aws, datasets)]


def common_test_rows(aws: Aws, datasets: Mapping[str, Any]) -> list[dict[str, str]]:
    """``review_id, sentiment, product_category, review_length`` of each test row, in the common order."""
    return read_csv(aws.get_bytes(datasets["files"]["test_labels"]))
