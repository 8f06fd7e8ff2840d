"""SageMaker takes a role only if it is there and trusts SageMaker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hosting import unique
from stand_in import TRUST, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

ANY_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
SAGEMAKER: dict[str, Any] = TRUST["Statement"][0]


def trust(*statements: Any) -> dict[str, Any]:
    """A trust policy."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.fixture
def make_role(stand_in: object, aws: Callable[[str], Any]) -> Callable[..., str]:
    """Makes roles in the stand-in's IAM; returns their ARNs."""

    def make(policy: dict[str, Any], path: str = "/") -> str:
        document = json.dumps(policy)
        made = aws("iam").create_role(RoleName=unique("role"), Path=path, AssumeRolePolicyDocument=document)
        return str(made["Role"]["Arn"])

    return make


@pytest.fixture
def create(aws: Callable[[str], Any]) -> Callable[[str], tuple[str, str, int] | None]:
    """Creates a model with a role; the refusal, or None."""

    def attempt(arn: str) -> tuple[str, str, int] | None:
        request = {
            "ModelName": unique("model"),
            "PrimaryContainer": {"Image": ANY_IMAGE},
            "ExecutionRoleArn": arn,
        }
        try:
            aws("sagemaker").create_model(**request)
        except aws("sagemaker").exceptions.ClientError:
            return refusal(aws("sagemaker").create_model, **request)
        return None

    return attempt


@pytest.mark.parametrize(
    "statement",
    [
        SAGEMAKER,
        SAGEMAKER | {"Action": ["sts:AssumeRole", "sts:TagSession"]},
        SAGEMAKER | {"Principal": {"Service": ["lambda.amazonaws.com", "sagemaker.amazonaws.com"]}},
    ],
)
def test_roles_that_trust_sagemaker_are_taken(
    make_role: Callable[..., str], create: Callable[[str], object], statement: dict[str, Any]
) -> None:
    assert create(make_role(trust(statement))) is None
    assert create(make_role(trust(statement), "/service-role/")) is None


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [SAGEMAKER | {"Principal": {"Service": "lambda.amazonaws.com"}}],
        [SAGEMAKER | {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}],
        [SAGEMAKER | {"Action": "sts:TagSession"}],
        [SAGEMAKER, SAGEMAKER | {"Effect": "Deny"}],
    ],
)
def test_roles_that_do_not_trust_sagemaker_are_refused(
    make_role: Callable[..., str], create: Callable[[str], object], statements: list[dict[str, Any]]
) -> None:
    arn = make_role(trust(*statements))
    assert create(arn) == (
        "ValidationException",
        f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
        "'sagemaker.amazonaws.com' to assume the role.",
        400,
    )


def test_a_role_on_another_path_or_deleted_is_not_there(
    make_role: Callable[..., str], create: Callable[[str], tuple[str, str, int] | None], aws: Any
) -> None:
    arn = make_role(trust(SAGEMAKER), "/service-role/")
    without_path = arn.replace("/service-role/", "/")
    refused = create(without_path)
    assert refused is not None
    assert without_path in refused[1]
    aws("iam").delete_role(RoleName=arn.rpartition("/")[2])
    refused = create(arn)
    assert refused is not None
    assert refused[0] == "ValidationException"
