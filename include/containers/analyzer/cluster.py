"""The instances of one job: which part of the rows each takes, and how the results come together, over S3.

Every instance runs the same program. SageMaker tells it who it is in `resourceconfig.json`; the instances
share the place to which the job's output goes, so no network between them is needed.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from analyzer.config import AnalyzerError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.5
_BEAT_SECONDS = 10.0
#: An instance that has not been heard of for so long is taken for dead.
SILENCE_SECONDS = 300.0


@dataclass
class Cluster:
    """All instances of the job as one of them sees them; `index` 0 leads and writes the report."""

    index: int = 0
    size: int = 1
    replicated: bool = True
    _exchange: Exchange | None = field(default=None, repr=False)

    @property
    def leads(self) -> bool:
        """Whether this is the instance that writes the report."""
        return self.index == 0

    @property
    def share(self) -> tuple[int, int]:
        """(a, b): of every b rows this instance takes the one numbered a; all where it has only its own."""
        return (self.index, self.size) if self.replicated else (0, 1)

    def gather(self, step: str, own: Path, directory: Path) -> list[Path] | None:
        """Return what each instance made of its part, copied into `directory`; None on those that help."""
        if self._exchange is None:
            return [own]
        if not self.leads:
            self._exchange.put(f"{step}-{self.index}", own.read_bytes())
            return None
        parts = [own]
        for index in range(1, self.size):
            parts.append(directory / f"{step}-{index}{own.suffix}")
            parts[-1].write_bytes(self._exchange.get(f"{step}-{index}", sender=index))
        log.info("Gathered %s of %d instances", step, self.size)
        return parts

    def tell(self, step: str, text: str | None) -> str:
        """Hand a text from the leading instance, which gives it, to all others; return it."""
        if self._exchange is None:
            return text or ""
        if self.leads:
            self._exchange.put(step, (text or "").encode())
            return text or ""
        return self._exchange.get(step, sender=0).decode()

    def await_all(self, step: str) -> None:
        """Return on the leading instance once all others have come here, on those at once."""
        if self._exchange is None:
            return
        if not self.leads:
            self._exchange.put(f"{step}-{self.index}", b"")
            return
        for index in range(1, self.size):
            self._exchange.get(f"{step}-{index}", sender=index)

    def failed(self, reason: str) -> None:
        """Tell the other instances that there is nothing to wait for."""
        if self._exchange is not None:
            self._exchange.put(f"failed-{self.index}", reason.encode())

    def close(self) -> None:
        """Stop; the leading instance removes what was exchanged."""
        if self._exchange is not None:
            self._exchange.close(remove=self.leads)


class Exchange:
    """Small objects below one prefix of S3, and a sign of life of every instance."""

    def __init__(self, client: Any, bucket: str, prefix: str, index: int) -> None:
        """client: boto3's for S3; index: this instance's number."""
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._index = index
        self._stopped = threading.Event()
        self._beat = threading.Thread(target=self._live, daemon=True)
        self._beat.start()

    def put(self, name: str, body: bytes) -> None:
        """Write one object."""
        self._client.put_object(Bucket=self._bucket, Key=f"{self._prefix}/{name}", Body=body)

    def get(self, name: str, sender: int) -> bytes:
        """Wait for an object and return it. Raises `AnalyzerError` when its sender fails or falls silent."""
        heard, beat = time.monotonic(), b""
        while True:
            body = self._read(name)
            if body is not None:
                return body
            reason = self._read(f"failed-{sender}")
            if reason is not None:
                raise AnalyzerError(f"Instance {sender + 1} failed: {reason.decode(errors='replace')}")
            sign = self._read(f"alive-{sender}") or b""
            if sign != beat:
                heard, beat = time.monotonic(), sign
            if time.monotonic() - heard > SILENCE_SECONDS:
                raise AnalyzerError(
                    f"Instance {sender + 1} has not been heard of for {SILENCE_SECONDS:.0f} s while "
                    f"instance {self._index + 1} waited for {name}."
                )
            time.sleep(_POLL_SECONDS)

    def close(self, *, remove: bool) -> None:
        """End the signs of life, and remove every object if asked to."""
        self._stopped.set()
        self._beat.join(timeout=_BEAT_SECONDS)
        if not remove:
            return
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{self._prefix}/"
        )
        for page in pages:
            for item in page.get("Contents", []):
                self._client.delete_object(Bucket=self._bucket, Key=item["Key"])

    def _read(self, name: str) -> bytes | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}/{name}")
        except self._client.exceptions.NoSuchKey:
            return None
        return bytes(answer["Body"].read())

    def _live(self) -> None:
        beat = 0
        while not self._stopped.is_set():
            beat += 1
            try:
                self.put(f"alive-{self._index}", str(beat).encode())
            except Exception:  # noqa: BLE001 - one sign of life less is no reason to fail
                log.warning("No sign of life could be written", exc_info=True)
            self._stopped.wait(_BEAT_SECONDS)


def of_job(configuration: Path) -> Cluster:
    """Return the instances of this job, read in `configuration`, SageMaker's `/opt/ml/config`.

    Without the files, as when the program is run by hand, there is one. Raises `AnalyzerError` when there are
    several and no S3 output over which they could work together.
    """
    resources = _document(configuration / "resourceconfig.json")
    hosts = sorted(resources.get("hosts", []), key=_host_number)
    if len(hosts) < 2:
        return Cluster()
    job = _document(configuration / "processingjobconfig.json")
    index = hosts.index(resources["current_host"])
    bucket, prefix = _output(job)
    import boto3

    exchange = Exchange(boto3.client("s3"), bucket, prefix, index)
    return Cluster(index, len(hosts), _replicated(job), exchange)


def _document(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else {}


def _host_number(host: str) -> tuple[int, str]:
    digits = host.rpartition("-")[2]
    return (int(digits) if digits.isdecimal() else 0, host)


def _output(job: dict[str, Any]) -> tuple[str, str]:
    outputs: Sequence[dict[str, Any]] = (job.get("ProcessingOutputConfig") or {}).get("Outputs") or []
    uris = [output["S3Output"]["S3Uri"] for output in outputs if output.get("S3Output")]
    if not uris:
        raise AnalyzerError("Several instances need an S3 output, over which they share their work.")
    bucket, _, prefix = uris[0].removeprefix("s3://").partition("/")
    name = job.get("ProcessingJobName") or str(job.get("ProcessingJobArn", "job")).rpartition("/")[2]
    return bucket, f"{prefix.rstrip('/')}/.exchange/{name}".lstrip("/")


def _replicated(job: dict[str, Any]) -> bool:
    return not any(
        (item.get("S3Input") or {}).get("S3DataDistributionType") == "ShardedByS3Key"
        for item in job.get("ProcessingInputs") or []
        if item.get("InputName") == "dataset"
    )
