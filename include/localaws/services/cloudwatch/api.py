"""CloudWatch: alarms that are evaluated, and percentiles; metric data and dashboards are moto's."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.utils import method_names_from_class

from localaws import state
from localaws.protocol import AwsError, StrictResponse, answer, not_implemented
from localaws.services.cloudwatch import alarms
from localaws.services.cloudwatch.evaluator import evaluator
from localaws.services.cloudwatch.statistics import matching, moment, percentile_of, statistic

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

Document = dict[str, Any]

_PAGE = 100
_MISSING = ("breaching", "notBreaching", "ignore", "missing")
_ALARM_FIELDS = ("MetricName", "Namespace", "Period", "Threshold")
_ACTIONS = (":sns:", ":autoscaling:")


class CloudWatch(StrictResponse, CloudWatchResponse):
    """Metric alarms are ours and really evaluated."""

    region: str
    kept_operations = frozenset(method_names_from_class(CloudWatchResponse)) - {"put_composite_alarm"}

    def put_metric_alarm(self) -> ActionResult:
        """Create or change an alarm; it is evaluated from now on."""
        request = self.request()
        check(request)
        alarms.put(self.region, request)
        evaluator.start()
        return answer({})

    def describe_alarms(self) -> ActionResult:
        """Alarms by names, prefix, state or action."""
        request = self.request()
        found = [alarm for alarm in alarms.all_of(self.region) if _selected(alarm, request)]
        page, token = _paged(found, request)
        return answer({"MetricAlarms": page, "CompositeAlarms": [], "NextToken": token})

    def describe_alarms_for_metric(self) -> ActionResult:
        """Alarms on one metric."""
        request = self.request()
        wanted = {item["Name"]: item["Value"] for item in request.get("Dimensions", [])}
        found = [
            alarm
            for alarm in alarms.all_of(self.region)
            if (alarm["MetricName"], alarm["Namespace"]) == (request["MetricName"], request["Namespace"])
            and {item["Name"]: item["Value"] for item in alarm["Dimensions"]} == wanted
            and all(alarm.get(key) == request[key] for key in ("Statistic", "Period") if key in request)
        ]
        return answer({"MetricAlarms": found})

    def describe_alarm_history(self) -> ActionResult:
        """What happened to alarms, the newest first unless ScanBy says otherwise."""
        request = self.request()
        wanted = {key: request[key] for key in ("AlarmName", "HistoryItemType") if key in request}
        start, end = _utc(request.get("StartDate")), _utc(request.get("EndDate"))
        found = [
            item
            for item in state.store().items(alarms.HISTORY)
            if item["Region"] == self.region
            and all(item[key] == value for key, value in wanted.items())
            and (start is None or item["Timestamp"] >= start)
            and (end is None or item["Timestamp"] < end)
        ]
        if request.get("ScanBy") != "TimestampAscending":
            found.reverse()
        page, token = _paged(found, request)
        return answer({"AlarmHistoryItems": page, "NextToken": token})

    def set_alarm_state(self) -> ActionResult:
        """Give an alarm a state, with its actions; the next evaluation gives it its real one back."""
        request = self.request()
        name = request["AlarmName"]
        try:
            alarms.change_state(
                self.region,
                name,
                request["StateValue"],
                request["StateReason"],
                request.get("StateReasonData"),
            )
        except KeyError as error:
            raise AwsError("ResourceNotFound", f"Unknown alarm: {name}", 404) from error
        return answer({})

    def delete_alarms(self) -> ActionResult:
        """Delete alarms; unknown names are no error."""
        for name in self.request()["AlarmNames"]:
            alarms.delete(self.region, name)
        return answer({})

    def enable_alarm_actions(self) -> ActionResult:
        """Carry out actions from now on."""
        return self._switch_actions(enabled=True)

    def disable_alarm_actions(self) -> ActionResult:
        """Carry out no actions from now on."""
        return self._switch_actions(enabled=False)

    def get_metric_statistics(self) -> ActionResult:
        """Statistics and percentiles, a datapoint a period that has data."""
        request = self.request()
        names = [*request.get("Statistics", []), *request.get("ExtendedStatistics", [])]
        check_statistics(request, names)
        start, period = _utc(request["StartTime"]), request["Period"]
        end = _utc(request["EndTime"])
        if start is None or end is None or start >= end:
            raise AwsError("InvalidParameterValue", "The parameter StartTime must be less than EndTime.")
        first = math.floor(start.timestamp() / period) * period if period < 3600 else start.timestamp()
        periods: dict[int, list[Any]] = {}
        for datum in matching(list(self.cloudwatch_backend.get_all_metrics()), request):
            if start.timestamp() <= moment(datum) < end.timestamp():
                periods.setdefault(int((moment(datum) - first) // period), []).append(datum)
        points = [
            _datapoint(first + number * period, data, names) for number, data in sorted(periods.items())
        ]
        return answer({"Label": request["MetricName"], "Datapoints": points})

    def _switch_actions(self, *, enabled: bool) -> ActionResult:
        for name in self.request()["AlarmNames"]:
            if alarms.find(self.region, name):
                state.store().update(alarms.KIND, alarms.key(self.region, name), ActionsEnabled=enabled)
        return answer({})


def check(request: Document) -> None:
    """What botocore's model does not say about PutMetricAlarm; raises `AwsError`."""
    for key in ("Metrics", "ThresholdMetricId", "EvaluationCriteria"):
        if request.get(key):
            raise not_implemented(f"PutMetricAlarm: {key} (metric math and anomaly detection)")
    missing = [key for key in _ALARM_FIELDS if key not in request]
    if missing:
        raise AwsError("ValidationError", f"The parameter {missing[0]} is required.")
    extended = request.get("ExtendedStatistic")
    if ("Statistic" in request) == (extended is not None):
        raise AwsError("ValidationError", "Exactly one of Statistic and ExtendedStatistic must be given.")
    if extended and percentile_of(extended) is None:
        message = f"The value {extended} for parameter ExtendedStatistic is not supported."
        raise AwsError("InvalidParameterValue", message)
    if request.get("TreatMissingData", "missing") not in _MISSING:
        message = f"Option {request['TreatMissingData']} is not supported. Supported options for parameter "
        raise AwsError("ValidationError", f"{message}TreatMissingData are {', '.join(_MISSING)}.")
    check_periods(request)
    check_actions(request)


def check_periods(request: Document) -> None:
    """Period, EvaluationPeriods and DatapointsToAlarm must fit together; raises `AwsError`."""
    period, periods = request["Period"], request["EvaluationPeriods"]
    if period not in (10, 20, 30) and period % 60:
        raise AwsError("ValidationError", f"Period must be 10, 20, 30 or a multiple of 60, got {period}.")
    if request.get("DatapointsToAlarm", 1) > periods:
        raise AwsError("ValidationError", "DatapointsToAlarm must not be greater than EvaluationPeriods.")
    if period * periods > 604_800 or (period < 3600 and period * periods > 86_400):
        message = (
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400)"
        )
        raise AwsError("ValidationError", f"{message}.")


def check_actions(request: Document) -> None:
    """Refuse actions that are not carried out here: all but SNS topics and scaling policies."""
    for key in alarms.ACTIONS.values():
        for action in request.get(key, []):
            if not any(part in action for part in _ACTIONS):
                raise not_implemented(f"PutMetricAlarm: {key} {action}")


def check_statistics(request: Document, names: list[str]) -> None:
    """Statistics of GetMetricStatistics; raises `AwsError`."""
    if not names:
        message = "Must specify either Statistics or ExtendedStatistics"
        raise AwsError("InvalidParameterCombination", message)
    for name in request.get("ExtendedStatistics", []):
        if percentile_of(name) is None:
            message = f"The value {name} for parameter ExtendedStatistics is not supported."
            raise AwsError("InvalidParameterValue", message)


def _datapoint(start: float, data: list[Any], names: list[str]) -> Document:
    values = {name: statistic(data, name) for name in names}
    extended = {name: value for name, value in values.items() if percentile_of(name) is not None}
    plain = {name: value for name, value in values.items() if name not in extended}
    known = {name: value for name, value in extended.items() if value is not None}
    unit = data[0].unit or "None"
    point: Document = {"Timestamp": datetime.fromtimestamp(start, UTC), "Unit": unit, **plain}
    return {**point, "ExtendedStatistics": known} if known else point


def _selected(alarm: Document, request: Document) -> bool:
    name, actions = alarm["AlarmName"], [item for key in alarms.ACTIONS.values() for item in alarm[key]]
    prefix = request.get("ActionPrefix")
    return (
        ("AlarmNames" not in request or name in request["AlarmNames"])
        and name.startswith(request.get("AlarmNamePrefix", ""))
        and request.get("StateValue") in (None, alarm["StateValue"])
        and (prefix is None or any(action.startswith(prefix) for action in actions))
    )


def _paged(found: list[Document], request: Document) -> tuple[list[Document], str | None]:
    token = request.get("NextToken", "0")
    if not token.isdigit():
        raise AwsError("InvalidNextToken", "The next token specified is invalid.")
    begin = int(token)
    end = begin + request.get("MaxRecords", _PAGE)
    return found[begin:end], str(end) if end < len(found) else None


def _utc(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    moment_of: datetime = value
    return moment_of if moment_of.tzinfo else moment_of.replace(tzinfo=UTC)
