"""No web page uses the stand-in: it would run programs as the user whose browser shows the page."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

# Of the stand-in alone: AWS checks signatures instead.
AS_JSON = {
    "X-Amz-Target": "SageMaker.ListTrainingJobs",
    "Content-Type": "application/x-amz-json-1.1",
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sagemaker/aws4_request, "
    "SignedHeaders=host, Signature=0",
}
EVIL = "https://evil.example"
FOREIGN: dict[str, dict[str, str]] = {
    "a page's fetch": {"Origin": EVIL},
    "a sandboxed frame": {"Origin": "null"},
    "a page that calls itself localhost": {"Origin": "http://localhost.evil.example"},
    "a name that was bound to 127.0.0.1 later": {"Host": "evil.example:4566"},
    "a name that ends like ours": {"Host": "evillocalhost"},
    "a name with a port that is none": {"Host": "evil.example:x"},
    "an image or a form without Origin": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
}
OWN: dict[str, dict[str, str]] = {
    "boto3": {},
    "by name": {"Host": "localhost:4566"},
    "a bucket before the name": {"Host": "bucket.localhost:4566"},
    "a network of containers": {"Host": "172.28.66.10:4566"},
    "IPv6": {"Host": "[::1]:4566"},
    "through a proxy": {"Host": "api.sagemaker.us-east-1.amazonaws.com"},
    "a page of this machine": {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
}


def ask(
    url: str, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, dict[str, Any]]:
    """Status of the answer, and its headers in small letters with the body."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
    try:
        connection.request(method, path, body or None, headers=headers)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()} | {"body": answer.read()}
    finally:
        connection.close()


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
@pytest.mark.parametrize("path", ["/", "/_localaws/faults", "/_localaws/health", "/moto-api/data.json"])
def test_a_foreign_page_is_refused(endpoint_url: str, headers: dict[str, str], path: str) -> None:
    for method, body in (("POST", b"{}"), ("GET", b""), ("OPTIONS", b"")):
        status, answer = ask(endpoint_url, method, path, AS_JSON | headers, body)

        assert status == 403, method
        assert "access-control-allow-origin" not in answer
        assert b"AccessDenied" in answer["body"]


def test_what_is_refused_has_not_happened(endpoint_url: str, aws: Any) -> None:
    """A form can be sent to anywhere without asking first."""
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": EVIL}
    body = b"Action=CreateTopic&Name=from-a-page&Version=2010-03-31"
    assert ask(endpoint_url, "POST", "/", form, body)[0] == 403
    plain = {"Content-Type": "text/plain", "Origin": EVIL}
    assert ask(endpoint_url, "POST", "/_localaws/faults", plain, b'{"action": "throttle"}')[0] == 403

    assert not any("from-a-page" in one["TopicArn"] for one in aws("sns").list_topics()["Topics"])
    assert json.loads(ask(endpoint_url, "GET", "/_localaws/faults", {})[1]["body"])["faults"] == []


@pytest.mark.parametrize("headers", OWN.values(), ids=OWN.keys())
def test_programs_and_pages_of_this_machine_are_answered(endpoint_url: str, headers: dict[str, str]) -> None:
    status, answer = ask(endpoint_url, "POST", "/", AS_JSON | headers, b"{}")

    assert (status, "TrainingJobSummaries" in json.loads(answer["body"])) == (200, True)


def test_a_link_in_a_mail_still_opens_a_card(endpoint_url: str, aws: Any, bucket: str) -> None:
    aws("s3").put_object(Bucket=bucket, Key="card.html", Body=b"<p>card</p>")
    address = aws("s3").generate_presigned_url("get_object", {"Bucket": bucket, "Key": "card.html"})
    path = address.removeprefix(endpoint_url)
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}

    status, answer = ask(endpoint_url, "GET", path, followed)

    assert (status, answer["body"]) == (200, b"<p>card</p>")
    assert ask(endpoint_url, "GET", path, followed | {"Sec-Fetch-Dest": "iframe"})[0] == 403
    assert ask(endpoint_url, "GET", "/?Action=DeleteTopic", followed)[0] == 403
