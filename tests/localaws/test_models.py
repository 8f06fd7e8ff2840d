"""Models: what CreateModel takes, what it refuses, what it remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hosting import IMAGE, SHOUT, WITNESS, Hosting, unique
from stand_in import ROLE

if TYPE_CHECKING:
    from collections.abc import Callable


def refused(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """Code and message of the error a call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_pipeline_is_described_as_it_was_created(hosting: Hosting) -> None:
    sagemaker = hosting.client("sagemaker")
    containers = [
        {**hosting.container(SHOUT), "ContainerHostname": "first"},
        {**hosting.container(WITNESS), "ContainerHostname": "second"},
    ]
    name = hosting.model(*containers)
    described = sagemaker.describe_model(ModelName=name)
    assert described["Containers"] == containers
    assert described["ExecutionRoleArn"] == ROLE
    assert described["ModelArn"] == f"arn:aws:sagemaker:us-east-1:123456789012:model/{name}"
    assert "PrimaryContainer" not in described


def test_a_name_is_taken_until_the_model_is_deleted(hosting: Hosting) -> None:
    sagemaker = hosting.client("sagemaker")
    container = hosting.container(SHOUT)
    name = hosting.model(container)
    request = {"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": ROLE}
    code, message = refused(sagemaker.create_model, **request)
    assert code == "ValidationException"
    assert message.startswith("Cannot create already existing model")
    sagemaker.delete_model(ModelName=name)
    assert sagemaker.create_model(**request)["ModelArn"].endswith(name)


@pytest.mark.parametrize("operation", ["describe_model", "delete_model"])
def test_a_missing_model_is_named(hosting: Hosting, operation: str) -> None:
    code, message = refused(getattr(hosting.client("sagemaker"), operation), ModelName="nothing-here")
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model/nothing-here"
    assert (code, message) == ("ValidationException", f'Could not find model "{arn}".')


def test_artifacts_must_exist(hosting: Hosting) -> None:
    uri = f"s3://{hosting.bucket}/nothing/model.tar.gz"
    code, message = refused(
        hosting.client("sagemaker").create_model,
        ModelName=unique("model"),
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": uri},
        ExecutionRoleArn=ROLE,
    )
    assert (code, message) == ("ValidationException", f"Could not find model data at {uri}.")


@pytest.mark.parametrize("both", [True, False])
def test_either_one_container_or_a_pipeline(hosting: Hosting, both: bool) -> None:
    container = hosting.container(SHOUT)
    parts = {"PrimaryContainer": container, "Containers": [container, container]} if both else {}
    code, _ = refused(
        hosting.client("sagemaker").create_model, ModelName=unique("model"), ExecutionRoleArn=ROLE, **parts
    )
    assert code == "ValidationException"


@pytest.mark.parametrize(
    ("container", "parts", "named"),
    [
        ({"Mode": "MultiModel"}, {}, "Mode=MultiModel"),
        ({}, {"InferenceExecutionConfig": {"Mode": "Direct"}}, "InferenceExecutionConfig.Mode=Direct"),
    ],
)
def test_what_is_not_done_is_said(
    hosting: Hosting, container: dict[str, Any], parts: dict[str, Any], named: str
) -> None:
    code, message = refused(
        hosting.client("sagemaker").create_model,
        ModelName=unique("model"),
        PrimaryContainer={"Image": IMAGE, **container},
        ExecutionRoleArn=ROLE,
        **parts,
    )
    assert code == "NotImplementedException"
    assert named in message


def test_lists_come_in_pages_newest_first(hosting: Hosting) -> None:
    sagemaker = hosting.client("sagemaker")
    prefix = unique("paged")
    names = [f"{prefix}-{number}" for number in range(5)]
    for name in names:
        sagemaker.create_model(ModelName=name, PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=ROLE)
    first = sagemaker.list_models(NameContains=prefix.upper(), MaxResults=3, SortBy="Name")
    assert [model["ModelName"] for model in first["Models"]] == names[:1:-1]
    second = sagemaker.list_models(
        NameContains=prefix, MaxResults=3, SortBy="Name", NextToken=first["NextToken"]
    )
    assert [model["ModelName"] for model in second["Models"]] == names[1::-1]
    assert "NextToken" not in second


def test_tags_are_listed_by_arn(hosting: Hosting) -> None:
    sagemaker = hosting.client("sagemaker")
    tags = [{"Key": "retrain:run", "Value": "r1"}]
    arn = sagemaker.create_model(
        ModelName=unique("model"), PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=ROLE, Tags=tags
    )["ModelArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
