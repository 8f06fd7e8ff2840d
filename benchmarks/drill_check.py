"""What the kill drill asks a restarted stand-in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from drill_jobs import BUCKET, ENDED_BY_KILL, age, told
from drill_load import GONE, LOG_GROUP, Acknowledged

if TYPE_CHECKING:
    import random
    from datetime import datetime

    from servers import Server

SAMPLE = 150


@dataclass
class Report:
    """The sum of all rounds."""

    kills: int = 0
    requests_acknowledged: int = 0
    objects_checked: int = 0
    keys_listed: int = 0
    tables_checked: int = 0
    partitions_checked: int = 0
    lines_checked: int = 0
    jobs_checked: int = 0
    jobs_under_way_checked: int = 0
    lost: int = 0
    damaged: int = 0
    restart_seconds: list[float] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    void: list[str] = field(default_factory=list)  # why the drill proves less than it says

    def lose(self, what: str) -> None:
        """Count a loss."""
        self.lost += 1
        self.findings.append(what)

    def idle(self, known: Acknowledged) -> None:
        """Count what makes the drill void: refused writers, and checks that had nothing to check."""
        self.void += known.refusals
        for name in ("objects", "tables", "partitions", "lines", "jobs"):
            if not getattr(self, f"{name}_checked"):
                self.void.append(f"none of the {name} was ever acknowledged and looked for")


class Check:
    """Asks the restarted server for everything that was acknowledged."""

    def __init__(self, server: Server, known: Acknowledged, report: Report) -> None:
        self._client = server.client
        self._s3 = server.client("s3")
        self._known = known
        self._report = report

    def run(self, chance: random.Random, killed: datetime, *, everything: bool) -> None:
        """All keys are listed; contents are read of this round's keys and a sample, or of `everything`.

        `killed` is when the round's kill was.
        """
        keys = sorted(self._known.objects)
        listed = self._listed()
        for key in sorted(set(keys) | set(self._known.under_way)):
            self._presence(key, present=key in listed)
        sample = keys if everything else chance.sample(keys, min(SAMPLE, len(keys)))
        for key in sorted({*sample, *(self._known.touched if not everything else ())} & listed):
            self._content(key)
        self._catalog()
        self._lines()
        self._jobs(listed)
        self._jobs_under_way(listed, killed)
        for job in self._known.jobs_failed:
            self._report.void.append(f"{age(job, killed):.2f} s old at the kill: {told(job)}")
        self._known.jobs_failed.clear()
        self._known.jobs_under_way.clear()
        self._known.under_way.clear()
        self._known.touched.clear()
        self._known.job_ended.clear()

    def _listed(self) -> set[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        found = {item["Key"] for page in pages for item in page.get("Contents", [])}
        self._report.keys_listed += len(found)
        return found

    def _allowed(self, key: str) -> set[str]:
        allowed = {self._known.objects.get(key, GONE)}
        return allowed | ({self._known.under_way[key]} if key in self._known.under_way else set())

    def _presence(self, key: str, *, present: bool) -> None:
        allowed = self._allowed(key)
        if not present and GONE not in allowed:
            self._report.lose(f"object {key} is gone")
        elif present and allowed == {GONE}:
            self._report.lose(f"object {key} is back after its delete was acknowledged")
        elif not present:
            self._known.objects[key] = GONE

    def _content(self, key: str) -> None:
        body = self._s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        digest = hashlib.sha256(body).hexdigest()
        self._report.objects_checked += 1
        if digest not in self._allowed(key):
            self._report.damaged += 1
            self._report.findings.append(f"object {key} has another content")
        self._known.objects[key] = digest

    def _catalog(self) -> None:
        glue = self._client("glue")
        pages = glue.get_paginator("get_tables").paginate(DatabaseName="drill")
        tables = {table["Name"] for page in pages for table in page["TableList"]}
        self._report.tables_checked += len(self._known.tables)
        for name in self._known.tables - tables:
            self._report.lose(f"table {name} is gone")
        self._report.partitions_checked += len(self._known.partitions)
        recent = sorted(self._known.partitions)[-SAMPLE:]
        for name in sorted({name for name, _ in recent} & tables):
            found = glue.get_partitions(DatabaseName="drill", TableName=name)["Partitions"]
            values = {partition["Values"][0] for partition in found}
            for wanted in {value for table, value in self._known.partitions if table == name} - values:
                self._report.lose(f"partition {name}/{wanted} is gone")

    def _lines(self) -> None:
        logs = self._client("logs")
        for stream, messages in self._known.lines.items():
            found: set[str] = set()
            arguments = {"logGroupName": LOG_GROUP, "logStreamName": stream, "startFromHead": True}
            token = None
            while True:
                answer = logs.get_log_events(**arguments, **({"nextToken": token} if token else {}))
                found |= {event["message"] for event in answer["events"]}
                if not answer["events"] or answer["nextForwardToken"] == token:
                    break
                token = answer["nextForwardToken"]
            self._report.lines_checked += len(messages)
            for message in set(messages) - found:
                self._report.lose(f"{message} of {stream} is gone")
        self._known.lines.clear()  # each stream belongs to one round

    def _jobs(self, listed: set[str]) -> None:
        sagemaker = self._client("sagemaker")
        for name in sorted(self._known.jobs):
            self._report.jobs_checked += 1
            try:
                job = sagemaker.describe_processing_job(ProcessingJobName=name)
            except ClientError:
                self._report.lose(f"job {name} is gone")
                continue
            if job["ProcessingJobStatus"] != "Completed":
                self._report.lose(f"was Completed before the kill: {told(job)}")
            if not self._has_output(name, listed):
                self._report.lose(f"output of job {name} is gone")
        alive = sagemaker.list_processing_jobs(StatusEquals="InProgress")["ProcessingJobSummaries"]
        for job in alive:
            self._report.lose(f"job {job['ProcessingJobName']} looks alive after the kill")

    def _jobs_under_way(self, listed: set[str], killed: datetime) -> None:
        """A job that nobody saw ended has ended well, or by the kill, or was never made."""
        sagemaker = self._client("sagemaker")
        for name, acknowledged in sorted(self._known.jobs_under_way.items()):
            try:
                job = sagemaker.describe_processing_job(ProcessingJobName=name)
            except ClientError:
                if acknowledged:
                    self._report.lose(f"job {name} is gone")
                continue
            self._report.jobs_under_way_checked += 1
            status, reason = job["ProcessingJobStatus"], job.get("FailureReason", "")
            well = status == "Completed" and self._has_output(name, listed)
            if not well and not (status == "Failed" and reason.startswith(ENDED_BY_KILL)):
                self._report.lose(f"{age(job, killed):.2f} s old at the kill: {told(job)}")

    @staticmethod
    def _has_output(name: str, listed: set[str]) -> bool:
        return any(key.startswith(f"out/{name}/") for key in listed)
