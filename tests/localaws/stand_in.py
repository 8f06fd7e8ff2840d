"""The stand-in as a subprocess, valid requests to it, and waiting for what they start."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import signal
import socket
import subprocess
import tarfile
import time
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import exercised
import guardian
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = CHECKOUT / ".venv-localaws" / "bin" / "python"
IMAGES = Path(__file__).parent / "images"
START_SECONDS = 90
STOP_SECONDS = 60
# On AWS an instance has to start first.
JOB_SECONDS = int(os.environ.get("CONFORMANCE_JOB_SECONDS", "180"))

ROLE = os.environ.get("CONFORMANCE_ROLE_ARN", "arn:aws:iam::123456789012:role/sentiment-retrain")
TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ENDED = ("Completed", "Failed", "Stopped")
TEST_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/test-image:1"


def lasting_port() -> int:
    """A free port that is free again after a restart.

    Of those that the system gives to clients, one may be taken meanwhile, even by whoever knocks at it: Linux
    connects a socket to itself when it is given the port that it looks for
    (https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html, ip_local_port_range).
    """
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port from 20000 to 31999")


class StandIn:
    """One running stand-in."""

    def __init__(self, state: Path, **environment: str) -> None:
        """Keep everything in `state`; `environment` is added to the server's."""
        self.state = state
        self.environment = environment
        # 0: any free one; `lasting_port()` where clients have to find the stand-in again after its restart.
        self.port = 0
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}

    def start(self) -> None:
        """Start and wait until it listens; its log is `<state>.log`. A new account gets the role `ROLE`."""
        new = not self.state.exists()
        with self._log().open("ab") as log:
            begin = log.tell()
            self._process = subprocess.Popen(
                [str(PYTHON), "-m", "localaws", "--port", str(self.port), "--state", str(self.state)],
                cwd=CHECKOUT / "include",
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": os.environ.get("HOME", "/"),
                    "LOCALAWS_IMAGES": str(IMAGES),
                    "OMP_NUM_THREADS": "1",
                    "LOCALAWS_CAPTURE_SECONDS": "0.3",
                    "LOCALAWS_MAX_INSTANCES": "3",
                    "LOCALAWS_MINUTE_SECONDS": "1",
                    **self.environment,
                },
                stdout=log,
                stderr=log,
            )
        guardian.end_with_us(self._process.pid)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            written = self._log().read_bytes()[begin:].decode()
            if "Listening on " in written:
                self.url = written.partition("Listening on ")[2].split()[0]
                self._clients.clear()
                if new:
                    self._create_role()
                return
            time.sleep(0.1)
        self.kill()
        raise RuntimeError(f"the stand-in did not start within {START_SECONDS} s:\n{self._log().read_text()}")

    def _create_role(self) -> None:
        self.client("iam").create_role(
            RoleName=ROLE.rpartition("/")[2], AssumeRolePolicyDocument=json.dumps(TRUST)
        )

    def stop(self) -> int:
        """SIGTERM; return the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL, as a crash."""
        return self._end(signal.SIGKILL)

    def client(self, service: str, checked: bool = True) -> Any:
        """A boto3 client that does not retry; unless `checked`, botocore leaves all checks to the server."""
        key = service if checked else f"{service} unchecked"
        if key not in self._clients:
            self._clients[key] = boto3.Session().client(
                service,
                region_name="us-east-1",
                endpoint_url=self.url,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(
                    retries={"total_max_attempts": 1},
                    s3={"addressing_style": "path"},
                    parameter_validation=checked,
                ),
            )
            exercised.watch(self._clients[key])
        return self._clients[key]

    def health(self) -> dict[str, Any]:
        """The health page."""
        page = f"{self.url}/_localaws/health"
        with urllib.request.urlopen(page, timeout=10) as response:  # noqa: S310  it is http
            return dict(json.load(response))

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(STOP_SECONDS)

    def _log(self) -> Path:
        path = self.state.with_name(f"{self.state.name}.log")
        path.touch()
        return path


def job_name() -> str:
    """A job name that no other test uses."""
    return f"test-{uuid.uuid4().hex[:10]}"


def wait_for(describe: Callable[[], dict[str, Any]], key: str, *values: object) -> dict[str, Any]:
    """Call `describe` until its `key` is one of `values`; fail after JOB_SECONDS with the last answer."""
    deadline = time.monotonic() + JOB_SECONDS
    answer: dict[str, Any] = {}
    while time.monotonic() < deadline:
        answer = describe()
        if answer.get(key) in values:
            return answer
        time.sleep(0.1)
    return pytest.fail(f"{key} is not one of {values} after {JOB_SECONDS} s: {answer}")


def processing_request(**changes: Any) -> dict[str, Any]:
    """A valid CreateProcessingJob request with `changes`."""
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    return {
        "ProcessingJobName": job_name(),
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": TEST_IMAGE, "ContainerArguments": ["crash"]},
        "ProcessingResources": {"ClusterConfig": cluster},
    } | changes


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, str, int]:
    """Code, message and HTTP status of the error that a request is answered with."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    response = caught.value.response
    return (
        response["Error"]["Code"],
        response["Error"]["Message"],
        response["ResponseMetadata"]["HTTPStatusCode"],
    )


def with_data(bucket: str, *arguments: str, **changes: Any) -> dict[str, Any]:
    """A request that reads `in/` of the bucket and writes `out/`."""
    source = {"S3Uri": f"s3://{bucket}/in", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    target = {"S3Uri": f"s3://{bucket}/out", "S3UploadMode": "EndOfJob"}
    request = processing_request(
        ProcessingInputs=[
            {"InputName": "data", "S3Input": source | {"LocalPath": "/opt/ml/processing/input"}}
        ],
        ProcessingOutputConfig={
            "Outputs": [
                {"OutputName": "result", "S3Output": target | {"LocalPath": "/opt/ml/processing/output"}}
            ]
        },
        Environment={"COLOUR": "red"},
        Tags=[{"Key": "retrain:run", "Value": "r1"}],
    )
    request["AppSpecification"]["ContainerArguments"] = list(arguments)
    return request | changes


def run_processing(sagemaker: Any, request: dict[str, Any], *statuses: str) -> dict[str, Any]:
    """Create a job and wait until its status is one of `statuses` (by default: until it has ended)."""
    sagemaker.create_processing_job(**request)
    name = request["ProcessingJobName"]
    return wait_for(
        lambda: sagemaker.describe_processing_job(ProcessingJobName=name),
        "ProcessingJobStatus",
        *(statuses or ENDED),
    )


def training_request(bucket: str, **changes: Any) -> dict[str, Any]:
    """A valid CreateTrainingJob request on `train/` of the bucket, with `changes`."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/train/"}
    return {
        "TrainingJobName": job_name(),
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": TEST_IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": r"loss=([0-9.]+);"}],
        },
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 120},
        "HyperParameters": {"epochs": "3"},
    } | changes


def archive(aws: Callable[[str], Any], uri: str) -> dict[str, bytes]:
    """The members of a tar.gz in S3."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    content = aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as opened:
        return {
            member.name: opened.extractfile(member).read()  # type: ignore[union-attr]
            for member in opened
            if member.isfile()
        }
