"""Metric alarms as documents: state, history, actions."""

from __future__ import annotations

import json
import logging
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws import ACCOUNT_ID, state
from localaws.clients import client
from localaws.services.cloudwatch.evaluation import ALARM, INSUFFICIENT_DATA, OK
from localaws.state import now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

log = logging.getLogger(__name__)

Document = dict[str, Any]

KIND, HISTORY = "CloudWatchAlarm", "CloudWatchAlarmHistory"
HISTORY_AGE = timedelta(days=30)  # as CloudWatch keeps it
ACTIONS = {ALARM: "AlarmActions", OK: "OKActions", INSUFFICIENT_DATA: "InsufficientDataActions"}


def key(region: str, name: str) -> str:
    """The name of an alarm's document."""
    return f"{region}/{name}"


def arn(region: str, name: str) -> str:
    """The ARN of an alarm."""
    return f"arn:aws:cloudwatch:{region}:{ACCOUNT_ID}:alarm:{name}"


def find(region: str, name: str) -> Document | None:
    """An alarm, None when there is none."""
    return state.store().get(KIND, key(region, name))


def all_of(region: str | None = None) -> list[Document]:
    """All alarms, of one region if it is named, by name."""
    found = [alarm for alarm in state.store().items(KIND) if region in (None, alarm["Region"])]
    return sorted(found, key=lambda alarm: str(alarm["AlarmName"]))


def put(region: str, request: Document) -> None:
    """Create an alarm, or change it; a changed one keeps its state."""
    name, moment = request["AlarmName"], now()
    former = find(region, name)
    document = {
        "ActionsEnabled": True,
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        "Dimensions": [],
        **request,
        "Region": region,
        "AlarmArn": arn(region, name),
        "AlarmConfigurationUpdatedTimestamp": moment,
        "StateValue": INSUFFICIENT_DATA,
        "StateReason": "Unchecked: Initial alarm creation",
        "StateUpdatedTimestamp": moment,
        "StateTransitionedTimestamp": moment,
    }
    if former:
        keys = ("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp")
        kept = (*keys, "StateTransitionedTimestamp", "Tags")
        document |= {item: former[item] for item in kept if item in former}
    state.store().put(KIND, key(region, name), document)
    verb = "updated" if former else "created"
    record(document, "ConfigurationUpdate", f'Alarm "{name}" {verb}', {"type": verb.title()})


def delete(region: str, name: str) -> None:
    """Forget an alarm; its history stays, as on AWS."""
    alarm = find(region, name)
    if alarm:
        state.store().delete(KIND, key(region, name))
        record(alarm, "ConfigurationUpdate", f'Alarm "{name}" deleted', {"type": "Delete"})


def record(alarm: Document, item_type: str, summary: str, data: Document) -> None:
    """Add an item to an alarm's history."""
    item = {
        "AlarmName": alarm["AlarmName"],
        "AlarmType": "MetricAlarm",
        "Timestamp": now(),
        "HistoryItemType": item_type,
        "HistorySummary": summary,
        "HistoryData": json.dumps({"version": "1.0", **data}, default=str),
        "Region": alarm["Region"],
    }
    state.store().put(HISTORY, str(uuid.uuid4()), item)
    _forget_history(now() - HISTORY_AGE)


def _forget_history(before: datetime) -> None:
    for name in state.store().names(HISTORY):
        item = state.store().get(HISTORY, name)
        if item is None or item["Timestamp"] >= before:  # the rest is younger
            break
        state.store().delete(HISTORY, name)


def change_state(region: str, name: str, value: str, reason: str, reason_data: str | None = None) -> None:
    """Give an alarm a state; when it is another one, history is written and its actions are carried out.

    Raises:
        KeyError: there is no such alarm.
    """
    alarm = find(region, name)
    if alarm is None:
        raise KeyError(name)
    moment, former = now(), alarm["StateValue"]
    changes = {
        "StateValue": value,
        "StateReason": reason,
        "StateReasonData": reason_data,
        "StateUpdatedTimestamp": moment,
    }
    if former == value:
        state.store().update(KIND, key(region, name), **changes)
        return
    changed = state.store().update(KIND, key(region, name), **changes, StateTransitionedTimestamp=moment)
    states = {
        "oldState": {"stateValue": former, "stateReason": alarm["StateReason"]},
        "newState": {"stateValue": value, "stateReason": reason},
    }
    record(changed, "StateUpdate", f"Alarm updated from {former} to {value}", states)
    if changed["ActionsEnabled"]:
        for action in changed[ACTIONS[value]]:
            _carry_out(changed, former, action)


def _carry_out(alarm: Document, former: str, action: str) -> None:
    if ":autoscaling:" in action:
        return  # the evaluator does these, for as long as the alarm lasts
    try:
        _notify(alarm, former, action)
    except (ClientError, BotoCoreError) as error:
        log.warning("The action %s of alarm %s failed: %s", action, alarm["AlarmName"], error)
        record(alarm, "Action", f"Failed to execute action {action}", {"error": str(error)})
        return
    record(alarm, "Action", f"Successfully executed action {action}", {"action": action})


def _notify(alarm: Document, former: str, topic: str) -> None:
    region = alarm["Region"]
    publish: Callable[..., Any] = client("sns", region).publish
    subject = f'{alarm["StateValue"]}: "{alarm["AlarmName"]}" in {region}'
    publish(TopicArn=topic, Subject=subject[:100], Message=json.dumps(message(alarm, former)))


def message(alarm: Document, former: str) -> Document:
    """What CloudWatch sends to SNS."""
    trigger = (
        *("MetricName", "Namespace", "ExtendedStatistic", "Unit", "Period", "EvaluationPeriods"),
        *("DatapointsToAlarm", "ComparisonOperator", "Threshold", "TreatMissingData"),
    )
    changed = alarm["StateUpdatedTimestamp"].strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
    return {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription"),
        "AWSAccountId": ACCOUNT_ID,
        "NewStateValue": alarm["StateValue"],
        "NewStateReason": alarm["StateReason"],
        "StateChangeTime": changed,
        "Region": alarm["Region"],
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": former,
        "OKActions": alarm["OKActions"],
        "AlarmActions": alarm["AlarmActions"],
        "InsufficientDataActions": alarm["InsufficientDataActions"],
        "Trigger": {
            **{name: alarm[name] for name in trigger if name in alarm},
            "StatisticType": "ExtendedStatistic" if "ExtendedStatistic" in alarm else "Statistic",
            "Statistic": str(alarm.get("Statistic", "")).upper() or None,
            "Dimensions": [{"value": item["Value"], "name": item["Name"]} for item in alarm["Dimensions"]],
        },
    }
