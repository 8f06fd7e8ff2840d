"""An acknowledged write is kept: requests that change moto's state are journalled before they are answered.

moto keeps its state in memory. A request that may change it is carried out, appended to the journal, and only
then answered. At start the last snapshot is loaded and the journal since then is carried out again, each
request at its own time and with its own chance (`deterministic`). Snapshots shorten the journal.
"""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import os
import secrets
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY

from localaws import wire
from localaws.durability import deterministic, retention
from localaws.durability.gate import Gate
from localaws.durability.journal import Journal, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from localaws.durability.snapshots import Snapshots

log = logging.getLogger(__name__)

# A snapshot is due at either; together they bound the time of a restart and the disk.
MAX_JOURNAL_BYTES = 128 * 1024 * 1024
MAX_JOURNAL_ENTRIES = int(os.environ.get("LOCALAWS_JOURNAL_ENTRIES", "2000"))
IDLE_SECONDS = 15.0
# While snapshots are slow, they must not take more than this part of the time, unless the journal is this
# many times as long as it should be.
_SNAPSHOT_SHARE = 1 / 20
_OVERDUE = 1.5

_KEPT = {
    *("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REQUEST_URI", "RAW_URI"),
    *("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "CONTENT_TYPE", "CONTENT_LENGTH"),
    *("wsgi.url_scheme", PRESERVED_HEADER_NAMES_ENVIRON_KEY),
}

Answer = tuple[str, list[tuple[str, str]], bytes]


class Durable:
    """WSGI middleware around moto that keeps what is acknowledged."""

    def __init__(self, application: Any, snapshots: Snapshots, directory: Path, *, always_sync: bool) -> None:
        """Load the snapshot and replay the journals below `directory`; raises `SnapshotError`.

        With `always_sync`, an acknowledged write survives the machine's death too, for some milliseconds.
        """
        self._application = application
        self._snapshots = snapshots
        self._directory = directory
        self._always_sync = always_sync
        self._gate = Gate()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._snapshotting = threading.Lock()
        loaded = snapshots.load()
        deterministic.install()
        log.info("Loaded %s", ", ".join(loaded) or "nothing: the state is empty")
        self._older_bytes = self._older_entries = 0
        generations = [int(path.stem.partition("-")[2]) for path in directory.glob("journal-*.log")]
        for generation in sorted(generations):
            self._replay(generation)
        # What was let go before a kill is in its journal, and back by now.
        retention.prune(datetime.now(UTC))
        self._generation = max([*generations, snapshots.generation]) + 1
        self._journal = Journal(self._path(self._generation))
        self._changed = time.monotonic()
        self._snapshot_seconds = 0.0
        self._snapshot_ended = time.monotonic()

    def __call__(self, environ: wire.Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return self._pass(environ, start_response)
        body = wire.hold_body(environ)
        service, internal = wire.caller(environ)
        if service != "s3":
            name = wire.operation(service, environ, body)
            if wire.reads(name) or wire.ours(service, name):
                return self._pass(environ, start_response)
        status, headers, content = self._write(service, environ, body, nested=internal)
        start_response(status, headers)
        return [content]

    @property
    def journal_bytes(self) -> int:
        """Bytes of all journals."""
        return self._older_bytes + self._journal.size

    @property
    def journal_entries(self) -> int:
        """Requests that a restart would carry out again."""
        return self._older_entries + self._journal.entries

    def sync(self) -> None:
        """Make everything that was acknowledged survive the machine's death as well."""
        with contextlib.suppress(OSError):  # a snapshot has just closed that journal, and synced it
            self._journal.sync()

    def snapshot_if_due(self) -> None:
        """Take a snapshot when the journal is long, or when nothing was written for a while."""
        if not self.journal_entries:
            return
        now = time.monotonic()
        long = self.journal_bytes > MAX_JOURNAL_BYTES or self.journal_entries > MAX_JOURNAL_ENTRIES
        rested = now - self._snapshot_ended > self._snapshot_seconds / _SNAPSHOT_SHARE
        rested = rested or self.journal_entries > _OVERDUE * MAX_JOURNAL_ENTRIES
        if (long and rested) or now - self._changed > IDLE_SECONDS:
            self.snapshot()

    def snapshot(self) -> None:
        """Write all state and begin a new journal; raises `OSError` when the disk refuses."""
        with self._snapshotting:
            started = time.monotonic()
            self._snapshots.contents.keep_all()
            with self._gate.closed():
                retention.prune(datetime.now(UTC))
                pickles, used = self._snapshots.dump()
                former, generation = self._journal, self._generation + 1
                self._journal = Journal(self._path(generation))
                self._generation = generation
            before = self._older_bytes, self._older_entries
            self._older_bytes += former.size
            self._older_entries += former.entries
            former.close()
            self._snapshots.write(generation, pickles, used)
            self._forget(generation)
            self._older_bytes = self._older_entries = 0
            self._snapshot_ended = time.monotonic()
            self._snapshot_seconds = self._snapshot_ended - started
            log.debug(
                "Snapshot %d in %.1f s replaces %d requests",
                generation,
                self._snapshot_seconds,
                before[1] + former.entries,
            )

    def close(self) -> None:
        """Take a last snapshot, if anything was written."""
        if self.journal_entries:
            self.snapshot()
        self._journal.close()

    def _pass(self, environ: wire.Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer

    def _path(self, generation: int) -> Path:
        return self._directory / f"journal-{generation}.log"

    def _forget(self, generation: int) -> None:
        for path in self._directory.glob("journal-*.log"):
            if int(path.stem.partition("-")[2]) < generation:
                path.unlink()

    def _write(self, service: str, environ: wire.Environment, body: bytes, *, nested: bool) -> Answer:
        """Carry out and journal. Writes to one service are in the journal in the order of their effects."""
        with self._gate.passed(nested=nested):
            with self._locks[service]:
                moment, seed = datetime.now(UTC), secrets.randbits(64)
                about = {key: value for key, value in environ.items() if _is_kept(key)}
                with deterministic.request(moment, seed):
                    answer = _call(self._application, environ)
                if int(answer[0][:3]) >= 400:
                    return answer
                journal = self._journal
                try:
                    journal.append({"at": moment.isoformat(), "seed": seed, "environ": about}, body)
                except OSError as error:
                    log.exception("Cannot write the journal; the request is answered with an error")
                    message = f"The local stand-in cannot write to its disk: {error}"
                    return wire.error(service, environ, "InternalFailure", message, 500)
                self._changed = time.monotonic()
            if self._always_sync:
                journal.sync()
        return answer

    def _replay(self, generation: int) -> None:
        path = self._path(generation)
        if generation < self._snapshots.generation:  # the snapshot holds it
            path.unlink()
            return
        started, count, failed = time.monotonic(), 0, 0
        gc.disable()  # what is read stays; looking through it again and again takes a tenth of the time
        for entry in read(path):
            environ = entry.about["environ"] | {
                "wsgi.input": io.BytesIO(entry.body),
                "wsgi.errors": io.StringIO(),
                "wsgi.version": (1, 0),
                "wsgi.multithread": True,
                "wsgi.multiprocess": False,
                "wsgi.run_once": False,
            }
            moment = datetime.fromisoformat(entry.about["at"])
            with deterministic.request(moment, entry.about["seed"], replaying=True):
                status, _, content = _call(self._application, environ)
            if int(status[:3]) >= 400:
                failed += 1
                log.error("A journalled request fails when it is replayed: %s %s", status, content[:500])
            count += 1
        gc.enable()
        if count == 0:
            path.unlink()
            return
        self._older_bytes += path.stat().st_size
        self._older_entries += count
        log.info("Replayed %d requests in %.1f s, %d failed", count, time.monotonic() - started, failed)


def _is_kept(key: str) -> bool:
    return key in _KEPT or key.startswith("HTTP_")


def _call(application: Any, environ: wire.Environment) -> Answer:
    """The whole answer of a WSGI application."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:
        started[:] = [status, headers]
        return lambda _data: None

    chunks = application(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return started[0], started[1], body
