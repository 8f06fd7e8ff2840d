"""The journal of acknowledged requests: what was written since the last snapshot, in order.

One file a generation, records only appended. A record is a fixed header (lengths and a checksum), a JSON
document and the request's body. A record that a kill cut short at the end of a file was never acknowledged.
"""

from __future__ import annotations

import json
import logging
import os
import struct
import threading
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

_HEADER = struct.Struct("<4sIQI")  # magic, bytes of JSON, bytes of body, CRC-32 of both
_MAGIC = b"LAJ1"


class Entry(NamedTuple):
    """One journalled request."""

    about: dict[str, Any]
    body: bytes


class Journal:
    """Appends entries to one file. Thread-safe.

    An appended entry survives the death of this process at once, and the death of the machine after `sync`.
    """

    def __init__(self, path: Path) -> None:
        """Open `path`, which must not exist yet."""
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._lock = threading.Lock()
        self._syncing = threading.Lock()
        self._synced = 0
        self.size = 0
        self.entries = 0

    def append(self, about: dict[str, Any], body: bytes) -> None:
        """Write one entry; raise `OSError` (and leave the file as it was) when it cannot be written."""
        document = json.dumps(about, separators=(",", ":")).encode()
        header = _HEADER.pack(_MAGIC, len(document), len(body), zlib.crc32(body, zlib.crc32(document)))
        length = len(header) + len(document) + len(body)
        with self._lock:
            try:
                written = os.writev(self._file, (header, document, body))
                if written != length:
                    self._finish(header + document + body, written)
            except OSError:
                os.ftruncate(self._file, self.size)
                raise
            self.size += length
            self.entries += 1

    def sync(self) -> None:
        """Force what was appended to the disk; callers that come together share one flush."""
        wanted = self.size
        with self._syncing:
            if self._synced < wanted:
                reached = self.size
                os.fdatasync(self._file)
                self._synced = reached

    def close(self) -> None:
        """Sync and close."""
        self.sync()
        os.close(self._file)

    def _finish(self, record: bytes, written: int) -> None:
        while written < len(record):
            written += os.write(self._file, record[written:])


def read(path: Path) -> Iterator[Entry]:
    """The entries of a journal file, first to last.

    Ends at a record that was cut short. A record whose checksum is wrong (the disk's fault, not a kill's)
    ends it too, and is logged as an error.
    """
    with path.open("rb") as file:
        while len(header := file.read(_HEADER.size)) == _HEADER.size:
            magic, document_length, body_length, checksum = _HEADER.unpack(header)
            offset = file.tell() - _HEADER.size
            document, body = b"", b""
            if magic == _MAGIC:
                document, body = file.read(document_length), file.read(body_length)
                if len(document) + len(body) < document_length + body_length:
                    return
            if magic != _MAGIC or zlib.crc32(body, zlib.crc32(document)) != checksum:
                log.error("%s is damaged from byte %d on; what follows is not replayed", path, offset)
                return
            yield Entry(json.loads(document), body)
