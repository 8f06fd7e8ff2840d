"""The evaluator itself: what it lets through decides what the other tests can find."""

from __future__ import annotations

from typing import Any

import pytest

from .policy import Access, is_allowed, matches

ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::reviews/raw/*"}
GET = Access("s3:GetObject", "arn:aws:s3:::reviews/raw/a.csv")


@pytest.mark.parametrize(
    ("statements", "access", "expected"),
    [
        ([], GET, False),
        ([ALLOW], GET, True),
        ([ALLOW], Access("S3:getobject", GET.resource), True),
        ([ALLOW], Access("s3:PutObject", GET.resource), False),
        ([ALLOW], Access("s3:GetObject", "arn:aws:s3:::reviews/rawer/a"), False),
        ([ALLOW], Access("s3:GetObject", "arn:aws:s3:::reviews/RAW/a"), False),
        ([ALLOW, ALLOW | {"Effect": "Deny", "Action": "*"}], GET, False),
        ([ALLOW | {"Resource": ["x", "*"]}], GET, True),
    ],
)
def test_deny_wins_then_allow_and_nothing_is_allowed_by_default(
    statements: list[dict[str, Any]], access: Access, expected: bool
) -> None:
    assert is_allowed(statements, access) is expected


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        ({"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}, (), False),
        (
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            (("iam:PassedToService", "ec2.amazonaws.com"),),
            False,
        ),
        (
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            (("iam:PassedToService", "sagemaker.amazonaws.com"),),
            True,
        ),
        ({"StringEquals": {"k": "a*"}}, (("k", "ab"),), False),
        ({"StringLike": {"k": "a*"}}, (("k", "ab"),), True),
    ],
)
def test_a_condition_holds_or_the_statement_does_not_apply(
    condition: dict[str, Any], context: tuple[tuple[str, str], ...], expected: bool
) -> None:
    assert is_allowed([ALLOW | {"Condition": condition}], GET._replace(context=context)) is expected


def test_what_it_does_not_know_it_says() -> None:
    with pytest.raises(ValueError, match="IpAddress"):
        is_allowed([ALLOW | {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}], GET)
    with pytest.raises(ValueError, match="NotAction"):
        is_allowed([ALLOW | {"NotAction": "s3:*"}], GET)


def test_wildcards_are_iams_and_not_a_shells() -> None:
    assert matches("a[b]?", "a[b]c")
    assert not matches("a[b]", "ab")
    assert matches("arn:*:x", "arn:a/b:c:x")
