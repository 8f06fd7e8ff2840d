"""What the endpoint serves now and whether it is well: asked of AWS itself, not of the cards."""

from __future__ import annotations

import datetime as dt
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sentiment_retrain.endpoint import alarms, champion, history, pins
from sentiment_retrain.endpoint.live import BROKEN
from sentiment_retrain.errors import RetrainError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.settings import Settings

log = logging.getLogger(__name__)

#: EndpointStatus of DescribeEndpoint in words; any other is shown as it is.
_WORDS = {
    "InService": "in service",
    "OutOfService": "out of service",
    "RollingBack": "rolling back",
    "SystemUpdating": "updating",
    "UpdateRollbackFailed": "roll back failed",
}


@dataclass(frozen=True)
class Live:
    """What serves now: the ``champion`` of docs/contracts.md, or why nobody could say.

    :param status: ``EndpointStatus``, None where there is no endpoint
    :param reason: why it failed, in AWS's words
    :param since: when AWS last changed the endpoint, ISO 8601, UTC
    :param back_to: the endpoint configuration that a rollback would put back
    :param ringing: alarms that ring, None where that could not be asked
    """

    champion: Mapping[str, Any] | None = None
    problem: str | None = None
    endpoint_name: str = ""
    status: str | None = None
    reason: str | None = None
    since: str | None = None
    is_unverified: bool = False
    is_undecided: bool = False
    back_to: str | None = None
    ringing: tuple[str, ...] | None = ()
    pin: Mapping[str, Any] | None = None
    card_path: str | None = None
    is_this_run: bool = False

    @property
    def words(self) -> str:
        """The state in few words."""
        if self.problem:
            return "not known"
        if self.status is None:
            return "nothing is live"
        found = _WORDS.get(self.status, self.status.lower())
        return f"{found}, alarm" if self.ringing else found

    @property
    def level(self) -> str:
        """How bad that is: ``pass``, ``warn``, ``fail``, or ``plain`` where there is nothing to judge."""
        if self.problem or self.status is None:
            return "plain"
        if self.ringing or self.status in BROKEN:
            return "fail"
        is_well = self.status == "InService" and not self.is_unverified and self.ringing is not None
        return "pass" if is_well else "warn"


def look(aws: Aws, settings: Settings, bucket: str) -> Live:
    """Ask AWS. Never raises: the rest of a page is needed most when AWS is in trouble."""
    name = settings.endpoint_name
    # Each question takes its round trips to AWS; asked one after the other they are most of a page's time.
    with ThreadPoolExecutor(3) as pool:
        asked_pin = pool.submit(_or_none, lambda: pins.find_pin(aws, bucket, name))
        asked_ringing = pool.submit(_or_none, lambda: _ringing(aws, settings))
        asked_champion = pool.submit(champion.find_champion, aws, name)
        try:
            endpoint = aws.find("describe_endpoint", EndpointName=name)
            tags = aws.tags(endpoint["EndpointArn"]) if endpoint else {}
            found = asked_champion.result()
        except RetrainError as error:
            return Live(problem=error.observed, endpoint_name=name)
        ringing, pin = asked_ringing.result(), asked_pin.result()
    if endpoint is None:
        return Live(endpoint_name=name)
    config = endpoint["EndpointConfigName"]
    return Live(
        found,
        endpoint_name=name,
        status=endpoint["EndpointStatus"],
        reason=endpoint.get("FailureReason"),
        since=endpoint["LastModifiedTime"].astimezone(dt.UTC).isoformat(timespec="seconds"),
        is_unverified=history.is_unverified(tags, config),
        is_undecided=history.is_undecided(tags, config),
        back_to=history.previous_config(tags, config),
        ringing=ringing,
        pin=pin,
    )


def _ringing(aws: Aws, settings: Settings) -> tuple[str, ...]:
    """Names of the endpoint's alarms that ring."""
    own = [alarm["AlarmName"] for alarm in alarms.requests(settings, deployment="")]
    return tuple(alarms.in_alarm(aws, [*own, *settings.deployment.alarms.existing]))


def _or_none(ask: Callable[[], Any]) -> Any:
    """The answer; None where AWS gives none, for what a page can do without."""
    try:
        return ask()
    except RetrainError as error:
        log.info("left out of the page: %s", error)
        return None
