"""How the stand-in bears load: S3 beside plain moto, then 50 clients at once over S3, Athena and an endpoint.

    .venv/bin/python benchmarks/load.py --seconds 120

Every answer is checked, no client retries, and an error of any kind makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servers import ROLE, Server, percentile, plain_moto, processor_seconds, stand_in

if TYPE_CHECKING:
    from collections.abc import Callable

BUCKET = "bench"
CLIENTS = {"S3": 20, "Athena": 10, "InvokeEndpoint": 20}
ROWS = 2_000
ECHO_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/web-image:1"
# Object bytes, objects a round, threads.
SHAPES = ((10_000, 100, 1), (10_000, 200, 8), (1_000_000, 30, 1), (8_000_000, 6, 1))
ROUNDS = 3


def say(line: str = "") -> None:
    """Print at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def timed(s3: Any, operation: str, size: int, count: int, threads: int) -> float:
    """Seconds for `count` PUTs or GETs."""
    body = os.urandom(size)

    def one(number: int) -> None:
        key = f"{size}/{threads}/{number}"
        if operation == "PUT":
            s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        elif len(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) != size:
            raise AssertionError(f"{key} has another length")

    begin = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(count)))
    return time.monotonic() - begin


def compare(directory: Path) -> list[dict[str, Any]]:
    """S3 throughput of the stand-in and of plain moto, in turns, both warm; the table's rows."""
    servers = {"localaws": stand_in(directory), "moto": plain_moto(directory)}
    spent: dict[tuple[int, int, str, str], float] = defaultdict(float)
    used: dict[tuple[int, int, str, str], float] = defaultdict(float)
    try:
        clients = {}
        for name, server in servers.items():
            server.start()
            clients[name] = server.client("s3", connections=16)
            clients[name].create_bucket(Bucket=BUCKET)
            timed(clients[name], "PUT", 1000, 20, 4)
        for round_ in range(ROUNDS):
            for size, count, threads in SHAPES:
                for operation in ("PUT", "GET"):
                    names = sorted(clients, reverse=bool(round_ % 2))  # neither is always first
                    for name in names:
                        case = (size, threads, operation, name)
                        used[case] -= processor_seconds(servers[name].pid)
                        spent[case] += timed(clients[name], operation, size, count, threads)
                        used[case] += processor_seconds(servers[name].pid)
    finally:
        for server in servers.values():
            server.kill()
    rows = []
    for size, count, threads in SHAPES:
        for operation in ("PUT", "GET"):
            ours, theirs = (spent[size, threads, operation, name] for name in ("localaws", "moto"))
            total = count * ROUNDS
            rows.append(
                {
                    "operation": operation,
                    "bytes": size,
                    "threads": threads,
                    "localaws_per_second": round(total / ours, 1),
                    "moto_per_second": round(total / theirs, 1),
                    "ratio": round(theirs / ours, 2),
                    "processor_ratio": round(
                        used[size, threads, operation, "moto"]
                        / max(used[size, threads, operation, "localaws"], 0.01),
                        2,
                    ),
                }
            )
    return rows


class Measured:
    """Latencies and errors by kind of call. Thread-safe."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.errors: Counter[str] = Counter()
        self._lock = threading.Lock()

    def call(self, kind: str, function: Callable[[], bool]) -> None:
        """Time one call; False or an exception is an error."""
        begin = time.monotonic()
        try:
            problem = "" if function() else "wrong answer"
        except Exception as error:  # whatever it is, it counts
            problem = f"{type(error).__name__}: {error}"
        with self._lock:
            self.seconds[kind].append(time.monotonic() - begin)
            if problem:
                self.errors[f"{kind}: {problem}"[:300]] += 1


class Clients:
    """The 50 clients."""

    def __init__(self, server: Server) -> None:
        """Make what they use: a bucket, a table, an endpoint."""
        self.measured = Measured()
        self._s3 = server.client("s3", connections=CLIENTS["S3"])
        self._athena = server.client("athena", connections=CLIENTS["Athena"])
        self._runtime = server.client("sagemaker-runtime", connections=CLIENTS["InvokeEndpoint"])
        self._s3.create_bucket(Bucket=BUCKET)
        rows = "".join(f"{number},word{number % 7}\n" for number in range(ROWS))
        self._s3.put_object(Bucket=BUCKET, Key="table/rows.csv", Body=rows.encode())
        self._query("CREATE DATABASE bench")
        self._query(
            "CREATE EXTERNAL TABLE bench.numbers (n int, word string) ROW FORMAT DELIMITED "
            f"FIELDS TERMINATED BY ',' LOCATION 's3://{BUCKET}/table/'"
        )
        self._make_endpoint(server.client("sagemaker"))

    def run(self, seconds: float) -> None:
        """All clients at once."""
        end = time.monotonic() + seconds
        works = {"S3": self._use_s3, "Athena": self._use_athena, "InvokeEndpoint": self._use_endpoint}
        threads = [
            threading.Thread(target=self._until, args=(end, works[kind], number), daemon=True)
            for kind, count in CLIENTS.items()
            for number in range(count)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(seconds + 180)
        if any(thread.is_alive() for thread in threads):
            self.measured.errors["a client hangs"] += 1

    @staticmethod
    def _until(end: float, work: Callable[[random.Random, int], None], number: int) -> None:
        chance = random.Random(number)  # noqa: S311
        while time.monotonic() < end:
            work(chance, number)

    def _use_s3(self, chance: random.Random, number: int) -> None:
        key = f"load/{number}/{chance.randrange(50)}"
        body = chance.randbytes(int(10 ** chance.uniform(1, 5)))
        put = {"Bucket": BUCKET, "Key": key}
        self.measured.call("S3 PutObject", lambda: "ETag" in self._s3.put_object(**put, Body=body))
        self.measured.call("S3 GetObject", lambda: self._s3.get_object(**put)["Body"].read() == body)

    def _use_athena(self, chance: random.Random, _number: int) -> None:
        least = chance.randrange(ROWS)
        sql = f"SELECT count(*), sum(n) FROM bench.numbers WHERE n >= {least}"  # noqa: S608  a number
        expected = [str(ROWS - least), str(sum(range(least, ROWS)))]
        self.measured.call("Athena query, start to result", lambda: self._query(sql) == expected)

    def _use_endpoint(self, chance: random.Random, number: int) -> None:
        body = f"client {number} says {chance.random()}\n".encode()

        def invoke() -> bool:
            answer = self._runtime.invoke_endpoint(EndpointName="bench", ContentType="text/csv", Body=body)
            return bool(answer["Body"].read() == body)

        self.measured.call("InvokeEndpoint", invoke)

    def _query(self, sql: str) -> list[str]:
        """Run a query; its first row of values."""
        started = self._athena.start_query_execution(
            QueryString=sql, ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/results/"}
        )
        query = {"QueryExecutionId": started["QueryExecutionId"]}
        while True:
            status = self._athena.get_query_execution(**query)["QueryExecution"]["Status"]
            if status["State"] not in ("QUEUED", "RUNNING"):
                break
            time.sleep(0.1)
        if status["State"] != "SUCCEEDED":
            raise RuntimeError(f"{sql}: {status}")
        rows = self._athena.get_query_results(**query)["ResultSet"]["Rows"]
        return [cell.get("VarCharValue", "") for cell in rows[1]["Data"]] if len(rows) > 1 else []

    @staticmethod
    def _make_endpoint(sagemaker: Any) -> None:
        sagemaker.create_model(
            ModelName="bench", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": ECHO_IMAGE}
        )
        variant = {"VariantName": "only", "ModelName": "bench", "InitialVariantWeight": 1.0}
        sagemaker.create_endpoint_config(
            EndpointConfigName="bench",
            ProductionVariants=[variant | {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}],
        )
        sagemaker.create_endpoint(EndpointName="bench", EndpointConfigName="bench")
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="bench", WaiterConfig={"Delay": 1})


def bear(directory: Path, seconds: float) -> dict[str, Any]:
    """Part two; its figures."""
    server = stand_in(directory)
    try:
        server.start()
        server.create_role()
        clients = Clients(server)
        clients.run(seconds)
        measured, memory = clients.measured, server.memory_mb()
        state = server.health()["state"]
        server.kill()
        restart = server.start()
    finally:
        server.stop()
    calls = {
        kind: {
            "calls": len(values),
            "per_second": round(len(values) / seconds, 1),
            **{f"p{share}_ms": round(percentile(values, share / 100) * 1000) for share in (50, 95, 99)},
            "max_ms": round(max(values) * 1000),
        }
        for kind, values in sorted(measured.seconds.items())
    }
    return {
        "clients": sum(CLIENTS.values()),
        "seconds": seconds,
        "calls": calls,
        "errors": dict(measured.errors),
        "peak_memory_mb": round(memory),
        "state_bytes": state["bytes"],
        "restart_after_kill_seconds": round(restart, 2),
    }


def main() -> int:
    """Run both parts; the exit code."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--seconds", type=float, default=120)
    options.add_argument("--report", type=Path, help="write the figures there as JSON")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        rows = compare(Path(directory))
    say("S3                bytes  threads  stand-in/s  plain moto/s  ratio  of processor time, moto/stand-in")
    for row in rows:
        shape = f"{row['operation']:10} {row['bytes']:12d} {row['threads']:8d}"
        say(
            f"{shape} {row['localaws_per_second']:11.1f} {row['moto_per_second']:13.1f} {row['ratio']:6.2f}"
            f" {row['processor_ratio']:6.2f}"
        )
    say()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        figures = bear(Path(directory), chosen.seconds)
    title = f"{figures['clients']} clients, {figures['seconds']:.0f} s"
    say(f"{title:29}  calls    per s  p50 ms  p95 ms  p99 ms  max ms")
    for kind, row in figures["calls"].items():
        times = " ".join(f"{row[name]:7d}" for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms"))
        say(f"{kind:29} {row['calls']:6d} {row['per_second']:8.1f} {times}")
    for name in ("errors", "peak_memory_mb", "state_bytes", "restart_after_kill_seconds"):
        say(f"{name:28} {figures[name] or 0}")
    if chosen.report:
        chosen.report.write_text(json.dumps({"s3": rows, "load": figures}, indent=2))
    return 1 if figures["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
