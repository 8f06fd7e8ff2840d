"""``deploy.verify``: the live endpoint, asked what is known; one that answers wrongly is put back."""

from __future__ import annotations

import csv
import io
import math
import time
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from sentiment_retrain import errors
from sentiment_retrain.aws import packages
from sentiment_retrain.aws.error_translation import error_code, translate
from sentiment_retrain.data.datasets import request_csv
from sentiment_retrain.endpoint import history, requests, scaling
from sentiment_retrain.endpoint.canary import labels_of
from sentiment_retrain.endpoint.updates import PUT_BACK, begin_update, pending_config
from sentiment_retrain.operators.base import RetrainOperator
from sentiment_retrain.verdict import gates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.settings import Settings

CONTENT_TYPE = "text/csv"
#: Modelled errors that botocore does not retry although they pass.
_PASSING = frozenset({"ModelNotReadyException", "InternalDependencyException"})
_ATTEMPTS = 5
#: Outcomes of a deployment by which this run's model took another one's place.
_REPLACED = frozenset({"updated", "reconnected"})


class VerifyEndpointOperator(RetrainOperator):
    """Golden requests, agreement with the offline evaluation, latency.

    The canary has asked the same while only a part of the traffic could meet the model; here it is all of the
    endpoint, and the numbers for the card. Where a gate says no, what was live before goes live again.

    :param run: output of ``plan``
    :param datasets: output of ``prepare.datasets``
    :param verdict: output of ``select_best``
    :param deployment: output of ``deploy.endpoint``
    :param registration: output of ``register_model``, whose package is marked when the model is put back
    """

    template_fields: Sequence[str] = ("run", "datasets", "verdict", "deployment", "registration")

    def __init__(
        self, *, datasets: Any, verdict: Any, deployment: Any, registration: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.registration = registration
        self.datasets = datasets
        self.verdict = verdict
        self.deployment = deployment

    def work(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Ask, and hand on ``gates, golden, agreement, latency_ms``."""
        replaced_by = self._replaced_by()
        if replaced_by:
            raise AirflowSkipException(f"{replaced_by}: nothing of this run is live to be verified")
        try:
            found, result = self._questioned()
        except errors.RetrainError as error:
            # Each try, not only the last one: a run may be cancelled between two of them.
            error.result = {"put_back": said} if (said := self._mark_undecided()) else None  # type: ignore[attr-defined]
            raise
        try:
            settled = self.settle(found, result)
        except errors.GateFailed as error:
            failed = ", ".join(gate["gate"] for gate in error.gates if gate["status"] == "fail")
            result["put_back"] = self._put_back(failed)
            raise
        history.mark_verified(self.aws, self._endpoint()["EndpointArn"])
        return settled

    def _questioned(self) -> tuple[list[gates.Gate], dict[str, Any]]:
        """What the gates say of the endpoint's answers, and these."""
        limits = self.settings.gates
        golden = self._golden()
        agreement = self._agreement()
        latency = self._latency(limits.latency.requests)
        found = [
            gates.golden([(request, answer) for request, answer in golden], limits.golden),
            gates.agreement(agreement["equal"], agreement["compared"], limits.agreement),
            gates.latency(latency["p95"], latency["p50"], limits.latency),
        ]
        result = {
            "golden": [
                {"text": request.text, "expected": request.expected, "answer": answer}
                for request, answer in golden
            ],
            "agreement": agreement,
            "latency_ms": latency,
        }
        return found, result

    def _mark_undecided(self) -> str | None:
        """Note that what this run made live is unverified, and say so; None where it made nothing live."""
        config, outcome = self.deployment["endpoint_config_name"], self.deployment.get("outcome")
        if outcome != "created" and outcome not in _REPLACED:
            return None
        said = f"live but unverified: the verification of {config} came to no end"
        try:
            current = self._endpoint()
            if current["EndpointConfigName"] != config:
                return None
            history.mark_unverified(self.aws, current["EndpointArn"], config, is_undecided=True)
        except errors.RetrainError as error:
            # The first error is the one to be told of; clearing the task asks again.
            self.log.warning("%s, which could not be noted: %s", said, error)
            return f"{said}; the endpoint could not be marked, so the next run takes it for verified"
        self.log.error("%s", said)
        return f"{said}; clear deploy.verify to ask again, else the next run deploys and verifies its winner"

    def _endpoint(self) -> dict[str, Any]:
        name = self.deployment["endpoint_name"]
        return dict(self.aws.sagemaker("describe_endpoint", EndpointName=name))

    def _replaced_by(self) -> str | None:
        """In words what took, or is taking, the place of this run's model: another run's, or a rollback."""
        current, ours = self._endpoint(), self.deployment["endpoint_config_name"]
        pending = pending_config(current) or ours
        other = next((one for one in (pending, current["EndpointConfigName"]) if one != ours), None)
        return f"{current['EndpointName']} goes from {ours} to {other}" if other else None

    def _put_back(self, failed: str) -> str:
        """Undo this run's own update; says what became of the endpoint."""
        name, before = self.deployment["endpoint_name"], self.deployment["previous_endpoint_config_name"]
        if self.deployment.get("outcome") == "created" or not before:
            config = self.deployment["endpoint_config_name"]
            history.mark_unverified(self.aws, self._endpoint()["EndpointArn"], config)
            return "left as it is: nothing was live before; the next run deploys and verifies its winner"
        if self.deployment.get("outcome") not in _REPLACED:
            return "left as it is: this run did not replace a model"
        replaced_by = self._replaced_by()
        if replaced_by:
            return f"left as it is: {replaced_by}"
        try:
            said = put_back(self.aws, self.settings, name, before)
        except errors.RetrainError as error:
            # The gates' error is the one that tells whoever is woken what customers get.
            said = f"{name} could not be put back to {before}: {error.observed}"
        self.log.error("%s", said)
        if said == PUT_BACK.format(name, before):
            self.remember(put_back_to=before)
        else:
            config = self.deployment["endpoint_config_name"]
            history.mark_unverified(self.aws, self._endpoint()["EndpointArn"], config)
        if self.registration:
            words = f"put back by run {self.run['run_key']}: {failed} failed on the live endpoint"
            packages.reject_rolled_back(self.aws, self.registration["model_package_arn"], words)
        return said

    def _ask(self, body: bytes) -> str | None:
        """The endpoint's answer to one CSV request, None when the model failed.

        Errors that pass are tried again.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        runtime = self.aws.client("sagemaker-runtime")
        name = self.deployment["endpoint_name"]
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answer = runtime.invoke_endpoint(
                    EndpointName=name, ContentType=CONTENT_TYPE, Accept=CONTENT_TYPE, Body=body
                )
                return str(answer["Body"].read().decode())
            except (BotoCoreError, ClientError) as error:
                if error_code(error) == "ModelError":
                    # It is the model that is asked about: no answer is a wrong one.
                    self.log.warning("%s", error)
                    return None
                if error_code(error) not in _PASSING or attempt == _ATTEMPTS:
                    raise translate(error, f"sagemaker-runtime:InvokeEndpoint {name}") from error
                time.sleep(attempt)
        raise errors.ServiceUnavailable(f"endpoint {name} was never ready", "an answer")

    def made(self, result: Any) -> Any:
        """What serves now; the result has only how it answers."""
        del result
        return self.deployment

    def _golden(self) -> list[tuple[Any, int | None]]:
        """Each golden request and the sentiment answered, None for an answer that breaks the contract."""
        answers: list[tuple[Any, int | None]] = []
        for request in self.settings.golden_requests:
            answer = self._ask(request_csv([request.text]))
            label = labels_of(answer, 1)[0] if answer is not None else None
            self.log.info("golden request %r: %s, expected %s", request.text, label, request.expected)
            answers.append((request, label))
        return answers

    def _agreement(self) -> dict[str, Any]:
        """How many sampled test rows get the label live that they got offline."""
        from sentiment_retrain.verdict import evaluation

        texts = [row[0] for row in self._rows(self.datasets["files"]["test_input"])]
        offline = evaluation.parse_predictions(
            self.aws.get_bytes(self.verdict["predictions_uri"]).decode().splitlines(), len(texts)
        ).labels.tolist()
        step = max(1, len(texts) // self.settings.gates.agreement.sample_rows)
        chosen = list(range(0, len(texts), step))[: self.settings.gates.agreement.sample_rows]
        answer = self._ask(request_csv([texts[position] for position in chosen]))
        live = labels_of(answer or "", len(chosen))
        different = [
            {"row": position, "live": seen, "offline": int(offline[position])}
            for position, seen in zip(chosen, live, strict=True)
            if seen != offline[position]
        ]
        compared = len(chosen)
        return {"equal": compared - len(different), "compared": compared, "different": different[:10]}

    def _rows(self, uri: str) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.aws.get_bytes(uri).decode(), newline="")))

    def _latency(self, requests: int) -> dict[str, float]:
        """Median, 95th percentile and maximum of single requests, in milliseconds."""
        goldens = self.settings.golden_requests
        milliseconds: list[float] = []
        for number in range(requests):
            body = request_csv([goldens[number % len(goldens)].text])
            began = time.monotonic()
            self._ask(body)
            milliseconds.append((time.monotonic() - began) * 1000)
        return summary(milliseconds)


def put_back(aws: Aws, settings: Settings, name: str, config: str) -> str:
    """Update the endpoint to a former configuration at once, and wait; what came of it in words."""
    current = aws.sagemaker("describe_endpoint", EndpointName=name)
    earlier = aws.tags(current["EndpointArn"]).get(history.PREVIOUS_TAG)
    if not begin_update(aws, current, config, requests.at_once(settings.deployment)):
        return f"{name} is left as it is: another update of it is under way"
    deadline = time.monotonic() + settings.deploy_timeout_seconds
    while True:
        current = aws.sagemaker("describe_endpoint", EndpointName=name)
        if current["EndpointStatus"] == "InService":
            break
        if time.monotonic() > deadline:
            return f"{name} is still {current['EndpointStatus']} on its way back to {config}"
        time.sleep(min(5.0, settings.poll_seconds))
    scaling.resume(aws, current, settings.deployment.autoscaling)
    if current["EndpointConfigName"] != config:
        return f"{name} could not be put back to {config}: {current.get('FailureReason', 'no reason given')}"
    history.undo(aws, current["EndpointArn"], config, earlier)
    return PUT_BACK.format(name, config)


def summary(milliseconds: Sequence[float]) -> dict[str, float]:
    """``p50``, ``p95`` and ``max`` (nearest rank) of at least one duration."""
    ordered = sorted(milliseconds)

    def rank(share: float) -> float:
        return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 2)

    return {"p50": rank(0.5), "p95": rank(0.95), "max": rank(1.0)}
