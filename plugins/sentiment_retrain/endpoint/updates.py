"""How an update of the endpoint begins: the one way of a deployment, a rollback and a model put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentiment_retrain import errors
from sentiment_retrain.endpoint import history, requests, scaling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.settings.deployment import Deployment

#: Said of an endpoint and its former configuration by whoever has undone a deployment.
PUT_BACK = "{} was put back to {}"


def was_put_back(said: str | None) -> bool:
    """Whether what is said of an endpoint, after a verification that failed, is :data:`PUT_BACK`."""
    return PUT_BACK.format("", "").strip() in (said or "")


def pending_config(endpoint: Mapping[str, Any]) -> str | None:
    """Name of the configuration that an endpoint is moving to, None where none is under way.

    :param endpoint: as DescribeEndpoint says
    """
    return (endpoint.get("PendingDeploymentSummary") or {}).get("EndpointConfigName")


def begin_update(
    aws: Aws,
    current: Mapping[str, Any],
    target: str,
    rules: Deployment,
    *,
    alarms: Sequence[str] = (),
    tags: Sequence[dict[str, str]] = (),
) -> bool:
    """Ask AWS to move the endpoint to another configuration; the caller waits.

    :param current: the endpoint, as DescribeEndpoint says
    :param target: name of the configuration it is to serve
    :param alarms: names of the alarms that undo the update
    :param tags: further tags of the endpoint
    :returns: False when another update is under way, as AWS does one at a time
    :raises errors.AwsError: AWS refuses for another reason
    """
    # Before the update, so that a try that dies in the middle still knows what to go back to.
    history.remember(aws, current["EndpointArn"], current["EndpointConfigName"], target, [*tags])
    keep_count = scaling.suspend(aws, current)
    request = requests.update_request(
        rules, current["EndpointName"], target, alarms=alarms, keep_count=keep_count
    )
    try:
        aws.sagemaker("update_endpoint", **request)
    except errors.AwsError as error:
        # Another run began between the look and the request.
        if "in-progress" not in error.observed:
            raise
        return False
    return True
