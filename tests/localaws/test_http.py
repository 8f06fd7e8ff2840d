"""The server's HTTP: connections that stay open, and what clients do to them."""

from __future__ import annotations

import http.client
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import botocore.exceptions
import pytest
from fault_client import Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hosting import Hosting
    from stand_in import StandIn

SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=0"
}
SLOW = 64


@pytest.fixture
def faults(endpoint_url: str) -> Iterator[Faults]:
    """The faults of the shared stand-in; none is left afterwards."""
    own = Faults(endpoint_url)
    yield own
    own.call("DELETE")


@pytest.fixture
def connection(endpoint_url: str) -> Iterator[http.client.HTTPConnection]:
    """One connection to the stand-in."""
    url = urlsplit(endpoint_url)
    own = http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)
    yield own
    own.close()


@pytest.fixture
def raw(endpoint_url: str) -> Iterator[socket.socket]:
    """One connection, to be spoken to byte by byte."""
    url = urlsplit(endpoint_url)
    with socket.create_connection((url.hostname, url.port or 80), 30) as own:
        yield own


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> tuple[int, bytes, socket.socket | None]:
    """Status and body of the answer to a signed request, and the socket it came on."""
    connection.request(method, path, body, headers=SIGNED)
    used = connection.sock
    answer = connection.getresponse()
    return answer.status, answer.read(), used


def head(path: str, *lines: str, method: str = "PUT") -> bytes:
    """The head of a signed request."""
    signed = [f"{name}: {value}" for name, value in SIGNED.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *signed, *lines, "", ""]).encode()


def status_line(connection: socket.socket) -> bytes:
    """The first line that comes, with the rest of its head read."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(1)
        assert piece, received
        received += piece
    return received.partition(b"\r\n")[0]


def test_one_connection_carries_many_answers_refusals_too(
    connection: http.client.HTTPConnection, bucket: str
) -> None:
    found = [
        ask(connection, "PUT", f"/{bucket}/a", b"1" * 100_000),
        ask(connection, "GET", f"/{bucket}/a"),
        ask(connection, "HEAD", f"/{bucket}/a"),
        ask(connection, "GET", f"/{bucket}/missing"),
        ask(connection, "HEAD", f"/{bucket}/missing"),
        ask(connection, "DELETE", f"/{bucket}/a"),
        ask(connection, "GET", f"/{bucket}?list-type=2"),
    ]
    assert [status for status, _, _ in found] == [200, 200, 200, 404, 404, 204, 200]
    assert found[1][1] == b"1" * 100_000
    assert found[2][1] == found[4][1] == b""
    assert {used for _, _, used in found} == {found[0][2]}


def test_an_injected_error_leaves_the_connection_usable(
    connection: http.client.HTTPConnection, bucket: str, faults: Faults
) -> None:
    ask(connection, "PUT", f"/{bucket}/a", b"1")
    faults.set("throttle", service="s3", resource=f"{bucket}/*", count=2)
    status, body, first = ask(connection, "HEAD", f"/{bucket}/a")
    assert (status, body) == (503, b"")
    status, body, second = ask(connection, "PUT", f"/{bucket}/a", b"2" * 1_000_000)
    assert status == 503
    assert b"<Code>SlowDown</Code>" in body
    assert ask(connection, "GET", f"/{bucket}/a") == (200, b"1", first)
    assert second is first


def test_a_lost_answer_is_lost_on_a_connection_in_use(
    connection: http.client.HTTPConnection, bucket: str, faults: Faults
) -> None:
    assert ask(connection, "PUT", f"/{bucket}/a", b"1")[0] == 200
    faults.set("lost_response", service="s3", resource=f"{bucket}/a", count=1)
    with pytest.raises(http.client.RemoteDisconnected):
        ask(connection, "PUT", f"/{bucket}/a", b"2")
    connection.close()
    assert ask(connection, "GET", f"/{bucket}/a")[:2] == (200, b"2")


def test_others_are_answered_while_many_requests_are_slow(
    aws: Callable[[str], Any], bucket: str, faults: Faults
) -> None:
    client = aws("sagemaker")
    fault = faults.set("latency", service="sagemaker", operation="ListModels", seconds=4.0)
    with ThreadPoolExecutor(SLOW) as pool:
        slow = [pool.submit(client.list_models) for _ in range(SLOW)]
        deadline = time.monotonic() + 60
        while faults.get(fault)["matched"] < SLOW and time.monotonic() < deadline:
            time.sleep(0.05)
        # The fault's counter was answered while they wait, and so is this.
        aws("s3").list_objects_v2(Bucket=bucket)
        assert sum(not future.done() for future in slow) > SLOW // 2
        assert all(future.result()["ResponseMetadata"]["HTTPStatusCode"] == 200 for future in slow)


def test_an_upload_waits_to_be_asked_for(raw: socket.socket, connection: Any, bucket: str) -> None:
    raw.sendall(head(f"/{bucket}/a", "Content-Length: 5", "Expect: 100-continue"))
    assert status_line(raw) == b"HTTP/1.1 100 Continue"
    raw.sendall(b"hello")
    assert status_line(raw) == b"HTTP/1.1 200 OK"
    assert ask(connection, "GET", f"/{bucket}/a")[1] == b"hello"


def test_an_upload_in_chunks_is_whole(raw: socket.socket, connection: Any, bucket: str) -> None:
    encoded = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    content = [
        "Content-Encoding: aws-chunked",
        "X-Amz-Decoded-Content-Length: 5",
        "X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "X-Amz-Trailer: x-amz-checksum-crc32",
    ]
    raw.sendall(head(f"/{bucket}/signed", *content, f"Content-Length: {len(encoded)}") + encoded)
    assert status_line(raw) == b"HTTP/1.1 200 OK"
    chunks = b"".join(b"%x\r\n%b\r\n" % (size, b"x" * size) for size in (1, 70_000, 3)) + b"0\r\n\r\n"
    # The same connection: nothing of the request before was left in it.
    raw.sendall(head(f"/{bucket}/chunks", "Transfer-Encoding: chunked") + chunks)
    assert status_line(raw) == b"HTTP/1.1 200 OK"
    assert ask(connection, "GET", f"/{bucket}/signed")[1] == b"hello"
    assert ask(connection, "GET", f"/{bucket}/chunks")[1] == b"x" * 70_004


@pytest.mark.parametrize(
    "begun",
    [("Content-Length: 10", b"01234"), ("Transfer-Encoding: chunked", b"5\r\n01234\r\n"), ("Host: b", b"")],
    ids=["content length", "chunks", "head"],
)
def test_a_client_that_vanishes_leaves_nothing_behind(
    raw: socket.socket, connection: Any, bucket: str, begun: tuple[str, bytes]
) -> None:
    line, body = begun
    request = head(f"/{bucket}/half", line) + body
    raw.sendall(request if body else request[:-4])
    raw.shutdown(socket.SHUT_WR)
    while raw.recv(1000):  # until the server has seen it
        pass
    assert ask(connection, "HEAD", f"/{bucket}/half")[0] == 404


def test_large_bodies_go_both_ways(aws: Callable[[str], Any], bucket: str) -> None:
    body = bytes(range(256)) * 100_000
    aws("s3").put_object(Bucket=bucket, Key="large", Body=body)
    got = aws("s3").get_object(Bucket=bucket, Key="large")["Body"]
    assert got.read(1_000_000) == body[:1_000_000]
    assert got.read() == body[1_000_000:]


@pytest.mark.parametrize("key", ["a%2Fb", "a b", "ä", "+", "a//b", "%25"])
def test_keys_arrive_as_they_were_sent(aws: Callable[[str], Any], bucket: str, key: str) -> None:
    aws("s3").put_object(Bucket=bucket, Key=key, Body=b"1", Metadata={"my_name": "1", "my-name": "2"})
    assert [item["Key"] for item in aws("s3").list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    found = aws("s3").head_object(Bucket=bucket, Key=key)["Metadata"]
    assert found["my-name"] == "2"


def test_containers_may_answer_and_close_as_they_like(hosting: Hosting) -> None:
    name = hosting.endpoint(hosting.config({hosting.web_model(): 1}))
    assert hosting.settled(name)["EndpointStatus"] == "InService"
    said = [hosting.invoke(name, f"frame {how}".encode()) for how in ("chunks", "chunks", "end", "closing")]
    assert [answer.split()[0] for answer in said] == ["chunks", "chunks", "end", "closing"]
    # One connection until the container closes it, then another.
    assert said[0] == said[1]
    assert said[2].split()[1] == said[1].split()[1] != said[3].split()[1]
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        hosting.invoke(name, b"vanish")
    assert caught.value.response["Error"]["Code"] == "ModelError"
    assert "closed the connection without an answer" in caught.value.response["OriginalMessage"]
    assert hosting.invoke(name, b"still here") == "still here"
    hosting.delete(name)


def ask_until(call: Callable[[], Any], deadline: float) -> None:
    """Call until `deadline` (monotonic), whatever is answered."""
    while time.monotonic() < deadline:
        call()


def test_a_stop_answers_what_is_under_way_and_nothing_new(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    s3 = own_stand_in.client("s3")
    s3.create_bucket(Bucket="stopped")  # its connection stays open
    faults = Faults(own_stand_in.url)
    fault = faults.set("latency", service="s3", operation="PutObject", seconds=1.5)
    with ThreadPoolExecutor(2) as pool:
        under_way = pool.submit(s3.put_object, Bucket="stopped", Key="k", Body=b"1")
        deadline = time.monotonic() + 30
        while not faults.get(fault)["matched"] and time.monotonic() < deadline:
            time.sleep(0.02)
        stopped = pool.submit(own_stand_in.stop)
        assert under_way.result()["ResponseMetadata"]["HTTPStatusCode"] == 200
        with pytest.raises(botocore.exceptions.BotoCoreError):
            ask_until(s3.list_buckets, deadline)
        assert stopped.result() == 0
    own_stand_in.start()
    assert own_stand_in.client("s3").get_object(Bucket="stopped", Key="k")["Body"].read() == b"1"
