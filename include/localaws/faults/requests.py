"""Faults of requests: WSGI middleware around everything AWS, and the API that sets them."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from localaws import faults, wire
from localaws.http_server import CONNECTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PATH = "/_localaws/faults"
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and each API's common errors
THROTTLED = {"s3": ("SlowDown", "Please reduce your request rate.", 503)}
FAILED = {
    "s3": ("InternalError", "We encountered an internal error. Please try again.", 500),
    "athena": ("InternalServerException", "Internal server error", 500),
    "glue": ("InternalServiceException", "Internal service error", 500),
}
LIMIT_EXCEEDED = (
    "The account-level service limit for this resource is 0 Instances, with current utilization of 0 "
    "Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an increase for "
    "this quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this "
    "quota."
)
# Longest difference between the clocks of client and server that a signature bears.
ALLOWED_SKEW_SECONDS = {"s3": 900.0}
DEFAULT_SKEW_SECONDS = 300.0
_SIGNED_AT = re.compile(r"\d{8}T\d{6}Z")

Error = tuple[str, str, int]


class FaultLayer:
    """Lets faults happen to requests from outside; the stand-in's own requests are spared."""

    def __init__(self, aws: Any) -> None:
        """`aws` is the WSGI application that would answer."""
        self._aws = aws

    def __call__(self, environ: wire.Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request, or let it fail."""
        if not faults.active.any(faults.REQUEST_ACTIONS):
            return self._pass(environ, start_response)
        caller = wire.caller(environ)
        if caller.internal or not caller.service:
            return self._pass(environ, start_response)
        body = wire.hold_body(environ)
        struck = faults.active.strike(
            faults.REQUEST_ACTIONS,
            service=caller.service,
            operation=wire.operation(caller.service, environ, body),
            resource=wire.resource(environ, body),
        )
        lost = False
        for fault in struck:
            if fault.action == "latency":
                time.sleep(fault.seconds)
            elif fault.action == "lost_request":
                return _hang_up(environ)
            elif fault.action == "lost_response":
                lost = True
            elif refusal := _refusal(fault, caller.service, environ):
                reply = wire.error(caller.service, environ, *refusal)
                start_response(reply.status, reply.headers)
                return [reply.body]
        return self._act_and_hang_up(environ) if lost else self._pass(environ, start_response)

    def _pass(self, environ: wire.Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer: Iterable[bytes] = self._aws(environ, start_response)
        return answer

    def _act_and_hang_up(self, environ: wire.Environment) -> Iterable[bytes]:
        for _ in self._aws(environ, lambda *_: None):
            pass
        return _hang_up(environ)


def _hang_up(environ: wire.Environment) -> Iterable[bytes]:
    """Close the connection without an answer."""
    environ[CONNECTION].hang_up()
    return []


def _refusal(fault: faults.Fault, service: str, environ: wire.Environment) -> Error | None:
    """Code, message and status of the error that the fault answers."""
    query = service in ("iam", "sts", "sns", "cloudformation", "cloudwatch")
    if fault.action == "throttle":
        code = "Throttling" if query else "ThrottlingException"
        return THROTTLED.get(service, (code, "Rate exceeded", 400))
    if fault.action == "resource_limit":
        return "ResourceLimitExceeded", fault.message or LIMIT_EXCEEDED, 400
    if fault.action == "expired_token":
        if service == "s3":
            return "ExpiredToken", "The provided token has expired.", 400
        code, status = ("ExpiredToken", 403) if query else ("ExpiredTokenException", 400)
        return code, "The security token included in the request is expired", status
    if fault.action == "clock_skew":
        return _skewed(fault.seconds, service, environ, query=query)
    code, message, _ = FAILED.get(service, ("InternalFailure", "An internal error has occurred.", 500))
    return fault.code or code, fault.message or message, fault.status


def _skewed(seconds: float, service: str, environ: wire.Environment, *, query: bool) -> Error | None:
    """What a server whose clock is `seconds` ahead says of the signature's time; None if it agrees."""
    found = _SIGNED_AT.search(environ.get("HTTP_X_AMZ_DATE", "") + environ.get("QUERY_STRING", ""))
    now = datetime.now(UTC) + timedelta(seconds=seconds)
    if found is None:
        return None
    signed = datetime.strptime(found.group(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    allowed = ALLOWED_SKEW_SECONDS.get(service, DEFAULT_SKEW_SECONDS)
    if abs((now - signed).total_seconds()) <= allowed:
        return None
    if service == "s3":
        message = "The difference between the request time and the current time is too large."
        return "RequestTimeTooSkewed", message, 403
    if now > signed:
        limit, word, when, sign = now - timedelta(seconds=allowed), "earlier", "expired", "-"
    else:
        limit, word, when, sign = now + timedelta(seconds=allowed), "later", "not yet current", "+"
    message = (
        f"Signature {when}: {found.group()} is now {word} than {limit:%Y%m%dT%H%M%SZ} "
        f"({now:%Y%m%dT%H%M%SZ} {sign} {allowed / 60:.0f} min.)"
    )
    return ("SignatureDoesNotMatch", message, 403) if query else ("InvalidSignatureException", message, 400)


def administer(environ: wire.Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The API: GET lists, POST sets one or a list, DELETE removes all or ``/<id>``."""
    try:
        status, document = _administer(environ)
    except ValueError as error:  # FaultError and JSONDecodeError are
        status, document = "400 Bad Request", {"message": str(error)}
    body = json.dumps(document, indent=2).encode() + b"\n"
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _administer(environ: wire.Environment) -> tuple[str, dict[str, Any]]:
    method = environ["REQUEST_METHOD"]
    fault_id = environ["PATH_INFO"].removeprefix(PATH).strip("/")
    if method == "GET":
        return "200 OK", {"faults": faults.active.documents()}
    if method == "POST":
        return "201 Created", {"faults": faults.active.add(json.loads(wire.hold_body(environ)))}
    if method == "DELETE":
        removed = faults.active.remove(fault_id or None)
        if fault_id and not removed:
            return "404 Not Found", {"message": f"There is no fault {fault_id}."}
        return "200 OK", {"removed": removed}
    return "405 Method Not Allowed", {"message": f"{method} is not GET, POST or DELETE."}
