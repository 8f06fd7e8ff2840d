"""A client of one server on loopback, with connections that stay open: what a hop of a pipeline costs.

The parser is httptools (Node's, in C). A general client spends half a millisecond of the interpreter's one
lock on a request, and an inference pipeline of three containers makes three of them.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import httptools

if TYPE_CHECKING:
    from collections.abc import Mapping

_READ_BYTES = 64 * 1024
_MAX_RESTING = 64
_LOOK_SECONDS = 2.0


class NoAnswerError(Exception):
    """The server cannot be reached, or closed the connection before its answer was whole, or sent no HTTP."""


class TimedOutError(Exception):
    """The server let the time pass."""


class _ClosedError(Exception):
    """The server closed a connection before it sent anything."""


class Response(NamedTuple):
    """An answer; the names of `headers` are lower case, of a repeated one the last counts."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Connection:
    """A socket whose waiting is timed by the system: Python's own way asks it twice for every read."""

    def __init__(self, port: int, timeout: float) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._timeout = 0.0

    def be_patient(self, seconds: float) -> None:
        """From now on a read or a write that takes longer raises `BlockingIOError`."""
        if seconds != self._timeout:
            limit_waiting(self.socket, seconds)
            self._timeout = seconds


def limit_waiting(connection: socket.socket, seconds: float) -> None:
    """Let reads and writes of a blocking socket fail with `BlockingIOError` after `seconds`."""
    limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


class _Answer:
    """Collects what httptools finds."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.headers: dict[str, str] = {}
        self.begun = self.complete = self.keep = False
        self._body: list[bytes] = []
        self._in_body = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._in_body = self.parser.get_status_code() >= 200

    def on_body(self, piece: bytes) -> None:
        self._body.append(piece)

    def on_message_complete(self) -> None:
        if not self._in_body:  # 1xx: the answer itself is yet to come
            self.headers.clear()
            return
        self.complete = True
        self.keep = self.parser.should_keep_alive()

    def feed(self, data: bytes) -> None:
        """Take what the server sent; nothing says that it has closed the connection."""
        if data:
            self.begun = True
            self.parser.feed_data(data)
        elif not self.begun:
            raise _ClosedError
        elif self._in_body and not {"content-length", "transfer-encoding"} & self.headers.keys():
            self.complete = True  # its end is that of the connection
        else:
            raise NoAnswerError("the connection was closed before the answer was whole")

    def response(self) -> Response:
        return Response(self.parser.get_status_code(), self.headers, b"".join(self._body))


class Client:
    """Requests to ``127.0.0.1:<port>``. Thread-safe; each request under way has a connection of its own."""

    def __init__(self, port: int) -> None:
        """Connect to nothing yet."""
        self._port = port
        self._resting: deque[_Connection] = deque()

    def request(
        self,
        method: str,
        path: str,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """One request and its answer.

        Args:
            method: GET or POST.
            path: with its leading slash.
            timeout: seconds that the server may be silent.
            headers: beside Host and Content-Length.
            body: None for none.

        Raises:
            NoAnswerError: no whole answer came.
            TimedOutError: nothing came in time.
            ValueError: a header has a line break.
        """
        message = self._message(method, path, headers or {}, body)
        try:
            # The server may have closed one that rested: what it did not begin to answer is sent again.
            with contextlib.suppress(IndexError, _ClosedError, ConnectionError):
                return self._exchange(self._resting.pop(), message, timeout)
            return self._exchange(_Connection(self._port, timeout), message, timeout)
        except (TimeoutError, BlockingIOError) as error:
            raise TimedOutError(f"no answer within {timeout:g} s") from error
        except (OSError, _ClosedError, httptools.HttpParserError) as error:
            raise NoAnswerError(str(error) or "the connection was closed") from error

    def is_listened_to(self) -> bool:
        """Whether anybody takes connections on the port."""
        try:
            socket.create_connection(("127.0.0.1", self._port), _LOOK_SECONDS).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close the connections that rest."""
        while self._resting:
            with contextlib.suppress(IndexError):
                self._resting.pop().socket.close()

    def _message(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self._port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError(f"a header has a line break: {headers}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")

    def _exchange(self, connection: _Connection, message: bytes, timeout: float) -> Response:
        answer = _Answer()
        try:
            connection.be_patient(timeout)
            connection.socket.sendall(message)
            while not answer.complete:
                answer.feed(connection.socket.recv(_READ_BYTES))
        except ConnectionError as error:
            connection.socket.close()
            if answer.begun:
                raise NoAnswerError(str(error)) from error
            raise
        except BaseException:
            connection.socket.close()
            raise
        if answer.keep and len(self._resting) < _MAX_RESTING:
            self._resting.append(connection)
        else:
            connection.socket.close()
        return answer.response()
