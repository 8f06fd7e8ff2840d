"""What the account's jobs say of themselves while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from launcher import localaws

if TYPE_CHECKING:
    from collections.abc import Sequence


class Listing(NamedTuple):
    """How SageMaker lists one kind of job."""

    operation: str
    kind: str
    secondary: str | None


LISTINGS = (
    Listing("list_processing_jobs", "ProcessingJob", None),
    Listing("list_training_jobs", "TrainingJob", "SecondaryStatus"),
    Listing("list_auto_ml_jobs", "AutoMLJob", "AutoMLJobSecondaryStatus"),
    Listing("list_transform_jobs", "TransformJob", None),
)


class RemoteJobs:
    """Asks the account which jobs run; one that does not answer runs nothing, progress is a courtesy."""

    def __init__(self, aws_url: str) -> None:
        self._sagemaker = localaws.client("sagemaker", aws_url)

    def in_progress(self) -> dict[str, str]:
        """Names of the jobs that run, with what they say they are doing."""
        found: dict[str, str] = {}
        for listing in LISTINGS:
            for summary in self._list(listing):
                status = str(summary[f"{listing.kind}Status"])
                secondary = summary.get(listing.secondary) if listing.secondary else None
                found[summary[f"{listing.kind}Name"]] = f"{status} / {secondary}" if secondary else status
        for endpoint in self._changing_endpoints():
            found[endpoint["EndpointName"]] = str(endpoint["EndpointStatus"])
        return found

    def remarks(self, tasks: Sequence[str]) -> dict[str, str]:
        """By task id, what the job of the task says; a job's name carries the step that made it."""
        jobs = self.in_progress()
        return {
            task: said for task in tasks for name, said in jobs.items() if f"-{task.split('.')[-1]}-" in name
        }

    def _list(self, listing: Listing) -> list[dict[str, Any]]:
        try:
            answer = getattr(self._sagemaker, listing.operation)(StatusEquals="InProgress")
        except (ClientError, BotoCoreError):
            return []
        return list(answer[f"{listing.kind}Summaries"])

    def _changing_endpoints(self) -> list[dict[str, Any]]:
        try:
            answer = self._sagemaker.list_endpoints()
        except (ClientError, BotoCoreError):
            return []
        return [e for e in answer["Endpoints"] if e["EndpointStatus"] in {"Creating", "Updating"}]
