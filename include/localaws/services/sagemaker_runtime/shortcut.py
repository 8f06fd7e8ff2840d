"""InvokeEndpoint past moto's dispatch, which costs several times what the stand-in itself does for it.

Every request is checked against the service model as elsewhere. One that is refused, before or after the
containers saw it, goes moto's way with its error, so that errors have one form.
"""

from __future__ import annotations

import functools
import re
import uuid
from typing import TYPE_CHECKING, Any

from moto.core.utils import get_service_model

from localaws import wire
from localaws.constraints import violations
from localaws.services.sagemaker_runtime.api import FAILURE, invoke

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PATH = re.compile(r"/endpoints/([A-Za-z0-9-]+)/invocations")
_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/,\s]+/\d+/([a-z0-9-]+)/sagemaker/aws4_request,")
# Where moto looks for a region before it looks at the signature.
_OTHER_REGION = re.compile(r"\.amazonaws\.com|region/")


class Shortcut:
    """WSGI middleware: answers InvokeEndpoint, hands everything else on."""

    def __init__(self, aws: Any) -> None:
        """`aws` answers everything else, and what is refused."""
        self._aws = aws

    def __call__(self, environ: wire.Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        path = _PATH.fullmatch(environ["PATH_INFO"]) if environ["REQUEST_METHOD"] == "POST" else None
        scope = _SCOPE.match(environ.get("HTTP_AUTHORIZATION", "")) if path else None
        if path is None or scope is None or _names_region(environ):
            return self._pass(environ, start_response)
        request, body = _request(path[1], environ)
        shape, _ = _model()
        found = violations(request, shape)
        if not body or found.type_errors or found.messages or "HTTP_CONTENT_ENCODING" in environ:
            return self._pass(environ, start_response)
        try:
            headers, answered = invoke(scope[1], request, body)
        except Exception as error:
            return self._pass(environ | {FAILURE: error}, start_response)
        headers |= {
            "server": "amazon.com",
            "x-amzn-requestid": str(uuid.uuid4()),
            "Content-Length": str(len(answered)),
            "Access-Control-Allow-Origin": "*",
        }
        start_response("200 OK", list(headers.items()))
        return [answered]

    def _pass(self, environ: wire.Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer: Iterable[bytes] = self._aws(environ, start_response)
        return answer


@functools.cache
def _model() -> tuple[Any, list[tuple[str, str]]]:
    """The operation's input shape, and its members in headers: key of the environment and member."""
    shape = get_service_model("sagemaker-runtime").operation_model("InvokeEndpoint").input_shape
    headers = []
    for member, of_member in shape.members.items():
        if of_member.serialization.get("location") == "header":
            key = of_member.serialization["name"].upper().replace("-", "_")
            headers.append((key if key == "CONTENT_TYPE" else f"HTTP_{key}", member))
    return shape, headers


def _request(endpoint: str, environ: wire.Environment) -> tuple[dict[str, Any], bytes]:
    """The input of InvokeEndpoint, members by their API names, and its body; the body can be read again."""
    body = wire.hold_body(environ)
    _, headers = _model()
    members = {member: environ[key] for key, member in headers if key in environ}
    return {"EndpointName": endpoint, "Body": body, **members}, body


def _names_region(environ: wire.Environment) -> bool:
    return bool(_OTHER_REGION.search(f"{environ.get('HTTP_HOST', '')} {environ.get('HTTP_USER_AGENT', '')}"))
