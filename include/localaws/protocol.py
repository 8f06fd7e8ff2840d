"""Strict requests: everything AWS's service models say about a request is checked, as AWS checks it."""

from __future__ import annotations

import copy
import functools
import json
import logging
from typing import Any

from botocore.model import ListShape, MapShape, OperationNotFoundError, StructureShape
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores, get_service_model, method_names_from_class

from localaws.constraints import violations

log = logging.getLogger(__name__)


class AwsError(ServiceException):
    """An error as AWS answers it: code, message, HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.status = status


def not_implemented(what: str) -> AwsError:
    """The answer to what this stand-in does not do; `what` is an operation or ``operation: parameter``."""
    return AwsError(
        "NotImplementedException",
        f"NotImplemented: {what}. The local stand-in does not do this; its COVERAGE.md lists what works.",
        501,
    )


def read_json(body: str | bytes) -> Any:
    """The parsed body of a JSON request; raises `AwsError` SerializationException when it is not JSON."""
    try:
        return json.loads(body) if body else {}
    except ValueError as error:
        raise AwsError("SerializationException", f"The body is not JSON: {error}") from error


def answer(document: dict[str, Any]) -> ActionResult:
    """Hand `document` to moto's serialiser; members unknown to the operation's output are dropped."""
    return ActionResult(copy.deepcopy(document))


def prune(value: Any, shape: Any) -> Any:
    """Leave out empty structures and Nones that AWS would leave out; maps and lists may be empty."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        kept = {key: prune(item, shape.members.get(key)) for key, item in value.items() if item is not None}
        return {
            key: item
            for key, item in kept.items()
            if not (_is_empty(item) and isinstance(shape.members.get(key), StructureShape))
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [prune(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: prune(item, shape.value) for key, item in value.items()}
    return value


def _is_empty(item: Any) -> bool:
    # Asked by type first: some of moto's models cannot be compared with a dictionary.
    return isinstance(item, dict) and not item


class StrictResponse:
    """Mixin before a moto ``BaseResponse``: validates, refuses unknown operations, prunes the answer."""

    validation_code: str | None = None  # None: the protocol's
    # Of the operations that only moto implements, those that are served; None serves all.
    kept_operations: frozenset[str] | None = None
    _request: dict[str, Any]

    def request(self) -> dict[str, Any]:
        """A copy of the validated input, members by their API names."""
        return copy.deepcopy(self._request)

    def _dispatch(self, request: Any, full_url: str | None = None, headers: Any = None) -> Any:
        self._request = {}
        try:
            self.setup_class(request, full_url, headers)  # type: ignore[attr-defined]
        except (OperationNotFoundError, AttributeError, TypeError, ValueError) as error:
            return self._refuse_unparsed(request, error)
        return self.call_action()

    def _refuse_unparsed(self, request: Any, error: Exception) -> Any:
        """Answer a request that moto's parser could not read: unknown operation, or wrong JSON types."""
        self.response_headers = {"server": "amazon.com"}
        self.headers = request.headers
        if isinstance(error, OperationNotFoundError):
            refusal = AwsError("UnknownOperationException", f"{error}", 404)
        else:
            refusal = self._type_error(request) or AwsError("SerializationException", f"{error}")
        body = json.dumps({"__type": refusal.code, "message": refusal.message})
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amzn-Errortype": refusal.code}
        return refusal.status, headers, body

    def _type_error(self, request: Any) -> AwsError | None:
        try:
            model = get_service_model(self.boto3_service_name)  # type: ignore[attr-defined]
            shape = model.operation_model(self._get_action()).input_shape  # type: ignore[attr-defined]
            found = violations(read_json(request.get_data()), shape)
        except AwsError as error:
            return error
        return AwsError("SerializationException", found.type_errors[0]) if found.type_errors else None

    def call_action(self) -> Any:
        """Validate, then run the operation's method (ours, else moto's)."""
        try:
            self._check_operation()
            self._validate()
            return super().call_action()  # type: ignore[misc]
        except ServiceException as error:
            return self._answer_error(error)
        except Exception as error:
            log.exception("%s failed inside the stand-in", self._get_action())  # type: ignore[attr-defined]
            message = f"The local stand-in failed: {type(error).__name__}: {error}"
            return self._answer_error(AwsError("InternalFailure", message, 500))

    def _answer_error(self, error: ServiceException) -> Any:
        status, headers, body = self.serialized(ActionResult(error))
        headers["status"] = str(status)
        return status, headers, body

    def _check_operation(self) -> None:
        operation = self._get_action()  # type: ignore[attr-defined]
        method = camelcase_to_underscores(operation) if operation else ""
        if provider(type(self), method) is None:
            raise not_implemented(f"{operation}")

    def _validate(self) -> None:
        model = get_service_model(self.boto3_service_name)  # type: ignore[attr-defined]
        operation = model.operation_model(self._get_action())  # type: ignore[attr-defined]
        if operation.input_shape is None:
            return
        if model.protocol != "json" and not getattr(self, "automated_parameter_parsing", False):
            self.parse_parameters(self.normalized_request)  # type: ignore[attr-defined]
        if model.protocol == "json":
            parsed = read_json(self.body)  # type: ignore[attr-defined]
        else:
            parsed = self.params  # type: ignore[attr-defined]
            parsed = parsed.original_dict() if hasattr(parsed, "original_dict") else parsed
        found = violations(parsed, operation.input_shape)
        if found.type_errors:
            raise AwsError("SerializationException", found.type_errors[0])
        if found.messages:
            count = len(found.messages)
            noun = "error" if count == 1 else "errors"
            default = "ValidationError" if model.protocol == "query" else "ValidationException"
            raise AwsError(
                self.validation_code or default,
                f"{count} validation {noun} detected: {'; '.join(found.messages)}",
            )
        self._request = dict(parsed)

    def serialized(self, action_result: ActionResult) -> Any:
        """Serialise, with empty structures pruned and our errors' HTTP status kept."""
        result = action_result.result
        if isinstance(result, dict):
            model = get_service_model(self.boto3_service_name)  # type: ignore[attr-defined]
            shape = model.operation_model(self._get_action()).output_shape  # type: ignore[attr-defined]
            action_result._result = prune(result, shape)
        status, headers, body = super().serialized(action_result)  # type: ignore[misc]
        if isinstance(result, AwsError):
            status = result.status
        return status, headers, body


@functools.cache
def method_names(response_class: type) -> frozenset[str]:
    """Names of a class's methods, found once: moto looks through all of them several times a request."""
    return frozenset(method_names_from_class(response_class))


def provider(response_class: type, method: str) -> str | None:
    """Who answers the operation with this method name: ``"localaws"``, ``"moto"`` or None."""
    if method not in method_names(response_class):
        return None
    owner = next(base for base in response_class.__mro__ if method in vars(base))
    if not owner.__module__.startswith("moto."):
        return "localaws"
    kept: frozenset[str] | None = getattr(response_class, "kept_operations", None)
    return "moto" if kept is None or method in kept else None


def strict(response_class: type) -> type:
    """A strict subclass of a moto response class, for services that otherwise stay moto's."""
    return type(response_class.__name__, (StrictResponse, response_class), {})
