"""Two containers never share a port: the pings of one would be answered by the other."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-localaws/bin/python"

# In the stand-in's own Python: a port is held, refused to everybody else, and open to the server it is for.
PROGRAM = """
import json, socket
from localaws.containers import inference_server
inference_server.PORTS = range(29_000, 29_004)
held = [inference_server.reserve_port() for _ in range(4)]
ports = sorted(port for port, _ in held)
taken = []
for port in ports:
    with socket.socket() as other:
        try:
            other.bind(("127.0.0.1", port))
        except OSError:
            taken.append(port)
with socket.socket() as server:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", ports[0]))
    server.listen()
    with socket.create_connection(("127.0.0.1", ports[0]), timeout=5):
        reached = True
print(json.dumps({"ports": ports, "taken": taken, "reached": reached}))
"""


def test_a_reserved_port_is_nobody_elses_and_open_to_its_server() -> None:
    done = subprocess.run(
        [PYTHON, "-c", PROGRAM], cwd=ROOT / "include", capture_output=True, text=True, timeout=60, check=True
    )
    said = json.loads(done.stdout)
    assert said["ports"] == said["taken"] == [29_000, 29_001, 29_002, 29_003]
    assert said["reached"] is True
