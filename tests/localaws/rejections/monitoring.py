"""CloudWatch's alarms and metrics."""

from __future__ import annotations

from rejections import MODEL, MODEL_TEXT, REMOVED, Operation, contract

# CloudWatch keeps the codes of its former query protocol.
INVALID = "ValidationError"
ALARM = Operation(
    "cloudwatch",
    "PutMetricAlarm",
    {
        "AlarmName": "@new",
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocation5XXErrors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    },
    INVALID,
)
DESCRIBE = Operation("cloudwatch", "DescribeAlarms", {"AlarmNames": ["@alarm"]}, INVALID)
HISTORY = Operation("cloudwatch", "DescribeAlarmHistory", {"AlarmName": "@alarm"}, INVALID)
OF_METRIC = Operation(
    "cloudwatch",
    "DescribeAlarmsForMetric",
    {"MetricName": "Invocation5XXErrors", "Namespace": "AWS/SageMaker"},
    INVALID,
)
DELETE = Operation("cloudwatch", "DeleteAlarms", {"AlarmNames": ["@missing"]}, INVALID)
DISABLE = Operation("cloudwatch", "DisableAlarmActions", {"AlarmNames": ["@alarm"]}, INVALID)
ENABLE = Operation("cloudwatch", "EnableAlarmActions", {"AlarmNames": ["@alarm"]}, INVALID)
STATE = Operation(
    "cloudwatch",
    "SetAlarmState",
    {"AlarmName": "@alarm", "StateValue": "OK", "StateReason": "a test"},
    INVALID,
)
STATISTICS = Operation(
    "cloudwatch",
    "GetMetricStatistics",
    {
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocations",
        "StartTime": "2026-11-22T00:00:00Z",
        "EndTime": "2026-11-22T01:00:00Z",
        "Period": 60,
        "Statistics": ["Sum"],
    },
    INVALID,
)

ENUM = "Member must satisfy enum value set"
LONGEST = "Member must have length less than or equal to"
HUNDRED_AND_ONE = [f"a{n}" for n in range(101)]

REFUSED = [
    ALARM.refused("no name", {"AlarmName": REMOVED}, "alarmName", MODEL),
    ALARM.refused("unknown comparison", {"ComparisonOperator": "Feels"}, ENUM, MODEL),
    ALARM.refused("unknown statistic", {"Statistic": "Median"}, ENUM, MODEL),
    DESCRIBE.refused("101 names", {"AlarmNames": HUNDRED_AND_ONE}, f"{LONGEST} 100", MODEL),
    DESCRIBE.refused("unknown state", {"StateValue": "RINGING"}, ENUM, MODEL),
    HISTORY.refused("page of 101", {"MaxRecords": 101}, "less than or equal to 100", MODEL),
    OF_METRIC.refused("no namespace", {"Namespace": REMOVED}, "namespace", MODEL),
    DELETE.refused("101 names", {"AlarmNames": HUNDRED_AND_ONE}, f"{LONGEST} 100", MODEL),
    DISABLE.refused("no name", {"AlarmNames": REMOVED}, "alarmNames", MODEL),
    ENABLE.refused("no name", {"AlarmNames": REMOVED}, "alarmNames", MODEL),
    STATE.refused("unknown state", {"StateValue": "RINGING"}, ENUM, MODEL),
    STATE.refused("missing alarm", {"AlarmName": "@missing"}, "", MODEL_TEXT, "ResourceNotFound"),
    STATISTICS.refused("unknown statistic", {"Statistics": ["Median"]}, ENUM, MODEL),
    STATISTICS.refused("no period", {"Period": 0}, "greater than or equal to 1", MODEL),
]

ACCEPTED = [
    ALARM.accepted("plain", source=contract("4.3")),
    DESCRIBE.accepted("there"),
    HISTORY.accepted("there"),
    OF_METRIC.accepted("there"),
    DISABLE.accepted("there"),
    ENABLE.accepted("there"),
    STATISTICS.accepted("an hour"),
]
