"""Free TCP ports on loopback."""

from __future__ import annotations

import socket

from launcher.failures import LauncherError

HOST = "127.0.0.1"


def free_port(preferred: int, tries: int = 50) -> int:
    """The first port from `preferred` upwards that nobody listens on.

    :raises LauncherError: `tries` ports in a row are taken.
    """
    for port in range(preferred, preferred + tries):
        with socket.socket() as probe:
            # Without it a port in TIME_WAIT looks taken, and the stand-in would wander off its usual one.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise LauncherError(
        "LOCAL_PORTS",
        f"every port from {preferred} to {preferred + tries - 1} on {HOST} is taken.",
        "Stop what listens there, then try again.",
    )
