"""The alarms that roll a deployment back, made by the deployment itself.

SageMaker sends 1 for each failed request and 0 for each other one, so the average is the share of failures:
https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html. Both fleets of an update report
under the same variant; the quality metrics are our own, of the new fleet alone.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from sentiment_retrain.endpoint.requests import VARIANT

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.settings import Settings

log = logging.getLogger(__name__)

NAMESPACE = "SentimentRetrain"
GOLDEN_METRIC, AGREEMENT_METRIC = "GoldenShareCorrect", "AgreementShare"
PERIOD_SECONDS = 60
_ERRORS, _LATENCY, _GOLDEN, _AGREEMENT = _WATCHED = ("errors", "latency", "golden", "agreement")


def quality_dimensions(endpoint_name: str, deployment: str) -> list[dict[str, str]]:
    """Dimensions of the quality metrics: each deployment has its own, none sees the values of another."""
    return [
        {"Name": "EndpointName", "Value": endpoint_name},
        {"Name": "Deployment", "Value": deployment},
    ]


def requests(settings: Settings, deployment: str) -> list[dict[str, Any]]:
    """PutMetricAlarm requests, one an alarm.

    :param deployment: identity of this deployment, a dimension of its quality metrics
    """
    limits, gates, endpoint = settings.deployment.alarms, settings.gates, settings.endpoint_name
    of_variant = {
        "Namespace": "AWS/SageMaker",
        "Dimensions": [
            {"Name": "EndpointName", "Value": endpoint},
            {"Name": "VariantName", "Value": VARIANT},
        ],
        "ComparisonOperator": "GreaterThanThreshold",
    }
    of_quality = {
        "Namespace": NAMESPACE,
        "Dimensions": quality_dimensions(endpoint, deployment),
        "ComparisonOperator": "LessThanThreshold",
        "Statistic": "Minimum",
    }
    found: list[dict[str, Any]] = []
    if limits.maximum_error_share is not None:
        share = {"MetricName": "Invocation5XXErrors", "Statistic": "Average"}
        found.append(of_variant | share | {"Threshold": limits.maximum_error_share, "AlarmName": _ERRORS})
    if limits.maximum_latency_ms is not None:
        percentile = {"MetricName": "ModelLatency", "ExtendedStatistic": f"p{limits.latency_percentile:g}"}
        microseconds = limits.maximum_latency_ms * 1000
        found.append(of_variant | percentile | {"Threshold": microseconds, "AlarmName": _LATENCY})
    if limits.quality and gates.golden.severity == "fail":
        golden = {"MetricName": GOLDEN_METRIC, "Threshold": gates.golden.minimum_share_correct}
        found.append(of_quality | golden | {"AlarmName": _GOLDEN})
    if limits.quality:
        agreement = {"MetricName": AGREEMENT_METRIC, "Threshold": gates.agreement.minimum_share_equal}
        found.append(of_quality | agreement | {"AlarmName": _AGREEMENT})
    common = {"Period": PERIOD_SECONDS, "EvaluationPeriods": 1, "TreatMissingData": "notBreaching"}
    return [{**alarm, **common, "AlarmName": _name(endpoint, alarm["AlarmName"])} for alarm in found]


def all_names(endpoint_name: str) -> list[str]:
    """Every alarm that a deployment to this endpoint may make, whatever the settings."""
    return [_name(endpoint_name, watched) for watched in _WATCHED]


def prepare(aws: Aws, settings: Settings, deployment: str) -> tuple[list[str], list[str]]:
    """Make the alarms of a deployment.

    :returns: names of those that guard it, and of those left out because they ring already: they would roll
        back any update, the one that cures included
    """
    wanted = requests(settings, deployment)
    own_quality = [alarm["AlarmName"] for alarm in wanted if alarm["Namespace"] == NAMESPACE]
    if own_quality:
        # A changed alarm keeps its state, and the one of the last deployment may still be ringing.
        aws.call("cloudwatch", "delete_alarms", AlarmNames=own_quality)
    for alarm in wanted:
        description = f"Rolls back an update of endpoint {settings.endpoint_name} (Sentiment Retrain)"
        aws.call("cloudwatch", "put_metric_alarm", **alarm, AlarmDescription=description)
    names = [*(alarm["AlarmName"] for alarm in wanted), *settings.deployment.alarms.existing]
    ringing = set(in_alarm(aws, names))
    return [name for name in names if name not in ringing], sorted(ringing)


def rung_since(aws: Aws, names: Sequence[str], moment: dt.datetime) -> list[dict[str, str]]:
    """Which alarms went off since ``moment``, with CloudWatch's reason: ``alarm, reason, at``."""
    found: list[dict[str, str]] = []
    for name in names:
        history = aws.call(
            "cloudwatch",
            "describe_alarm_history",
            AlarmName=name,
            HistoryItemType="StateUpdate",
            StartDate=moment,
        )
        for item in history["AlarmHistoryItems"]:
            state = json.loads(item["HistoryData"]).get("newState", {})
            if state.get("stateValue") == "ALARM":
                at = item["Timestamp"].isoformat(timespec="seconds")
                found.append({"alarm": name, "reason": str(state.get("stateReason", "")), "at": at})
                break
    return found


def in_alarm(aws: Aws, names: Sequence[str]) -> list[str]:
    """Which of these ring now."""
    if not names:
        return []
    described = aws.call("cloudwatch", "describe_alarms", AlarmNames=list(names), StateValue="ALARM")
    return [alarm["AlarmName"] for alarm in described["MetricAlarms"]]


def _name(endpoint_name: str, watched: str) -> str:
    return f"{endpoint_name}-{watched}"
