"""The thread that syncs the journal and takes snapshots when they are due."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.durability.middleware import Durable

log = logging.getLogger(__name__)

SYNC_SECONDS = 1.0


class Keeper:
    """A thread that syncs the journal and takes snapshots when they are due."""

    def __init__(self, durable: Durable, also_sync: Callable[[], object]) -> None:
        """`also_sync` is called whenever the journal is synced; nothing runs before `start`."""
        self._durable = durable
        self._also_sync = also_sync
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Start."""
        self._thread.start()

    def stop(self) -> None:
        """End, with everything saved."""
        self._stopped.set()
        self._thread.join(timeout=60)
        self._durable.close()

    def _run(self) -> None:
        while not self._stopped.wait(SYNC_SECONDS):
            try:
                self._durable.sync()
                self._also_sync()
                self._durable.snapshot_if_due()
            except Exception:
                log.exception("Cannot save the state; it is tried again")
