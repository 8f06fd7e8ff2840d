"""The stand-in for AWS as a background process, and clients of it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError

from launcher import processes
from launcher.failures import RefusedError
from launcher.places import CHECKOUT, LOCALAWS_PYTHON
from launcher.ports import HOST, free_port

if TYPE_CHECKING:
    from launcher.places import Places
    from launcher.processes import Background

NAME = "localaws"
USUAL_PORT = 4566
APPLICATION_ID = "sentiment-retrain-launcher"
START_SECONDS = 90.0
REGION = "us-east-1"
BUCKET = "sentiment-retrain-local"
ROLE_NAME = "sentiment-retrain"
ROLE_ARN = f"arn:aws:iam::123456789012:role/{ROLE_NAME}"


def server_environment() -> dict[str, str]:
    """The stand-in's environment: ours without anybody's AWS settings, so it can never reach AWS itself."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return kept | {
        "PYTHONPATH": str(CHECKOUT / "include"),
        "AWS_EC2_METADATA_DISABLED": "true",
        # Several jobs run at a time on few cores: a thread pool in each would only get in the others' way.
        "OMP_NUM_THREADS": kept.get("OMP_NUM_THREADS", "1"),
        "OPENBLAS_NUM_THREADS": kept.get("OPENBLAS_NUM_THREADS", "1"),
        # Alarms look once a minute: nobody waits five of them for an update on a laptop.
        "LOCALAWS_MINUTE_SECONDS": kept.get("LOCALAWS_MINUTE_SECONDS", "2"),
    }


def client_environment(url: str) -> dict[str, str]:
    """What makes every AWS client talk to the stand-in and none to AWS: all that differs from production."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def command(places: Places, port: int) -> list[str]:
    """The command line of the server."""
    return [
        *(str(LOCALAWS_PYTHON), "-m", "localaws"),
        *("--host", HOST, "--port", str(port), "--state", str(places.localaws_state)),
    ]


def start(places: Places) -> Background:
    """Start the stand-in unless it runs; does not wait for it, see `wait`."""
    running = processes.find(places, NAME)
    if running:
        return running
    places.localaws_state.mkdir(parents=True, exist_ok=True)
    port = free_port(USUAL_PORT)
    return processes.start(
        places,
        NAME,
        command(places, port),
        server_environment(),
        url=f"http://{HOST}:{port}",
        directory=CHECKOUT,
    )


def wait(server: Background) -> None:
    """Until the stand-in answers its health check."""

    def ready() -> bool:
        return is_healthy(server.url) and processes.listens(server)

    processes.wait_until(ready, server, START_SECONDS)


def is_healthy(url: str) -> bool:
    """Whether a stand-in answers at `url`."""
    try:
        return httpx.get(f"{url}/_localaws/health", timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def require_running(places: Places) -> Background:
    """The running stand-in.

    :raises RefusedError: it does not run.
    """
    running = processes.find(places, NAME)
    if running is None:
        raise RefusedError(
            "LOCAL_NOT_RUNNING",
            "the stand-in for AWS is not running.",
            "Start it with `make up` or `make run`.",
        )
    return running


def client(service: str, url: str) -> Any:
    """A boto3 client of the stand-in, whatever AWS settings the user has."""
    credentials = client_environment(url)
    session = boto3.session.Session(
        aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    quick = Config(
        connect_timeout=5,
        read_timeout=90,
        retries={"max_attempts": 2, "mode": "standard"},
        # Tells the launcher's requests from those of the DAG, which has a role of its own on AWS.
        user_agent_appid=APPLICATION_ID,
    )
    return session.client(service, endpoint_url=url, config=quick)


def prepare_account(url: str) -> None:
    """Create what an account's administrator would: the bucket and SageMaker's execution role. Repeatable."""
    s3, iam = client("s3", url), client("iam", url)
    try:
        s3.head_bucket(Bucket=BUCKET)
    except ClientError:
        s3.create_bucket(Bucket=BUCKET)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    try:
        iam.create_role(RoleName=ROLE_NAME, AssumeRolePolicyDocument=json.dumps(trust))
    except iam.exceptions.EntityAlreadyExistsException:
        return
