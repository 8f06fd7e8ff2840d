"""Prepared statements and named queries: by SQL and by API, their refusals, and that they survive a kill."""

# ruff: noqa: E501  a statement and its answer on one line read best

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from athena_queries import Queries
from botocore.exceptions import ClientError
from hosting import new_bucket

if TYPE_CHECKING:
    from collections.abc import Callable

    from stand_in import StandIn

SQL = "select x * ? as y, ? as z from (values 1, 2) t(x) order by x"


@pytest.fixture(scope="module")
def athena(aws: Callable[[str], Any]) -> Any:
    """A client."""
    return aws("athena")


@pytest.fixture(scope="module")
def queries(aws: Callable[[str], Any], athena: Any) -> Queries:
    """Queries of the workgroup `primary`."""
    return Queries(athena, f"s3://{new_bucket(aws, 'athena-prepared')}/")


@pytest.fixture
def name() -> str:
    """A name that nothing has yet; upper case counts."""
    return f"Name_{uuid.uuid4().hex[:8]}"


@pytest.fixture
def workgroup(athena: Any, name: str) -> str:
    """A fresh workgroup."""
    athena.create_work_group(Name=name)
    return name


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """Code and message of the error that a call is answered with."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_statement_is_prepared_executed_and_deallocated(queries: Queries, athena: Any, name: str) -> None:
    assert queries.rows(f"PREPARE {name} FROM {SQL}") == []
    result = queries.run(f"EXECUTE {name} USING 10, 'a, b'")
    assert result.rows == [["10", "a, b"], ["20", "a, b"]]
    assert result.execution["Query"] == f"EXECUTE {name} USING 10, 'a, b'"
    assert queries.rows(f"execute {name}", "3", "concat('x', 'y')") == [["3", "xy"], ["6", "xy"]]
    found = athena.get_prepared_statement(StatementName=name, WorkGroup="primary")["PreparedStatement"]
    assert found["QueryStatement"] == SQL
    queries.rows(f"deallocate prepare {name}")
    assert queries.failure(f"execute {name}") == f"NOT_FOUND: Prepared statement not found: {name}"
    assert queries.failure(f"deallocate prepare {name}") == f"NOT_FOUND: Prepared statement not found: {name}"


def test_statements_that_write_take_parameters(
    queries: Queries, aws: Callable[[str], Any], name: str
) -> None:
    database = name.lower()
    aws("glue").create_database(DatabaseInput={"Name": database})
    lake = Queries(queries.athena, queries.output, database)
    lake.rows(f"prepare {name}_make from create table t as select cast(? as bigint) a")
    lake.rows(f"execute {name}_make using 1")
    lake.rows(f"prepare {name}_add from insert into t select ? + ?")
    lake.rows(f"execute {name}_add using 2, 40")
    assert lake.rows("select a from t order by a") == [["1"], ["42"]]


@pytest.mark.parametrize(
    ("using", "parameters", "message"),
    [
        ("", (), "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 2 but found 0"),
        (" using 1", (), "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 2 but found 1"),
        (" using 1, 2, 3", (), "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 2 but found 3"),
        (" using 1, x", (), "INVALID_PARAMETER_USAGE: line 1:1: Parameter x is not a constant"),
        (" using 1, 2", ("1", "2"), "INVALID_PARAMETER_USAGE: Parameters are given both after USING and as ExecutionParameters"),
        (" using 1,", (), "line 1:31: mismatched input '<EOF>'. Expecting: <expression>"),
    ],
)  # fmt: skip
def test_parameters_must_fit(
    queries: Queries, name: str, using: str, parameters: tuple[str, ...], message: str
) -> None:
    queries.athena.create_prepared_statement(StatementName=name, WorkGroup="primary", QueryStatement=SQL)
    assert queries.failure(f"execute {name}{using}", *parameters) == message


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("prepare p from show tables", "NOT_SUPPORTED: Invalid statement type for prepared statement: SHOW TABLES"),
        ("prepare p from\nselect 1 fro m", "line 2:14: mismatched input 'm'."),
        ("prepare p select 1", "line 1:11: mismatched input 'select'. Expecting: 'FROM'"),
        ("prepare p from", "line 1:15: mismatched input '<EOF>'. Expecting: <statement>"),
        ("execute", "line 1:8: mismatched input '<EOF>'. Expecting: an identifier"),
        ("deallocate prepare p q", "line 1:22: mismatched input 'q'. Expecting: <EOF>"),
    ],
)  # fmt: skip
def test_what_cannot_be_prepared_is_refused_at_once(queries: Queries, sql: str, message: str) -> None:
    code, found = refusal(queries.start, sql=sql)
    assert code == "InvalidRequestException"
    assert found.startswith(message)


def test_statements_without_question_marks_take_no_parameters(queries: Queries) -> None:
    assert queries.failure("show tables", "1") == (
        "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 0 but found 1"
    )


def test_prepared_statements_by_api(athena: Any, workgroup: str) -> None:
    group = {"WorkGroup": workgroup}
    for number in range(3):
        athena.create_prepared_statement(
            StatementName=f"s{number}", QueryStatement=f"select {number}", Description="ours", **group
        )
    listed = athena.list_prepared_statements(MaxResults=2, **group)
    assert [item["StatementName"] for item in listed["PreparedStatements"]] == ["s0", "s1"]
    rest = athena.list_prepared_statements(NextToken=listed["NextToken"], **group)["PreparedStatements"]
    assert [item["StatementName"] for item in rest] == ["s2"]
    before = athena.get_prepared_statement(StatementName="s0", **group)["PreparedStatement"]
    athena.update_prepared_statement(StatementName="s0", QueryStatement="select ?", **group)
    after = athena.get_prepared_statement(StatementName="s0", **group)["PreparedStatement"]
    assert (after["QueryStatement"], after["Description"]) == ("select ?", "ours")
    assert after["LastModifiedTime"] >= before["LastModifiedTime"]
    athena.delete_prepared_statement(StatementName="s1", **group)
    answer = athena.batch_get_prepared_statement(PreparedStatementNames=["s0", "s1"], **group)
    assert [item["StatementName"] for item in answer["PreparedStatements"]] == ["s0"]
    assert answer["UnprocessedPreparedStatementNames"] == [
        {
            "StatementName": "s1",
            "ErrorCode": "STATEMENT_NOT_FOUND",
            "ErrorMessage": f"PreparedStatement s1 was not found in workGroup {workgroup}",
        }
    ]
    assert refusal(athena.delete_work_group, **group)[1] == f"WorkGroup {workgroup} is not empty"


def test_prepared_statements_that_are_refused(athena: Any, workgroup: str) -> None:
    there = {"StatementName": "there", "WorkGroup": workgroup}
    athena.create_prepared_statement(QueryStatement="select 1", **there)
    assert refusal(athena.create_prepared_statement, QueryStatement="select 2", **there) == (
        "InvalidRequestException",
        f"PreparedStatement there already exists in workGroup {workgroup}",
    )
    assert refusal(athena.update_prepared_statement, QueryStatement="select 1 fro m", **there)[1].startswith(
        "line 1:14: mismatched input 'm'."
    )
    absent = there | {"StatementName": "absent"}
    missing = (
        "ResourceNotFoundException",
        f"PreparedStatement absent was not found in workGroup {workgroup}",
    )
    assert refusal(athena.get_prepared_statement, **absent) == missing
    assert refusal(athena.update_prepared_statement, QueryStatement="select 1", **absent) == missing
    assert refusal(athena.delete_prepared_statement, **absent) == missing
    nowhere = {"WorkGroup": "nowhere"}
    unknown = ("InvalidRequestException", "WorkGroup nowhere is not found.")
    assert refusal(athena.list_prepared_statements, **nowhere) == unknown
    assert refusal(athena.batch_get_prepared_statement, PreparedStatementNames=["aa"], **nowhere) == unknown


def test_named_queries(athena: Any, workgroup: str) -> None:
    query = {"Name": "one", "Database": "default", "QueryString": "select 1", "WorkGroup": workgroup}
    token = uuid.uuid4().hex
    first = athena.create_named_query(ClientRequestToken=token, Description="ours", **query)["NamedQueryId"]
    assert athena.create_named_query(ClientRequestToken=token, **query)["NamedQueryId"] == first
    second = athena.create_named_query(**query)["NamedQueryId"]
    athena.update_named_query(NamedQueryId=first, Name="first", QueryString="select 2")
    found = athena.get_named_query(NamedQueryId=first)["NamedQuery"]
    assert found == query | {
        "Name": "first",
        "QueryString": "select 2",
        "Description": "ours",
        "NamedQueryId": first,
    }
    assert athena.list_named_queries(WorkGroup=workgroup)["NamedQueryIds"] == [second, first]
    athena.delete_named_query(NamedQueryId=second)
    answer = athena.batch_get_named_query(NamedQueryIds=[first, second])
    assert [item["Name"] for item in answer["NamedQueries"]] == ["first"]
    assert [item["NamedQueryId"] for item in answer["UnprocessedNamedQueryIds"]] == [second]
    athena.delete_work_group(WorkGroup=workgroup, RecursiveDeleteOption=True)
    assert refusal(athena.get_named_query, NamedQueryId=first)[0] == "InvalidRequestException"


def test_named_queries_that_are_refused(athena: Any) -> None:
    absent = {"NamedQueryId": str(uuid.uuid4())}
    missing = ("InvalidRequestException", f"NamedQuery {absent['NamedQueryId']} was not found")
    assert refusal(athena.get_named_query, **absent) == missing
    assert refusal(athena.delete_named_query, **absent) == missing
    assert refusal(athena.update_named_query, Name="a", QueryString="select 1", **absent) == missing
    assert refusal(athena.list_named_queries, WorkGroup="nowhere")[1] == "WorkGroup nowhere is not found."
    query = {"Name": "one", "Database": "default", "QueryString": "select 1", "WorkGroup": "nowhere"}
    assert refusal(athena.create_named_query, **query)[1] == "WorkGroup nowhere is not found."
    too_many = [str(number) for number in range(51)]
    assert refusal(athena.batch_get_named_query, NamedQueryIds=too_many)[0] == "InvalidRequestException"


def test_what_a_workgroup_keeps_survives_a_kill(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    athena = own_stand_in.client("athena")
    athena.create_work_group(Name="ours", Tags=[{"Key": "team", "Value": "reviews"}])
    athena.create_prepared_statement(StatementName="kept", WorkGroup="ours", QueryStatement="select ?")
    query = {"Name": "one", "Database": "default", "QueryString": "select 1", "WorkGroup": "ours"}
    query_id = athena.create_named_query(**query)["NamedQueryId"]
    own_stand_in.kill()

    own_stand_in.start()
    athena = own_stand_in.client("athena")
    kept = athena.get_prepared_statement(StatementName="kept", WorkGroup="ours")["PreparedStatement"]
    assert kept["QueryStatement"] == "select ?"
    assert athena.get_named_query(NamedQueryId=query_id)["NamedQuery"]["Name"] == "one"
    arn = "arn:aws:athena:us-east-1:123456789012:workgroup/ours"
    assert athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "reviews"}]
