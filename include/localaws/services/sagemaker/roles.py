"""Execution roles: a role that SageMaker shall assume must be in IAM here, and must let it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws import ACCOUNT_ID
from localaws.clients import client
from localaws.protocol import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

PRINCIPAL = "sagemaker.amazonaws.com"
ACTIONS = frozenset({"sts:AssumeRole", "sts:*", "*"})


def require_role(arn: str | None) -> None:
    """Check that SageMaker may assume the role; None, where a role is optional, is all right.

    Raises:
        AwsError: ValidationException when the role is not there or does not trust SageMaker,
            AccessDeniedException when it belongs to another account; both with AWS's text.
    """
    if arn is None:
        return
    if arn.split(":")[4] != ACCOUNT_ID:
        raise AwsError("AccessDeniedException", "Cross-account pass role is not allowed.")
    role = _find(arn)
    if role is None or not trusts_sagemaker(role.get("AssumeRolePolicyDocument")):
        raise AwsError(
            "ValidationException",
            f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
            f"'{PRINCIPAL}' to assume the role.",
        )


def trusts_sagemaker(policy: Any) -> bool:
    """Whether a trust policy lets SageMaker assume its role; conditions are taken as met."""
    statements = policy.get("Statement", []) if isinstance(policy, dict) else []
    allowed = False
    for statement in statements if isinstance(statements, list) else [statements]:
        if not _names_sagemaker(statement) or ACTIONS.isdisjoint(_listed(statement.get("Action"))):
            continue
        if statement.get("Effect") == "Deny":
            return False
        allowed = True
    return allowed


def _find(arn: str) -> Mapping[str, Any] | None:
    """The role of this ARN; one of the same name on another path is not it."""
    iam = client("iam")
    try:
        role: dict[str, Any] = iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    return role if role["Arn"] == arn else None


def _names_sagemaker(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    services = _listed(principal.get("Service")) if isinstance(principal, dict) else []
    return principal == "*" or PRINCIPAL in services


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
