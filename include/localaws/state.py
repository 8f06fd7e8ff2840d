"""Durable documents of the stand-in: what it knows about jobs, models and endpoints survives a restart."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, name)
)
"""


def now() -> datetime:
    """The current time, UTC, to the millisecond as AWS reports it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _encode(value: object) -> object:
    if isinstance(value, datetime):
        return {"$datetime": value.isoformat()}
    raise TypeError(f"A document holds JSON values and datetimes, got {type(value).__name__}: {value!r}")


def _decode(value: dict[str, Any]) -> Any:
    if len(value) == 1 and "$datetime" in value:
        return datetime.fromisoformat(value["$datetime"])
    return value


def _dump(document: Document) -> str:
    return json.dumps(document, default=_encode, separators=(",", ":"))


def _load(text: str) -> Document:
    document: Document = json.loads(text, object_hook=_decode)
    return document


class Store:
    """Documents by kind and name in one SQLite file; each write is one durable transaction.

    Documents go in and come out as copies, so nobody changes stored state by accident. Thread-safe.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the database at `path`."""
        self._path = path
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("PRAGMA busy_timeout=5000")
        self._connection.execute(_SCHEMA)

    def put(self, kind: str, name: str, document: Document) -> None:
        """Write `document`, replacing what was there."""
        with self._lock:
            self._connection.execute(
                "INSERT INTO documents VALUES (?, ?, ?) "
                "ON CONFLICT (kind, name) DO UPDATE SET document = excluded.document",
                (kind, name, _dump(document)),
            )

    def create(self, kind: str, name: str, document: Document) -> None:
        """Write a new `document`; raise `KeyError` when the name is taken."""
        with self._lock:
            try:
                self._connection.execute(
                    "INSERT INTO documents VALUES (?, ?, ?)", (kind, name, _dump(document))
                )
            except sqlite3.IntegrityError as error:
                raise KeyError(f"{kind} {name} exists already") from error

    def get(self, kind: str, name: str) -> Document | None:
        """The document, or None."""
        with self._lock:
            row = self._connection.execute(
                "SELECT document FROM documents WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
        return None if row is None else _load(row[0])

    def update(self, kind: str, name: str, **changes: Any) -> Document:
        """Set top-level keys of an existing document and return it; raise `KeyError` when there is none."""
        with self._lock:
            document = self.get(kind, name)
            if document is None:
                raise KeyError(f"there is no {kind} {name}")
            document.update(changes)
            self.put(kind, name, document)
        return document

    def items(self, kind: str) -> list[Document]:
        """All documents of a kind, in the order of their creation."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT document FROM documents WHERE kind = ? ORDER BY rowid", (kind,)
            ).fetchall()
        return [_load(row[0]) for row in rows]

    def names(self, kind: str) -> list[str]:
        """The names of all documents of a kind, in the order of their creation."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT name FROM documents WHERE kind = ? ORDER BY rowid", (kind,)
            ).fetchall()
        return [row[0] for row in rows]

    def count(self) -> int:
        """How many documents there are."""
        with self._lock:
            found = self._connection.execute("SELECT count(*) FROM documents").fetchone()
        return int(found[0])

    def delete(self, kind: str, name: str) -> None:
        """Remove a document; removing what is not there is no error."""
        with self._lock:
            self._connection.execute("DELETE FROM documents WHERE kind = ? AND name = ?", (kind, name))

    def sync(self) -> None:
        """Make all writes survive the machine's death; the death of this process they survive anyway."""
        log = self._path.with_name(f"{self._path.name}-wal")
        with contextlib.suppress(FileNotFoundError), log.open("rb") as file:
            os.fdatasync(file.fileno())

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()


class _Current:
    directory: Path | None = None
    store: Store | None = None


def configure(directory: Path) -> Store:
    """Use `directory` (created when missing) from now on; return its store. The server calls this once."""
    directory.mkdir(parents=True, exist_ok=True)
    if _Current.store is not None:
        _Current.store.close()
    _Current.directory = directory.resolve()
    _Current.store = Store(_Current.directory / "documents.sqlite")
    return _Current.store


def store() -> Store:
    """The store in use; raise `RuntimeError` before `configure`."""
    if _Current.store is None:
        raise RuntimeError("localaws.state.configure(directory) was not called yet")
    return _Current.store


def state_directory() -> Path:
    """Where everything durable lies; raise `RuntimeError` before `configure`."""
    if _Current.directory is None:
        raise RuntimeError("localaws.state.configure(directory) was not called yet")
    return _Current.directory


def scratch(name: str) -> Path:
    """A working directory inside the state directory, created when missing; `name` may contain slashes."""
    directory = state_directory() / "scratch" / name
    directory.mkdir(parents=True, exist_ok=True)
    return directory
