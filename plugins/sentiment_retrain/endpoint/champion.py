"""The champion: the model that the live endpoint serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.aws.models import containers_of, model_fingerprint
from sentiment_retrain.endpoint import history

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.aws.hooks import Aws

#: States in which an endpoint serves nobody.
_NOT_LIVE = frozenset({"Failed", "OutOfService", "Deleting", "Creating"})


def find_champion(aws: Aws, endpoint_name: str) -> dict[str, Any] | None:
    """The ``champion`` of docs/contracts.md section 2, None when nothing is live.

    What the model is, is read from its own tags: they were written when it was made and do not change. A
    model that this project did not make has no tags; its fingerprint is then that of its containers.
    """
    return _champion_of(aws, aws.find("describe_endpoint", EndpointName=endpoint_name))


def find_verified_champion(aws: Aws, endpoint_name: str) -> dict[str, Any] | None:
    """As :func:`find_champion`, and None when what is live never passed its verification.

    That is a first deployment that failed: nothing was there to go back to. It is nobody's standard, so the
    next run deploys its winner and verifies it, instead of keeping a champion that is none.
    """
    endpoint = aws.find("describe_endpoint", EndpointName=endpoint_name)
    live = _champion_of(aws, endpoint)
    if live is None or endpoint is None:
        return None
    is_bad = history.is_unverified(aws.tags(endpoint["EndpointArn"]), live["endpoint_config_name"])
    return None if is_bad else live


def _champion_of(aws: Aws, endpoint: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What an endpoint serves, as AWS describes it; None when it serves nobody."""
    if endpoint is None or endpoint["EndpointStatus"] in _NOT_LIVE:
        return None
    config = aws.find("describe_endpoint_config", EndpointConfigName=endpoint["EndpointConfigName"])
    if config is None:
        return None
    model_name = config["ProductionVariants"][0]["ModelName"]
    model = aws.find("describe_model", ModelName=model_name)
    if model is None:
        return None
    tags = aws.tags(model["ModelArn"])
    return {
        "endpoint_name": endpoint["EndpointName"],
        "endpoint_config_name": endpoint["EndpointConfigName"],
        "model_name": model_name,
        "model_fingerprint": tags.get("retrain:fingerprint") or model_fingerprint(containers_of(model)),
        "data_until": tags.get("retrain:data-until", ""),
        "run_key": tags.get("retrain:run", ""),
        "contender": tags.get("retrain:step", ""),
    }
