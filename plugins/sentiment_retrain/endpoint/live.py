"""What customers get right now, in a sentence: the first thing that whoever is woken wants to know."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sentiment_retrain.aws.jobs import ENDPOINT
from sentiment_retrain.endpoint import history

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.aws.hooks import Aws

#: States in which an endpoint answers; while it is updated the former fleet does.
ANSWERING = frozenset({"InService", "Updating", "SystemUpdating", "RollingBack"})
#: States in which it never will again without somebody's help, or cannot be changed.
BROKEN = ENDPOINT.failed


@dataclass(frozen=True)
class Live:
    """What serves.

    :param status: of the endpoint, None where there is none
    :param since: when the endpoint changed last, ISO 8601 to the minute, UTC
    :param reason: AWS's own words on a broken endpoint
    :param is_unverified: what serves never passed its verification
    :param is_undecided: it did not fail it, either: the verification came to no end
    """

    endpoint: str
    status: str | None = None
    model: str | None = None
    since: str = ""
    reason: str = ""
    is_unverified: bool = False
    is_undecided: bool = False

    @property
    def is_hurt(self) -> bool:
        """Whether customers get errors, or a model's answers that failed its verification."""
        return self.status in BROKEN or (self.is_unverified and not self.is_undecided)

    def __str__(self) -> str:
        if self.status is None:
            return f"nothing, there is no endpoint {self.endpoint}"
        what = f"{self.model or 'an unknown model'} on {self.endpoint}, changed last {self.since}"
        if self.status in BROKEN:
            return f"{self.endpoint} is {self.status}: CUSTOMERS MAY GET ERRORS. {self.reason}".strip()
        if self.is_undecided:
            return f"{what}, UNVERIFIED: its verification came to no end"
        if self.is_unverified:
            return f"{what}, which FAILED ITS VERIFICATION; nothing was there to go back to"
        if self.status == "Creating":
            return f"{self.endpoint} is being created and answers nobody yet"
        changing = "" if self.status == "InService" else f" ({self.status}: the former fleet answers)"
        return f"{what}{changing}"


def of_answers(
    name: str,
    endpoint: Mapping[str, Any] | None,
    config: Mapping[str, Any] | None,
    tags: Mapping[str, str],
) -> Live:
    """From sagemaker:DescribeEndpoint, DescribeEndpointConfig of what it serves, and the endpoint's tags."""
    if endpoint is None:
        return Live(name)
    variants = (config or {}).get("ProductionVariants") or [{}]
    serving = str(endpoint.get("EndpointConfigName") or "")
    return Live(
        endpoint=name,
        status=str(endpoint["EndpointStatus"]),
        model=variants[0].get("ModelName"),
        since=f"{endpoint['LastModifiedTime'].astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC",
        reason=str(endpoint.get("FailureReason") or "")[:200],
        is_unverified=history.is_unverified(tags, serving),
        is_undecided=history.is_undecided(tags, serving),
    )


def find_live(aws: Aws, name: str) -> Live:
    """What the endpoint ``name`` serves; raises :class:`~sentiment_retrain.errors.RetrainError`."""
    endpoint = aws.find("describe_endpoint", EndpointName=name)
    if endpoint is None:
        return Live(name)
    serving = endpoint.get("EndpointConfigName")
    config = aws.find("describe_endpoint_config", EndpointConfigName=serving) if serving else None
    return of_answers(name, endpoint, config, aws.tags(endpoint["EndpointArn"]))
