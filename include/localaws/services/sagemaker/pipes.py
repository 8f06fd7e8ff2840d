"""Pipe mode: a channel's data streamed through named pipes, one an epoch, as long as the container reads."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import struct
import threading
import zlib
from random import Random
from typing import TYPE_CHECKING, Any, BinaryIO

from localaws import artifacts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

Document = dict[str, Any]

_POLL_SECONDS = 0.05
_GZIP = 16 + zlib.MAX_WBITS
# https://mxnet.apache.org/versions/1.9.1/api/architecture/note_data_loading
_RECORDIO_MAGIC = 0xCED7230A


def record(content: bytes) -> bytes:
    """One RecordIO record: magic, length, content, padding to four bytes."""
    return struct.pack("<II", _RECORDIO_MAGIC, len(content)) + content + b"\0" * (-len(content) % 4)


class Pipe:
    """Feeds one channel of one instance: ``<channel>_0`` first, the next when that was read, and so on."""

    def __init__(self, channel: Document, directory: Path, shard: tuple[int, int]) -> None:
        """Make the first pipe in `directory`; of `shard` (i, n) only every n-th object or line is sent."""
        self._channel = channel
        self._source: Document = channel["DataSource"]["S3DataSource"]
        self._shard = shard
        self._directory = directory
        self._records = channel.get("RecordWrapperType") == "RecordIO"
        self._closed = threading.Event()
        self._items = self._list()
        self._make(0)
        self._thread = threading.Thread(target=self._run, name=f"pipe-{channel['ChannelName']}", daemon=True)
        self.error: Exception | None = None

    def start(self) -> None:
        """Begin to feed."""
        self._thread.start()

    def close(self) -> None:
        """End; nobody reads any more."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _list(self) -> list[Any]:
        if self._source["S3DataType"] == "AugmentedManifestFile":
            found: list[Any] = _lines(self._source["S3Uri"])
        else:
            found = list(artifacts.objects(self._source))
        return found[self._shard[0] :: self._shard[1]]

    def _path(self, epoch: int) -> Path:
        return self._directory / f"{self._channel['ChannelName']}_{epoch}"

    def _make(self, epoch: int) -> None:
        os.mkfifo(self._path(epoch), 0o666)

    def _run(self) -> None:
        epoch = 0
        while (target := self._open(self._path(epoch))) is not None:
            self._make(epoch + 1)  # before the reader is told that this epoch is over
            with contextlib.suppress(BrokenPipeError), os.fdopen(target, "wb") as pipe:
                self._feed(pipe, epoch)
            epoch += 1

    def _feed(self, pipe: BinaryIO, epoch: int) -> None:
        """Send one epoch; after an error the reader is given empty ones, so that it comes to an end."""
        if self.error is not None:
            return
        try:
            for content in self._contents(epoch):
                pipe.write(content)
        except BrokenPipeError:  # the reader has seen enough
            raise
        except Exception as error:
            log.exception("Channel %s cannot be streamed", self._channel["ChannelName"])
            self.error = error

    def _open(self, path: Path) -> int | None:
        """Wait for a reader; None when the pipe was closed first."""
        while not self._closed.wait(_POLL_SECONDS):
            try:
                target = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    continue
                raise
            os.set_blocking(target, True)
            return target
        return None

    def _contents(self, epoch: int) -> Iterator[bytes]:
        items = list(self._items)
        if "ShuffleConfig" in self._channel:
            Random(self._channel["ShuffleConfig"]["Seed"] + epoch).shuffle(items)  # noqa: S311
        for item in items:
            yield from self._attributes(item) if isinstance(item, dict) else [self._object(item.uri)]

    def _object(self, uri: str) -> bytes:
        content = artifacts.read(uri)
        if self._channel.get("CompressionType") == "Gzip":
            content = zlib.decompress(content, _GZIP)
        return record(content) if self._records else content

    def _attributes(self, line: Document) -> Iterator[bytes]:
        """A line of an augmented manifest: its AttributeNames in order; a ``-ref`` is the object it names.

        Records when they are asked for, else the line cut down to these attributes.
        """
        names = self._source["AttributeNames"]
        missing = [name for name in names if name not in line]
        if missing:
            raise artifacts.ArtifactError(
                f"A line of {self._source['S3Uri']} has no attribute {', '.join(missing)}."
            )
        if not self._records:
            yield json.dumps({name: line[name] for name in names}, ensure_ascii=False).encode() + b"\n"
            return
        for name in names:
            value = line[name]
            if name.endswith("-ref"):
                yield record(artifacts.read(value))
            else:
                yield record((value if isinstance(value, str) else json.dumps(value)).encode())


def _lines(uri: str) -> list[Document]:
    try:
        found = [json.loads(line) for line in artifacts.read(uri).splitlines() if line.strip()]
    except ValueError as error:
        raise artifacts.ArtifactError(f"{uri} is not JSON Lines: {error}") from error
    if not all(isinstance(line, dict) for line in found):
        raise artifacts.ArtifactError(f"Each line of {uri} must be a JSON object.")
    return found
