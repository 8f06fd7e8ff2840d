"""Athena's API: queries, workgroups and the data catalog; what is not here stays moto's."""

from __future__ import annotations

import functools
from typing import Any

from moto.athena.responses import AthenaResponse

from localaws import artifacts, state
from localaws.protocol import StrictResponse, answer
from localaws.services.athena import models, results
from localaws.services.athena.engine import engine
from localaws.services.athena.errors import InvalidRequestError
from localaws.services.athena.metadata import CatalogOperations
from localaws.services.athena.paging import page
from localaws.services.athena.stored_queries import NamedQueryOperations, PreparedStatementOperations
from localaws.services.athena.workgroups import WorkGroupOperations

_MAXIMUM_IDS = 50
_MAXIMUM_ROWS = 1000
_TIMES = (
    "EngineExecutionTimeInMillis",
    "QueryPlanningTimeInMillis",
    "QueryQueueTimeInMillis",
    "ServicePreProcessingTimeInMillis",
    "ServiceProcessingTimeInMillis",
    "TotalExecutionTimeInMillis",
)


class Athena(
    StrictResponse,
    WorkGroupOperations,
    CatalogOperations,
    PreparedStatementOperations,
    NamedQueryOperations,
    AthenaResponse,
):
    """The Athena that runs queries."""

    validation_code = "InvalidRequestException"
    # moto would record capacity reservations and data catalogs that no query uses.
    kept_operations = frozenset()

    def start_query_execution(self) -> Any:
        """StartQueryExecution: answers at once; the query runs in a thread."""
        return answer({"QueryExecutionId": engine().start(self.request(), self.region)})

    def get_query_execution(self) -> Any:
        """GetQueryExecution."""
        engine()
        return answer({"QueryExecution": models.shown(models.execution(self.request()["QueryExecutionId"]))})

    def batch_get_query_execution(self) -> Any:
        """BatchGetQueryExecution: unknown ids come back as unprocessed."""
        engine()
        found, missing = [], []
        for query_id in self.request()["QueryExecutionIds"]:
            try:
                found.append(models.shown(models.execution(query_id)))
            except InvalidRequestError as error:
                missing.append(
                    {
                        "QueryExecutionId": query_id,
                        "ErrorCode": "INVALID_INPUT",
                        "ErrorMessage": error.message,
                    }
                )
        return answer({"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing})

    def list_query_executions(self) -> Any:
        """ListQueryExecutions of one workgroup, newest first."""
        request = self.request()
        group = models.workgroup(request.get("WorkGroup") or "primary")["Name"]
        documents = reversed(state.store().items(models.EXECUTIONS))
        ids = [document["QueryExecutionId"] for document in documents if document["WorkGroup"] == group]
        return answer(page("QueryExecutionIds", ids, request, _MAXIMUM_IDS))

    def get_query_runtime_statistics(self) -> Any:
        """GetQueryRuntimeStatistics: times and rows; there are no stages, as the engine has none."""
        document = models.execution(self.request()["QueryExecutionId"])
        statistics = document["Statistics"]
        timeline = {key: statistics[key] for key in _TIMES if key in statistics}
        shown: dict[str, Any] = {"Timeline": timeline}
        if document["Status"]["State"] == "SUCCEEDED":
            shown["Rows"] = document["rows"] | {"InputBytes": statistics["DataScannedInBytes"]}
        return answer({"QueryRuntimeStatistics": shown})

    def stop_query_execution(self) -> Any:
        """StopQueryExecution."""
        engine().stop(self.request()["QueryExecutionId"])
        return answer({})

    def get_query_results(self) -> Any:
        """GetQueryResults, up to 1,000 rows a page; of a SELECT the first row is the header."""
        request = self.request()
        document = models.execution(request["QueryExecutionId"])
        current = document["Status"]["State"]
        if current != "SUCCEEDED":
            if current in models.ENDED:
                raise InvalidRequestError(f"Query did not finish successfully. Final query state: {current}")
            raise InvalidRequestError(f"Query has not yet finished. Current state: {current}")
        rows = _rows(document["ResultConfiguration"]["OutputLocation"], document["SubstatementType"])
        shown = page("Rows", rows, request, _MAXIMUM_ROWS)
        result = {
            "Rows": results.rows_response(shown["Rows"]),
            "ResultSetMetadata": {"ColumnInfo": document.get("columns") or []},
        }
        response = {"ResultSet": result, "UpdateCount": document.get("update_count") or 0}
        if "NextToken" in shown:
            response["NextToken"] = shown["NextToken"]
        return answer(response)


@functools.lru_cache(maxsize=8)
def _rows(location: str, kind: str) -> list[results.Row]:
    """The rows of a result file in S3; cached, as a query's result never changes."""
    if kind in ("CREATE_TABLE_AS_SELECT", "INSERT", "UNLOAD"):
        return []
    try:
        content = artifacts.read(location)
    except artifacts.ArtifactError as error:
        raise InvalidRequestError(f"Could not find results. {error}") from error
    if kind == "SELECT":
        return results.from_csv(content)
    return [[line] for line in content.decode().splitlines()]
