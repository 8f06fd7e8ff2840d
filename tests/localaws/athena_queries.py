"""Running SQL through Athena's API and reading what comes back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

# More rows than a test waits for.
ENDLESS = (
    "select count(*) from unnest(sequence(1, 9000)) a(x) cross join unnest(sequence(1, 9000)) b(y) "
    "cross join unnest(sequence(1, 9000)) c(z) where x * y * z % 7 = 3"
)
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
Rows = list[list[str | None]]


class QueryFailedError(Exception):
    """The text is the query's StateChangeReason, or the API's refusal."""


@dataclass
class Result:
    """A finished query: its execution, its rows without the header, and names and types of its columns."""

    execution: dict[str, Any]
    rows: Rows
    columns: list[tuple[str, str]]


class Queries:
    """Queries against one stand-in, with results below one S3 location."""

    def __init__(self, athena: Any, output: str, database: str = "default") -> None:
        self.athena = athena
        self.output = output
        self.database = database

    def start(self, sql: str, *parameters: str, **arguments: Any) -> str:
        """Start a query; return its id."""
        if parameters:
            arguments["ExecutionParameters"] = list(parameters)
        started = self.athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": self.database},
            ResultConfiguration={"OutputLocation": self.output},
            **arguments,
        )
        return str(started["QueryExecutionId"])

    def wait(self, query_id: str, seconds: float = 60) -> dict[str, Any]:
        """The execution once it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            execution: dict[str, Any] = self.athena.get_query_execution(QueryExecutionId=query_id)[
                "QueryExecution"
            ]
            if execution["Status"]["State"] in ENDED:
                return execution
            time.sleep(0.02)
        raise TimeoutError(f"query {query_id} has not ended within {seconds} s")

    def run(self, sql: str, *parameters: str) -> Result:
        """Run a query; raise `QueryFailedError` when it is refused or fails."""
        try:
            query_id = self.start(sql, *parameters)
        except ClientError as error:
            raise QueryFailedError(error.response["Error"]["Message"]) from error
        execution = self.wait(query_id)
        if execution["Status"]["State"] != "SUCCEEDED":
            raise QueryFailedError(execution["Status"]["StateChangeReason"])
        answer = self.athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]
        rows = [[cell.get("VarCharValue") for cell in row["Data"]] for row in answer["Rows"]]
        if execution["SubstatementType"] == "SELECT":
            rows = rows[1:]
        columns = [(column["Name"], column["Type"]) for column in answer["ResultSetMetadata"]["ColumnInfo"]]
        return Result(execution, rows, columns)

    def rows(self, sql: str, *parameters: str) -> Rows:
        """The rows of a query."""
        return self.run(sql, *parameters).rows

    def line(self, sql: str) -> str:
        """The rows of a query in one line: rows separated by |, fields by commas, NULL spelled out."""
        rows = self.rows(sql)
        return "|".join(",".join("NULL" if field is None else field for field in row) for row in rows)

    def failure(self, sql: str, *parameters: str) -> str:
        """Why a query failed; raise `AssertionError` when it did not."""
        try:
            result = self.run(sql, *parameters)
        except QueryFailedError as failure:
            return str(failure)
        raise AssertionError(f"{sql} did not fail but gave {result.rows}")
