"""The model under analysis: a shadow endpoint for the time of the job, asked in large batches."""

from __future__ import annotations

import csv
import json
import logging
import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from analyzer import payloads
from analyzer.answers import parse_csv, parse_json
from analyzer.config import AnalyzerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from analyzer.answers import Predictions
    from analyzer.config import PredictorConfig

log = logging.getLogger(__name__)

_THREADS = 2
_START_SECONDS = 45 * 60
_DELETE_SECONDS = 90
# CreateEndpoint's documentation: what was made a moment ago is read with eventual consistency.
_SEEN_LATE_SECONDS = (0.5, 1.0, 2.0, 4.0)


class Predictor:
    """Asks one endpoint for predictions, in batches, two at a time, answers in the order of the rows."""

    def __init__(self, endpoint_name: str, config: PredictorConfig, features: Sequence[str] = ()) -> None:
        """Of an endpoint in service, asked and understood as configured.

        features: names of the values of a row, for templates that write them. Raises `AnalyzerError` for a
        template that does not fit them.
        """
        self.endpoint_name = endpoint_name
        self._content = payloads.content_of(config, features)
        self._read = payloads.reader_of(config)
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
            asked = pool.map(self._ask, payloads.batches(rows, self._content))
            parts = [part for answer in asked for part in answer]
        finally:
            # Not waiting: on a stop the endpoint has to go before the job is killed.
            pool.shutdown(wait=False, cancel_futures=True)
        if self._config.accept_type in (None, "text/csv"):
            return parse_csv(parts, self._config.label, self._config.probability)
        return parse_json(parts, self._config.label, self._config.probability)

    def scores(self, rows: Any) -> NDArray[np.float64]:
        """Return scores of shape (rows, classes)."""
        return self.predict(rows).require_scores()

    def _ask(self, records: list[str]) -> list[payloads.Answer]:
        try:
            answer = self._read(self._invoke(self._content.body(records)), len(records))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ModelError" or len(records) == 1:
                raise AnalyzerError(f"Endpoint {self.endpoint_name} gave no prediction: {error}") from error
            if not self._warned:
                log.warning("Fallback to smaller batches because of model error: %s", error)
                self._warned = True
            middle = len(records) // 2
            return self._ask(records[:middle]) + self._ask(records[middle:])
        except (BotoCoreError, csv.Error, ValueError) as error:
            raise AnalyzerError(f"Endpoint {self.endpoint_name} gave no prediction: {error}") from error
        if len(answer) != len(records):
            raise AnalyzerError(
                f"Endpoint {self.endpoint_name} answered {len(answer)} lines to {len(records)} records."
            )
        return answer

    def _invoke(self, body: str) -> str:
        optional = {
            "CustomAttributes": self._config.custom_attributes,
            "TargetModel": self._config.target_model,
        }
        answer = self._client.invoke_endpoint(
            EndpointName=self.endpoint_name,
            ContentType=self._content.media_type,
            Accept=self._config.accept_type or "text/csv",
            Body=body.encode(),
            **{key: value for key, value in optional.items() if value is not None},
        )
        return str(answer["Body"].read().decode())


@contextmanager
def hosted(config: PredictorConfig, features: Sequence[str]) -> Iterator[Predictor]:
    """Yield a predictor for rows of `features`, of an endpoint or of a model.

    For a model there is a shadow endpoint, which exists only inside the block.
    Raises `AnalyzerError` if the endpoint does not come into service. Endpoint and configuration are deleted
    whatever happens in the block.
    """
    if config.endpoint_name:
        yield Predictor(config.endpoint_name, config, features)
        return
    # A template that does not fit is told before the endpoint is paid for.
    payloads.content_of(config, features)
    client = _client("sagemaker")
    suffix = f"{int(time.time())}-{secrets.token_hex(2)}"
    prefix = f"{config.endpoint_name_prefix}-{config.model_name}"[: 62 - len(suffix)].rstrip("-")
    name = f"{prefix}-{suffix}"
    try:
        _create(client, name, config)
        yield Predictor(name, config, features)
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
        _create_endpoint(client, name)
        _wait(client, name)
    except (ClientError, BotoCoreError) as error:
        raise AnalyzerError(f"ClientError: Error hosting endpoint {name}: {error}") from error


def _create_endpoint(client: Any, name: str) -> None:
    """Create the endpoint of the configuration of the same name, which AWS may see a moment late."""
    for seconds in _SEEN_LATE_SECONDS:
        try:
            client.create_endpoint(EndpointName=name, EndpointConfigName=name)
        except ClientError as error:
            if "Could not find endpoint configuration" not in str(error):
                raise
            log.info("Asking again in %.1f s: %s", seconds, error)
            time.sleep(seconds)
        else:
            return
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)


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
    settings = Config(
        retries={"mode": "standard", "max_attempts": 6}, read_timeout=75, max_pool_connections=4
    )
    return boto3.client(service, region_name=_region(), config=settings)


def _region() -> str | None:
    """Region of this job; None leaves it to boto3.

    boto3 does not read AWS_REGION, which SageMaker sets. Where a container is told neither name, the ARN of
    its job has it.
    """
    told = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    path = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")) / "config/processingjobconfig.json"
    if told or not path.is_file():
        return told
    parts = str(json.loads(path.read_text("utf-8")).get("ProcessingJobArn", "")).split(":")
    return parts[3] if len(parts) > 3 else None
