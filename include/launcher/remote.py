"""What the account's jobs say of themselves while they run."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from launcher import localaws

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Listing(NamedTuple):
    """How SageMaker lists one kind of job."""

    operation: str
    kind: str
    secondary: str | None


log = logging.getLogger(__name__)

# As sentiment_retrain's operators log it: "TrainingJob sentiment-retrain-… submitted: why".
_JOB_LINE = re.compile(r"\w+ (?P<name>\S+) (submitted|reconnected|reused): ")
LISTINGS = (
    Listing("list_processing_jobs", "ProcessingJob", None),
    Listing("list_training_jobs", "TrainingJob", "SecondaryStatus"),
    Listing("list_auto_ml_jobs", "AutoMLJob", "AutoMLJobSecondaryStatus"),
    Listing("list_transform_jobs", "TransformJob", None),
)


def job_name(entries: Sequence[Mapping[str, Any]]) -> str:
    """The name of the job that a task submitted or found last, as its log says; empty before it did."""
    for entry in reversed(entries):
        found = _JOB_LINE.match(str(entry.get("event", "")))
        if found:
            return found["name"]
    return ""


class RemoteJobs:
    """Asks the account which jobs run; one that does not answer runs nothing, progress is a courtesy."""

    def __init__(self, aws_url: str) -> None:
        self._sagemaker = localaws.client("sagemaker", aws_url)
        self._job_of_task: dict[str, str] = {}

    def in_progress(self) -> dict[str, str]:
        """Names of the jobs that run, with what they say they are doing."""
        try:
            return self._running_jobs() | self._changing_endpoints()
        except BotoCoreError as error:
            log.debug("The account does not answer: %s", error)
            return {}

    def _running_jobs(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for listing in LISTINGS:
            for summary in self._list(listing):
                status = str(summary[f"{listing.kind}Status"])
                secondary = summary.get(listing.secondary) if listing.secondary else None
                found[summary[f"{listing.kind}Name"]] = f"{status} / {secondary}" if secondary else status
        return found

    def remarks(
        self, tasks: Sequence[str], read_log: Callable[[str], Sequence[Mapping[str, Any]]]
    ) -> dict[str, str]:
        """By task id, what the job that the task waits for says of itself, and its name.

        :param read_log: gives the log lines of a task; asked only while the task's job is not known
        """
        running = self.in_progress() if tasks else {}
        for task in tasks:
            if self._job_of_task.get(task) not in running:
                self._job_of_task[task] = job_name(read_log(task))
        known = ((task, self._job_of_task[task]) for task in tasks)
        return {task: f"{running[name]}  {name}" for task, name in known if name in running}

    def _list(self, listing: Listing) -> list[dict[str, Any]]:
        try:
            answer = getattr(self._sagemaker, listing.operation)(StatusEquals="InProgress")
        except ClientError as error:
            log.debug("%s: %s", listing.operation, error)
            return []
        return list(answer[f"{listing.kind}Summaries"])

    def _changing_endpoints(self) -> dict[str, str]:
        endpoints = self._sagemaker.list_endpoints()["Endpoints"]
        changing = (e for e in endpoints if e["EndpointStatus"] in {"Creating", "Updating"})
        return {endpoint["EndpointName"]: str(endpoint["EndpointStatus"]) for endpoint in changing}
