"""What moto keeps in memory (S3 objects, Glue tables, IAM roles, logs, metrics) survives a restart too.

Each service's backends are pickled to one file. S3 contents are kept apart as files named by their hash and
written once, so that saving costs what has changed, not what is stored.
"""

from __future__ import annotations

import hashlib
import io
import logging
import pickle
import tempfile
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from moto.backends import get_backend
from moto.core.base_backend import BackendDict, BaseBackend
from moto.s3.models import FakeKey, s3_backends

log = logging.getLogger(__name__)

# Services whose state is ours (documents) or belongs to the process.
_LEFT_OUT = {"moto_api", "instance_metadata", "sagemaker", "sagemaker-runtime"}
_LOCKS = (type(threading.Lock()), type(threading.RLock()))
_ATTEMPTS = 5


class SnapshotError(Exception):
    """A saved state that this version cannot read."""


class Snapshots:
    """Saves and loads the state of moto's services below one directory. Thread-safe."""

    def __init__(self, directory: Path) -> None:
        """Use `directory`, created when missing."""
        self._directory = directory
        self._contents = directory / "contents"
        self._contents.mkdir(parents=True, exist_ok=True)
        self._saved: dict[str, str] = {}
        self._lock = threading.Lock()

    def save(self, only: str | None = None) -> list[str]:
        """Write the services whose state has changed (or the one named); return their names."""
        with self._lock:
            changed = []
            for backends in list(vars(BackendDict)["_instances"]):
                name = backends.service_name
                if name in _LEFT_OUT or only not in (None, name):
                    continue
                if self._save_service(name, backends):
                    changed.append(name)
            return changed

    def load(self) -> list[str]:
        """Read every saved service; return their names. Raises `SnapshotError`."""
        files = sorted(self._directory.glob("*.pickle"))
        for path in files:
            self._load_service(path)
        self._remove_unreferenced()
        return [path.stem for path in files]

    def _save_service(self, name: str, backends: Any) -> bool:
        content = self._dump(name, backends)
        digest = hashlib.sha256(content).hexdigest()
        if self._saved.get(name) == digest:
            return False
        _write_atomically(self._directory / f"{name}.pickle", content)
        self._saved[name] = digest
        return True

    def _dump(self, name: str, backends: Any) -> bytes:
        for attempt in range(_ATTEMPTS):
            buffer = io.BytesIO()
            states = {
                (account, region): dict(backend.__dict__)
                for account, region, backend in backends.iter_backends()
            }
            extra = dict(s3_backends.bucket_accounts) if name == "s3" else None
            document = {"moto": version("moto"), "states": states, "bucket_accounts": extra}
            try:
                _Pickler(buffer, self._contents).dump(document)
            except RuntimeError:  # a dictionary changed its size meanwhile
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            return buffer.getvalue()
        raise AssertionError("unreachable")

    def _load_service(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                document = _Unpickler(file, self._contents).load()
        except Exception as error:
            raise SnapshotError(
                f"Cannot read {path}: {type(error).__name__}: {error}. Another version wrote it, or it is "
                "damaged. Start with another --state directory, or remove this one to begin afresh."
            ) from error
        backends: Any = get_backend(path.stem)  # type: ignore[call-overload]
        for (account, region), state in document["states"].items():
            backends[account][region].__dict__.update(state)
        if document["bucket_accounts"]:
            s3_backends.bucket_accounts.update(document["bucket_accounts"])

    def _remove_unreferenced(self) -> None:
        """Delete contents that no object has any more (deleted or overwritten since the last start)."""
        used = set()
        everything: Any = s3_backends
        for _, _, backend in everything.iter_backends():
            for bucket in backend.buckets.values():
                keys = [key for _, versions in bucket.keys.iterlists() for key in versions]
                parts = [part for upload in bucket.multiparts.values() for part in upload.parts.values()]
                used |= {getattr(key, _MARK, None) for key in keys + parts}
        for path in self._contents.iterdir():
            if path.name not in used:
                path.unlink()


_MARK = "localaws_content"


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, contents: Path) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._contents = contents

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
            state[_MARK] = self._keep_content(obj)
            return _new, (type(obj),), state, None, None, _restore_key
        return NotImplemented

    def _keep_content(self, key: Any) -> str:
        known: str | None = getattr(key, _MARK, None)
        if known:
            return known
        try:
            content: bytes = key.value
        except ValueError:  # a deleted object's buffer is closed
            content = b""
        name = hashlib.sha256(content).hexdigest()
        path = self._contents / name
        if not path.exists():
            _write_atomically(path, content)
        setattr(key, _MARK, name)
        return name


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, contents: Path) -> None:
        super().__init__(file)
        self._contents = contents
        _Restoring.contents = contents

    def persistent_load(self, pid: Any) -> Any:
        """Find the backend that was referred to."""
        backends: Any = get_backend(pid[1])
        return backends if pid[0] == "backends" else backends[pid[2]][pid[3]]


def _new(cls: Any) -> Any:
    return cls.__new__(cls)


class _Restoring:
    contents = Path()


def _restore_key(key: Any, state: dict[str, Any]) -> None:
    """Pickle's state setter of an S3 object: content from its file."""
    key.__dict__.update(state)
    key.lock = threading.Lock()
    key._value_buffer = tempfile.SpooledTemporaryFile(key._max_buffer_size)  # noqa: SIM115
    key.value = (_Restoring.contents / state[_MARK]).read_bytes()


def _write_atomically(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)


class Saver:
    """A thread that saves soon after a change, and less often the longer saving takes."""

    def __init__(self, snapshots: Snapshots, interval_seconds: float = 2.0) -> None:
        """Nothing runs before `start`."""
        self._snapshots = snapshots
        self._interval = interval_seconds
        self._changed = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)

    def start(self) -> None:
        """Start saving."""
        self._thread.start()

    def changed(self) -> None:
        """Say that something was written."""
        self._changed.set()

    def stop(self) -> None:
        """Save a last time and end."""
        self._stopped.set()
        self._changed.set()
        self._thread.join(timeout=60)
        self._save()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._changed.wait()
            self._changed.clear()
            seconds = self._save()
            self._stopped.wait(max(self._interval, 20 * seconds))

    def _save(self) -> float:
        started = time.monotonic()
        try:
            self._snapshots.save()
        except Exception:
            log.exception("Cannot save the state of the services; it is tried again after the next change")
        return time.monotonic() - started
