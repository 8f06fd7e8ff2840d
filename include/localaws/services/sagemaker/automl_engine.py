"""The run of an AutoML job: one container does the work and tells of it by events; this follows them."""

from __future__ import annotations

import json
import logging
import subprocess
import time
from typing import TYPE_CHECKING, Any

from localaws import artifacts
from localaws.containers import Box, Container
from localaws.jobs import Job, JobFailed, JobStopped
from localaws.services.sagemaker import automl_candidates, automl_steps
from localaws.services.sagemaker.job_resources import failure_reason, log_stream, write_json
from localaws.state import now, store

if TYPE_CHECKING:
    from pathlib import Path

    from localaws.services.sagemaker.automl_requests import Plan

log = logging.getLogger(__name__)

Document = dict[str, Any]

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
MAX_RUNTIME_REACHED = "MaxAutoMLJobRuntimeReached"
_POLL_SECONDS = 0.25
_GRACE_SECONDS = 10.0
# The container watches its own deadline; this long it may take for its last step and the reports.
_OVERTIME_SECONDS = 60.0


class AutoMLJob(Job):
    """One running AutoML job."""

    kind = "AutoMLJob"

    def __init__(self, document: Document, plan: Plan, region: str) -> None:
        """Of a document that was just created, and the plan of its request."""
        super().__init__(document["AutoMLJobName"])
        self._created = document
        self._plan = plan
        self._region = region
        self._output = f"{plan.output_path}/{self.name}"
        self._box = Box.create(self.name)
        self._events_read = 0
        self._ended: str | None = None

    def run(self) -> Document:
        """Explore, prepare, search, report; raises `JobFailed` with the container's own reason."""
        try:
            self._download()
            container = self._container()
            code = self._follow(container)
            if code != 0 and not self._kept_best(code):
                raise JobFailed(failure_reason(code, self._box.failure()))
            self.update(AutoMLJobSecondaryStatus="MergingAutoMLTaskReports")
            self._end_unfinished("Stopped")
            reached = self._ended in (MAX_RUNTIME_REACHED, "CandidateDefinitionsGenerated")
            return {"AutoMLJobSecondaryStatus": self._ended if reached else "Completed"}
        finally:
            self._box.remove()

    def stop(self) -> None:
        """Ask for the end; finished candidates are kept."""
        super().stop()
        if self.document[self.status_key] == "Stopping":
            self.update(AutoMLJobSecondaryStatus="Stopping")

    def stopped_changes(self) -> Document:
        """A stopped job keeps its finished candidates."""
        self._end_unfinished("Stopped")
        return {"AutoMLJobSecondaryStatus": "Stopped"}

    def failed_changes(self) -> Document:
        """A failed job says so in both statuses."""
        self._end_unfinished("Failed")
        return {"AutoMLJobSecondaryStatus": "Failed"}

    def _download(self) -> None:
        for channel in self._plan.channels:
            self.check()
            directory = self._box.directory(f"/opt/ml/input/data/{channel.name}")
            artifacts.download(channel.uri, directory)
        self._box.directory("/opt/ml/output/data")
        write_json(self._box, "/opt/ml/input/config/hyperparameters.json", self._settings())

    def _settings(self) -> dict[str, str]:
        plan = self._plan
        training = next(channel for channel in plan.channels if channel.name == "training")
        optional = {
            "problem_type": plan.problem_type,
            "objective": plan.objective,
            "content": plan.content,
            "max_seconds_per_candidate": plan.criteria.get("MaxRuntimePerTrainingJobInSeconds"),
            "max_seconds": plan.criteria.get("MaxAutoMLJobRuntimeInSeconds"),
        }
        return {
            "job_name": self.name,
            "target": plan.target,
            "content_type": training.content_type,
            "compression": training.compression,
            "max_candidates": str(plan.max_candidates),
            "validation_fraction": str(plan.validation_fraction),
            "algorithms": json.dumps(plan.algorithms),
            "definitions_only": str(plan.definitions_only).lower(),
            "images": json.dumps(automl_candidates.images(self._region)),
            **{key: str(value) for key, value in optional.items() if value is not None},
        }

    def _container(self) -> Container:
        return Container(
            automl_candidates.automl_image(self._region),
            ["train"],
            self._box,
            {},
            LOG_GROUP,
            log_stream(self.name),
            self._region,
        )

    def _follow(self, container: Container) -> int:
        """Run the container, taking its events as they come; returns its exit code."""
        limit = self._plan.criteria.get("MaxAutoMLJobRuntimeInSeconds")
        last_moment = None if limit is None else time.monotonic() + limit + _OVERTIME_SECONDS
        self.check()
        container.start()
        while True:
            try:
                code = container.wait(_POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                self._take_events()
            if self.stop_requested.is_set():
                container.stop(_GRACE_SECONDS)
                self._take_events()
                raise JobStopped("stopped on request")
            if last_moment is not None and time.monotonic() > last_moment:
                code = container.stop(_GRACE_SECONDS)
                self._ended = MAX_RUNTIME_REACHED
                break
        self._take_events()
        return code

    def _kept_best(self, code: int) -> bool:
        """Whether a container that had to be ended for its runtime has left a candidate to keep."""
        kept = self._ended == MAX_RUNTIME_REACHED and "BestCandidate" in self.document
        if kept:
            log.warning("AutoML job %s was ended after its runtime, exit code %d", self.name, code)
        return kept

    def _take_events(self) -> None:
        path = self._box.root / "output/data/events.jsonl"
        if not path.is_file():
            return
        with path.open("rb") as events:
            events.seek(self._events_read)
            for line in events:
                if not line.endswith(b"\n"):
                    return
                self._events_read += len(line)
                self._take(json.loads(line))

    def _take(self, event: Document) -> None:
        self._upload(event["files"])
        handler = {
            "stage": self._on_stage,
            "resolved": self._on_resolved,
            "step": self._on_step,
            "artifacts": self._on_artifacts,
            "candidate": self._on_candidate,
            "report": self._on_report,
            "partial_failure": self._on_partial_failure,
            "finished": self._on_finished,
        }[event["event"]]
        handler(event)

    def _upload(self, files: list[str]) -> None:
        root = self._box.root / "output/data/artifacts"
        for relative in files:
            path: Path = root / relative
            if path.is_dir():
                artifacts.upload(path, f"{self._output}/{relative}")
            else:
                artifacts.write(f"{self._output}/{relative}", path.read_bytes())

    def _on_stage(self, event: Document) -> None:
        if not self.stop_requested.is_set():
            self.update(AutoMLJobSecondaryStatus=event["stage"])

    def _on_resolved(self, event: Document) -> None:
        criteria = {**self._plan.criteria, "MaxCandidates": self._plan.max_candidates}
        self.update(
            Resolved={
                "ProblemType": event["problem_type"],
                "MetricName": event["objective"],
                "CompletionCriteria": criteria,
            }
        )

    def _on_step(self, event: Document) -> None:
        document = automl_steps.step_document(event, self._created, self._output, self._region)
        automl_steps.record(document, event["kind"])

    def _on_artifacts(self, event: Document) -> None:
        self.update(
            AutoMLJobArtifacts={
                "CandidateDefinitionNotebookLocation": f"{self._output}/{event['candidate_definition']}",
                "DataExplorationNotebookLocation": f"{self._output}/{event['data_exploration']}",
            }
        )

    def _on_candidate(self, event: Document) -> None:
        training = automl_steps.candidate_training_document(event, self._created, self._output, self._region)
        automl_steps.record(training, "TrainingJob")
        candidate = automl_candidates.candidate_document(event, self._output, self._region)
        if self._plan.content is not None and "InferenceContainers" in candidate:
            candidate["InferenceContainerDefinitions"] = {"CPU": candidate.pop("InferenceContainers")}
        self._put_candidate(candidate)

    def _put_candidate(self, candidate: Document) -> None:
        others = [
            other for other in self._candidates() if other["CandidateName"] != candidate["CandidateName"]
        ]
        candidates = [*others, candidate]
        best = automl_candidates.best(candidates)
        self.update(Candidates=candidates, **({"BestCandidate": best} if best else {}))

    def _on_report(self, event: Document) -> None:
        candidate = next(item for item in self._candidates() if item["CandidateName"] == event["candidate"])
        locations = candidate["CandidateProperties"].get("CandidateArtifactLocations", {})
        if event["report"] != "Explainability" and "Explainability" not in locations:
            return  # AWS's model of the answer does not allow other locations without this one
        # The location is the directory above the candidate's, as in recorded jobs.
        locations[event["report"]] = f"{self._output}/{event['files'][0].rpartition('/')[0]}"
        candidate["CandidateProperties"]["CandidateArtifactLocations"] = locations
        self._put_candidate(candidate)

    def _on_partial_failure(self, event: Document) -> None:
        reasons = self.document.get("PartialFailureReasons", [])
        message = {"PartialFailureMessage": event["reason"][:1024]}
        self.update(PartialFailureReasons=[*reasons, message][:5])

    def _on_finished(self, event: Document) -> None:
        self._ended = event["reason"]

    def _candidates(self) -> list[Document]:
        candidates: list[Document] = self.document.get("Candidates", [])
        return candidates

    def _end_unfinished(self, status: str) -> None:
        """End the candidate that was being trained, and its training job."""
        for candidate in self._candidates():
            if candidate["CandidateStatus"] != "InProgress":
                continue
            ended: Document = {"EndTime": now(), "LastModifiedTime": now()}
            self._put_candidate(
                {**candidate, **ended, "CandidateStatus": status, "ObjectiveStatus": "Failed"}
            )
            store().update(
                "TrainingJob",
                candidate["CandidateName"],
                TrainingJobStatus=status,
                SecondaryStatus=status,
                TrainingEndTime=now(),
                LastModifiedTime=now(),
            )
