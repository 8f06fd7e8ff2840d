"""Stopping queries, limits of workgroups, what a query took, and tags of workgroups."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from athena_queries import ENDLESS, Queries
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def queries(aws: Callable[[str], Any], bucket: str) -> Queries:
    """Queries whose results go to a bucket of their own."""
    return Queries(aws("athena"), f"s3://{bucket}/results")


@pytest.fixture
def workgroup(queries: Queries) -> Iterator[str]:
    """A fresh workgroup."""
    name = f"group-{uuid.uuid4().hex[:8]}"
    queries.athena.create_work_group(Name=name, Tags=[{"Key": "team", "Value": "reviews"}])
    yield name
    queries.athena.delete_work_group(WorkGroup=name, RecursiveDeleteOption=True)


def wait_until_running(queries: Queries, query_id: str) -> None:
    """Wait until a query has left the queue."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = queries.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"]
        if status["State"] != "QUEUED":
            return
        time.sleep(0.05)
    raise TimeoutError(f"query {query_id} stays queued")


def test_stop_ends_a_running_query(queries: Queries) -> None:
    query_id = queries.start(ENDLESS)
    wait_until_running(queries, query_id)
    time.sleep(0.5)  # it is in its rows by now, not only being planned
    queries.athena.stop_query_execution(QueryExecutionId=query_id)
    status = queries.wait(query_id, seconds=15)["Status"]
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Query was cancelled by user")
    queries.athena.stop_query_execution(QueryExecutionId=query_id)  # ended already: no error
    assert queries.rows("select 1") == [["1"]]


def test_stop_ends_a_query_in_the_queue_at_once(queries: Queries) -> None:
    started = [queries.start(ENDLESS) for _ in range(5)]  # four run at a time
    queries.athena.stop_query_execution(QueryExecutionId=started[-1])
    last = queries.athena.get_query_execution(QueryExecutionId=started[-1])["QueryExecution"]["Status"]
    for query_id in started[:-1]:
        queries.athena.stop_query_execution(QueryExecutionId=query_id)
    ended = [queries.wait(query_id)["Status"]["State"] for query_id in started]
    assert last["State"] == "CANCELLED"
    assert ended == ["CANCELLED"] * 5


@pytest.mark.parametrize("enforced", [True, False])
def test_a_query_that_reads_more_than_its_workgroup_allows_is_cancelled(
    queries: Queries, aws: Callable[[str], Any], bucket: str, workgroup: str, enforced: bool
) -> None:
    database = f"db_{uuid.uuid4().hex[:8]}"
    aws("glue").create_database(DatabaseInput={"Name": database})
    aws("s3").put_object(Bucket=bucket, Key="t/1.csv", Body=b"x" * 1_000_000 + b"\n" + b"y" * 9_100_000)
    queries.athena.update_work_group(
        WorkGroup=workgroup,
        ConfigurationUpdates={
            "EnforceWorkGroupConfiguration": enforced,
            "BytesScannedCutoffPerQuery": 10_000_000,
            "ResultConfigurationUpdates": {"OutputLocation": f"s3://{bucket}/enforced/"},
        },
    )
    queries.rows(f"create external table {database}.t (a string) location 's3://{bucket}/t/'")
    sql = f"select count(*) from {database}.t"  # noqa: S608
    execution = queries.wait(queries.start(sql, WorkGroup=workgroup))
    assert execution["Status"]["State"] == "CANCELLED"
    assert execution["Status"]["StateChangeReason"] == "Query cancelled! : Bytes scanned limit was exceeded"
    assert execution["Statistics"]["DataScannedInBytes"] == 10_100_001
    # Athena's own rule: an enforced workgroup's place for results wins over the request's.
    place = "enforced" if enforced else "results"
    assert execution["ResultConfiguration"]["OutputLocation"].startswith(f"s3://{bucket}/{place}/")
    removal = {"RemoveBytesScannedCutoffPerQuery": True}
    queries.athena.update_work_group(WorkGroup=workgroup, ConfigurationUpdates=removal)
    assert queries.wait(queries.start(sql, WorkGroup=workgroup))["Status"]["State"] == "SUCCEEDED"


def test_runtime_statistics(queries: Queries) -> None:
    query_id = queries.start("select x from unnest(sequence(1, 12)) t(x)")
    execution = queries.wait(query_id)
    answer = queries.athena.get_query_runtime_statistics(QueryExecutionId=query_id)
    statistics = answer["QueryRuntimeStatistics"]
    total = execution["Statistics"]["TotalExecutionTimeInMillis"]
    assert statistics["Timeline"]["TotalExecutionTimeInMillis"] == total
    # 1 to 9 are one character, 10 to 12 are two.
    assert statistics["Rows"] == {"InputRows": 0, "InputBytes": 0, "OutputRows": 12, "OutputBytes": 15}
    with pytest.raises(ClientError, match="was not found"):
        queries.athena.get_query_runtime_statistics(QueryExecutionId=str(uuid.uuid4()))


def test_workgroups_have_tags(queries: Queries, workgroup: str) -> None:
    athena = queries.athena
    arn = {"ResourceARN": f"arn:aws:athena:us-east-1:123456789012:workgroup/{workgroup}"}
    assert athena.list_tags_for_resource(**arn)["Tags"] == [{"Key": "team", "Value": "reviews"}]
    athena.tag_resource(Tags=[{"Key": "team", "Value": "other"}, {"Key": "stage", "Value": "test"}], **arn)
    athena.untag_resource(TagKeys=["team", "never-there"], **arn)
    assert athena.list_tags_for_resource(**arn)["Tags"] == [{"Key": "stage", "Value": "test"}]
    nowhere = {"ResourceARN": "arn:aws:athena:us-east-1:123456789012:workgroup/nowhere"}
    for call in (
        athena.list_tags_for_resource,
        lambda **arn: athena.tag_resource(Tags=[{"Key": "a", "Value": "b"}], **arn),
        lambda **arn: athena.untag_resource(TagKeys=["a"], **arn),
    ):
        with pytest.raises(ClientError) as caught:
            call(**nowhere)
        assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
