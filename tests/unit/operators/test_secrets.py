"""No secret of an installation reaches a log, an XCom, a tag, or anything in the bucket.

The ways in are all there are: AWS credentials in the environment, connections with passwords, and the address
of a webhook, which is a password itself. Every task runs well and badly, because errors tell the most.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowException

from sentiment_retrain.operators.approve import ApproveModelOperator
from sentiment_retrain.operators.planning import PlanRunOperator
from sentiment_retrain.settings import load_settings

from .conftest import context
from .receivers import CONNECTION, SECRET
from .test_notifications import card, end, failed_card

if TYPE_CHECKING:
    from .hosted import World
    from .receivers import Receiver

pytestmark = pytest.mark.usefixtures("subscriber")

ACCESS_KEY = "AKIADONTLOGTHISKEY00"
SECRET_KEY = "dont-log-this-secret-key-of-aws"  # noqa: S105
SESSION_TOKEN = "dont-log-this-session-token-of-aws"  # noqa: S105
PASSWORD = "dont-log-this-password-of-a-connection"  # noqa: S105
#: The access key's id is no secret by itself, but nothing needs it outside a request either.
SECRETS = (SECRET, SECRET_KEY, SESSION_TOKEN, PASSWORD, ACCESS_KEY)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """An installation full of secrets, all of whose logs are kept as Airflow would keep them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", SESSION_TOKEN)
    for name in ("AWS_DEFAULT", "SENTIMENT_RETRAIN"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", f"aws://somebody:{PASSWORD}@")
    # botocore's own tracing of requests is not on in any installation that we start.
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "sentiment_retrain")


def written(world: World) -> str:
    """Everything in the bucket, names and contents."""
    found = []
    for page in world.aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=world.bucket):
        for one in page.get("Contents", []):
            body = world.aws.get_bytes(f"s3://{world.bucket}/{one['Key']}")
            found.append(f"{one['Key']}\n{body.decode('utf-8', 'replace')}")
    return "\n".join(found)


def tagged(world: World, registration: dict[str, Any]) -> str:
    """What SageMaker's descriptions and tags say of the endpoint, its configuration and the package."""
    live = world.describe()
    config = world.aws.sagemaker("describe_endpoint_config", EndpointConfigName=live["EndpointConfigName"])
    tags = [world.aws.tags(arn) for arn in (live["EndpointArn"], config["EndpointConfigArn"])]
    return json.dumps([live, config, tags, world.package(registration)], default=str)


def assert_nothing_leaked(where: str, text: str) -> None:
    """None of the secrets is in the text, which is not empty."""
    assert text, f"{where} is empty: nothing was looked at"
    assert [secret for secret in SECRETS if secret in text] == [], where


def test_a_run_that_deploys_and_rolls_back_keeps_its_secrets(
    world: World, webhook: Receiver, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    pushed: dict[str, Any] = {}
    handed_on: list[Any] = []
    first, second = world.verdict(), world.verdict(sure=0.8)
    for number, verdict in enumerate((first, second)):
        registration = world.register(verdict)
        handed_on += [registration, world.approve(verdict, registration, pushed)]
        handed_on.append(world.deploy(verdict, registration, pushed, name=f"run-{number}"))
    handed_on.append(world.roll_back(pushed))
    end(world, card("manual__2026-03-01"))

    assert webhook.got, "the webhook was told"
    assert_nothing_leaked("logs", caplog.text)
    assert_nothing_leaked("XComs", json.dumps([pushed, handed_on]))
    assert_nothing_leaked("bucket", written(world))
    assert_nothing_leaked("descriptions and tags", tagged(world, registration))
    assert_nothing_leaked("messages", json.dumps(webhook.got))
    out, err = capfd.readouterr()
    assert [secret for secret in SECRETS if secret in out + err] == []


@pytest.mark.parametrize("how", ["refused", "gone", "unreadable"])
def test_a_message_that_cannot_be_sent_keeps_the_address(
    world: World,
    webhook: Receiver,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    name = f"AIRFLOW_CONN_{CONNECTION.upper()}"
    if how == "refused":
        webhook.answers = [403] * 10
    elif how == "gone":
        monkeypatch.setenv(name, f"http://127.0.0.1:9/services/{SECRET}")
    else:
        monkeypatch.setenv(name, f'{{"conn_type": "http", "password": "{SECRET}"')

    end(world, failed_card("manual__2026-03-02"))

    assert "nobody was told" in caplog.text or CONNECTION in caplog.text
    assert_nothing_leaked("logs", caplog.text)
    assert_nothing_leaked("bucket", written(world))


def test_tasks_that_fail_keep_the_secrets(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed: dict[str, Any] = {}
    said: list[str] = []
    verdict = {"action": "deploy", "winner": "autopilot", "reason": "x", "scores": {}, "metric": "macro_f1"}
    missing = {"model_package_arn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/none/9"}
    tasks = [
        PlanRunOperator(task_id="plan"),
        ApproveModelOperator(task_id="approve", run=world.run(), verdict=verdict, registration=missing),
    ]
    for task in tasks:
        said.append(failure_of(task, pushed))
    with monkeypatch.context() as unreachable:
        unreachable.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        load_settings.cache_clear()
        said.append(failure_of(PlanRunOperator(task_id="plan"), pushed))

    assert len(said) == len(tasks) + 1
    assert_nothing_leaked("errors", "\n".join(said))
    assert_nothing_leaked("XComs", json.dumps(pushed))
    assert_nothing_leaked("logs", caplog.text)


def failure_of(task: Any, pushed: dict[str, Any]) -> str:
    """What a task says as it fails, with all that led to it."""
    with pytest.raises(AirflowException) as raised:
        task.execute(context(pushed))
    return str(raised.getrepr(showlocals=False))


def test_the_search_would_find_a_secret() -> None:
    """The tests above can fail."""
    with pytest.raises(AssertionError, match="logs"):
        assert_nothing_leaked("logs", f"posting to http://example.com/services/{SECRET}")
    with pytest.raises(AssertionError, match="nothing was looked at"):
        assert_nothing_leaked("logs", "")
