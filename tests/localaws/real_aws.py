"""The conformance tests on a real account (`--aws`): its clients, its buckets, and what cannot run there."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import boto3
import exercised
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Mapping

NEEDED = ("CONFORMANCE_ROLE_ARN", "CONFORMANCE_BUCKET_PREFIX")
# By the test's name (`file::test[parameters]`); the first that matches is the reason.
LOCAL_ONLY = {
    r"^test_(durability|state|sync)\.py": "stops, kills and restarts the server",
    r"^test_(faults|fault_settings|job_faults)\.py": "makes the server fail on purpose",
    r"^test_(containers|instances|instances_of_jobs|ports)\.py": "looks into the processes of the server",
    r"^test_(processing|training\w*|data_capture)\.py": "runs an image that is in tests/localaws/images only",
    r"^test_http\.py": "speaks to the sockets of the server",
    r"^test_(alarms|autoscaling)\.py": "expects a minute that lasts a second",
    r"^test_coverage_of_tests\.py": "is about COVERAGE.md",
    r"NotImplemented|not_done|does_not_work|unsupported_parameters": "says what does not work here",
    r"The local stand-in does not": "says what does not work here",
    r"unknown_image|coverage_(file|lists)": "is about this implementation alone",
}
# Fixtures that are the server itself, whichever fixture asks for them.
LOCAL_FIXTURES = {"stand_in", "own_stand_in", "endpoint_url", "aws_environment"}


def local_only_reason(name: str, fixtures: set[str]) -> str | None:
    """Why a test cannot run on AWS, or None."""
    if fixtures & LOCAL_FIXTURES:
        return "needs the address or the process of the stand-in"
    return next((reason for pattern, reason in LOCAL_ONLY.items() if re.search(pattern, name)), None)


class RealAws:
    """An account of AWS; it stands where `StandIn` stands for tests that only want clients."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take AWS's variables (credentials, profile, region) from `environment`; raise `KeyError`."""
        missing = [name for name in NEEDED if name not in os.environ]
        if missing:
            raise KeyError(f"--aws needs {', '.join(missing)} in the environment: docs/conformance.md")
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        given = {key: value for key, value in environment.items() if "ENDPOINT_URL" not in key}
        os.environ.update(given)
        self._session = boto3.Session()
        self._clients: dict[str, Any] = {}
        self._buckets: list[str] = []

    def client(self, service: str, checked: bool = True) -> Any:
        """A boto3 client; unless `checked`, botocore leaves all checks to AWS."""
        key = service if checked else f"{service} unchecked"
        if key not in self._clients:
            made = self._session.client(service, config=Config(parameter_validation=checked))
            exercised.watch(made)
            if service == "s3":
                made.meta.events.register("before-parameter-build.s3.CreateBucket", self._note_bucket)
            self._clients[key] = made
        return self._clients[key]

    def _note_bucket(self, params: dict[str, Any], **_: Any) -> None:
        prefix = os.environ["CONFORMANCE_BUCKET_PREFIX"]
        if not params["Bucket"].startswith(prefix):
            raise ValueError(f"bucket {params['Bucket']} must begin with {prefix}")
        self._buckets.append(params["Bucket"])

    def close(self) -> None:
        """Delete the buckets that were made, with what is in them."""
        s3 = self._session.resource("s3")
        for name in self._buckets:
            s3.Bucket(name).objects.delete()
            s3.Bucket(name).delete()
