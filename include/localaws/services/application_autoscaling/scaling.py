"""What a scaling policy does when its alarm lasts: another instance count, within bounds and cooldowns."""

from __future__ import annotations

import logging
import math
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws import state
from localaws.clients import client
from localaws.pace import lasting
from localaws.services.application_autoscaling.targets import (
    ACTIVITY,
    DEFAULT_COOLDOWN_SECONDS,
    POLICY,
    TARGET,
    Key,
)
from localaws.services.cloudwatch.evaluator import evaluator

if TYPE_CHECKING:
    from datetime import datetime

log = logging.getLogger(__name__)

Document = dict[str, Any]

_FULFILMENT_SECONDS = 600
_POLL_SECONDS = 0.2

_acting = threading.Lock()


def desired(current: int, value: float, config: Document, bounds: tuple[int, int], *, out: bool) -> int:
    """The instance count that target tracking asks for.

    Args:
        current: instances now.
        value: the metric per instance in the last period.
        config: TargetTrackingScalingPolicyConfiguration.
        bounds: MinCapacity and MaxCapacity.
        out: whether AlarmHigh lasts, else AlarmLow.
    """
    wanted: int = math.ceil(current * value / config["TargetValue"])
    wanted = max(wanted, current) if out else min(wanted, current)
    return max(bounds[0], min(bounds[1], wanted))


def act(policy_arn: str, alarm: Document, value: float) -> None:
    """Scale, if the policy's target may be scaled now.

    Args:
        policy_arn: the alarm's action.
        alarm: of the policy; it is in ALARM.
        value: its latest datapoint.
    """
    policy = state.store().get(POLICY, policy_arn)
    if policy is None:
        return
    key = Key(policy["Region"], policy["ResourceId"], policy["ScalableDimension"])
    target = state.store().get(TARGET, key.name)
    config = policy["TargetTrackingScalingPolicyConfiguration"]
    out = alarm["ComparisonOperator"].startswith("GreaterThan")
    if target is None or not _allowed(target, config, out=out):
        return
    current = instances(key)
    if current is None:
        return
    wanted = desired(current, value, config, (target["MinCapacity"], target["MaxCapacity"]), out=out)
    if wanted != current:
        cause = f"monitor alarm {alarm['AlarmName']} in state ALARM triggered policy {policy['PolicyName']}"
        set_capacity(key, wanted, cause, out=out)


def _allowed(target: Document, config: Document, *, out: bool) -> bool:
    direction = "Out" if out else "In"
    if target["SuspendedState"].get(f"DynamicScaling{direction}Suspended"):
        return False
    if not out and config.get("DisableScaleIn"):
        return False
    cooldown = lasting(config.get(f"Scale{direction}Cooldown", DEFAULT_COOLDOWN_SECONDS))
    # A scale-in waits after either, a scale-out only after another scale-out.
    since = [target.get("LastScaleOut")] + ([] if out else [target.get("LastScaleIn")])
    return all(_age(moment) >= cooldown for moment in since if moment)


def _age(moment: datetime) -> float:
    return (state.now() - moment).total_seconds()


def instances(key: Key) -> int | None:
    """The instances of a variant whose endpoint is InService, else None."""
    endpoint_name, variant_name = key.variant()
    try:
        endpoint = client("sagemaker", key.region).describe_endpoint(EndpointName=endpoint_name)
    except ClientError:
        return None
    counts = {
        item["VariantName"]: item.get("CurrentInstanceCount") for item in endpoint["ProductionVariants"]
    }
    return counts.get(variant_name) if endpoint["EndpointStatus"] == "InService" else None


def keep_within_bounds(key: Key, target: Document) -> None:
    """Bring a variant between MinCapacity and MaxCapacity."""
    current = instances(key)
    if current is None:
        return
    if current < target["MinCapacity"]:
        wanted, what = target["MinCapacity"], "minimum"
    elif current > target["MaxCapacity"]:
        wanted, what = target["MaxCapacity"], "maximum"
    else:
        return
    set_capacity(key, wanted, f"{what} capacity was set to {wanted}", out=wanted > current)


def set_capacity(key: Key, wanted: int, cause: str, *, out: bool) -> None:
    """Ask SageMaker for an instance count, as an activity whose end is awaited in the background."""
    endpoint_name, variant_name = key.variant()
    activity: Document = {
        **key.members,
        "Region": key.region,
        "ActivityId": str(uuid.uuid4()),
        "Description": f"Setting desired instance count to {wanted}.",
        "Cause": cause,
        "StartTime": state.now(),
        "StatusCode": "InProgress",
        "StatusMessage": f"Successfully set desired instance count to {wanted}. "
        "Waiting for change to be fulfilled by sagemaker.",
    }
    wish = [{"VariantName": variant_name, "DesiredInstanceCount": wanted}]
    with _acting:
        try:
            client("sagemaker", key.region).update_endpoint_weights_and_capacities(
                EndpointName=endpoint_name, DesiredWeightsAndCapacities=wish
            )
        except (ClientError, BotoCoreError) as error:
            failed = {"StatusCode": "Failed", "StatusMessage": f"Failed to set desired count: {error}"}
            state.store().put(
                ACTIVITY, activity["ActivityId"], {**activity, **failed, "EndTime": state.now()}
            )
            return
    state.store().put(ACTIVITY, activity["ActivityId"], activity)
    state.store().update(TARGET, key.name, **{"LastScaleOut" if out else "LastScaleIn": state.now()})
    threading.Thread(
        target=_fulfil, args=(key, wanted, activity), name=f"scaling-{endpoint_name}", daemon=True
    ).start()


def _fulfil(key: Key, wanted: int, activity: Document) -> None:
    """Wait until the variant has the count, and write down the end of the activity."""
    deadline = time.monotonic() + _FULFILMENT_SECONDS
    while (current := instances(key)) is None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    done = current == wanted
    message = (
        f"Successfully set desired instance count to {wanted}. Change successfully fulfilled by sagemaker."
        if done
        else f"The endpoint has {current} instances, not {wanted}."
    )
    state.store().update(
        ACTIVITY,
        activity["ActivityId"],
        StatusCode="Successful" if done else "Failed",
        StatusMessage=message,
        EndTime=state.now(),
    )


evaluator.actions["autoscaling"] = act
