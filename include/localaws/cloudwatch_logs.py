"""Lines of a container into CloudWatch Logs, in batches about once a second."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.clients import client

log = logging.getLogger(__name__)

_INTERVAL_SECONDS = 1.0
_MAX_EVENTS = 1_000
_MAX_CHARACTERS = 64_000  # AWS takes 256 KB an event; a longer line is cut


class LogStream:
    """One log stream; `write` never blocks on the network, `close` ships what is left."""

    def __init__(self, group: str, stream: str, region: str = "us-east-1") -> None:
        """The group and stream are created at the first line."""
        self.group = group
        self.stream = stream
        self._region = region
        self._pending: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._shipping = threading.Lock()
        self._created = False
        _open_streams.add(self)

    def write(self, line: str) -> None:
        """Queue one line, stamped with the present time."""
        event = {"timestamp": int(time.time() * 1000), "message": line[:_MAX_CHARACTERS] or " "}
        with self._lock:
            self._pending.append(event)

    def flush(self) -> None:
        """Ship the queued lines; an error of the log service is logged, never raised."""
        with self._shipping:
            while True:
                with self._lock:
                    batch, self._pending = self._pending[:_MAX_EVENTS], self._pending[_MAX_EVENTS:]
                if not batch:
                    return
                self._ship(batch)

    def close(self) -> None:
        """Ship what is left and forget the stream."""
        _open_streams.discard(self)
        self.flush()

    def _ship(self, batch: list[dict[str, Any]]) -> None:
        logs = client("logs", self._region)
        try:
            if not self._created:
                self._create(logs)
            logs.put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=batch)
        except (ClientError, BotoCoreError) as error:
            log.warning("%d lines of %s/%s are lost: %s", len(batch), self.group, self.stream, error)

    def _create(self, logs: Any) -> None:
        exists = logs.exceptions.ResourceAlreadyExistsException
        with contextlib.suppress(exists):
            logs.create_log_group(logGroupName=self.group)
        with contextlib.suppress(exists):
            logs.create_log_stream(logGroupName=self.group, logStreamName=self.stream)
        self._created = True


class _OpenStreams:
    """The open streams and the one thread that flushes them."""

    def __init__(self) -> None:
        self._streams: set[LogStream] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, stream: LogStream) -> None:
        with self._lock:
            self._streams.add(stream)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log-shipper", daemon=True)
                self._thread.start()

    def discard(self, stream: LogStream) -> None:
        with self._lock:
            self._streams.discard(stream)

    def _run(self) -> None:
        while True:
            time.sleep(_INTERVAL_SECONDS)
            with self._lock:
                streams = list(self._streams)
            for stream in streams:
                try:
                    stream.flush()
                except Exception:
                    log.exception("Cannot ship the lines of %s/%s", stream.group, stream.stream)


_open_streams = _OpenStreams()
