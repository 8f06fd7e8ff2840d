"""A connection's two directions, buffered by the interpreter: cheroot's own buffers are pure Python."""

from __future__ import annotations

import errno
import io
import socket
from typing import Any

_READ_BYTES = 64 * 1024
_WRITE_BYTES = 1024 * 1024


class _Raw(socket.SocketIO):
    """A socket that reads nothing while it is `dry`."""

    dry = False

    def readinto(self, buffer: Any) -> int | None:
        """How many bytes were read; None for nothing yet."""
        return None if self.dry else super().readinto(buffer)


class Reader(io.BufferedReader):
    """What a client sends, buffered by the interpreter."""

    bytes_read = 0  # of cheroot's statistics, which are off

    def __init__(self, connection: socket.socket) -> None:
        self._raw = _Raw(connection, "r")
        super().__init__(self._raw, _READ_BYTES)

    def has_data(self) -> bool:
        """Whether something was read from the socket and not yet from here."""
        self._raw.dry = True
        try:
            return bool(self.peek(1))
        finally:
            self._raw.dry = False


class Writer:
    """What a client is sent; the head of an answer waits for the first piece of its body."""

    bytes_written = 0

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._held = b""
        self.holding = False

    def write(self, data: bytes) -> int:
        """Send all of `data`, or keep it for the next call while `holding`."""
        if self.holding:
            self._held += data
            return len(data)
        if self._held and len(data) <= _WRITE_BYTES:
            data, self._held = self._held + data, b""
        self.release()
        for start in range(0, len(data), _WRITE_BYTES):
            self._send(memoryview(data)[start : start + _WRITE_BYTES])
        return len(data)

    def release(self) -> None:
        """Send what was held."""
        self.holding = False
        if self._held:
            held, self._held = self._held, b""
            self._send(held)

    def _send(self, data: bytes | memoryview) -> None:
        try:
            self._connection.sendall(data)
        except BlockingIOError as error:
            raise vanished("the client takes nothing") from error


def buffered(connection: socket.socket, mode: str, _size: int = -1) -> Reader | Writer:
    """One direction of a connection, as cheroot asks for it."""
    return Reader(connection) if "r" in mode else Writer(connection)


def vanished(why: str) -> ConnectionResetError:
    """The error that ends a request without an answer, and without a word in the log."""
    return ConnectionResetError(errno.ECONNRESET, why)
