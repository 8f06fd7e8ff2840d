"""boto3 clients against ourselves: the stand-in's engine uses S3, Glue, Logs only through the AWS API."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from localaws.inprocess import InProcess

if TYPE_CHECKING:
    from collections.abc import Callable

ACCESS_KEY_ID = "AKIALOCALAWSSTANDIN0"
SECRET_ACCESS_KEY = "not-a-secret"  # noqa: S105  the stand-in checks no signature
# Programs in containers say by it who they are: botocore puts it into each request's user agent.
CONTAINER_APPLICATION_ID = "localaws-container"

_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=32,
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


class _Current:
    endpoint_url: str | None = None
    in_process: InProcess | None = None
    lock = threading.Lock()
    clients: dict[tuple[str, str], Any] = {}


def configure(endpoint_url: str, application: Callable[..., Any] | None = None) -> None:
    """Set the address of this server, e.g. ``http://127.0.0.1:4566``. The server calls this once.

    With the WSGI `application` that it hosts, clients of this process ask that one and not the address.
    """
    with _Current.lock:
        _Current.endpoint_url = endpoint_url
        _Current.in_process = InProcess(application) if application else None
        _Current.clients.clear()


def endpoint_url() -> str:
    """The address of this server; raise `RuntimeError` before `configure`."""
    if _Current.endpoint_url is None:
        raise RuntimeError("localaws.clients.configure(endpoint_url) was not called yet")
    return _Current.endpoint_url


def client(service: str, region: str = "us-east-1") -> Any:
    """A boto3 client of `service` against this server, made once a service and region; thread-safe."""
    url = endpoint_url()
    with _Current.lock:
        key = (service, region)
        if key not in _Current.clients:
            made = boto3.Session().client(
                service,
                region_name=region,
                endpoint_url=url,
                aws_access_key_id=ACCESS_KEY_ID,
                aws_secret_access_key=SECRET_ACCESS_KEY,
                config=_CONFIG,
            )
            if _Current.in_process:
                _Current.in_process.attach(made)
            _Current.clients[key] = made
        return _Current.clients[key]


def environment(region: str = "us-east-1") -> dict[str, str]:
    """Environment variables that point any AWS SDK in a child process at this server."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url(),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SDK_UA_APP_ID": CONTAINER_APPLICATION_ID,
    }
