"""Steady load on an endpoint while it is deployed to, and the table of what became of each request."""

from __future__ import annotations

import dataclasses
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from . import tables

if TYPE_CHECKING:
    from types import TracebackType

#: The property of a test's report that carries a line of the table, also between test processes.
PROPERTY = "deploy drill"
PER_SECOND = 25.0
LEAST_PER_SECOND = 20.0
WORKERS = 48
TEXT, RIGHT = "lovely dress", "1"
_LINE = "{:<42} {:>8} {:>7} {:>7} {:>9} {:>8} {:>8}  {:<58}"
_HEADINGS = ("drill", "requests", "per s", "failed", "new fleet", "p99 ms", "seconds", "final state")


@dataclass(frozen=True)
class Answered:
    """One request: when it began, how long it took, who answered and what, or the error."""

    began: float
    seconds: float
    #: How sure the model is, by which its fleet is known; None for an error.
    sure: str | None
    label: str | None
    error: str | None


@dataclass(frozen=True)
class DeployRow:
    """One line of the table."""

    drill: str
    requests: int
    per_second: float
    failed: int
    #: Share of the requests that the new model answered, or failed to.
    new_fleet: float | None
    p99_ms: float
    seconds: float
    state: str


class Load:
    """Sends requests at a fixed rate, however long each of them takes, from entering to leaving.

    The client does not try anything again: what the endpoint drops is counted.
    """

    def __init__(self, url: str, endpoint: str, per_second: float = PER_SECOND) -> None:
        self.endpoint = endpoint
        self.per_second = per_second
        self._runtime = boto3.Session().client(
            "sagemaker-runtime",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=WORKERS),
        )
        self._stop = threading.Event()
        self._pending: list[Future[Answered]] = []
        self._sender = threading.Thread(target=self._send, name="load", daemon=True)
        self.answered: list[Answered] = []
        self.began = self.seconds = 0.0

    def __enter__(self) -> Self:
        self.began = time.monotonic()
        self._sender.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._sender.join()

    def _send(self) -> None:
        with ThreadPoolExecutor(WORKERS) as pool:
            number = 0
            while not self._stop.wait(max(0.0, self.began + number / self.per_second - time.monotonic())):
                self._pending.append(pool.submit(self._ask))
                number += 1
            self.seconds = time.monotonic() - self.began
        self.answered = [future.result() for future in self._pending]

    def _ask(self) -> Answered:
        began = time.monotonic()
        label = sure = error = None
        try:
            answer = self._runtime.invoke_endpoint(
                EndpointName=self.endpoint,
                ContentType="text/csv",
                Accept="text/csv",
                Body=f'"{TEXT}"\n'.encode(),
            )
            label, sure = answer["Body"].read().decode().split(",")[:2]
        except ClientError as caught:
            error = f"{caught.response['Error']['Code']}: {caught.response['Error']['Message']}"
        except BotoCoreError as caught:
            error = f"{type(caught).__name__}: {caught}"
        return Answered(began, time.monotonic() - began, sure, label, error)

    # --- what is asked of it once it has ended ------------------------------------------------------------

    @property
    def errors(self) -> list[str]:
        """Of all requests that failed."""
        return [one.error for one in self.answered if one.error]

    def by(self, sure: float) -> list[Answered]:
        """What the fleet of one model has answered."""
        return [one for one in self.answered if one.sure == str(sure)]

    def after(self, moment: float) -> list[Answered]:
        """What was asked since then (``time.monotonic``)."""
        return [one for one in self.answered if one.began >= moment]

    def row(self, drill: str, state: str, seconds: float, new_fleet: int | None = None) -> DeployRow:
        """The line of the table.

        :param seconds: that the deployment, or what else was drilled, has taken
        :param new_fleet: requests that met the new fleet
        """
        count = len(self.answered)
        rate = count / self.seconds
        assert rate >= LEAST_PER_SECOND, f"{rate:.1f} requests a second are no steady load"
        slowest = sorted(one.seconds for one in self.answered)[int(0.99 * (count - 1))]
        share = None if new_fleet is None else round(new_fleet / count, 3)
        return DeployRow(
            drill,
            count,
            round(rate, 1),
            len(self.errors),
            share,
            round(slowest * 1000),
            round(seconds, 1),
            state,
        )


def write_table(terminalreporter: Any) -> None:
    """Print the rows of all tests, in the order in which they ended."""
    rows = tables.rows(terminalreporter, PROPERTY, DeployRow)
    if not rows:
        return
    terminalreporter.section("deploy drills: requests under steady load")
    terminalreporter.write_line(_LINE.format(*_HEADINGS))
    for row in rows:
        share = "" if row.new_fleet is None else f"{row.new_fleet:.1%}"
        values = dataclasses.asdict(row) | {"new_fleet": share}
        names = ("drill", "requests", "per_second", "failed", "new_fleet", "p99_ms", "seconds", "state")
        terminalreporter.write_line(_LINE.format(*(str(values[name]) for name in names)))
