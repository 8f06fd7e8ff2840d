"""What each job was made from, noted when it is submitted, so that the next one can say what changed."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from sentiment_retrain.runs import reuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.operators.base import RetrainOperator
    from sentiment_retrain.operators.job_request import JobRequest


def folder(bucket: str, task_id: str, step: str = "") -> str:
    """Where the inputs of the jobs of a task are noted, one object a job."""
    return f"s3://{bucket}/inputs/{task_id}/" + (f"{step}/" if step else "")


def newest_record(aws: Aws, bucket: str, task_id: str, step: str) -> dict[str, Any] | None:
    """``run_key, job, inputs, why`` of the newest job that was submitted for this task and step."""
    records = list(aws.list_objects(folder(bucket, task_id, step)))
    if not records:
        return None
    return dict(aws.get_json(max(records, key=lambda entry: (entry.modified, entry.uri)).uri))


def noted(operator: RetrainOperator, request: JobRequest) -> JobRequest:
    """The request, which before it is submitted logs and notes what changed since the last of its kind."""
    aws, run = operator.aws, operator.run

    def prepare(name: str) -> None:
        inputs = json.loads(json.dumps(dict(request.inputs)))
        earlier = newest_record(aws, run["bucket"], operator.task_id, request.step)
        why = "this step has not run before"
        if earlier:
            why = reuse.changes_text(reuse.changed_inputs(earlier["inputs"], inputs), str(earlier["run_key"]))
        operator.log.info("%s runs: %s", name, why)
        record = {"run_key": run["run_key"], "job": name, "why": why, "inputs": inputs}
        aws.put_json(f"{folder(run['bucket'], operator.task_id, request.step)}{name}.json", record)
        if request.prepare:
            request.prepare(name)

    return dataclasses.replace(request, prepare=prepare)


def why_submitted(aws: Aws, bucket: str, job: Mapping[str, Any]) -> str | None:
    """Which input made this run submit a job, as it was noted.

    :param job: ``task, name`` and more, as the card has it
    """
    for entry in aws.list_objects(folder(bucket, str(job["task"]))):
        if entry.uri.endswith(f"/{job['name']}.json"):
            return str(aws.get_json(entry.uri)["why"])
    return None
