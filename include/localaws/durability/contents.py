"""Contents of S3 objects as files named by their SHA-256, and moto's state pickled without them."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend
from moto.core.base_backend import BackendDict, BaseBackend
from moto.s3.models import FakeKey, s3_backends
from moto.s3.utils import _VersionedKeyStore

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORMER_MODULE = "localaws.contents"
_LOCKS = (type(threading.Lock()), type(threading.RLock()))


class ContentFile:
    """Takes the place of moto's buffer of one object: its bytes stay on disk, no file is kept open.

    Offers what moto uses of a file: seek, read, truncate, write, close. Writing goes to memory, not to the
    file, which other objects of the same content share.
    """

    def __init__(self, path: Path) -> None:
        """The content of the file at `path`."""
        self.path = path
        self._written: io.BytesIO | None = None
        self._position = 0

    @property
    def name(self) -> str | None:
        """The content's name, or None when it was written over."""
        return None if self._written is not None else self.path.name

    def seek(self, position: int) -> int:
        """Go to a byte."""
        self._position = position
        return position

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes from here on."""
        if self._written is not None:
            self._written.seek(self._position)
            content = self._written.read(size)
        else:
            with self.path.open("rb") as file:
                file.seek(self._position)
                content = file.read(size)
        self._position += len(content)
        return content

    def truncate(self) -> None:
        """Cut here."""
        self._overwrite().truncate(self._position)

    def write(self, content: bytes) -> int:
        """Write here."""
        buffer = self._overwrite()
        buffer.seek(self._position)
        self._position += len(content)
        return buffer.write(content)

    def close(self) -> None:
        """Nothing is open."""

    def _overwrite(self) -> io.BytesIO:
        if self._written is None:
            self._written = io.BytesIO(self.path.read_bytes())
        return self._written


class Contents:
    """The directory of content files."""

    def __init__(self, directory: Path) -> None:
        """Use `directory`, created when missing."""
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._unused: set[str] = set()

    def keep(self, key: Any) -> str:
        """Write an object's content unless it is there already, take it out of memory; return its name."""
        with key.lock:
            buffer = key._value_buffer
            if isinstance(buffer, ContentFile) and buffer.name:
                return buffer.name
            try:
                buffer.seek(0)
                content: bytes = buffer.read()
            except ValueError:  # a deleted object's buffer is closed
                content = b""
            name = hashlib.sha256(content).hexdigest()
            path = self.directory / name
            if not path.exists():
                write_atomically(path, content)
            key._value_buffer = ContentFile(path)
            buffer.close()
            return name

    def keep_all(self) -> None:
        """Write the contents of all objects, so that the snapshot itself is quick."""
        everything: Any = s3_backends
        for _, _, backend in everything.iter_backends():
            for bucket in list(backend.buckets.values()):
                for key in _keys(bucket):
                    self.keep(key)

    def remove_unused(self, used: set[str], *, at_once: bool = False) -> None:
        """Delete contents that no object has now nor had at the last call: somebody may still be reading."""
        unused = {path.name for path in self.directory.iterdir()} - used
        for name in unused if at_once else unused & self._unused:
            (self.directory / name).unlink(missing_ok=True)
        self._unused = unused


def _etag(key: Any) -> str:
    """An object's ETag: that of its upload in parts, else the MD5 of its content; computed once.

    moto computes it without the object's lock, from a buffer that `Contents.keep` may be reading or replacing
    at the same time: the ETag of some other part of the content would be kept for good.
    """
    if key._etag is None:
        content: bytes = key.value  # takes the lock
        key._etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return f'"{key._etag}"'


def _items(store: Any) -> Iterator[tuple[str, Any]]:
    """Each object's name and current version, as they were at the call.

    moto copies the names but looks each object up when its turn comes: a listing failed with `KeyError` when
    somebody deleted an object meanwhile, and a job with it whose input was being listed.
    """
    return ((name, versions[-1]) for name, versions in dict(store).items() if versions)


def _values(store: Any) -> Iterator[Any]:
    return (current for _, current in _items(store))


def _lists(store: Any) -> Iterator[tuple[str, list[Any]]]:
    return iter(dict(store).items())


def install() -> None:
    """Let moto's objects be read, listed and moved to files here while others write and delete."""
    object_class: Any = FakeKey
    object_class.etag = property(_etag)
    store: Any = _VersionedKeyStore
    store.items = store.iteritems = _items
    store.values = store.itervalues = _values
    store.lists = store.iterlists = _lists


def _keys(bucket: Any) -> list[Any]:
    for _ in range(5):
        try:
            keys = [key for _, versions in bucket.keys.iterlists() for key in versions]
            parts = [part for upload in bucket.multiparts.values() for part in upload.parts.values()]
        except RuntimeError:  # changed its size meanwhile
            continue
        return [key for key in keys + parts if isinstance(key, FakeKey) and not key.disposed]
    return []  # the snapshot writes what is missing


class Pickler(pickle.Pickler):
    """Pickles backends' states; `used` holds the names of all contents referred to."""

    def __init__(self, file: io.BytesIO, contents: Contents) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._contents = contents
        self.used: set[str] = set()

    def persistent_id(self, obj: object) -> tuple[str, ...] | None:
        """Backends are referred to, not copied: there is one of each."""
        if isinstance(obj, BackendDict):
            return ("backends", obj.service_name)
        if isinstance(obj, BaseBackend):
            return ("backend", type(obj).__module__.split(".")[1], obj.account_id, obj.region_name)
        return None

    def reducer_override(self, obj: Any) -> Any:
        """S3 objects without their content, and fresh locks."""
        if isinstance(obj, _LOCKS):
            return type(obj), ()
        if isinstance(obj, FakeKey):
            state = {
                name: value for name, value in obj.__dict__.items() if name not in ("_value_buffer", "lock")
            }
            content = self._contents.keep(obj)
            self.used.add(content)
            return _new, (type(obj),), (content, state), None, None, _restore_key
        if isinstance(obj, _VersionedKeyStore):
            # Its own items are the current versions only.
            return type(obj), (), list(obj.iterlists()), None, None, _restore_versions
        return NotImplemented


class Unpickler(pickle.Unpickler):
    """Reads what `Pickler` wrote; `used` as there."""

    def __init__(self, file: Any, contents: Contents) -> None:
        super().__init__(file)
        _Restoring.directory = contents.directory
        self.used = _Restoring.used = set()

    def find_class(self, module: str, name: str) -> Any:
        """Our own functions, which earlier versions kept in another module, else what pickle finds."""
        return super().find_class(__name__ if module == _FORMER_MODULE else module, name)

    def persistent_load(self, pid: Any) -> Any:
        """Find the backend that was referred to."""
        backends: Any = get_backend(pid[1])
        return backends if pid[0] == "backends" else backends[pid[2]][pid[3]]


class _Restoring:
    directory = Path()
    used: set[str] = set()


def _new(cls: Any) -> Any:
    return cls.__new__(cls)


def _restore_key(key: Any, saved: tuple[str, dict[str, Any]]) -> None:
    """Pickle's state setter of an S3 object: its content stays in its file."""
    content, state = saved
    key.__dict__.update(state)
    key.lock = threading.Lock()
    key._value_buffer = ContentFile(_Restoring.directory / content)
    _Restoring.used.add(content)


def _restore_versions(store: Any, saved: list[tuple[str, list[Any]]]) -> None:
    """Pickle's state setter of a bucket's objects: all versions of each, oldest first."""
    for name, versions in saved:
        dict.__setitem__(store, name, versions)


def write_atomically(path: Path, content: bytes, *, sync: bool = False) -> None:
    """Write a file that is either there as a whole or not at all; with `sync`, on the disk on return."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        file.write(content)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    Path(file.name).replace(path)
    if sync:
        directory = os.open(path.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
