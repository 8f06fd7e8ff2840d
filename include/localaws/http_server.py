"""HTTP/1.1 with connections that stay open: cheroot, with threads and environments as this application needs.

A connection in use has a thread of its own, so that one client's next request meets no other thread on its
way; one that rests waits in cheroot's selector, and costs none. What cheroot does in pure Python for each
line of a request (its buffered files) is left to the interpreter's own.
"""

from __future__ import annotations

import logging
import select
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from cheroot import server as cheroot_server
from cheroot import wsgi
from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)

from localaws import http_files as files
from localaws.containers.http_client import limit_waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

log = logging.getLogger(__name__)

CONNECTION = "localaws.connection"
# A client that stops in the middle of a request or an answer is given up after this time, and a connection
# that nobody uses is closed. Longer than clients keep theirs, so that they rarely send on one just closed.
TIMEOUT_SECONDS = 300
# Connections that rest at one time; further ones are closed after each answer. Each is an open file.
MAX_RESTING = 256
# As many requests at once; further ones wait. Threads begin when they are needed.
MAX_THREADS = 512
# How long a thread waits for its connection's next request before it leaves the connection to the selector.
LINGER_SECONDS = 0.5
# How long a stop waits for requests under way.
GRACE_SECONDS = 2
_LOOK_SECONDS = 0.02
_BACKLOG = 128


class _Headers(cheroot_server.HeaderReader):
    """Reads headers; names with underscores are kept aside as they were sent, see `_Gateway`."""

    def __call__(self, rfile: Any, hdict: dict[Any, Any] | None = None) -> dict[Any, Any]:
        lines = _Lines(rfile)
        found: dict[Any, Any] = super().__call__(lines, hdict)
        if lines.underscored:
            found[CONNECTION] = lines.underscored
            for name in lines.underscored:
                found.pop(name.strip().title(), None)
        return found


class _Lines:
    """A file that remembers lines whose names have underscores."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.underscored: dict[bytes, bytes] = {}

    def readline(self) -> bytes:
        line: bytes = self._file.readline()
        if b"_" in line:
            name, _, value = line.partition(b":")
            if b"_" in name:
                self.underscored[name] = value.strip()
        return line


class _Request(cheroot_server.HTTPRequest):
    """A request whose path may begin with two slashes, as S3's may."""

    header_reader = _Headers()

    def __init__(self, server: Any, conn: Any) -> None:
        super().__init__(server, conn, strict_mode=False)


class _Connection(cheroot_server.HTTPConnection):
    """A connection with the interpreter's own buffers."""

    RequestHandlerClass = _Request

    def __init__(self, server: Any, sock: socket.socket, _makefile: object = None) -> None:
        super().__init__(server, sock, files.buffered)
        sock.settimeout(None)
        limit_waiting(sock, TIMEOUT_SECONDS)

    def hang_up(self) -> None:
        """Close without an answer."""
        self.socket.shutdown(socket.SHUT_RDWR)
        raise files.vanished("a fault closed the connection")


class _Gateway(wsgi.Gateway_10):
    """Environments as moto knows them from its own server."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        """PEP 3333; RAW_URI is the request's target as sent."""
        # An upload in chunks may end in trailers that nobody has read.
        self.req.close_connection |= self.req.chunked_read
        underscored = self.req.inheaders.pop(CONNECTION, None)
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        target = environ["RAW_URI"] = environ["REQUEST_URI"]
        if not target.startswith("/"):
            whole = urlsplit(target)
            environ["HTTP_HOST"], target = whole.netloc or environ.get("HTTP_HOST", ""), whole.path
        # PEP 3333: bytes, each as one character.
        environ["PATH_INFO"] = unquote(target.partition("?")[0], "latin-1")
        environ["QUERY_STRING"] = target.partition("?")[2] or environ["QUERY_STRING"]
        environ["SERVER_NAME"] = self.req.server.bind_addr[0]
        environ[CONNECTION] = self.req.conn
        environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = _keep(environ, underscored) if underscored else {}
        return environ

    def respond(self) -> None:
        """Send what the application answers."""
        log.debug("%s %s", self.env["REQUEST_METHOD"], self.env["RAW_URI"])
        self.req.conn.wfile.holding = True
        try:
            super().respond()
        finally:
            self.req.conn.wfile.release()

    def write(self, chunk: bytes) -> None:
        """Send a piece of the body; there is none in the answer to HEAD."""
        if self.req.method == b"HEAD":
            self.req.ensure_headers_sent()
            return
        self.req.ensure_headers_sent()
        self.req.conn.wfile.holding = False
        super().write(chunk)


def _keep(environ: dict[str, Any], underscored: dict[bytes, bytes]) -> dict[str, str]:
    """Add S3's metadata headers with underscores, which WSGI cannot tell from dashes; their names by key.

    Others are left out, and none takes the place of one with dashes, as in moto's own server.
    """
    names: dict[str, str] = {}
    for raw, value in underscored.items():
        name = raw.strip().decode("latin-1")
        key = environ_key_for_header(name)
        if should_preserve_original_header_name(name) and (key in names or key not in environ):
            names.setdefault(key, name)
            environ[key] = value.decode("latin-1")
    return names


class _Threads:
    """Takes the place of cheroot's pool: threads begin when needed, and stay with their connection."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="http")
        self._busy: set[Any] = set()

    def start(self) -> None:
        """Nothing runs before the first connection."""

    def put(self, connection: Any) -> None:
        """Serve a connection that has something to say."""
        self._pool.submit(self._serve, connection)

    def stop(self, timeout: float) -> None:
        """Wait for requests under way, at most `timeout` seconds."""
        end = time.monotonic() + timeout
        while self._busy and time.monotonic() < end:
            time.sleep(_LOOK_SECONDS)

    def _serve(self, connection: Any) -> None:
        keep = False
        try:
            while keep := self._answer(connection):
                if not _says_more(connection):
                    break
                if not self._server.ready:
                    keep = False
                    break
        except Exception:
            keep = False
            log.exception("A connection failed")
        finally:
            if keep:
                self._server.put_conn(connection)
            else:
                connection.close()

    def _answer(self, connection: Any) -> bool:
        self._busy.add(connection)
        try:
            return bool(connection.communicate())
        except ConnectionError as error:
            log.debug("A client is gone: %s", error)
            return False
        finally:
            self._busy.discard(connection)


def _says_more(connection: Any) -> bool:
    """Whether a connection's next request (or its end) comes soon."""
    if connection.rfile.has_data():
        return True
    poll = select.poll()
    poll.register(connection.socket, select.POLLIN)
    return bool(poll.poll(LINGER_SECONDS * 1000))


class HttpServer(wsgi.Server):
    """cheroot's server on one address."""

    ConnectionClass = _Connection
    keep_alive_conn_limit = MAX_RESTING

    def __init__(self, host: str, port: int, application: Callable[..., Iterable[bytes]]) -> None:
        """Listen; raise `OSError` when it cannot. Nothing is answered before `serve`."""
        super().__init__(
            (host, port),
            application,
            request_queue_size=_BACKLOG,
            timeout=TIMEOUT_SECONDS,
            shutdown_timeout=GRACE_SECONDS,
        )
        self.server_name = "localaws"
        self.gateway = _Gateway
        self.requests = _Threads(self)
        self.prepare()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.bind_addr[1])

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:  # noqa: FBT001, FBT002  cheroot's
        """To the log of this process."""
        log.log(level, "%s", msg, exc_info=traceback)
