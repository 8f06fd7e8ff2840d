"""Free TCP ports on loopback."""

from __future__ import annotations

import atexit
import socket

from launcher.failures import LauncherError

HOST = "127.0.0.1"

# Between the choice of a port and the moment at which its server listens lie seconds, in which a second
# command must not choose the same. UDP's port of that number stands for it until this process ends: it is
# given to one process on the machine, leaves no file behind, and nobody here speaks UDP.
_claims: dict[int, socket.socket] = {}


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
    """Whether this process may take the port."""
    if port not in _claims:
        claim = socket.socket(type=socket.SOCK_DGRAM)
        try:
            claim.bind((HOST, port))
        except OSError:
            claim.close()
            return False
        _claims[port] = claim
    return True


@atexit.register
def _release() -> None:
    for claim in _claims.values():
        claim.close()
