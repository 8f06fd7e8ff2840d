"""Small script-mode models for the hosting tests, and the life of endpoints."""

from __future__ import annotations

import io
import os
import tarfile
import time
import uuid
from typing import TYPE_CHECKING, Any

from stand_in import JOB_SECONDS, ROLE

if TYPE_CHECKING:
    from collections.abc import Callable

WEB_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/web-image:1"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
ENDPOINT_SECONDS = JOB_SECONDS + 30

# Each container says in the answer what it was given.
SHOUT = """
def model_fn(model_dir):
    return open(model_dir + "/suffix.txt").read()

def input_fn(body, content_type):
    return body if isinstance(body, str) else body.decode()

def predict_fn(text, suffix):
    return "".join(line + suffix + "\\n" for line in text.splitlines())

def output_fn(prediction, accept):
    return prediction, accept
"""
# Answers text/csv with the types it saw: [content type|accept].
WITNESS = """
def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    text = body if isinstance(body, str) else body.decode()
    if "refuse" in text:
        raise ValueError("refused " + text.strip())
    kind = type(body).__name__
    return "".join(f"{line}[{kind} {content_type}|{accept}]\\n" for line in text.splitlines()), "text/csv"
"""
BROKEN = "def model_fn(model_dir):\n    raise RuntimeError('the weights are missing')\n"


def unique(prefix: str) -> str:
    """A name no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def new_bucket(client: Callable[[str], Any], prefix: str) -> str:
    """A bucket that no other test uses, in an account of AWS below the prefix that is set for it."""
    name = unique(os.environ.get("CONFORMANCE_BUCKET_PREFIX", prefix))
    client("s3").create_bucket(Bucket=name)
    return name


def archive(**files: str) -> bytes:
    """A model.tar.gz of these files; `__` in a name stands for a dot, e.g. `inference__py`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def variant(name: str, model: str, weight: float = 1, instances: int = 1) -> dict[str, Any]:
    """A production variant."""
    return {
        "VariantName": name,
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": instances,
        "InitialVariantWeight": weight,
    }


class Hosting:
    """Models and endpoints in one bucket of a stand-in."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        """`client` gives boto3 clients by service."""
        self.client = client
        self.bucket = new_bucket(client, "hosting")

    def put(self, body: bytes, key: str | None = None) -> str:
        """Store an object; return its URI."""
        key = key or f"{unique('model')}/model.tar.gz"
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def container(self, script: str, suffix: str = "!", **environment: str) -> dict[str, Any]:
        """A script-mode container definition."""
        return {
            "Image": IMAGE,
            "ModelDataUrl": self.put(archive(inference__py=script, suffix__txt=suffix)),
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py", **environment},
        }

    def web_model(self, label: str = "") -> str:
        """A model of one `web-image` container, which starts at once and does what bodies say."""
        return self.model({"Image": WEB_IMAGE, "Environment": {"LABEL": label}})

    def model(self, *containers: dict[str, Any]) -> str:
        """A model of one container or a pipeline; return its name."""
        name = unique("model")
        parts: dict[str, Any] = {"PrimaryContainer": containers[0]}
        if len(containers) > 1:
            parts = {"Containers": list(containers)}
        self.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=ROLE, **parts)
        return name

    def config(self, weights: dict[str, float], instances: int = 1, **more: Any) -> str:
        """A configuration with a variant for each model, `variant-1` and so on; return its name."""
        name = unique("config")
        variants = [
            variant(f"variant-{number}", model, weight, instances)
            for number, (model, weight) in enumerate(weights.items(), start=1)
        ]
        self.client("sagemaker").create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=variants, **more
        )
        return name

    def endpoint(self, config: str) -> str:
        """Start an endpoint; return its name."""
        name = unique("endpoint")
        self.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=config)
        return name

    def update(self, name: str, config: str, **more: Any) -> dict[str, Any]:
        """Update an endpoint and wait; return its description."""
        self.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=config, **more)
        return self.settled(name)

    def answers_until(self, name: str, wanted: set[str]) -> set[str]:
        """The different answers of an endpoint, until all that are wanted were there."""
        deadline = time.monotonic() + 30
        answers: set[str] = set()
        while answers != wanted and time.monotonic() < deadline:
            answers.add(self.invoke(name))
        return answers

    def settled(self, endpoint: str) -> dict[str, Any]:
        """The endpoint's description once nothing is under way."""
        deadline = time.monotonic() + ENDPOINT_SECONDS
        while time.monotonic() < deadline:
            described: dict[str, Any] = self.client("sagemaker").describe_endpoint(EndpointName=endpoint)
            if described["EndpointStatus"] in ("InService", "Failed"):
                return described
            time.sleep(0.1)
        raise TimeoutError(f"endpoint {endpoint} is still {described['EndpointStatus']}")

    def invoke(self, endpoint: str, body: bytes = b"hello\n", **more: str) -> str:
        """The answer of an endpoint as text."""
        arguments = {"ContentType": "text/csv", "Accept": "text/csv", **more}
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, Body=body, **arguments
        )
        return str(answer["Body"].read().decode())

    def delete(self, endpoint: str) -> None:
        """Delete an endpoint and wait until it is gone."""
        self.client("sagemaker").delete_endpoint(EndpointName=endpoint)
        waiter = self.client("sagemaker").get_waiter("endpoint_deleted")
        waiter.wait(EndpointName=endpoint, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
