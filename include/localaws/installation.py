"""Which class answers for which service: ours, moto's made strict, or moto's as it is."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from dataclasses import dataclass
from typing import Any

from localaws.protocol import StrictResponse, strict

log = logging.getLogger(__name__)


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
    "glue": Real("glue", "localaws.services.glue.api", "Glue"),
    "cloudwatch": Real("cloudwatch", "localaws.services.cloudwatch.api", "CloudWatch"),
    "logs": Real("logs", "localaws.services.logs.api", "Logs"),
    "sagemaker": Real("sagemaker", "localaws.services.sagemaker.api", "SageMaker"),
    "sagemaker-runtime": Real(
        "sagemakerruntime", "localaws.services.sagemaker_runtime.api", "SageMakerRuntime"
    ),
}

# Left to moto, with every request validated; the service name of boto3 -> moto's module.
STRICT = {
    "cloudformation": "cloudformation",
    "ecr": "ecr",
    "events": "events",
    "iam": "iam",
    "kms": "kms",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "sts": "sts",
}

installed: dict[str, type[Any]] = {}


def install() -> None:
    """Put our classes into moto's URL tables; call it before the application is built."""
    for service, real in REAL.items():
        if importlib.util.find_spec(real.module) is None:
            log.error("%s is missing; %s is not served", real.module, service)
            continue
        response_class = getattr(importlib.import_module(real.module), real.attribute)
        _route(real.moto, response_class)
        installed[service] = response_class


def install_strict(module: str) -> None:
    """Make moto's `module` strict, if it is in `STRICT`; call it before its application is built.

    It is done at the first request to a service: importing them all takes seconds.
    """
    module = module.replace("-", "")
    for service, strict_module in STRICT.items():
        if strict_module == module and service not in installed:
            _make_strict(service, module)


def install_everything() -> None:
    """What `install` does, and every strict service at once."""
    install()
    for module in STRICT.values():
        install_strict(module)


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
