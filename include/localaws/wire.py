"""What a raw request asks for: service, operation, resource, caller; and errors as its protocol has them."""

from __future__ import annotations

import errno
import io
import json
import re
import struct
import uuid
from typing import Any, NamedTuple
from urllib.parse import unquote
from xml.sax.saxutils import escape

from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.core.utils import camelcase_to_underscores

from localaws import clients, installation
from localaws.protocol import provider

Environment = dict[str, Any]

CBOR = "application/cbor"
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[^/]+/[^/]+/([^/]+)/aws4_request")
_SIGNING_NAMES = {"monitoring": "cloudwatch", "eventbridge": "events"}
_QUERY_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
_READ = re.compile(
    r"(BatchGet|Describe|Estimate|Filter|Get|Head|List|Search|Select|Simulate|Validate)([A-Z]|$)"
)
_NAME_MEMBER = re.compile(rb'"[A-Za-z0-9]*(?:Name|Arn|Id)"\s*:\s*"([^"]+)"')
_SEARCHED_BYTES = 1_000_000
_READ_BYTES = 1024 * 1024
# Services of ours that keep their state in documents; what we change in others is moto's state all the same.
_DOCUMENTED = ("application-autoscaling", "athena", "cloudwatch", "sagemaker", "sagemaker-runtime")


class Caller(NamedTuple):
    """Who asks which service, as the signature says.

    Attributes:
        service: as boto3 names it; empty for a request that is not signed.
        internal: whether this stand-in itself (its engine or a container) asks.
    """

    service: str
    internal: bool


def caller(environ: Environment) -> Caller:
    """Read the signature of a request (header or presigned query string)."""
    signature = environ.get("HTTP_AUTHORIZATION") or unquote(environ.get("QUERY_STRING", ""))
    found = _CREDENTIAL.search(signature)
    if found is None:
        return Caller("", internal=False)
    service = _SIGNING_NAMES.get(found.group(2), found.group(2))
    if service == "sagemaker" and environ.get("PATH_INFO", "").startswith("/endpoints/"):
        service = "sagemaker-runtime"
    return Caller(service, internal=found.group(1) == clients.ACCESS_KEY_ID)


def hold_body(environ: Environment) -> bytes:
    """Read the whole body and put it back so that it can be read again; return it.

    Raises:
        ConnectionResetError: the client went away in the middle of it.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    source = environ["wsgi.input"]
    body = b""
    if length.isdigit():
        body = source.read(int(length))
        if len(body) < int(length):
            raise ConnectionResetError(errno.ECONNRESET, "the request ended before its body did")
    elif environ.get("wsgi.input_terminated"):
        try:
            body = b"".join(iter(lambda: source.read(_READ_BYTES), b""))
        except ValueError as error:  # of cheroot: the size of a chunk is none, or missing
            raise ConnectionResetError(errno.ECONNRESET, f"{error}") from error
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["CONTENT_LENGTH"] = str(len(body))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def operation(service: str, environ: Environment, body: bytes) -> str:
    """The operation's name in the API; empty when the service's model has none for this request."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return str(target.rpartition(".")[2])
    path = environ.get("PATH_INFO", "")
    if environ.get("HTTP_SMITHY_PROTOCOL"):
        return str(path.rpartition("/operation/")[2])
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded") and service != "s3":
        action = _QUERY_ACTION.search(body[:_SEARCHED_BYTES])
        return action.group(1).decode() if action else ""
    if service == "s3" and environ["REQUEST_METHOD"] == "PUT" and "HTTP_X_AMZ_COPY_SOURCE" in environ:
        return "UploadPartCopy" if "partNumber=" in environ.get("QUERY_STRING", "") else "CopyObject"
    try:
        found, _ = get_service_router(service).match(Request(environ | {"wsgi.input": io.BytesIO()}))
    except Exception:  # an operation that the model does not name; it is answered all the same
        return ""
    return str(found.name)


def reads(name: str) -> bool:
    """Whether the operation's name says that it changes nothing."""
    return bool(_READ.match(name))


def ours(service: str, name: str) -> bool:
    """Whether our own code answers the operation (it keeps its state in documents), and not moto."""
    if service not in _DOCUMENTED or not name:
        return False
    response_class = installation.response_class(service)
    return (
        response_class is not None and provider(response_class, camelcase_to_underscores(name)) == "localaws"
    )


def resource(environ: Environment, body: bytes) -> str:
    """What a request is about: the first name, ARN or id in a JSON body, else the path without slashes."""
    found = _NAME_MEMBER.search(body[:_SEARCHED_BYTES]) if "HTTP_X_AMZ_TARGET" in environ else None
    if found:
        return found.group(1).decode("utf-8", "replace")
    path: str = environ.get("PATH_INFO", "")
    return path.removeprefix("/endpoints/").removesuffix("/invocations").lstrip("/")


class Reply(NamedTuple):
    """An HTTP answer."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


def error(service: str, environ: Environment, code: str, message: str, status: int) -> Reply:
    """An error as AWS answers it in the protocol of this request."""
    request_id = str(uuid.uuid4())
    headers = [("x-amzn-RequestId", request_id)]
    if environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor":
        headers += [("smithy-protocol", "rpc-v2-cbor"), ("x-amzn-ErrorType", code)]
        return _reply(status, headers, CBOR, _cbor({"__type": code, "message": message}))
    if service == "s3":
        parts = f"<Code>{code}</Code><Message>{escape(message)}</Message><RequestId>{request_id}</RequestId>"
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{parts}</Error>'
        return _reply(status, headers, "application/xml", body.encode())
    if "HTTP_X_AMZ_TARGET" in environ or service in ("sagemaker-runtime", ""):
        headers.append(("x-amzn-ErrorType", code))
        document = {"__type": code, "message": message}
        return _reply(status, headers, "application/x-amz-json-1.1", json.dumps(document).encode())
    kind = "Sender" if status < 500 else "Receiver"
    parts = f"<Type>{kind}</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
    body = f"<ErrorResponse><Error>{parts}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    return _reply(status, headers, "text/xml", body.encode())


def _reply(status: int, headers: list[tuple[str, str]], content_type: str, body: bytes) -> Reply:
    reasons = {400: "Bad Request", 403: "Forbidden", 500: "Internal Server Error", 503: "Service Unavailable"}
    entity = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    return Reply(f"{status} {reasons.get(status, 'Error')}", headers + entity, body)


def _cbor(document: dict[str, str]) -> bytes:
    """RFC 8949: a map of short texts."""
    encoded = bytes([0xA0 | len(document)])
    for text in (item for pair in document.items() for item in pair):
        content = text.encode()
        encoded += b"\x79" + struct.pack(">H", len(content)) + content
    return encoded
