"""What happens to an endpoint in the background: creation, update, rollback, deletion, resumption."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from localaws import jobs, state
from localaws.containers.serving import ServingError
from localaws.services.sagemaker import data_capture
from localaws.services.sagemaker.deployments import Plan, RolledBackError, bake
from localaws.services.sagemaker.endpoint_configs import variant_summaries
from localaws.services.sagemaker.fleets import Content, Fleet, router
from localaws.services.sagemaker.resources import ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

Document = dict[str, Any]

INTERRUPTED_CREATION = (
    "InternalServerError: The local stand-in stopped while this endpoint was created. "
    "Delete the endpoint and create it again."
)
INTERRUPTED_UPDATE = (
    "InternalServerError: The local stand-in stopped while this endpoint was updated; it serves the former "
    "configuration. Update it again."
)

_stopping = threading.Event()


def in_background(function: Callable[..., None], *arguments: Any) -> None:
    """Run in a thread of its own."""
    threading.Thread(
        target=function, args=arguments, name=f"{function.__name__}-{arguments[0]}", daemon=True
    ).start()


def set_status(name: str, status: str, **changes: Any) -> None:
    """Write an endpoint's status, unless the stand-in stops: a restart must find what was true before."""
    if not _stopping.is_set():
        written = {"EndpointStatus": status, "LastModifiedTime": state.now(), **changes}
        state.store().update(ENDPOINT.kind, name, **written)


def stored(content: Content) -> Document:
    """What an endpoint's document keeps of what it serves, and what DescribeEndpoint says of it."""
    return {
        "Variants": content.variants,
        "ShadowVariants": content.shadows,
        "CaptureConfig": content.data_capture,
        "DataCaptureConfig": data_capture.summary(content.data_capture),
    }


def described(content: Content) -> Document:
    """`stored`, and the variants as DescribeEndpoint answers them once they are in service."""
    return {
        **stored(content),
        "ProductionVariants": variant_summaries(content.variants),
        "ShadowProductionVariants": variant_summaries(content.shadows) or None,
    }


def create(name: str, region: str) -> None:
    """Bring a new endpoint into service, or to Failed with the reason."""
    content = Content.of(_document(name))
    fleet = _started(name, content, region)
    if isinstance(fleet, str):
        set_status(name, "Failed", FailureReason=fleet)
        return
    router.switch(name, fleet)
    jobs.checkpoint()
    set_status(name, "InService", **described(content))


def resize(name: str, variants: list[Document]) -> None:
    """Give an endpoint's variants other weights and instance counts.

    When a new instance does not start, the endpoint stays InService as it was, with a FailureReason.
    """
    former = _document(name)["Variants"]
    fleet = router.current(name)
    try:
        if fleet:
            fleet.change(variants)
    except Exception as error:
        log.exception("Endpoint %s could not be resized", name)
        if fleet:
            fleet.change(former)
        reason = f"Could not change the instance counts: {error}"[:1024]
        set_status(name, "InService", FailureReason=reason, ProductionVariants=variant_summaries(former))
        return
    set_status(name, "InService", Variants=variants, ProductionVariants=variant_summaries(variants))


def update(name: str, region: str, config_name: str, content: Content, plan: Plan) -> None:
    """Move an endpoint to new variants: new fleet, then the traffic by the plan, then the old fleet ends.

    When the new fleet does not start, or an alarm goes off, the endpoint stays InService with its former
    configuration and a FailureReason.
    """
    fleet = _started(name, content, region)
    if isinstance(fleet, str):
        _roll_back(name, fleet)
        return
    try:
        for step in plan.steps:
            router.shift(name, fleet, step.share)
            bake(step.wait_seconds, plan.alarms, region, _stopping)
    except Exception as error:
        if not isinstance(error, RolledBackError):
            log.exception("The deployment of endpoint %s failed", name)
        set_status(name, "RollingBack")
        router.unshift(name)
        fleet.drain()
        _roll_back(name, f"Deployment rolled back: {error}")
        return
    old = router.switch(name, fleet)
    _stopping.wait(plan.termination_wait_seconds)
    jobs.checkpoint()
    set_status(
        name,
        "InService",
        EndpointConfigName=config_name,
        **described(content),
        PendingDeploymentSummary=None,
        FailureReason=None,
    )
    if old:
        old.drain()


def delete(name: str) -> None:
    """Take an endpoint out of service once its requests are answered, and forget it."""
    fleet = router.remove(name)
    if fleet:
        fleet.drain()
    state.store().delete(ENDPOINT.kind, name)


def resume() -> None:
    """After a restart: serve again what was in service, end honestly what was under way."""
    for endpoint in state.store().items(ENDPOINT.kind):
        name, status = endpoint["EndpointName"], endpoint["EndpointStatus"]
        if status == "Creating":
            set_status(name, "Failed", FailureReason=INTERRUPTED_CREATION)
        elif status == "Deleting":
            state.store().delete(ENDPOINT.kind, name)
        elif status != "Failed":
            # A restart changes nothing that is served: whoever asks since when hears of the deployment.
            unchanged = endpoint["LastModifiedTime"]
            set_status(name, "SystemUpdating", PendingDeploymentSummary=None, LastModifiedTime=unchanged)
            reason = INTERRUPTED_UPDATE if status in ("Updating", "RollingBack") else None
            in_background(_return_to_service, name, endpoint["Region"], reason)


def shutdown() -> None:
    """Stop all fleets; the documents stay, so that `resume` finds them."""
    _stopping.set()
    router.close()


def _return_to_service(name: str, region: str, reason: str | None) -> None:
    fleet = _started(name, Content.of(_document(name)), region)
    if isinstance(fleet, str):
        set_status(name, "Failed", FailureReason=fleet)
        return
    router.switch(name, fleet)
    if reason:
        set_status(name, "InService", FailureReason=reason)
    else:
        set_status(name, "InService", LastModifiedTime=_document(name)["LastModifiedTime"])


def _roll_back(name: str, reason: str) -> None:
    set_status(name, "InService", FailureReason=reason[:1024], PendingDeploymentSummary=None)


def _started(name: str, content: Content, region: str) -> Fleet | str:
    """A fleet that serves, or the reason why there is none."""
    fleet = Fleet(name, content, region)
    try:
        fleet.start()
    except ServingError as error:
        return str(error)[:1024]
    except Exception as error:
        log.exception("Endpoint %s failed inside the stand-in", name)
        return f"InternalServerError: {type(error).__name__}: {error}"[:1024]
    return fleet


def _document(name: str) -> Document:
    document = state.store().get(ENDPOINT.kind, name)
    if document is None:
        raise KeyError(f"there is no endpoint {name}")
    return document
