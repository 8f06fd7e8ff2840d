"""What a person, or somebody else, may type into ``rollback_to``: a coded error, and nothing has happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from sentiment_retrain.endpoint import pins
from sentiment_retrain.operators.base import FAILURE_KEY
from sentiment_retrain.settings import load_settings

if TYPE_CHECKING:
    from .hosted import World

OTHER_ACCOUNT = "arn:aws:sagemaker:us-east-1:999999999999:model-package"
HOSTILE = {
    "single quotes": "x'; DROP TABLE reviews; --",
    "double quotes": '"model" or "1"="1',
    "path": "../../endpoints/e/pin.json",
    "path in a model's place": "..%2f..%2fmodel",
    "bucket": "s3://somebody-elses/model.tar.gz",
    "template": "{{ var.value.secret }}",
    "shell": "$(touch /tmp/x); `id`",
    "line breaks and NUL": "model\n\r\x00name",
    "right to left": "model\u202egpj.exe",
    "blank": "   ",
    "10,000 letters": "x" * 10_000,
    "10,000 digits": "9" * 10_000,
    "a version that is not there": "999999999",
    "digits of another script": "\u0661",
    "a model that is not there": "sentiment-retrain-model-none",
    "no ARN": "arn:",
    "ARN of a role": "arn:aws:iam::123456789012:role/sentiment-retrain",
    "ARN of an endless name": f"{OTHER_ACCOUNT}/{'g' * 10_000}/1",
    "ARN with a path": "arn:aws:sagemaker:us-east-1:123456789012:model-package/../../1",
}


def test_hostile_values_of_rollback_to_end_in_a_coded_error_and_do_nothing(world: World) -> None:
    verdict = world.verdict()
    registered = world.register(verdict)
    world.deploy(verdict, registered)
    # A package that exists and that somebody in this account made for something else.
    world.configure(model_package_group=f"{world.endpoint}-other")
    foreign = world.register(world.verdict(sure=0.7))["model_package_arn"]
    world.configure(model_package_group=world.endpoint)
    own = registered["model_package_arn"]
    values = HOSTILE | {
        "ARN of another account": own.replace(":123456789012:", ":999999999999:"),
        "ARN of another region": own.replace(":us-east-1:", ":eu-west-1:"),
        "ARN of another group": foreign,
        "ARN with more behind it": f"{own}/../1",
    }
    before = state_of(world, [own, foreign])

    for what, value in values.items():
        pushed: dict[str, Any] = {}
        with pytest.raises(AirflowFailException, match="SR-DEPLOY-003"):
            world.roll_back(pushed, name="run-hostile", rollback_to=value)
        assert pushed[FAILURE_KEY]["code"] == "SR-DEPLOY-003", what
        # What is repeated of it fits on a card.
        assert len(pushed[FAILURE_KEY]["observed"]) < 1000, what
        assert state_of(world, [own, foreign]) == before, what

    # The package's own ARN is none of these.
    assert world.roll_back(name="run-good", rollback_to=own)["outcome"] == "unchanged"


def state_of(world: World, packages: list[str]) -> list[Any]:
    """What a rollback changes: the endpoint, configurations, models, packages, the pin."""
    own = {"NameContains": load_settings().prefix, "MaxResults": 100}
    configs = world.aws.sagemaker("list_endpoint_configs", **own)["EndpointConfigs"]
    models = world.aws.sagemaker("list_models", **own)["Models"]
    endpoint = world.describe()
    described = [world.aws.sagemaker("describe_model_package", ModelPackageName=arn) for arn in packages]
    return [
        endpoint["EndpointConfigName"],
        endpoint["LastModifiedTime"],
        sorted(item["EndpointConfigName"] for item in configs),
        sorted(item["ModelName"] for item in models),
        [{key: value for key, value in one.items() if key != "ResponseMetadata"} for one in described],
        pins.find_pin(world.aws, world.bucket, world.endpoint),
    ]
