"""The instances of a job: names, and one container on each, which fail together."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from localaws.jobs import JobFailed
from localaws.protocol import not_implemented
from localaws.services.sagemaker.job_resources import failure_reason
from localaws.services.sagemaker.variants import max_instances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localaws.containers import Box, Container
    from localaws.jobs import Job

Document = dict[str, Any]


def names(count: int) -> list[str]:
    """The names of so many instances: algo-1 and so on."""
    return [f"algo-{number}" for number in range(1, count + 1)]


def shard(source: Document, index: int, count: int) -> tuple[int, int]:
    """Which share (i, n) of a data source the instance `index` of `count` gets: every n-th from the i-th."""
    return (index, count) if source.get("S3DataDistributionType") == "ShardedByS3Key" else (0, 1)


def require_room(parameter: str, count: int) -> None:
    """Refuse more instances than this machine shall run; raises `AwsError` NotImplementedException."""
    most = max_instances()
    if count > most:
        raise not_implemented(f"{parameter} {count}, above the {most} that LOCALAWS_MAX_INSTANCES allows")


def run_together(job: Job, members: Sequence[tuple[Box, Container]]) -> None:
    """Run one container an instance until all have ended; when one fails the others are ended.

    Raises:
        JobFailed: with the reason of the container that failed first.
        JobStopped: the job was stopped, or its time is up.
    """
    failed = threading.Event()

    def run_one(box: Box, container: Container) -> None:
        if failed.is_set():
            return
        code = job.run_container(container)
        if code == 0 or failed.is_set():
            return
        failed.set()
        for _, other in members:
            if other is not container and other.pid is not None:
                other.stop(0)
        raise JobFailed(failure_reason(code, box.failure()))

    with ThreadPoolExecutor(len(members)) as pool:
        ended = [pool.submit(run_one, box, container) for box, container in members]
    errors = [error for future in ended if (error := future.exception())]
    if errors:
        raise next((error for error in errors if isinstance(error, JobFailed)), errors[0])
