"""Runs queries in threads: QUEUED, RUNNING, then SUCCEEDED, FAILED or CANCELLED, each state kept durably."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import threading
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from localaws import artifacts, state
from localaws.clients import client
from localaws.services.athena import ddl, models, prepared, results, select, statements, writes
from localaws.services.athena.connection import CONCURRENT_QUERIES
from localaws.services.athena.dialect import parse_query
from localaws.services.athena.errors import SYSTEM, InvalidRequestError, QueryCancelledError, QueryError
from localaws.services.athena.session import CANCELLED, Outcome, Session
from localaws.services.athena.translate import wrong_count

log = logging.getLogger(__name__)

_HANDLERS = {
    **ddl.HANDLERS,
    **prepared.HANDLERS,
    "SELECT": select.select,
    "EXPLAIN": select.explain,
    "CREATE_TABLE_AS_SELECT": writes.create_table_as,
    "INSERT": writes.insert,
    "UNLOAD": writes.unload,
}
_WITH_PARAMETERS = (*prepared.PREPARABLE, "EXPLAIN", "EXECUTE")


class Engine:
    """Accepts and runs queries; one in a process."""

    def __init__(self) -> None:
        """Queries a former process left unfinished are Failed from now on."""
        self._pool = ThreadPoolExecutor(CONCURRENT_QUERIES, thread_name_prefix="athena")
        self._sessions: dict[str, Session] = {}
        self._futures: dict[str, Future[None]] = {}
        self._lock = threading.Lock()
        for document in state.store().items(models.EXECUTIONS):
            if document["Status"]["State"] not in models.ENDED:
                reason = "The local stand-in was stopped while the query was running; run it again."
                failure = {
                    "ErrorCategory": SYSTEM,
                    "ErrorType": 100,
                    "Retryable": True,
                    "ErrorMessage": reason,
                }
                status = models.finished(document, "FAILED", reason, AthenaError=failure)
                state.store().update(models.EXECUTIONS, document["QueryExecutionId"], Status=status)

    def start(self, request: dict[str, Any], region: str) -> str:
        """Submit a query; return its id. The same ClientRequestToken gives the same id.

        Raises InvalidRequestException: bad syntax, no output location, unknown workgroup.
        """
        workgroup = models.workgroup(request.get("WorkGroup") or "primary")
        if workgroup["State"] != "ENABLED":
            raise InvalidRequestError(f"WorkGroup {workgroup['Name']} is disabled.")
        known = self._known(request)
        if known:
            return known
        statement, parameters = _statement(request, workgroup["Name"])
        query_id = str(uuid.uuid4())
        kind = (statement.type, statement.kind)
        document = models.new_execution(query_id, request, workgroup, kind, statement.result_suffix, region)
        output = document["output_root"]
        session = Session(query_id, region, models.database(request), output, parameters, workgroup["Name"])
        session.bytes_limit = document["bytes_limit"]
        _check_bucket(output, region)  # outside the lock: it is a request to S3
        with self._lock:
            known = self._known(request)
            if known:
                return known
            state.store().put(models.EXECUTIONS, query_id, document)
            self._remember(request, query_id)
            self._sessions[query_id] = session
            self._futures[query_id] = self._pool.submit(self._run, query_id, statement, session)
        return query_id

    def _known(self, request: dict[str, Any]) -> str | None:
        token = request.get("ClientRequestToken")
        found = state.store().get(models.TOKENS, token) if token else None
        if found is None:
            return None
        if found["digest"] != _digest(request):
            raise InvalidRequestError("Idempotent parameters do not match")
        return str(found["id"])

    def _remember(self, request: dict[str, Any], query_id: str) -> None:
        token = request.get("ClientRequestToken")
        if token:
            state.store().put(models.TOKENS, token, {"digest": _digest(request), "id": query_id})

    def stop(self, query_id: str) -> None:
        """Cancel a query that has not ended; one that has stays as it is."""
        document = models.execution(query_id)
        with self._lock:
            session, future = self._sessions.get(query_id), self._futures.get(query_id)
        if session is None or future is None:
            return
        session.cancel()
        if future.cancel():  # it was still queued, and will not begin
            status = _failure(document, QueryCancelledError(CANCELLED))
            self._finish(document, status, session, status["CompletionDateTime"], [], None, None)

    def _run(self, query_id: str, statement: statements.Statement, session: Session) -> None:
        document = models.execution(query_id)
        started = state.now()
        outcome: Outcome | None = None
        try:
            session.check()
            document = state.store().update(
                models.EXECUTIONS, query_id, Status=document["Status"] | {"State": "RUNNING"}
            )
            if session.parameters and statement.kind not in _WITH_PARAMETERS:
                raise wrong_count(0, len(session.parameters))
            outcome = _HANDLERS[statement.kind](statement, session)
            columns, manifest = _deliver(document, statement, outcome)
            status = models.finished(document, "SUCCEEDED", None)
        except Exception as error:
            # An interrupt may look like any other error.
            status = _failure(document, QueryCancelledError(CANCELLED) if session.stopped else error)
            columns, manifest = [], None
        self._finish(document, status, session, started, columns, manifest, outcome)

    def _finish(
        self,
        document: dict[str, Any],
        status: dict[str, Any],
        session: Session,
        started: Any,
        columns: list[dict[str, Any]],
        manifest: str | None,
        outcome: Outcome | None,
    ) -> None:
        ended = status["CompletionDateTime"]
        queued = models.milliseconds(document["Status"]["SubmissionDateTime"], started)
        running = models.milliseconds(started, ended)
        statistics = {
            "EngineExecutionTimeInMillis": running,
            "DataScannedInBytes": session.bytes_scanned,
            "TotalExecutionTimeInMillis": queued + running,
            "QueryQueueTimeInMillis": queued,
            "ServicePreProcessingTimeInMillis": 0,
            "QueryPlanningTimeInMillis": 0,
            "ServiceProcessingTimeInMillis": 0,
            "ResultReuseInformation": {"ReusedPreviousResult": False},
        }
        if manifest:
            statistics["DataManifestLocation"] = manifest
        state.store().update(
            models.EXECUTIONS,
            document["QueryExecutionId"],
            Status=status,
            Statistics=statistics,
            columns=columns,
            rows=_row_counts(session, outcome),
            update_count=outcome.update_count if outcome else None,
        )
        with self._lock:
            self._sessions.pop(document["QueryExecutionId"], None)
            self._futures.pop(document["QueryExecutionId"], None)


def _row_counts(session: Session, outcome: Outcome | None) -> dict[str, int]:
    """Rows of GetQueryRuntimeStatistics, but for the bytes read."""
    rows = outcome.rows if outcome else []
    size = sum(len(field or "") for row in rows for field in row)
    return {"InputRows": session.rows_read, "OutputRows": len(rows), "OutputBytes": size}


def _digest(request: dict[str, Any]) -> str:
    parts = {key: value for key, value in request.items() if key != "ClientRequestToken"}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _statement(request: dict[str, Any], workgroup: str) -> tuple[statements.Statement, list[str]]:
    """What is to run, and its parameters; refuses what Athena refuses at once: what does not parse."""
    if len(request["QueryString"].encode()) > 262_144:
        raise InvalidRequestError("Query string length exceeds the limit of 262144 bytes")
    database = models.database(request)
    parameters = request.get("ExecutionParameters") or []
    try:
        statement = statements.parse(request["QueryString"], database)
        if statement.kind in prepared.PARSERS:
            prepared.PARSERS[statement.kind](statement.sql)
        if statement.kind == "EXECUTE":
            return prepared.executed(statement, database, workgroup, parameters)
        if statement.query:
            parse_query(statement.query)
    except QueryError as error:
        if error.code == "MALFORMED_QUERY":
            raise InvalidRequestError(error.message, "MALFORMED_QUERY") from error
        raise InvalidRequestError(str(error)) from error
    return statement, parameters


def _check_bucket(output: str, region: str) -> None:
    bucket, _ = artifacts.split_uri(output)
    try:
        client("s3", region).head_bucket(Bucket=bucket)
    except ClientError as error:
        raise InvalidRequestError(f"Unable to verify/create output bucket {bucket}") from error


def _failure(document: dict[str, Any], error: Exception) -> dict[str, Any]:
    """The Status of a query that raised."""
    if isinstance(error, QueryCancelledError):
        return models.finished(document, "CANCELLED", str(error))
    if isinstance(error, artifacts.ArtifactError):
        error = QueryError("", str(error))
    if not isinstance(error, QueryError):
        log.exception("Query %s failed inside the stand-in", document["QueryExecutionId"])
        error = QueryError(
            "INTERNAL_ERROR", f"The local stand-in failed: {type(error).__name__}: {error}", SYSTEM, 100
        )
    text = str(error)
    details = {
        "ErrorCategory": error.category,
        "ErrorType": error.error_type,
        "Retryable": False,
        "ErrorMessage": text,
    }
    return models.finished(document, "FAILED", text, AthenaError=details)


def _deliver(
    document: dict[str, Any], statement: statements.Statement, outcome: Outcome
) -> tuple[list[dict[str, Any]], str | None]:
    """Write the result files; return the result's columns and the manifest's URI."""
    location = document["ResultConfiguration"]["OutputLocation"]
    if statement.kind == "SELECT":
        header = [column["Name"] for column in outcome.columns]
        artifacts.write(location, results.to_csv(header, outcome.rows))
        artifacts.write(f"{location}.metadata", results.metadata(outcome.columns))
        return outcome.columns, None
    if outcome.manifest is not None:
        manifest = f"{document['output_root']}{document['QueryExecutionId']}-manifest.csv"
        artifacts.write(manifest, "".join(f"{uri}\n" for uri in outcome.manifest).encode())
        return [results.ROWS_COLUMN], manifest
    text = "".join("\t".join(field or "" for field in row) + "\n" for row in outcome.rows)
    artifacts.write(location, text.encode())
    artifacts.write(f"{location}.metadata", results.metadata(outcome.columns))
    return outcome.columns, None


@functools.cache
def engine() -> Engine:
    """The engine of this process."""
    return Engine()
