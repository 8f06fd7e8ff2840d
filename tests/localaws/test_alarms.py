"""Alarms are evaluated on the metrics that are there; a minute lasts a second in these tests."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hosting import Hosting, unique

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAIT_SECONDS = 20


@pytest.fixture(scope="module")
def cloudwatch(aws: Callable[[str], Any]) -> Any:
    """A client."""
    return aws("cloudwatch")


def request(**changes: Any) -> dict[str, Any]:
    """A valid PutMetricAlarm request on a metric of its own, with `changes`."""
    return {
        "AlarmName": unique("alarm"),
        "Namespace": "Test",
        "MetricName": unique("metric"),
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "Period": 60,
        "Statistic": "Maximum",
        "Threshold": 5,
    } | changes


@pytest.fixture
def alarm(cloudwatch: Any) -> Iterator[Callable[..., dict[str, Any]]]:
    """A function that creates an alarm and returns its request; they are deleted afterwards."""
    names: list[str] = []

    def create(**changes: Any) -> dict[str, Any]:
        made = request(**changes)
        cloudwatch.put_metric_alarm(**made)
        names.append(made["AlarmName"])
        return made

    yield create
    cloudwatch.delete_alarms(AlarmNames=names)


def measure(cloudwatch: Any, alarm: dict[str, Any], *values: float, **more: Any) -> None:
    """Put values of an alarm's metric."""
    data = [{"MetricName": alarm["MetricName"], "Value": value, **more} for value in values]
    cloudwatch.put_metric_data(Namespace=alarm["Namespace"], MetricData=data)


def described(cloudwatch: Any, alarm: dict[str, Any]) -> dict[str, Any]:
    """What DescribeAlarms says of an alarm."""
    (found,) = cloudwatch.describe_alarms(AlarmNames=[alarm["AlarmName"]])["MetricAlarms"]
    return dict(found)


def wait_for_state(cloudwatch: Any, alarm: dict[str, Any], state: str) -> dict[str, Any]:
    """The alarm once it has a state."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := described(cloudwatch, alarm))["StateValue"] != state:
        if time.monotonic() > deadline:
            return pytest.fail(f"the state is {found['StateValue']}, not {state}: {found['StateReason']}")
        time.sleep(0.1)
    return found


def test_an_alarm_begins_without_data_goes_off_and_recovers(
    cloudwatch: Any, alarm: Callable[..., dict[str, Any]]
) -> None:
    made = alarm()
    assert described(cloudwatch, made)["StateValue"] == "INSUFFICIENT_DATA"
    measure(cloudwatch, made, 9)
    found = wait_for_state(cloudwatch, made, "ALARM")
    assert found["StateReason"] == (
        "Threshold Crossed: 1 out of the last 1 datapoint [9.0] was greater than the threshold (5.0) "
        "(minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert json.loads(found["StateReasonData"])["recentDatapoints"] == [9.0]
    deadline = time.monotonic() + WAIT_SECONDS
    while described(cloudwatch, made)["StateValue"] == "ALARM" and time.monotonic() < deadline:
        measure(cloudwatch, made, 1)
        time.sleep(0.2)
    assert described(cloudwatch, made)["StateValue"] == "OK"
    assert "no" in wait_for_state(cloudwatch, made, "INSUFFICIENT_DATA")["StateReason"]


def test_history_tells_what_happened(cloudwatch: Any, alarm: Callable[..., dict[str, Any]]) -> None:
    made = alarm()
    measure(cloudwatch, made, 9)
    wait_for_state(cloudwatch, made, "ALARM")
    name = made["AlarmName"]
    history = cloudwatch.describe_alarm_history(AlarmName=name)["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in history] == [
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        f'Alarm "{name}" created',
    ]
    updates = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate", MaxRecords=1)
    (item,) = updates["AlarmHistoryItems"]
    assert json.loads(item["HistoryData"])["newState"]["stateValue"] == "ALARM"


def history_of(cloudwatch: Any, made: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    answer = cloudwatch.describe_alarm_history(AlarmName=made["AlarmName"], HistoryItemType=kind)
    return list(answer["AlarmHistoryItems"])


def eventually(look: Callable[[], list[dict[str, Any]]], seconds: float = 10) -> list[dict[str, Any]]:
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_an_alarm_notifies_its_topic(
    aws: Callable[[str], Any], cloudwatch: Any, alarm: Callable[..., dict[str, Any]]
) -> None:
    topic = aws("sns").create_topic(Name=unique("topic"))["TopicArn"]
    queue = aws("sqs").create_queue(QueueName=unique("queue"))["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    made = alarm(AlarmActions=[topic], AlarmDescription="too much")
    measure(cloudwatch, made, 9)
    wait_for_state(cloudwatch, made, "ALARM")
    messages = aws("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    envelope = json.loads(messages[0]["Body"])
    message = json.loads(envelope["Message"])
    assert envelope["Subject"].startswith(f'ALARM: "{made["AlarmName"]}"')
    assert (message["NewStateValue"], message["OldStateValue"]) == ("ALARM", "INSUFFICIENT_DATA")
    assert message["AlarmDescription"] == "too much"
    assert message["Trigger"]["MetricName"] == made["MetricName"]
    # The message may be there a moment before the history tells of it.
    actions = eventually(lambda: history_of(cloudwatch, made, "Action"))
    assert actions[0]["HistorySummary"] == f"Successfully executed action {topic}"


@pytest.mark.parametrize(
    ("treatment", "state"),
    [("breaching", "ALARM"), ("notBreaching", "OK"), ("missing", "INSUFFICIENT_DATA")],
)
def test_missing_data_are_treated_as_asked(
    cloudwatch: Any, alarm: Callable[..., dict[str, Any]], treatment: str, state: str
) -> None:
    made = alarm(TreatMissingData=treatment)
    time.sleep(1.5)
    wait_for_state(cloudwatch, made, state)


def test_ignored_missing_data_keep_the_state(cloudwatch: Any, alarm: Callable[..., dict[str, Any]]) -> None:
    made = alarm(TreatMissingData="ignore")
    cloudwatch.set_alarm_state(AlarmName=made["AlarmName"], StateValue="ALARM", StateReason="by hand")
    time.sleep(3)
    assert described(cloudwatch, made)["StateReason"] == "by hand"


def test_a_state_set_by_hand_lasts_until_the_next_evaluation(
    cloudwatch: Any, alarm: Callable[..., dict[str, Any]]
) -> None:
    made = alarm(TreatMissingData="notBreaching")
    wait_for_state(cloudwatch, made, "OK")
    cloudwatch.set_alarm_state(AlarmName=made["AlarmName"], StateValue="ALARM", StateReason="by hand")
    wait_for_state(cloudwatch, made, "OK")
    history = cloudwatch.describe_alarm_history(AlarmName=made["AlarmName"], HistoryItemType="StateUpdate")
    summaries = [item["HistorySummary"] for item in history["AlarmHistoryItems"]]
    assert summaries[:2] == ["Alarm updated from ALARM to OK", "Alarm updated from OK to ALARM"]


def test_datapoints_to_alarm_of_the_periods_are_enough(
    cloudwatch: Any, alarm: Callable[..., dict[str, Any]]
) -> None:
    made = alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
    now = datetime.now(UTC)
    # Two breaching datapoints among three, with other values between them.
    for seconds, value in ((3, 9), (2, 1), (1, 9)):
        measure(cloudwatch, made, value, Timestamp=now - timedelta(seconds=seconds))
    found = wait_for_state(cloudwatch, made, "ALARM")
    assert "2 out of the last 3 datapoints" in found["StateReason"]


def test_percentiles_are_evaluated(cloudwatch: Any, alarm: Callable[..., dict[str, Any]]) -> None:
    changes = request(ExtendedStatistic="p50", Threshold=50)
    del changes["Statistic"]
    cloudwatch.put_metric_alarm(**changes)
    measure(cloudwatch, changes, 1, 60, 1000)
    assert "[60.0]" in wait_for_state(cloudwatch, changes, "ALARM")["StateReason"]
    points = cloudwatch.get_metric_statistics(
        Namespace="Test",
        MetricName=changes["MetricName"],
        StartTime=datetime.now(UTC) - timedelta(minutes=5),
        EndTime=datetime.now(UTC) + timedelta(minutes=5),
        Period=3600,
        ExtendedStatistics=["p50", "p100"],
    )["Datapoints"]
    assert points[0]["ExtendedStatistics"] == {"p50": 60.0, "p100": 1000.0}
    cloudwatch.delete_alarms(AlarmNames=[changes["AlarmName"]])


def test_disabled_actions_are_not_carried_out(
    aws: Callable[[str], Any], cloudwatch: Any, alarm: Callable[..., dict[str, Any]]
) -> None:
    made = alarm(AlarmActions=[aws("sns").create_topic(Name=unique("topic"))["TopicArn"]])
    cloudwatch.disable_alarm_actions(AlarmNames=[made["AlarmName"]])
    cloudwatch.set_alarm_state(AlarmName=made["AlarmName"], StateValue="ALARM", StateReason="by hand")
    history = cloudwatch.describe_alarm_history(AlarmName=made["AlarmName"], HistoryItemType="Action")
    assert history["AlarmHistoryItems"] == []
    cloudwatch.enable_alarm_actions(AlarmNames=[made["AlarmName"]])
    assert described(cloudwatch, made)["ActionsEnabled"] is True


def test_a_changed_alarm_keeps_its_state(cloudwatch: Any, alarm: Callable[..., dict[str, Any]]) -> None:
    made = alarm(TreatMissingData="breaching")
    wait_for_state(cloudwatch, made, "ALARM")
    cloudwatch.put_metric_alarm(**made | {"AlarmDescription": "changed"})
    found = described(cloudwatch, made)
    assert (found["StateValue"], found["AlarmDescription"]) == ("ALARM", "changed")


def test_alarms_are_found_by_prefix_state_and_metric(
    cloudwatch: Any, alarm: Callable[..., dict[str, Any]]
) -> None:
    made = alarm(TreatMissingData="breaching")
    wait_for_state(cloudwatch, made, "ALARM")
    prefix = made["AlarmName"][:-1]
    for query in ({"AlarmNamePrefix": prefix}, {"AlarmNamePrefix": prefix, "StateValue": "ALARM"}):
        names = [item["AlarmName"] for item in cloudwatch.describe_alarms(**query)["MetricAlarms"]]
        assert names == [made["AlarmName"]]
    assert cloudwatch.describe_alarms(AlarmNamePrefix=prefix, StateValue="OK")["MetricAlarms"] == []
    found = cloudwatch.describe_alarms_for_metric(Namespace="Test", MetricName=made["MetricName"])
    assert [item["AlarmName"] for item in found["MetricAlarms"]] == [made["AlarmName"]]


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"Period": 45}, "ValidationError", "multiple of 60"),
        ({"DatapointsToAlarm": 2}, "ValidationError", "DatapointsToAlarm"),
        ({"EvaluationPeriods": 2000}, "ValidationError", "more than a day"),
        ({"TreatMissingData": "forget"}, "ValidationError", "Option forget is not supported"),
        ({"ComparisonOperator": "Above"}, "ValidationError", "enum value set"),
        ({"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]}, "NotImplementedException", "automate"),
        ({"Statistic": None, "ExtendedStatistic": "p900"}, "InvalidParameterValue", "p900"),
        ({"Metrics": [{"Id": "a", "Expression": "b+c"}]}, "NotImplementedException", "Metrics"),
    ],
)
def test_wrong_alarms_are_refused(cloudwatch: Any, changes: dict[str, Any], code: str, message: str) -> None:
    wrong = {key: value for key, value in request(**changes).items() if value is not None}
    with pytest.raises(ClientError, match=message) as caught:
        cloudwatch.put_metric_alarm(**wrong)
    assert caught.value.response["Error"]["Code"] == code


def test_what_is_not_done_is_said(cloudwatch: Any) -> None:
    with pytest.raises(ClientError, match="NotImplemented: PutCompositeAlarm"):
        cloudwatch.put_composite_alarm(AlarmName=unique("alarm"), AlarmRule="ALARM(a)")
    with pytest.raises(ClientError) as caught:
        cloudwatch.set_alarm_state(AlarmName="nothing-here", StateValue="OK", StateReason="by hand")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFound"


def test_the_metrics_of_an_endpoint_are_complete_and_prompt(
    aws: Callable[[str], Any], cloudwatch: Any
) -> None:
    hosting = Hosting(aws)
    name = hosting.endpoint(hosting.config({hosting.web_model(): 1}, instances=2))
    hosting.settled(name)
    for _ in range(3):
        hosting.invoke(name, b"x")
    for refused in (b"refuse 418", b"refuse 500"):
        with pytest.raises(ClientError, match="ModelError"):
            hosting.invoke(name, refused)

    def total(metric: str, statistic: str = "Sum") -> float:
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[
                {"Name": "EndpointName", "Value": name},
                {"Name": "VariantName", "Value": "variant-1"},
            ],
            StartTime=datetime.now(UTC) - timedelta(minutes=10),
            EndTime=datetime.now(UTC) + timedelta(minutes=10),
            Period=3600,
            **({"Statistics": [statistic]} if statistic[0] != "p" else {"ExtendedStatistics": [statistic]}),
        )["Datapoints"]
        return float(sum(point.get(statistic) or point["ExtendedStatistics"][statistic] for point in points))

    begin = time.monotonic()
    while total("Invocations") < 5 and time.monotonic() - begin < WAIT_SECONDS:
        time.sleep(0.1)
    assert time.monotonic() - begin < WAIT_SECONDS / 2
    assert total("Invocations") == 5
    assert total("InvocationsPerInstance") == 2.5
    assert total("Invocation4XXErrors") == 1
    assert total("Invocation5XXErrors") == 1
    assert 100 < total("ModelLatency", "p90") <= total("ModelLatency", "Maximum") < 10e6
    assert 0 < total("OverheadLatency", "Average") < 10e6
    hosting.delete(name)
