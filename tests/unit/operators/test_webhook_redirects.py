"""A webhook that leads elsewhere has not taken the message, nor chooses whom this machine asks next."""

from __future__ import annotations

import http.server
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sentiment_retrain.errors import NotificationError
from sentiment_retrain.notifications import channels

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """The address of a server that redirects `/<status>` to `/elsewhere`, and what it was asked."""
    requests: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_GET(self) -> None:
            requests.append(f"{self.command} {self.path}")
            status = self.path.strip("/")
            self.send_response(int(status) if status.isdigit() else 200)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", requests
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_error_and_is_not_followed(asked: tuple[str, list[str]], status: int) -> None:
    address, requests = asked

    with pytest.raises(NotificationError) as caught:
        channels.post(f"{address}/{status}", {"text": "the endpoint is down"})

    assert f"answered {status}" in str(caught.value)
    assert f"/{status}" not in str(caught.value)
    assert requests == [f"POST /{status}"]
