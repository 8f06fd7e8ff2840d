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

    def invoke_endpoint(self) -> tuple[int, dict[str, str], bytes]:
        """Send the body through the endpoint's containers and answer what the last one says."""
        begin = time.monotonic()
        request, body = self.request(), self.raw_body or b""
        refuse(request, body)
        name = request["EndpointName"]
        status = (state.store().get(ENDPOINT.kind, name) or {}).get("EndpointStatus")
        # After a restart of the stand-in an endpoint is back within seconds; on AWS it would never have left.
        wait = RESUME_WAIT_SECONDS if status == "SystemUpdating" else 0
        try:
            with router.borrow(name, wait) as fleet:
                return self._invoke(fleet, name, request, body, begin)
        except NotServingError as error:
            message = f"Endpoint {name} of account {ACCOUNT_ID} not found."
            raise AwsError("ValidationError", message) from error
        except ServingError as error:
            raise AwsError("ServiceUnavailable", str(error), 503) from error
        except NoSuchVariantError as error:
            message = f"Variant {error} not found for endpoint {name} of account {ACCOUNT_ID}."
            raise AwsError("ValidationError", message) from error

    def _invoke(
        self, fleet: Fleet, name: str, request: dict[str, Any], body: bytes, begin: float
    ) -> tuple[int, dict[str, str], bytes]:
        content_type = request.get("ContentType", "application/octet-stream")
        invocation = Invocation(
            self.region,
            name,
            Payload(content_type, body),
            request.get("Accept", ""),
            request.get("CustomAttributes", ""),
            begin,
        )
        variant = fleet.choose(request.get("TargetVariant"))
        shadows.send(fleet, invocation)
        answer, log_stream_arn = invocation.run(variant)
        if not 200 <= answer.status < 300:
            raise ModelError(name, self.region, answer, log_stream_arn)
        if fleet.capture:
            answered = Payload(answer.content_type, answer.body)
            fleet.capture.add(variant.name, invocation.payload, answered, request.get("InferenceId", ""))
        headers = {"Content-Type": answer.content_type, "x-Amzn-Invoked-Production-Variant": variant.name}
        if answer.custom_attributes:
            headers[CUSTOM_ATTRIBUTES] = answer.custom_attributes
        return 200, headers, answer.body


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
