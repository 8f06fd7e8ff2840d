"""Named queries and prepared statements: SQL that a workgroup keeps, as documents: they survive a kill."""

from __future__ import annotations

import uuid
from typing import Any

from localaws import state
from localaws.protocol import AwsError, answer
from localaws.services.athena import models, prepared
from localaws.services.athena.errors import InvalidRequestError, QueryError
from localaws.services.athena.paging import page

NAMED = "athena-named-query"
_MAXIMUM = 50


def _missing(name: str, workgroup: str) -> AwsError:
    message = f"PreparedStatement {name} was not found in workGroup {workgroup}"
    return AwsError("ResourceNotFoundException", message)


def _named(query_id: str) -> dict[str, Any]:
    document = state.store().get(NAMED, query_id)
    if document is None:
        raise InvalidRequestError(f"NamedQuery {query_id} was not found")
    return document


def _checked(sql: str) -> None:
    """Raise InvalidRequestException for what cannot be prepared."""
    try:
        prepared.check(sql)
    except QueryError as error:
        code = error.code if error.code == "MALFORMED_QUERY" else "INVALID_INPUT"
        raise InvalidRequestError(error.message, code) from error


def forget(workgroup: str) -> None:
    """Delete what a workgroup keeps."""
    store = state.store()
    for document in store.items(NAMED):
        if document["WorkGroup"] == workgroup:
            store.delete(NAMED, document["NamedQueryId"])
    for document in prepared.of(workgroup):
        prepared.delete(workgroup, document["StatementName"])


def any_of(workgroup: str) -> bool:
    """Whether a workgroup keeps any named query or prepared statement."""
    named = any(document["WorkGroup"] == workgroup for document in state.store().items(NAMED))
    return named or bool(prepared.of(workgroup))


class PreparedStatementOperations:
    """Prepared statements of a workgroup, by name."""

    request: Any

    def create_prepared_statement(self) -> Any:
        """CreatePreparedStatement: the SQL is parsed now, its tables are looked up when it is executed."""
        request = self.request()
        workgroup = models.workgroup(request["WorkGroup"])["Name"]
        _checked(request["QueryStatement"])
        try:
            prepared.create(
                workgroup, request["StatementName"], request["QueryStatement"], request.get("Description")
            )
        except KeyError as error:
            message = f"PreparedStatement {request['StatementName']} already exists in workGroup {workgroup}"
            raise InvalidRequestError(message) from error
        return answer({})

    def get_prepared_statement(self) -> Any:
        """GetPreparedStatement."""
        request = self.request()
        return answer({"PreparedStatement": self._prepared(request)})

    def batch_get_prepared_statement(self) -> Any:
        """BatchGetPreparedStatement: unknown names come back as unprocessed."""
        request = self.request()
        workgroup = models.workgroup(request["WorkGroup"])["Name"]
        found, missing = [], []
        for name in request["PreparedStatementNames"]:
            document = prepared.get(workgroup, name)
            if document is not None:
                found.append(document)
                continue
            message = str(_missing(name, workgroup).message)
            missing.append(
                {"StatementName": name, "ErrorCode": "STATEMENT_NOT_FOUND", "ErrorMessage": message}
            )
        return answer({"PreparedStatements": found, "UnprocessedPreparedStatementNames": missing})

    def list_prepared_statements(self) -> Any:
        """ListPreparedStatements of one workgroup, by name."""
        request = self.request()
        workgroup = models.workgroup(request["WorkGroup"])["Name"]
        documents = sorted(prepared.of(workgroup), key=lambda document: str(document["StatementName"]))
        summaries = [
            {key: document[key] for key in ("StatementName", "LastModifiedTime")} for document in documents
        ]
        return answer(page("PreparedStatements", summaries, request, _MAXIMUM))

    def update_prepared_statement(self) -> Any:
        """UpdatePreparedStatement: a description that is not given stays."""
        request = self.request()
        document = self._prepared(request)
        _checked(request["QueryStatement"])
        prepared.update(
            document["WorkGroupName"],
            document["StatementName"],
            request["QueryStatement"],
            request.get("Description", document.get("Description")),
        )
        return answer({})

    def delete_prepared_statement(self) -> Any:
        """DeletePreparedStatement."""
        document = self._prepared(self.request())
        prepared.delete(document["WorkGroupName"], document["StatementName"])
        return answer({})

    @staticmethod
    def _prepared(request: dict[str, Any]) -> dict[str, Any]:
        workgroup = models.workgroup(request["WorkGroup"])["Name"]
        document = prepared.get(workgroup, request["StatementName"])
        if document is None:
            raise _missing(request["StatementName"], workgroup)
        return document


class NamedQueryOperations:
    """Named queries: text kept under an id, in a workgroup."""

    request: Any

    def create_named_query(self) -> Any:
        """CreateNamedQuery; the same ClientRequestToken gives the same id."""
        request = self.request()
        workgroup = models.workgroup(request.get("WorkGroup") or "primary")["Name"]
        token = request.pop("ClientRequestToken", None)
        for document in state.store().items(NAMED) if token else []:
            if document["token"] == token:
                if any(document.get(key) != request.get(key) for key in ("Name", "Database", "QueryString")):
                    raise InvalidRequestError("Idempotent parameters do not match")
                return answer({"NamedQueryId": document["NamedQueryId"]})
        query_id = str(uuid.uuid4())
        document = request | {"NamedQueryId": query_id, "WorkGroup": workgroup, "token": token}
        state.store().put(NAMED, query_id, document)
        return answer({"NamedQueryId": query_id})

    def get_named_query(self) -> Any:
        """GetNamedQuery."""
        return answer({"NamedQuery": _named(self.request()["NamedQueryId"])})

    def batch_get_named_query(self) -> Any:
        """BatchGetNamedQuery: unknown ids come back as unprocessed."""
        found, missing = [], []
        for query_id in self.request()["NamedQueryIds"]:
            try:
                found.append(_named(query_id))
            except InvalidRequestError as error:
                missing.append(
                    {"NamedQueryId": query_id, "ErrorCode": "INVALID_INPUT", "ErrorMessage": error.message}
                )
        return answer({"NamedQueries": found, "UnprocessedNamedQueryIds": missing})

    def list_named_queries(self) -> Any:
        """ListNamedQueries of one workgroup, newest first."""
        request = self.request()
        workgroup = models.workgroup(request.get("WorkGroup") or "primary")["Name"]
        documents = reversed(state.store().items(NAMED))
        ids = [document["NamedQueryId"] for document in documents if document["WorkGroup"] == workgroup]
        return answer(page("NamedQueryIds", ids, request, _MAXIMUM))

    def update_named_query(self) -> Any:
        """UpdateNamedQuery: name and text; a description that is not given stays."""
        request = self.request()
        _named(request["NamedQueryId"])
        changes = {key: request[key] for key in ("Name", "QueryString", "Description") if key in request}
        state.store().update(NAMED, request["NamedQueryId"], **changes)
        return answer({})

    def delete_named_query(self) -> Any:
        """DeleteNamedQuery."""
        query_id = _named(self.request()["NamedQueryId"])["NamedQueryId"]
        state.store().delete(NAMED, query_id)
        return answer({})
