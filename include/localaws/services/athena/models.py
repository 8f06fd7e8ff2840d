"""What is kept of a query execution and of a workgroup, and what the API shows of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from localaws import state
from localaws.services.athena.errors import InvalidRequestError

if TYPE_CHECKING:
    from datetime import datetime

EXECUTIONS = "athena-execution"
WORKGROUPS = "athena-workgroup"
TOKENS = "athena-client-token"
ENGINE_VERSION = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
_BUCKET_URI = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?")
_SHOWN = (
    "QueryExecutionId",
    "Query",
    "StatementType",
    "SubstatementType",
    "ResultConfiguration",
    "ResultReuseConfiguration",
    "QueryExecutionContext",
    "Status",
    "Statistics",
    "WorkGroup",
    "EngineVersion",
    "ExecutionParameters",
)


def new_execution(
    query_id: str,
    request: dict[str, Any],
    workgroup: dict[str, Any],
    kind: tuple[str, str],
    suffix: str,
    region: str,
) -> dict[str, Any]:
    """The document of a query just submitted; raise InvalidRequestException without a place for results."""
    configuration = result_configuration(request, workgroup)
    root = configuration["OutputLocation"].rstrip("/") + "/"
    name = f"tables/{query_id}" if kind[1] == "CREATE_TABLE_AS_SELECT" else query_id + suffix
    document = {
        "QueryExecutionId": query_id,
        "Query": request["QueryString"],
        "StatementType": kind[0],
        "SubstatementType": kind[1],
        "ResultConfiguration": configuration | {"OutputLocation": root + name},
        "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
        "QueryExecutionContext": context(request),
        "Status": {"State": "QUEUED", "SubmissionDateTime": state.now()},
        "Statistics": {"EngineExecutionTimeInMillis": 0, "DataScannedInBytes": 0},
        "WorkGroup": workgroup["Name"],
        "EngineVersion": ENGINE_VERSION,
        "output_root": root,
        "region": region,
        "bytes_limit": workgroup["Configuration"].get("BytesScannedCutoffPerQuery"),
    }
    if request.get("ExecutionParameters"):
        document["ExecutionParameters"] = request["ExecutionParameters"]
    return document


def context(request: dict[str, Any]) -> dict[str, str]:
    """QueryExecutionContext as Athena shows it: names in lower case."""
    given = request.get("QueryExecutionContext") or {}
    return {key: value.lower() for key, value in given.items()}


def database(request: dict[str, Any]) -> str:
    """What unqualified names are looked up in; clients send it with back-ticks for Hive's statements."""
    return context(request).get("Database", "default").strip("`")


def result_configuration(request: dict[str, Any], workgroup: dict[str, Any]) -> dict[str, Any]:
    """Where results go: the workgroup's place when enforced, else the request's, else the workgroup's."""
    settings = workgroup["Configuration"]
    own = settings.get("ResultConfiguration") or {}
    asked = request.get("ResultConfiguration") or {}
    enforced = settings.get("EnforceWorkGroupConfiguration") and own.get("OutputLocation")
    chosen: dict[str, Any] = own if enforced or not asked.get("OutputLocation") else asked
    location = chosen.get("OutputLocation")
    if not location:
        raise InvalidRequestError(
            "No output location provided. An output location is required either through the Workgroup result "
            "configuration setting or as an API input."
        )
    if not _BUCKET_URI.fullmatch(location):
        raise InvalidRequestError(f"outputLocation is not a valid S3 path: {location}")
    return dict(chosen)


def shown(document: dict[str, Any]) -> dict[str, Any]:
    """A QueryExecution as the API answers it."""
    return {key: document[key] for key in _SHOWN if key in document}


def finished(document: dict[str, Any], state_name: str, reason: str | None, **more: Any) -> dict[str, Any]:
    """A Status for the end of a query."""
    status = document["Status"] | {"State": state_name, "CompletionDateTime": state.now()}
    if reason is not None:
        status["StateChangeReason"] = reason
    ended: dict[str, Any] = status | more
    return ended


def milliseconds(start: datetime, end: datetime) -> int:
    """The time between two moments."""
    return max(0, round((end - start).total_seconds() * 1000))


def new_workgroup(name: str, request: dict[str, Any]) -> dict[str, Any]:
    """The document of a workgroup, with the defaults that Athena fills in."""
    configuration = {
        "ResultConfiguration": {},
        "EnforceWorkGroupConfiguration": True,
        "PublishCloudWatchMetricsEnabled": True,
        "RequesterPaysEnabled": False,
        "EnableMinimumEncryptionConfiguration": False,
        **(request.get("Configuration") or {}),
        "EngineVersion": ENGINE_VERSION,
    }
    return {
        "Name": name,
        "State": "ENABLED",
        "Configuration": configuration,
        "Description": request.get("Description", ""),
        "CreationTime": state.now(),
    }


def workgroup(name: str) -> dict[str, Any]:
    """A workgroup's document; `primary` is always there. Raises InvalidRequestException."""
    document = state.store().get(WORKGROUPS, name)
    if document is None and name == "primary":
        document = new_workgroup("primary", {"Configuration": {"EnforceWorkGroupConfiguration": False}})
        state.store().put(WORKGROUPS, name, document)
    if document is None:
        raise InvalidRequestError(f"WorkGroup {name} is not found.")
    return document


def execution(query_id: str) -> dict[str, Any]:
    """A query execution's document; raise InvalidRequestException."""
    document = state.store().get(EXECUTIONS, query_id)
    if document is None:
        raise InvalidRequestError(f"QueryExecution {query_id} was not found")
    return document
