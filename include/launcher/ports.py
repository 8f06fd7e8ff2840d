"""Free TCP ports on loopback."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from pathlib import Path
from typing import IO

from launcher.failures import LauncherError

HOST = "127.0.0.1"

# Between the choice of a port and the moment at which its server listens lie seconds, in which a second
# command must not choose the same: a lock stands for the server until this process ends.
_claims: dict[int, IO[bytes]] = {}


def free_port(preferred: int, tries: int = 50) -> int:
    """The first port from `preferred` upwards that nobody listens on, and no other command is about to.

    :raises LauncherError: `tries` ports in a row are taken.
    """
    for port in range(preferred, preferred + tries):
        if not _claim(port):
            continue
        with socket.socket() as probe:
            # Without it a port in TIME_WAIT looks taken, and the stand-in would wander off its usual one.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                _claims.pop(port).close()
                continue
            return port
    raise LauncherError(
        "LOCAL_PORTS",
        f"every port from {preferred} to {preferred + tries - 1} on {HOST} is taken.",
        "Stop what listens there, then try again.",
    )


def _claim(port: int) -> bool:
    """Whether this process may take the port; other users' commands are not seen."""
    if port not in _claims:
        lock = (Path(tempfile.gettempdir()) / f"sentiment-retrain-{os.getuid()}-port-{port}.lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        _claims[port] = lock
    return True
