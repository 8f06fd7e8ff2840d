"""What moto keeps in memory (S3 objects, Glue tables, IAM roles, logs, metrics) as files.

A snapshot is a directory with one pickle a service; `CURRENT` names the valid one, and is replaced only when
all of it is on the disk. What happened since is in the journals (see `durability`).
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.s3.models import s3_backends

from localaws.durability import contents
from localaws.durability.contents import Pickler, Unpickler, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

# Services whose state is of the process.
_LEFT_OUT = {"moto_api", "instance_metadata"}
_ATTEMPTS = 5


class SnapshotError(Exception):
    """A saved state that this version cannot read."""


class Snapshots:
    """Saves and loads the state of moto's services below one directory; one thread at a time."""

    def __init__(self, directory: Path) -> None:
        """Use `directory`, created when missing; raise `SnapshotError` when a former version wrote it."""
        self._directory = directory
        contents.install()
        self.contents = contents.Contents(directory / "contents")
        self._digests: dict[str, str] = {}
        if any(directory.glob("*.pickle")):
            raise SnapshotError(
                f"An earlier version wrote {directory}. Remove that state directory (make localaws-reset), "
                "or start with another --state."
            )
        pointer = directory / "CURRENT"
        self.generation = int(pointer.read_text()) if pointer.exists() else 0

    def dump(self) -> tuple[dict[str, bytes], set[str]]:
        """The pickle of each service, and the names of all contents; nothing may write meanwhile."""
        pickles: dict[str, bytes] = {}
        used: set[str] = set()
        for backends in list(vars(BackendDict)["_instances"]):
            if backends.service_name not in _LEFT_OUT:
                pickles[backends.service_name], names = self._dump(backends.service_name, backends)
                used |= names
        return pickles, used

    def write(self, generation: int, pickles: dict[str, bytes], used: set[str]) -> None:
        """Make `pickles` the valid snapshot, and delete the one before; raises `OSError`."""
        target = self._path(generation)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for name, content in pickles.items():
            digest = hashlib.sha256(content).hexdigest()
            former = self._path(self.generation) / f"{name}.pickle"
            if self._digests.get(name) == digest and former.exists():
                os.link(former, target / former.name)
            else:
                (target / f"{name}.pickle").write_bytes(content)
            self._digests[name] = digest
        os.sync()  # one flush for all of it, contents too
        write_atomically(self._directory / "CURRENT", f"{generation}\n".encode(), sync=True)
        self.generation = generation
        for path in self._directory.glob("snapshot-*"):
            if path != target:
                shutil.rmtree(path, ignore_errors=True)
        self.contents.remove_unused(used)

    def load(self) -> list[str]:
        """Read every saved service; return their names. Raises `SnapshotError`."""
        files = sorted(self._path(self.generation).glob("*.pickle"))
        used: set[str] = set()
        for path in files:
            used |= self._load_service(path)
        self.contents.remove_unused(used, at_once=True)
        return [path.stem for path in files]

    def _path(self, generation: int) -> Path:
        return self._directory / f"snapshot-{generation}"

    def _dump(self, name: str, backends: Any) -> tuple[bytes, set[str]]:
        for attempt in range(_ATTEMPTS):
            buffer = io.BytesIO()
            states = {
                (account, region): dict(backend.__dict__)
                for account, region, backend in backends.iter_backends()
            }
            extra = dict(s3_backends.bucket_accounts) if name == "s3" else None
            document = {"moto": version("moto"), "states": states, "bucket_accounts": extra}
            pickler = Pickler(buffer, self.contents)
            try:
                pickler.dump(document)
            except RuntimeError:  # a read changed a dictionary's size meanwhile
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            return buffer.getvalue(), pickler.used
        raise AssertionError("unreachable")

    def _load_service(self, path: Path) -> set[str]:
        try:
            with path.open("rb") as file:
                unpickler = Unpickler(file, self.contents)
                document = unpickler.load()
        except Exception as error:  # a damaged pickle raises anything
            raise SnapshotError(
                f"Cannot read {path}: {type(error).__name__}: {error}. Another version wrote it, or it is "
                "damaged. Start with another --state directory, or remove this one to begin afresh."
            ) from error
        backends: Any = get_backend(path.stem)  # type: ignore[call-overload]
        for (account, region), state in document["states"].items():
            backends[account][region].__dict__.update(state)
        if document["bucket_accounts"]:
            s3_backends.bucket_accounts.update(document["bucket_accounts"])
        return unpickler.used
