"""A gate that snapshots close to requests."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Gate:
    """Lets requests through at any time but while it is closed for a snapshot."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside = 0
        self._closed = False

    @contextlib.contextmanager
    def passed(self, *, nested: bool) -> Iterator[None]:
        """Be inside; waits while the gate is closed.

        A `nested` request may be part of one that is inside: it must not wait for that one's end.
        """
        with self._condition:
            self._condition.wait_for(lambda: not self._closed or (nested and self._inside > 0))
            self._inside += 1
        try:
            yield
        finally:
            with self._condition:
                self._inside -= 1
                self._condition.notify_all()

    @contextlib.contextmanager
    def closed(self) -> Iterator[None]:
        """Nobody is inside; waits until all have left."""
        with self._condition:
            self._closed = True
            self._condition.wait_for(lambda: self._inside == 0)
        try:
            yield
        finally:
            with self._condition:
                self._closed = False
                self._condition.notify_all()
