"""One request on its way through a variant, measured for CloudWatch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localaws.faults import endpoints
from localaws.services.sagemaker_runtime.metrics import InvocationMetrics

if TYPE_CHECKING:
    from localaws.containers.serving import Answer
    from localaws.services.sagemaker.data_capture import Payload
    from localaws.services.sagemaker.variants import Variant

_metrics = InvocationMetrics()


@dataclass(frozen=True)
class Invocation:
    """A request to an endpoint.

    Attributes:
        begin: `time.monotonic()` when it arrived; what passes until the containers have it is overhead.
    """

    region: str
    endpoint_name: str
    payload: Payload
    accept: str
    custom_attributes: str
    begin: float

    def run(self, variant: Variant) -> tuple[Answer, str]:
        """Send it through an instance of `variant`; the answer, and the ARN of its log stream.

        Raises:
            ServingError: the variant has no instance.
        """
        with variant.borrow() as pipeline:
            begin = time.monotonic()
            answer = endpoints.answer(self.endpoint_name, variant.name) or pipeline.invoke(
                self.payload.body,
                self.payload.content_type,
                self.accept,
                custom_attributes=self.custom_attributes,
            )
            seconds = time.monotonic() - begin
        _metrics.record(
            self.region,
            self.endpoint_name,
            variant.name,
            answer.status,
            variant.count,
            ModelLatency=seconds * 1e6,
            OverheadLatency=(begin - self.begin) * 1e6,
        )
        return answer, pipeline.log_stream_arn(answer.container)
