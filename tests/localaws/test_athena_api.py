"""Athena's API: executions, results, workgroups, the data catalog."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from athena_queries import ENDLESS, Queries
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from stand_in import StandIn


@pytest.fixture
def athena(aws: Callable[[str], Any]) -> Any:
    """A client."""
    return aws("athena")


@pytest.fixture
def queries(athena: Any, bucket: str) -> Queries:
    """Queries whose results go to a bucket of their own."""
    return Queries(athena, f"s3://{bucket}/results")


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """Code and message of the error that a call is answered with."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_execution_describes_a_finished_query(queries: Queries, bucket: str) -> None:
    execution = queries.run("select 1 as one").execution
    query_id = execution["QueryExecutionId"]
    assert execution["Query"] == "select 1 as one"
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DML", "SELECT")
    assert execution["ResultConfiguration"]["OutputLocation"] == f"s3://{bucket}/results/{query_id}.csv"
    assert execution["QueryExecutionContext"] == {"Database": "default"}
    assert execution["WorkGroup"] == "primary"
    assert execution["EngineVersion"]["EffectiveEngineVersion"] == "Athena engine version 3"
    assert execution["Statistics"]["DataScannedInBytes"] == 0
    assert execution["Status"]["CompletionDateTime"] >= execution["Status"]["SubmissionDateTime"]


def test_failed_execution_has_athena_error(queries: Queries) -> None:
    status = queries.wait(queries.start("select nope"))["Status"]
    reason = (
        "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved or requester is not authorized to "
        "access requested resources"
    )
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"] == reason
    assert status["AthenaError"] == {
        "ErrorCategory": 2,
        "ErrorType": 1006,
        "Retryable": False,
        "ErrorMessage": reason,
    }


def test_result_file_tells_null_from_empty(queries: Queries, aws: Callable[[str], Any], bucket: str) -> None:
    sql = "select 'a,\"b\"' x, cast(null as varchar) y, '' z, 'two\nlines' w"
    result = queries.run(sql)
    key = f"results/{result.execution['QueryExecutionId']}.csv"
    content = aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert content == b'"x","y","z","w"\n"a,""b""",,"","two\nlines"\n'
    assert aws("s3").get_object(Bucket=bucket, Key=f"{key}.metadata")["Body"].read()
    assert result.rows == [['a,"b"', None, "", "two\nlines"]]


def test_results_come_in_pages(queries: Queries, athena: Any) -> None:
    query_id = queries.start("select x from unnest(sequence(1, 2500)) as t(x) order by x")
    queries.wait(query_id)
    pages = list(athena.get_paginator("get_query_results").paginate(QueryExecutionId=query_id))
    values = [row["Data"][0]["VarCharValue"] for page in pages for row in page["ResultSet"]["Rows"]]
    assert values == ["x", *map(str, range(1, 2501))]
    assert [len(page["ResultSet"]["Rows"]) for page in pages] == [1000, 1000, 501]


def test_results_of_an_unfinished_query_are_refused(queries: Queries, athena: Any) -> None:
    query_id = queries.start("select nope")
    queries.wait(query_id)
    assert refusal(athena.get_query_results, QueryExecutionId=query_id) == (
        "InvalidRequestException",
        "Query did not finish successfully. Final query state: FAILED",
    )


def test_same_token_gives_the_same_query(queries: Queries, athena: Any) -> None:
    token = uuid.uuid4().hex
    first = queries.start("select 1", ClientRequestToken=token)
    assert queries.start("select 1", ClientRequestToken=token) == first
    code, message = refusal(queries.start, sql="select 2", ClientRequestToken=token)
    assert (code, message) == ("InvalidRequestException", "Idempotent parameters do not match")


def test_syntax_errors_are_refused_at_once(queries: Queries) -> None:
    code, message = refusal(queries.start, sql="select 1 fro m")
    assert code == "InvalidRequestException"
    assert message.startswith("line 1:14: mismatched input 'm'.")


def test_output_location_is_needed(athena: Any) -> None:
    assert refusal(athena.start_query_execution, QueryString="select 1") == (
        "InvalidRequestException",
        "No output location provided. An output location is required either through the Workgroup result "
        "configuration setting or as an API input.",
    )


def test_missing_output_bucket_is_refused(athena: Any) -> None:
    location = {"OutputLocation": "s3://no-such-bucket-anywhere/"}
    assert refusal(athena.start_query_execution, QueryString="select 1", ResultConfiguration=location) == (
        "InvalidRequestException",
        "Unable to verify/create output bucket no-such-bucket-anywhere",
    )


def test_batch_get_reports_unknown_ids(queries: Queries, athena: Any) -> None:
    query_id = queries.start("select 1")
    queries.wait(query_id)
    unknown = str(uuid.uuid4())
    answer = athena.batch_get_query_execution(QueryExecutionIds=[query_id, unknown])
    assert [item["QueryExecutionId"] for item in answer["QueryExecutions"]] == [query_id]
    assert answer["UnprocessedQueryExecutionIds"] == [
        {
            "QueryExecutionId": unknown,
            "ErrorCode": "INVALID_INPUT",
            "ErrorMessage": f"QueryExecution {unknown} was not found",
        }
    ]


def test_workgroup_keeps_results_where_it_says(queries: Queries, athena: Any, bucket: str) -> None:
    name = f"group-{uuid.uuid4().hex[:8]}"
    settings = {"ResultConfiguration": {"OutputLocation": f"s3://{bucket}/enforced/"}}
    athena.create_work_group(Name=name, Configuration=settings, Description="ours")
    query_id = queries.start("select 1", WorkGroup=name)
    location = queries.wait(query_id)["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{bucket}/enforced/{query_id}.csv"
    assert athena.list_query_executions(WorkGroup=name)["QueryExecutionIds"] == [query_id]

    athena.update_work_group(
        WorkGroup=name, ConfigurationUpdates={"BytesScannedCutoffPerQuery": 10_000_000}, State="DISABLED"
    )
    group = athena.get_work_group(WorkGroup=name)["WorkGroup"]
    assert group["Configuration"]["BytesScannedCutoffPerQuery"] == 10_000_000
    assert group["Configuration"]["ResultConfiguration"] == settings["ResultConfiguration"]
    assert refusal(queries.start, sql="select 1", WorkGroup=name)[1] == f"WorkGroup {name} is disabled."
    assert refusal(athena.delete_work_group, WorkGroup=name)[1] == f"WorkGroup {name} is not empty"
    athena.delete_work_group(WorkGroup=name, RecursiveDeleteOption=True)
    assert refusal(athena.get_work_group, WorkGroup=name) == (
        "InvalidRequestException",
        f"WorkGroup {name} is not found.",
    )


def test_primary_workgroup_exists(athena: Any) -> None:
    names = [group["Name"] for group in athena.list_work_groups()["WorkGroups"]]
    assert "primary" in names
    assert athena.get_work_group(WorkGroup="primary")["WorkGroup"]["State"] == "ENABLED"
    assert refusal(athena.delete_work_group, WorkGroup="primary")[0] == "InvalidRequestException"


def test_data_catalog_is_glue(aws: Callable[[str], Any], athena: Any, bucket: str) -> None:
    database = f"db_{uuid.uuid4().hex[:8]}"
    aws("glue").create_database(DatabaseInput={"Name": database, "Description": "ours"})
    columns = [{"Name": "a", "Type": "int", "Comment": "first"}]
    storage = {"Columns": columns, "Location": f"s3://{bucket}/t/"}
    aws("glue").create_table(
        DatabaseName=database,
        TableInput={
            "Name": "t",
            "StorageDescriptor": storage,
            "PartitionKeys": [{"Name": "dt", "Type": "string"}],
            "TableType": "EXTERNAL_TABLE",
        },
    )
    catalog = {"CatalogName": "AwsDataCatalog"}
    assert athena.get_data_catalog(Name="AwsDataCatalog")["DataCatalog"]["Type"] == "GLUE"
    names = [item["Name"] for item in athena.list_databases(**catalog)["DatabaseList"]]
    assert database in names
    assert athena.get_database(DatabaseName=database, **catalog)["Database"]["Description"] == "ours"
    table = athena.get_table_metadata(DatabaseName=database, TableName="t", **catalog)["TableMetadata"]
    assert table["Columns"] == columns
    assert table["PartitionKeys"] == [{"Name": "dt", "Type": "string"}]
    assert table["Parameters"]["location"] == f"s3://{bucket}/t/"
    listed = athena.list_table_metadata(DatabaseName=database, **catalog)["TableMetadataList"]
    assert [item["Name"] for item in listed] == ["t"]
    code, _ = refusal(athena.get_table_metadata, DatabaseName=database, TableName="nope", **catalog)
    assert code == "MetadataException"


def test_queries_survive_a_restart(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    own_stand_in.client("s3").create_bucket(Bucket="results")
    queries = Queries(own_stand_in.client("athena"), "s3://results/")
    done = queries.run("select 42 as x").execution["QueryExecutionId"]
    failed = queries.start("select nope")
    queries.wait(failed)
    own_stand_in.stop()

    own_stand_in.start()
    athena = own_stand_in.client("athena")
    assert (
        athena.get_query_execution(QueryExecutionId=done)["QueryExecution"]["Status"]["State"] == "SUCCEEDED"
    )
    rows = athena.get_query_results(QueryExecutionId=done)["ResultSet"]["Rows"]
    assert rows[1] == {"Data": [{"VarCharValue": "42"}]}
    assert (
        athena.get_query_execution(QueryExecutionId=failed)["QueryExecution"]["Status"]["State"] == "FAILED"
    )


def test_query_in_flight_at_a_crash_is_failed_afterwards(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    own_stand_in.client("s3").create_bucket(Bucket="results")
    queries = Queries(own_stand_in.client("athena"), "s3://results/")
    query_id = queries.start(ENDLESS)
    own_stand_in.kill()

    own_stand_in.start()
    execution = own_stand_in.client("athena").get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
    assert execution["Status"]["State"] == "FAILED"
    assert "stopped while the query was running" in execution["Status"]["StateChangeReason"]
