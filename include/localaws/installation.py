"""Which class answers for which service: ours, moto's made strict, or moto's as it is."""

from __future__ import annotations

import importlib
import threading
from dataclasses import dataclass
from typing import Any

import moto.core.responses

from localaws.protocol import StrictResponse, method_names, strict


@dataclass(frozen=True)
class Real:
    """A service that really works here: our class `attribute` of `module` replaces moto's."""

    moto: str
    module: str
    attribute: str


REAL = {
    "application-autoscaling": Real(
        "applicationautoscaling", "localaws.services.application_autoscaling.api", "ApplicationAutoScaling"
    ),
    "athena": Real("athena", "localaws.services.athena.api", "Athena"),
    "cloudformation": Real("cloudformation", "localaws.services.cloudformation.api", "CloudFormation"),
    "glue": Real("glue", "localaws.services.glue.api", "Glue"),
    "iam": Real("iam", "localaws.services.iam.api", "IAM"),
    "service-quotas": Real("servicequotas", "localaws.services.service_quotas.api", "ServiceQuotas"),
    "cloudwatch": Real("cloudwatch", "localaws.services.cloudwatch.api", "CloudWatch"),
    "logs": Real("logs", "localaws.services.logs.api", "Logs"),
    "sagemaker": Real("sagemaker", "localaws.services.sagemaker.api", "SageMaker"),
    "sagemaker-runtime": Real(
        "sagemakerruntime", "localaws.services.sagemaker_runtime.api", "SageMakerRuntime"
    ),
}

# Left to moto, with every request validated; the service name of boto3 -> moto's module.
STRICT = {
    "ecr": "ecr",
    "events": "events",
    "kms": "kms",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "sts": "sts",
}

# Imported at the start because jobs and endpoints of a former process are looked after at once.
AT_START = ("sagemaker",)

installed: dict[str, type[Any]] = {}
_lock = threading.RLock()


def install() -> None:
    """Put the classes that are needed at the start into moto's URL tables."""
    moto_responses: Any = moto.core.responses
    moto_responses.method_names_from_class = method_names
    for service in AT_START:
        response_class(service)


def install_module(module: str) -> None:
    """Put our class for moto's `module`, if any, into its URL table; call it before its application is built.

    It is done at the first request to a service: importing them all takes seconds.
    """
    module = module.replace("-", "")
    for service in _services(module):
        response_class(service)


def install_everything() -> None:
    """All services at once."""
    for service in (*REAL, *STRICT):
        response_class(service)


def response_class(service: str) -> type[Any] | None:
    """Which class answers for a service of ours or a strict one; None for others, which are moto's."""
    with _lock:
        if service not in installed:
            if service in REAL:
                _install_real(service, REAL[service])
            elif service in STRICT:
                _make_strict(service, STRICT[service])
        return installed.get(service)


def _services(module: str) -> list[str]:
    real = [service for service, entry in REAL.items() if entry.moto == module]
    return real + [service for service, name in STRICT.items() if name == module]


def _install_real(service: str, real: Real) -> None:
    found = getattr(importlib.import_module(real.module), real.attribute)
    _route(real.moto, found)
    installed[service] = found


def _route(module: str, response_class: type[Any]) -> None:
    urls: Any = importlib.import_module(f"moto.{module}.urls")
    urls.url_paths = dict.fromkeys(urls.url_paths, response_class.dispatch)


def _make_strict(service: str, module: str) -> None:
    urls = importlib.import_module(f"moto.{module}.urls")
    classes: dict[type[Any], type[Any]] = {}
    for path, handler in urls.url_paths.items():
        original = getattr(handler, "__self__", None)
        original = original if isinstance(original, type) or original is None else type(original)
        # Only plain dispatching; a path with a handler of its own stays as it is.
        if original is None or getattr(handler, "__name__", "") != "dispatch":
            continue
        if issubclass(original, StrictResponse):
            continue
        classes.setdefault(original, strict(original))
        urls.url_paths[path] = classes[original].dispatch
    for strict_class in classes.values():
        installed.setdefault(service, strict_class)
