"""IAM's simulation says what a principal's policies say; Service Quotas what an account may use."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hosting import unique
from stand_in import TRUST, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

READ: dict[str, Any] = {"Effect": "Allow", "Action": ["s3:Get*"], "Resource": "arn:aws:s3:::reviews/raw/*"}
DENY = {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::reviews/raw/secret*"}
PASS = {
    "Effect": "Allow",
    "Action": "iam:PassRole",
    "Resource": "*",
    "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
}
OBJECT = "arn:aws:s3:::reviews/raw/a.csv"
TO_SAGEMAKER = [
    {
        "ContextKeyName": "iam:passedtoservice",
        "ContextKeyValues": ["sagemaker.amazonaws.com"],
        "ContextKeyType": "string",
    }
]


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def role(aws: Callable[[str], Any]) -> str:
    """A role with an inline policy that allows and an attached one that denies."""
    iam, name = aws("iam"), unique("simulated")
    arn = iam.create_role(RoleName=name, Path="/team/", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"][
        "Arn"
    ]
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document(READ, PASS))
    attached = iam.create_policy(PolicyName=unique("deny"), PolicyDocument=document(DENY))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=attached)
    return str(arn)


@pytest.fixture
def simulate(aws: Callable[[str], Any], role: str) -> Callable[..., list[dict[str, Any]]]:
    """Results of simulating actions on resources as the role."""

    def ask(*actions: str, resources: list[str] | None = None, **more: Any) -> list[dict[str, Any]]:
        given = {"ResourceArns": resources} if resources else {}
        pages = (
            aws("iam")
            .get_paginator("simulate_principal_policy")
            .paginate(PolicySourceArn=role, ActionNames=list(actions), **given, **more)
        )
        return [result for page in pages for result in page["EvaluationResults"]]

    return ask


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:GetObject", OBJECT, "allowed"),
        ("S3:getobject", OBJECT, "allowed"),
        ("s3:PutObject", OBJECT, "implicitDeny"),
        ("s3:GetObject", "arn:aws:s3:::reviews/RAW/a.csv", "implicitDeny"),
        ("s3:GetObject", "arn:aws:s3:::reviews/raw/secret.csv", "explicitDeny"),
        ("s3:GetObject", "*", "implicitDeny"),
    ],
)
def test_deny_wins_then_allow_and_nothing_by_default(
    simulate: Callable[..., list[dict[str, Any]]], action: str, resource: str, expected: str
) -> None:
    (result,) = simulate(action, resources=[resource])
    assert (result["EvalActionName"], result["EvalResourceName"]) == (action, resource)
    assert result["EvalDecision"] == expected
    assert bool(result.get("MatchedStatements")) is (expected != "implicitDeny")


def test_a_condition_needs_its_key(simulate: Callable[..., list[dict[str, Any]]]) -> None:
    (without,) = simulate("iam:PassRole")
    assert without["EvalDecision"] == "implicitDeny"
    assert without["MissingContextValues"] == ["iam:PassedToService"]
    (with_it,) = simulate("iam:PassRole", ContextEntries=TO_SAGEMAKER)
    assert with_it["EvalDecision"] == "allowed"
    assert with_it["EvalResourceName"] == "*"
    other = [TO_SAGEMAKER[0] | {"ContextKeyValues": ["ec2.amazonaws.com"]}]
    assert simulate("iam:PassRole", ContextEntries=other)[0]["EvalDecision"] == "implicitDeny"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringNotEquals": {"key:one": "a"}}, "implicitDeny"),
        ({"StringNotEquals": {"key:one": "b"}}, "allowed"),
        ({"StringNotEquals": {"key:absent": "b"}}, "allowed"),
        ({"StringLike": {"key:one": ["x", "?"]}}, "allowed"),
        ({"StringEqualsIfExists": {"key:absent": "b"}}, "allowed"),
        ({"StringEqualsIgnoreCase": {"key:one": "A"}}, "allowed"),
        ({"Bool": {"aws:SecureTransport": "true"}}, "implicitDeny"),
        ({"Null": {"key:one": "false", "key:absent": "true"}}, "allowed"),
        ({"StringEquals": {"key:one": "a"}, "StringLike": {"key:one": "b*"}}, "implicitDeny"),
    ],
)
def test_conditions_as_iam_documents_them(
    simulate: Callable[..., list[dict[str, Any]]], condition: dict[str, Any], expected: str
) -> None:
    statement = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*", "Condition": condition}
    entries = [{"ContextKeyName": "key:one", "ContextKeyValues": ["a"], "ContextKeyType": "string"}]
    (result,) = simulate("sns:Publish", PolicyInputList=[document(statement)], ContextEntries=entries)
    assert result["EvalDecision"] == expected


def test_not_action_and_not_resource_turn_round(simulate: Callable[..., list[dict[str, Any]]]) -> None:
    statement = {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:sns:*:*:secret"}
    found = simulate(
        "sns:Publish",
        "iam:GetRole",
        resources=["arn:aws:sns:us-east-1:1:open", "arn:aws:sns:us-east-1:1:secret"],
        PolicyInputList=[document(statement)],
    )
    decisions = [result["EvalDecision"] for result in found]
    assert decisions == ["allowed", "implicitDeny", "implicitDeny", "implicitDeny"]


def test_a_user_has_what_its_groups_have_by_pages(aws: Callable[[str], Any]) -> None:
    iam, user, group = aws("iam"), unique("user"), unique("group")
    arn = iam.create_user(UserName=user)["User"]["Arn"]
    iam.create_group(GroupName=group)
    iam.put_group_policy(GroupName=group, PolicyName="read", PolicyDocument=document(READ))
    ask = {"PolicySourceArn": arn, "ActionNames": ["s3:GetObject", "s3:PutObject"], "ResourceArns": [OBJECT]}
    assert iam.simulate_principal_policy(**ask)["EvaluationResults"][0]["EvalDecision"] == "implicitDeny"
    iam.add_user_to_group(GroupName=group, UserName=user)
    first = iam.simulate_principal_policy(**ask, MaxItems=1)
    assert first["IsTruncated"] is True
    assert [result["EvalDecision"] for result in first["EvaluationResults"]] == ["allowed"]
    second = iam.simulate_principal_policy(**ask, MaxItems=1, Marker=first["Marker"])
    assert second["IsTruncated"] is False
    assert [result["EvalActionName"] for result in second["EvaluationResults"]] == ["s3:PutObject"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"PolicySourceArn": "arn:aws:iam::123456789012:role/nobody-of-this-name"}, "NoSuchEntity"),
        ({"PolicySourceArn": "arn:aws:sts::123456789012:assumed-role/a/b"}, "InvalidInput"),
        ({"ActionNames": ["GetObject"]}, "InvalidInput"),
        ({"PolicyInputList": ["{"]}, "InvalidInput"),
    ],
)
def test_what_cannot_be_simulated_is_refused(
    aws: Callable[[str], Any], role: str, change: dict[str, Any], code: str
) -> None:
    request = {"PolicySourceArn": role, "ActionNames": ["s3:GetObject"]} | change
    found = refusal(aws("iam").simulate_principal_policy, **request)
    assert found[0] == code


@pytest.mark.parametrize(
    "change",
    [
        {"CallerArn": "arn:aws:iam::123456789012:user/x"},
        {
            "PolicyInputList": [
                document(READ | {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, "Resource": "*"})
            ]
        },
    ],
)
def test_what_is_not_done_is_said_by_the_simulation(
    stand_in: object, aws: Callable[[str], Any], role: str, change: dict[str, Any]
) -> None:
    request = {"PolicySourceArn": role, "ActionNames": ["s3:GetObject"]} | change
    found = refusal(aws("iam").simulate_principal_policy, **request)
    assert (found[0], found[2]) == ("NotImplementedException", 501)


# --- Service Quotas -------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["service_quotas", "aws_default_service_quotas"])
def test_quotas_are_listed_by_pages_and_found_by_code(aws: Callable[[str], Any], which: str) -> None:
    client = aws("service-quotas")
    pages = list(
        client.get_paginator(f"list_{which}").paginate(
            ServiceCode="sagemaker", PaginationConfig={"PageSize": 10}
        )
    )
    assert len(pages) > 1
    found = {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}
    quota = found["ml.m5.xlarge for processing job usage"]
    assert quota["Value"] >= 1
    get = getattr(client, f"get_{which.removesuffix('s')}")
    assert (
        get(ServiceCode="sagemaker", QuotaCode=quota["QuotaCode"])["Quota"]["QuotaName"] == quota["QuotaName"]
    )


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("get_service_quota", {"QuotaCode": "L-NOSUCH"}, "NoSuchResourceException"),
        ("get_aws_default_service_quota", {"QuotaCode": "L-NOSUCH"}, "NoSuchResourceException"),
        ("list_service_quotas", {"ServiceCode": "nosuch"}, "NoSuchResourceException"),
        ("list_aws_default_service_quotas", {"ServiceCode": "nosuch"}, "NoSuchResourceException"),
        ("list_service_quotas", {"NextToken": "x"}, "InvalidPaginationTokenException"),
    ],
)
def test_quotas_that_are_not_there_are_refused(
    aws: Callable[[str], Any], operation: str, request_: dict[str, Any], code: str
) -> None:
    client = aws("service-quotas")
    found = refusal(getattr(client, operation), **{"ServiceCode": "sagemaker"} | request_)
    assert found[0] == code
