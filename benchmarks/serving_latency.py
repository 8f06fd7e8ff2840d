"""The chain of three containers beside one process and MLServer, in one run: latency and throughput.

Each server answers the same review by the same small model. ``direct`` is model, reading and writing in one
process behind the server that each container has; ``chain`` is InvokeEndpoint of the stand-in. Processor time
is that of all processes of a server, for one request: on a busy machine it says more than the rate.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from socket import socket
from typing import Any, NamedTuple

from servers import percentile, processor_seconds
from serving_chain import ADAPTER, ENDPOINT, LOCAL_IMAGES, Chain, await_ping

CLIENTS = (1, 8, 32)
BODY = b'"I love the soft fabric, it is great and so good"\n'
MLSERVER = Path(__file__).with_name("serving_mlserver.py")


class Target(NamedTuple):
    """A server: its port, the whole request, a part of the answer, and the process that starts all others."""

    name: str
    port: int
    request: bytes
    expects: bytes
    pid: int


def request(path: str, content_type: str, body: bytes, **headers: str) -> bytes:
    """An HTTP request as bytes: it is written once and not built a thousand times."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    """Status and body of one response with a Content-Length, and whether the server closes the connection."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    lower = head.lower()
    start = lower.index(b"content-length:") + len(b"content-length:")
    length = int(lower[start : lower.index(b"\r\n", start)])
    closes = head.startswith(b"HTTP/1.0") or b"connection: close" in lower
    return status, await reader.readexactly(length), closes


async def client(target: Target, end: float, seconds: list[float], errors: list[str]) -> None:
    """One client, a request after the other until ``end`` (monotonic), on one connection if it lasts."""
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    try:
        while time.monotonic() < end:
            begin = time.monotonic()
            if writer.is_closing():
                reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
            writer.write(target.request)
            status, body, closes = await answer(reader)
            seconds.append(time.monotonic() - begin)
            if closes:
                writer.close()
            if status != 200 or target.expects not in body:
                errors.append(f"{status} {body[:200]!r}")
    finally:
        writer.close()


async def measure(target: Target, clients: int, duration: float) -> dict[str, Any]:
    """One row of the table, after a second of warming up."""
    for span in (min(1.0, duration), duration):
        seconds: list[float] = []
        errors: list[str] = []
        used = processor_seconds(target.pid)
        begin = time.monotonic()
        await asyncio.gather(*(client(target, begin + span, seconds, errors) for _ in range(clients)))
        passed = time.monotonic() - begin
        used = processor_seconds(target.pid) - used
    return row(target.name, clients, seconds, passed, errors) | {
        "processor_ms": round(used / len(seconds) * 1000, 3)
    }


def row(name: str, clients: int, seconds: list[float], passed: float, errors: list[str]) -> dict[str, Any]:
    """Figures of so many requests in so many seconds."""
    return {
        "server": name,
        "clients": clients,
        "requests": len(seconds),
        "per_second": round(len(seconds) / passed, 1),
        "p50_ms": round(percentile(seconds, 0.5) * 1000, 2),
        "p99_ms": round(percentile(seconds, 0.99) * 1000, 2),
        "errors": len(errors),
        "first_error": errors[0] if errors else "",
    }


def start_mlserver(python: Path, chain: Chain) -> tuple[subprocess.Popen[bytes], Target]:
    """MLServer in an environment of its own, one process, with the same functions as its runtime."""
    with socket() as first, socket() as second, socket() as third:
        ports = []
        for probe in (first, second, third):
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    home = chain.directory / "mlserver"
    home.mkdir()
    (home / "settings.json").write_text(
        json.dumps(
            {
                "host": "127.0.0.1",
                "http_port": ports[0],
                "grpc_port": ports[1],
                "metrics_port": ports[2],
                "parallel_workers": 0,
                "debug": False,
            }
        )
    )
    model: dict[str, Any] = {"name": "sentiment", "implementation": "serving_mlserver.Sentiment"}
    model["parameters"] = {"uri": str(chain.model)}
    (home / "model-settings.json").write_text(json.dumps(model))
    paths = f"{MLSERVER.parent}:{LOCAL_IMAGES}:{ADAPTER}"
    with (chain.directory / "mlserver.log").open("wb") as log:
        process = subprocess.Popen(
            [str(python.parent / "mlserver"), "start", str(home)],
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=log,
        )
    await_ping(ports[0], "/v2/models/sentiment/ready")
    text = {"name": "text", "shape": [1], "datatype": "BYTES", "data": [BODY.decode().strip('"\n')]}
    body = json.dumps({"inputs": [text]}).encode()
    path = "/v2/models/sentiment/infer"
    return process, Target(
        "MLServer", ports[0], request(path, "application/json", body), b"'-1', '0', '1'", process.pid
    )


def chain_target(chain: Chain) -> Target:
    """InvokeEndpoint as an AWS client sends it; the stand-in looks at the scope of the signature only."""
    scope = "Credential=benchmark/20260101/us-east-1/sagemaker/aws4_request"
    signed = f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"
    path = f"/endpoints/{ENDPOINT}/invocations"
    sent = request(path, "text/csv", BODY, Accept="text/csv", Authorization=signed)
    port = int(chain.aws.url.rpartition(":")[2])
    return Target("chain", port, sent, b"'-1', '0', '1'", chain.aws.pid)


def run(duration: float, rounds: int, mlserver: Path | None) -> list[dict[str, Any]]:
    """All servers by turns, so that a busy moment is nobody's alone; every row of every round."""
    rows: list[dict[str, Any]] = []
    with Chain() as chain:
        direct = request("/invocations", "text/csv", BODY)
        model = Target("direct", chain.direct_port, direct, b"'-1', '0', '1'", chain.direct_pid)
        targets = [model, chain_target(chain)]
        process = None
        try:
            if mlserver:
                process, target = start_mlserver(mlserver, chain)
                targets.append(target)
            for _ in range(rounds):
                for clients in CLIENTS:
                    rows += [asyncio.run(measure(target, clients, duration)) for target in targets]
        finally:
            if process is not None:
                process.terminate()
                process.wait(30)
    return rows


def medians(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The median round of each server and number of clients, and how far it is from ``direct``."""
    keys = list(dict.fromkeys((one["clients"], one["server"]) for one in rows))
    found = []
    for clients, server in keys:
        same = [one for one in rows if (one["clients"], one["server"]) == (clients, server)]
        figures = {
            name: round(statistics.median(one[name] for one in same), 2)
            for name in ("per_second", "p50_ms", "p99_ms", "processor_ms")
        }
        requests, errors = (sum(one[name] for one in same) for name in ("requests", "errors"))
        found.append(
            {"clients": clients, "server": server, "requests": requests, "errors": errors, **figures}
        )
    base = {one["clients"]: one["per_second"] for one in found if one["server"] == "direct"}
    return [one | {"of_direct": round(one["per_second"] / base[one["clients"]], 3)} for one in found]


def main() -> int:
    """Measure and print; 1 when a request failed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--seconds", type=float, default=5, help="of each measurement (default %(default)s)")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--mlserver", type=Path, help="a Python that has mlserver and fasttext")
    options.add_argument("--report", type=Path, help="write all rounds there as JSON")
    chosen = options.parse_args()
    rows = run(chosen.seconds, chosen.rounds, chosen.mlserver)
    lines = ["clients  server    requests    per s    p50 ms    p99 ms  of direct  processor ms  errors"]
    for one in medians(rows):
        lines.append(
            f"{one['clients']:7d}  {one['server']:8} {one['requests']:9d} {one['per_second']:8.1f} "
            f"{one['p50_ms']:9.2f} {one['p99_ms']:9.2f} {one['of_direct']:10.3f} "
            f"{one['processor_ms']:13.2f} {one['errors']:7d}"
        )
    lines += sorted({one["first_error"] for one in rows if one["first_error"]})
    sys.stdout.write("\n".join(lines) + "\n")
    if chosen.report:
        chosen.report.write_text(json.dumps(rows, indent=1))
    return 1 if any(one["errors"] for one in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
