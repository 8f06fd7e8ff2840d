"""Two commands that look for a port at the same moment do not find the same one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from launcher import ports
from launcher.failures import LauncherError
from launcher.places import CHECKOUT

CHOOSE_AND_STAY = """
import sys
from launcher import ports
print(ports.free_port(int(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def unused() -> int:
    with socket.socket() as probe:
        probe.bind((ports.HOST, 0))
        return int(probe.getsockname()[1])


def test_a_port_that_another_command_has_chosen_is_not_chosen_before_its_server_listens(unused: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHOOSE_AND_STAY, str(unused)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "include")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        theirs = int(other.stdout.readline()) if other.stdout else 0
        ours = ports.free_port(unused)
        other.communicate("")

    assert ours != theirs
    assert ports.free_port(theirs) == theirs


def test_a_command_may_use_its_own_port_again(unused: int) -> None:
    assert ports.free_port(unused) == ports.free_port(unused)


def test_a_port_on_which_somebody_listens_is_passed_over(unused: int) -> None:
    with socket.create_server((ports.HOST, unused)):
        assert ports.free_port(unused) != unused
        with pytest.raises(LauncherError, match="LOCAL_PORTS"):
            ports.free_port(unused, tries=1)
