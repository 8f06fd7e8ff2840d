"""The model under analysis: a shadow endpoint for the time of the job, asked in large batches."""

from __future__ import annotations

import ast
import csv
import io
import logging
import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from analyzer.config import AnalyzerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from analyzer.config import PredictorConfig, Value

log = logging.getLogger(__name__)

# InvokeEndpoint takes 6 MB; the row limit keeps slow models within its 60 seconds.
MAX_BATCH_BYTES = 5_000_000
MAX_BATCH_ROWS = 4096
_THREADS = 2
_START_SECONDS = 45 * 60
_DELETE_SECONDS = 90


@dataclass(frozen=True)
class Predictions:
    """Answers of a model: scores (rows, classes) if it gives any, predicted labels if it gives any."""

    scores: NDArray[np.float64] | None
    labels: list[str] | None
    label_headers: list[str] | None

    def require_scores(self) -> NDArray[np.float64]:
        """Return the scores. Raises `AnalyzerError` if the model gives labels alone."""
        if self.scores is None:
            raise AnalyzerError("SHAP needs scores: set predictor.probability to the column that holds them.")
        return self.scores

    def predicted_labels(self, headers: Sequence[Value] | None, threshold: float) -> list[str]:
        """Return a label a row: the model's own, else the best class, else 0 or 1 by the threshold."""
        if self.labels is not None:
            return self.labels
        scores = self.require_scores()
        if scores.shape[1] == 1:
            return [str(int(score > threshold)) for score in scores[:, 0]]
        names = [str(name) for name in headers or self.label_headers or range(scores.shape[1])]
        if len(names) != scores.shape[1]:
            raise AnalyzerError(
                f"predictor.label_headers names {len(names)} classes, the model gives {scores.shape[1]}."
            )
        return [names[index] for index in scores.argmax(axis=1)]


class Predictor:
    """Asks one endpoint for predictions, in batches, two at a time, answers in the order of the rows."""

    def __init__(self, endpoint_name: str, config: PredictorConfig) -> None:
        """endpoint_name: endpoint in service; config: how to ask it and to read its answers."""
        self.endpoint_name = endpoint_name
        self._config = config
        self._client = _client("sagemaker-runtime")
        self._warned = False

    def predict(self, rows: Any) -> Predictions:
        """Return the model's answers for rows of feature values. Raises `AnalyzerError` if it gives none.

        rows: anything with a length that yields rows; rows are taken as they are sent, not all at once.
        """
        if not len(rows):
            raise AnalyzerError("There are no rows to predict.")
        pool = ThreadPoolExecutor(_THREADS)
        try:
            parts = [part for answer in pool.map(self._ask, batches(rows)) for part in answer]
        finally:
            # Not waiting: on a stop the endpoint has to go before the job is killed.
            pool.shutdown(wait=False, cancel_futures=True)
        return parse_csv(parts, self._config.label, self._config.probability)

    def scores(self, rows: Any) -> NDArray[np.float64]:
        """Return scores of shape (rows, classes)."""
        return self.predict(rows).require_scores()

    def _ask(self, lines: list[str]) -> list[list[str]]:
        try:
            answer = list(csv.reader(io.StringIO(self._invoke("".join(lines)), newline="")))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ModelError" or len(lines) == 1:
                raise AnalyzerError(f"Endpoint {self.endpoint_name} gave no prediction: {error}") from error
            if not self._warned:
                log.warning("Fallback to smaller batches because of model error: %s", error)
                self._warned = True
            middle = len(lines) // 2
            return self._ask(lines[:middle]) + self._ask(lines[middle:])
        except (BotoCoreError, csv.Error) as error:
            raise AnalyzerError(f"Endpoint {self.endpoint_name} gave no prediction: {error}") from error
        answer = [row for row in answer if row]
        if len(answer) != len(lines):
            raise AnalyzerError(
                f"Endpoint {self.endpoint_name} answered {len(answer)} lines to {len(lines)} records."
            )
        return answer

    def _invoke(self, body: str) -> str:
        optional = {
            "CustomAttributes": self._config.custom_attributes,
            "TargetModel": self._config.target_model,
        }
        answer = self._client.invoke_endpoint(
            EndpointName=self.endpoint_name,
            ContentType="text/csv",
            Accept="text/csv",
            Body=body.encode(),
            **{key: value for key, value in optional.items() if value is not None},
        )
        return str(answer["Body"].read().decode())


def batches(rows: Iterable[Sequence[Any]]) -> Iterator[list[str]]:
    """Yield CSV lines, one a row, in batches that fit one request."""
    batch: list[str] = []
    size = 0
    for row in rows:
        buffer = io.StringIO(newline="")
        # What is missing is an empty cell; nothing but NaN differs from itself.
        cells = ["" if cell is None or cell != cell else cell for cell in row]
        csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerow(cells)
        line = buffer.getvalue()
        length = len(line) if line.isascii() else len(line.encode())
        if batch and (size + length > MAX_BATCH_BYTES or len(batch) == MAX_BATCH_ROWS):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += length
    if batch:
        yield batch


def parse_csv(rows: list[list[str]], label: Value | None, probability: Value | None) -> Predictions:
    """Return the answers in CSV rows.

    label: index of the column of predicted labels, or of the bracketed list of all of them.
    probability: index of the score, or of a bracketed list of one score a class, ``[0.1, 0.2, 0.7]``.
    Without both the whole row is the scores. Raises `AnalyzerError` for a missing column or anything else in
    its place.
    """
    labels, headers, scores = None, None, None
    if label is not None:
        cells = _column(rows, label, "predictor.label")
        if cells[0].startswith("["):
            headers = [str(item) for item in _list(cells[0])]
        else:
            labels = cells
    if probability is not None:
        scores = _scores([_list(cell) for cell in _column(rows, probability, "predictor.probability")])
    elif label is None:
        scores = _scores([list(row) for row in rows])
    return Predictions(scores, labels, headers)


def _column(rows: list[list[str]], index: Value, key: str) -> list[str]:
    if not isinstance(index, int):
        raise AnalyzerError(f"{key} is {index!r}, expected a column index: the model answers text/csv.")
    for number, row in enumerate(rows, start=1):
        if not 0 <= index < len(row):
            raise AnalyzerError(f"{key} is {index}, but answer {number} has {len(row)} columns: {row}")
    return [row[index] for row in rows]


def _list(cell: str) -> list[Any]:
    if not cell.startswith("["):
        return [cell]
    try:
        return list(ast.literal_eval(cell))
    except (ValueError, SyntaxError) as error:
        raise AnalyzerError(f"The model answered {cell[:80]!r}, expected a list of values.") from error


def _scores(rows: list[list[Any]]) -> NDArray[np.float64]:
    try:
        return np.array(rows, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise AnalyzerError(
            f"The model answered {rows[0]}, expected as many scores for each row. {error}"
        ) from error


@contextmanager
def hosted(config: PredictorConfig) -> Iterator[Predictor]:
    """Yield a predictor; for a model name, of a shadow endpoint that exists only inside the block.

    Raises `AnalyzerError` if the endpoint does not come into service. Endpoint and configuration are deleted
    whatever happens in the block.
    """
    if config.endpoint_name:
        yield Predictor(config.endpoint_name, config)
        return
    client = _client("sagemaker")
    suffix = f"{int(time.time())}-{secrets.token_hex(2)}"
    prefix = f"{config.endpoint_name_prefix}-{config.model_name}"[: 62 - len(suffix)].rstrip("-")
    name = f"{prefix}-{suffix}"
    try:
        _create(client, name, config)
        yield Predictor(name, config)
    finally:
        _delete(client, name)


def _create(client: Any, name: str, config: PredictorConfig) -> None:
    log.info("Creating endpoint %s for model %s", name, config.model_name)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": config.model_name,
        "InstanceType": config.instance_type,
        "InitialInstanceCount": config.initial_instance_count,
    }
    try:
        client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        client.create_endpoint(EndpointName=name, EndpointConfigName=name)
        _wait(client, name)
    except (ClientError, BotoCoreError) as error:
        raise AnalyzerError(f"ClientError: Error hosting endpoint {name}: {error}") from error


def _wait(client: Any, name: str) -> None:
    started, pause = time.monotonic(), 0.5
    while True:
        answer = client.describe_endpoint(EndpointName=name)
        status, seconds = answer["EndpointStatus"], time.monotonic() - started
        log.info("Endpoint %s is %s after %.0f s", name, status, seconds)
        if status == "InService":
            return
        if status not in ("Creating", "Updating", "SystemUpdating") or seconds > _START_SECONDS:
            raise AnalyzerError(
                f"ClientError: Error hosting endpoint {name}: {status}. "
                f"Reason: {answer.get('FailureReason', f'not in service after {seconds:.0f} s')}"
            )
        time.sleep(pause)
        pause = min(pause * 1.5, 15.0)


def _delete(client: Any, name: str) -> None:
    for delete, parameter in (
        (client.delete_endpoint, "EndpointName"),
        (client.delete_endpoint_config, "EndpointConfigName"),
    ):
        _delete_one(delete, parameter, name)
    log.info("Deleted endpoint %s", name)


def _delete_one(delete: Any, parameter: str, name: str) -> None:
    started = time.monotonic()
    while True:
        try:
            delete(**{parameter: name})
            return
        except (ClientError, BotoCoreError) as error:
            if "Could not find" in str(error):
                return
            # An endpoint that is still being created refuses for a while.
            if time.monotonic() - started > _DELETE_SECONDS:
                log.error("%s %s could not be deleted, delete it by hand: %s", parameter, name, error)  # noqa: TRY400
                return
            time.sleep(3)


def _client(service: str) -> Any:
    # SageMaker tells its containers AWS_REGION; boto3 reads the other name.
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    settings = Config(
        retries={"mode": "standard", "max_attempts": 6}, read_timeout=75, max_pool_connections=4
    )
    return boto3.client(service, region_name=region, config=settings)
