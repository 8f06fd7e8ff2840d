"""SageMaker Runtime: requests to endpoints, answered by their containers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from localaws import ACCOUNT_ID, state
from localaws.containers.inference_server import CUSTOM_ATTRIBUTES
from localaws.containers.serving import ServingError
from localaws.protocol import AwsError, StrictResponse, not_implemented
from localaws.services.sagemaker.data_capture import Payload
from localaws.services.sagemaker.fleets import (
    LOG_GROUP,
    RESUME_WAIT_SECONDS,
    Fleet,
    NoSuchVariantError,
    NotServingError,
    router,
)
from localaws.services.sagemaker.resources import ENDPOINT
from localaws.services.sagemaker_runtime import shadows
from localaws.services.sagemaker_runtime.invocations import Invocation

if TYPE_CHECKING:
    from localaws.containers.serving import Answer

MAX_BODY_BYTES = 6_291_456
# In a request's environment: what to raise instead of carrying it out, see `shortcut`.
FAILURE = "localaws.failure"
UNSUPPORTED = (
    "TargetModel",
    "TargetContainerHostname",
    "InferenceComponentName",
    "EnableExplanations",
    "SessionId",
)


class ModelError(AwsError):
    """A container refused or failed; the members are those of the API's ModelError."""

    def __init__(self, endpoint: str, region: str, answer: Answer, log_stream_arn: str) -> None:
        fault = "client" if answer.status < 500 else "server"
        text = answer.body.decode("utf-8", "replace")
        group = f"{LOG_GROUP}/{endpoint}"
        super().__init__(
            "ModelError",
            f'Received {fault} error ({answer.status}) from {answer.container} with message "{text}". See '
            f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
            f"#logEventViewer:group={group} in account {ACCOUNT_ID} for more information.",
            424,
        )
        self.original_status_code = answer.status
        self.original_message = text
        self.log_stream_arn = log_stream_arn


class SageMakerRuntime(StrictResponse, SageMakerRuntimeResponse):
    """InvokeEndpoint."""

    validation_code = "ValidationError"
    use_raw_body = True
    kept_operations: frozenset[str] = frozenset()
    _environ: dict[str, Any] = {}

    def _dispatch(self, request: Any, full_url: str | None = None, headers: Any = None) -> Any:
        self._environ = request.environ
        return super()._dispatch(request, full_url, headers)

    def invoke_endpoint(self) -> tuple[int, dict[str, str], bytes]:
        """Send the body through the endpoint's containers and answer what the last one says."""
        failed = self._environ.pop(FAILURE, None)
        if failed is not None:
            raise failed
        return 200, *invoke(self.region, self.request(), self.raw_body or b"")


def invoke(region: str, request: dict[str, Any], body: bytes) -> tuple[dict[str, str], bytes]:
    """Carry InvokeEndpoint out.

    Args:
        region: of the endpoint.
        request: the validated input, members by their API names.
        body: its Body.

    Returns:
        The answer's headers and body.

    Raises:
        AwsError: as AWS refuses it, or ModelError with what a container said.
    """
    begin = time.monotonic()
    refuse(request, body)
    name = request["EndpointName"]
    try:
        with router.borrow(name, _patience(name)) as fleet:
            return _invoke(fleet, region, request, body, begin)
    except NotServingError as error:
        message = f"Endpoint {name} of account {ACCOUNT_ID} not found."
        raise AwsError("ValidationError", message) from error
    except ServingError as error:
        raise AwsError("ServiceUnavailable", str(error), 503) from error
    except NoSuchVariantError as error:
        message = f"Variant {error} not found for endpoint {name} of account {ACCOUNT_ID}."
        raise AwsError("ValidationError", message) from error


def _patience(name: str) -> float:
    """Seconds to wait for an endpoint's containers.

    After a restart of the stand-in an endpoint is back within seconds; on AWS it would never have left.
    """
    if router.current(name):
        return 0
    status = (state.store().get(ENDPOINT.kind, name) or {}).get("EndpointStatus")
    return RESUME_WAIT_SECONDS if status == "SystemUpdating" else 0


def _invoke(
    fleet: Fleet, region: str, request: dict[str, Any], body: bytes, begin: float
) -> tuple[dict[str, str], bytes]:
    name = request["EndpointName"]
    invocation = Invocation(
        region,
        name,
        Payload(request.get("ContentType", "application/octet-stream"), body),
        request.get("Accept", ""),
        request.get("CustomAttributes", ""),
        begin,
    )
    variant = fleet.choose(request.get("TargetVariant"))
    shadows.send(fleet, invocation)
    answer, log_stream_arn = invocation.run(variant)
    if not 200 <= answer.status < 300:
        raise ModelError(name, region, answer, log_stream_arn)
    if fleet.capture:
        answered = Payload(answer.content_type, answer.body)
        fleet.capture.add(variant.name, invocation.payload, answered, request.get("InferenceId", ""))
    headers = {"Content-Type": answer.content_type, "x-Amzn-Invoked-Production-Variant": variant.name}
    if answer.custom_attributes:
        headers[CUSTOM_ATTRIBUTES] = answer.custom_attributes
    return headers, answer.body


def refuse(request: dict[str, Any], body: bytes) -> None:
    """Refuse what is too large, or what the stand-in does not do.

    Raises:
        AwsError: 413 with AWS's text; NotImplementedException naming the parameter.
    """
    if len(body) > MAX_BODY_BYTES:
        raise AwsError("413", f"HTTP content length exceeded {MAX_BODY_BYTES} bytes.", 413)
    for key in UNSUPPORTED:
        if key in request:
            raise not_implemented(f"InvokeEndpoint: {key}")
