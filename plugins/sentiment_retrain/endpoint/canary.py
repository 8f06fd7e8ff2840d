"""Known questions to an endpoint that is being updated, and what the new fleet answers, as metrics.

Both fleets answer under one name. A batch goes to one instance whole, and the old fleet's answer to it is
known from before the update: any other answer is the new fleet's. So its quality is measured by itself,
however small its share of the traffic.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from sentiment_retrain.aws.error_translation import error_code, translated
from sentiment_retrain.endpoint.alarms import AGREEMENT_METRIC, GOLDEN_METRIC, NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sentiment_retrain.aws.hooks import Aws

log = logging.getLogger(__name__)

CONTENT_TYPE = "text/csv"
#: A round asks so often that a fleet with its share of the traffic is met with this probability.
CERTAINTY = 0.95
MOST_BATCHES = 20


class Quality(NamedTuple):
    """What one answer of the new fleet is worth, each from 0 to 1; None where nothing was asked."""

    golden: float | None
    agreement: float | None


def batches_of(share: float) -> int:
    """Batches a round, so that a fleet with this share of the traffic is met with :data:`CERTAINTY`."""
    if share >= 1:
        return 1
    return min(MOST_BATCHES, math.ceil(math.log(1 - CERTAINTY) / math.log(1 - share)))


def judge(answer: str, expected: Sequence[int], offline: Sequence[int]) -> Quality:
    """Quality of one answer to a batch of golden requests followed by test rows.

    :param answer: of docs/contracts.md section 3; one that is not counts as all wrong
    :param expected: sentiment of each golden request
    :param offline: what the model said of each test row in its evaluation
    """
    labels = labels_of(answer, len(expected) + len(offline))
    return Quality(_share(labels[: len(expected)], expected), _share(labels[len(expected) :], offline))


def labels_of(answer: str, count: int) -> list[int | None]:
    """The sentiment of each of ``count`` rows, None for all when the answer breaks the contract."""
    from sentiment_retrain import errors
    from sentiment_retrain.verdict import evaluation

    try:
        found = evaluation.parse_predictions(answer.splitlines(), count).labels.tolist()
    except errors.PredictionsMalformed as error:
        log.warning("an answer breaks the contract: %s", error)
        return [None] * count
    return [int(label) for label in found]


def _share(found: Sequence[int | None], wanted: Sequence[int]) -> float | None:
    if not wanted:
        return None
    return sum(one == other for one, other in zip(found, wanted, strict=True)) / len(wanted)


class Canary:
    """Asks one round after the other.

    :param plan: ``endpoint_name, dimensions, body, expected, offline, before, batches``: the request (CSV),
        what is right, what the old fleet answers, and how many times a round asks
    """

    def __init__(self, aws: Aws, plan: Mapping[str, Any]) -> None:
        self._aws = aws
        self._plan = plan

    def round(self) -> list[Quality]:
        """Ask, publish the metrics of the new fleet's answers, and give these."""
        found: list[Quality] = []
        for _ in range(int(self._plan["batches"])):
            answer = ask(self._aws, self._plan["endpoint_name"], self._plan["body"])
            if answer is None:
                found.append(Quality(0.0 if self._plan["expected"] else None, None))
            elif answer != self._plan["before"]:
                found.append(judge(answer, self._plan["expected"], self._plan["offline"]))
        self._publish(found)
        return found

    def _publish(self, found: Sequence[Quality]) -> None:
        now = dt.datetime.now(dt.UTC)
        data = [
            {"MetricName": name, "Value": value, "Timestamp": now, "Dimensions": self._plan["dimensions"]}
            for quality in found
            for name, value in ((GOLDEN_METRIC, quality.golden), (AGREEMENT_METRIC, quality.agreement))
            if value is not None
        ]
        if data:
            self._aws.call("cloudwatch", "put_metric_data", Namespace=NAMESPACE, MetricData=data)


def ask(aws: Aws, endpoint_name: str, body: str) -> str | None:
    """The endpoint's answer, None when the model failed.

    :raises RetrainError: for anything that is not the model's fault
    """
    from botocore.exceptions import ClientError

    with translated(f"sagemaker-runtime:InvokeEndpoint {endpoint_name}"):
        try:
            answer = aws.client("sagemaker-runtime").invoke_endpoint(
                EndpointName=endpoint_name, ContentType=CONTENT_TYPE, Accept=CONTENT_TYPE, Body=body.encode()
            )
        except ClientError as error:
            if error_code(error) == "ModelError":
                return None
            raise
        return str(answer["Body"].read().decode())
