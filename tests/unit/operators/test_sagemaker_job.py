"""One job, paid for once: submitted, reused, reconnected to, retried under a new name, stopped."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred
from stand_in import ROLE, TEST_IMAGE

from sentiment_retrain.aws import jobs
from sentiment_retrain.aws.triggers import SageMakerJobTrigger
from sentiment_retrain.operators.job_control import stop_held
from sentiment_retrain.operators.job_request import JobRequest
from sentiment_retrain.operators.sagemaker_job import SageMakerJobOperator
from sentiment_retrain.settings import load_settings

from .conftest import context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sentiment_retrain.aws.hooks import Aws

    from .hosted import World

    Execute = Callable[..., Any]


class ProbeOperator(SageMakerJobOperator):
    """A processing job of the test image."""

    # Airflow's own logger of a task is out of caplog's reach.
    log = logging.getLogger("probe")  # type: ignore[assignment]

    def __init__(self, *, command: str = "copy", data: str = "same", **kwargs: Any) -> None:
        super().__init__(task_id="probe", **kwargs)
        self.command = command
        self.data = data

    def next_job(self, done: Mapping[str, dict[str, Any]]) -> JobRequest | None:
        if done:
            return None
        bucket = self.run["bucket"]

        def body(name: str) -> dict[str, Any]:
            target = {"S3Uri": f"s3://{bucket}/jobs/{name}/output", "S3UploadMode": "EndOfJob"}
            outputs = [
                {
                    "OutputName": "result",
                    "S3Output": target | {"LocalPath": "/opt/ml/processing/output"},
                }
            ]
            cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            return {
                "RoleArn": ROLE,
                "AppSpecification": {"ImageUri": TEST_IMAGE, "ContainerArguments": [self.command]},
                "ProcessingResources": {"ClusterConfig": cluster},
                "ProcessingOutputConfig": {"Outputs": outputs},
            }

        return JobRequest(
            kind=jobs.PROCESSING,
            step="probe",
            inputs={"command": self.command, "data": self.data},
            body=body,
            data_until="2026-03-01",
            instance_type="ml.m5.large",
            instance_count=1,
            timeout_seconds=60,
        )

    def parse(self, context: Any, done: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        del context
        return done["probe"]


def run_of(bucket: str, run_key: str = "first", **changes: Any) -> dict[str, Any]:
    return {"run_key": run_key, "bucket": bucket, "region": "us-east-1", "reuse": True} | changes


def names(aws: Aws) -> list[str]:
    prefix = ProbeOperator(run={}).settings.prefix
    found = aws.sagemaker("list_processing_jobs", NameContains=prefix)["ProcessingJobSummaries"]
    return sorted(item["ProcessingJobName"] for item in found)


def in_background(work: Callable[[], Any]) -> tuple[threading.Thread, list[BaseException]]:
    """Start ``work``; what it raises is in the list when the thread has ended."""
    raised: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            raised.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    return thread, raised


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.1)


def is_waiting(probe: ProbeOperator) -> bool:
    return "deadline" in (probe._held or {})


def status_of(aws: Aws, name: str) -> str:
    return str((aws.describe_job(jobs.PROCESSING, name) or {})["ProcessingJobStatus"])


def test_a_job_is_submitted_once_and_then_reused(aws: Aws, bucket: str, execute: Execute) -> None:
    pushed: dict[str, Any] = {}
    first = execute(ProbeOperator(run=run_of(bucket)), pushed)
    assert (first["outcome"], first["status"], first["kind"]) == ("submitted", "Completed", "ProcessingJob")
    assert first["cost_usd"] == pytest.approx(first["billable_seconds"] / 3600 * 0.115)
    assert aws.has_objects(first["output_uri"])
    assert pushed["job_url"] == aws.client("sagemaker").meta.endpoint_url
    tags = aws.tags(first["arn"])
    assert (tags["retrain:run"], tags["retrain:step"]) == ("first", "probe")
    assert tags["retrain:data-until"] == "2026-03-01"
    second = execute(ProbeOperator(run=run_of(bucket, "second")))
    assert (second["outcome"], second["name"]) == ("reused", first["name"])
    assert "run first completed it at " in second["why"]
    assert names(aws) == [first["name"]]


def test_other_inputs_are_another_job(aws: Aws, bucket: str, execute: Execute) -> None:
    execute(ProbeOperator(run=run_of(bucket)))
    assert execute(ProbeOperator(run=run_of(bucket), data="other"))["outcome"] == "submitted"
    assert len(names(aws)) == 2


def test_without_reuse_another_runs_job_is_not_used_but_ones_own_is(
    aws: Aws, bucket: str, execute: Execute
) -> None:
    first = execute(ProbeOperator(run=run_of(bucket)))
    fresh = run_of(bucket, "second", reuse=False)
    second = execute(ProbeOperator(run=fresh))
    assert (second["outcome"], second["name"]) == ("submitted", f"{first['name']}-r1")
    assert execute(ProbeOperator(run=fresh))["outcome"] == "reused"
    assert len(names(aws)) == 2


def test_a_job_whose_output_is_gone_is_done_again(aws: Aws, bucket: str, execute: Execute) -> None:
    first = execute(ProbeOperator(run=run_of(bucket)))
    for entry in aws.list_objects(first["output_uri"]):
        aws.client("s3").delete_object(Bucket=bucket, Key=entry.uri.removeprefix(f"s3://{bucket}/"))
    assert execute(ProbeOperator(run=run_of(bucket)))["name"] == f"{first['name']}-r1"


def test_the_output_of_a_jobs_next_attempt_is_not_its_own(aws: Aws, bucket: str) -> None:
    # An AutoML job's folder is named as the job is.
    folder = f"s3://{bucket}/jobs/sr-automl-20260301-0123456789"
    aws.put_bytes(f"{folder}-r1/model.tar.gz", b"model")
    assert not aws.has_objects(folder)
    aws.put_bytes(f"{folder}/model.tar.gz", b"model")
    assert aws.has_objects(folder)
    assert aws.has_objects(f"{folder}/model.tar.gz")


def test_a_job_of_another_installation_is_not_ours(aws: Aws, bucket: str, execute: Execute) -> None:
    other = f"{bucket}-other"
    aws.client("s3").create_bucket(Bucket=other)
    theirs = execute(ProbeOperator(run=run_of(other)))
    ours = execute(ProbeOperator(run=run_of(bucket)))
    assert (ours["outcome"], ours["name"]) == ("submitted", f"{theirs['name']}-r1")
    assert f"another installation, whose bucket is {other}" in ours["why"]
    assert ours["output_uri"].startswith(f"s3://{bucket}/")
    assert execute(ProbeOperator(run=run_of(bucket, "second")))["name"] == ours["name"]


def test_a_kill_while_another_installation_takes_the_name_leaves_its_job_alone(aws: Aws, bucket: str) -> None:
    other = f"{bucket}-other"
    aws.client("s3").create_bucket(Bucket=other)
    theirs = ProbeOperator(run=run_of(other), command="sleep")
    thread, _ = in_background(lambda: theirs.execute(context()))
    wait_until(lambda: is_waiting(theirs))
    # As when the kill arrives before AWS has answered our request, which it refuses.
    log: Any = theirs.log
    held = {"kind": "ProcessingJob", "name": names(aws)[0], "owned": True, "is_sure": False}
    stop_held(aws, held, run_of(bucket), log)
    assert status_of(aws, names(aws)[0]) == "InProgress"
    stop_held(aws, held, run_of(other), log)
    wait_until(lambda: status_of(aws, names(aws)[0]) == "Stopped")
    theirs.on_kill()
    thread.join(30)


def test_a_job_on_machines_that_have_no_price_any_more_is_reused(world: World, execute: Execute) -> None:
    class LargeProbe(ProbeOperator):
        def next_job(self, done: Mapping[str, dict[str, Any]]) -> JobRequest | None:
            request = super().next_job(done)
            return request and dataclasses.replace(request, instance_type="ml.r5.24xlarge")

    without = world.overlay.read_text()
    world.configure(prices={"instance_hour": {"ml.r5.24xlarge": 7.0}})
    assert execute(LargeProbe(run=run_of(world.bucket)))["cost_usd"] > 0
    world.overlay.write_text(without)
    load_settings.cache_clear()
    later = execute(ProbeOperator(run=run_of(world.bucket, "second")))
    assert (later["outcome"], later["cost_usd"]) == ("reused", None)


def test_a_failed_job_gets_a_successor_and_its_reason_is_told(
    aws: Aws, bucket: str, execute: Execute, caplog: pytest.LogCaptureFixture
) -> None:
    for attempt in (1, 2):
        probe = ProbeOperator(run=run_of(bucket), command="fail")
        caplog.set_level(logging.INFO, logger="probe")
        with pytest.raises(AirflowFailException, match="the input is not a review") as caught:
            execute(probe)
        assert "SR-JOB-001" in str(caught.value)
        assert len(names(aws)) == attempt
    assert names(aws)[1] == f"{names(aws)[0]}-r1"
    # The container's own words are in the task's log.
    assert any("about to fail" in record.getMessage() for record in caplog.records)


def test_a_running_job_is_reconnected_to_and_only_its_owners_kill_stops_it(aws: Aws, bucket: str) -> None:
    owner = ProbeOperator(run=run_of(bucket), command="sleep")
    thread, raised = in_background(lambda: owner.execute(context()))
    wait_until(lambda: is_waiting(owner))

    guest = ProbeOperator(run=run_of(bucket, "second"), command="sleep")
    other, other_raised = in_background(lambda: guest.execute(context()))
    wait_until(lambda: is_waiting(guest))
    assert guest._held is not None
    assert guest._held["outcome"] == "reconnected"
    assert len(names(aws)) == 1

    guest.on_kill()
    other.join(30)
    assert status_of(aws, names(aws)[0]) == "InProgress"
    owner.on_kill()
    thread.join(30)
    assert not any(waiting.is_alive() for waiting in (thread, other))
    wait_until(lambda: status_of(aws, names(aws)[0]) == "Stopped")
    # Airflow drops this error when a person ended the task, and tries again when its worker went away.
    assert [type(error) for error in (*raised, *other_raised)] == [AirflowException] * 2
    assert "SR-JOB-007" in str(raised[0])


def test_deferred_and_not_deferred_hand_on_the_same(aws: Aws, bucket: str, execute: Execute) -> None:
    blocking = execute(ProbeOperator(run=run_of(bucket), data="blocking", deferrable=False))
    with pytest.raises(TaskDeferred) as deferred:
        ProbeOperator(run=run_of(bucket), data="deferred", deferrable=True).execute(context())
    path, arguments = deferred.value.trigger.serialize()
    assert path == "sentiment_retrain.aws.triggers.SageMakerJobTrigger"
    event = asyncio.run(first_event(SageMakerJobTrigger(**arguments)))
    resumed = ProbeOperator(run=run_of(bucket), data="deferred", deferrable=True)
    kwargs = deferred.value.kwargs or {}
    job = getattr(resumed, deferred.value.method_name)(context(), event=event, **kwargs)
    assert set(job) == set(blocking)
    assert (job["outcome"], job["status"]) == ("submitted", "Completed")
    # A job that is done already needs no trigger.
    assert execute(ProbeOperator(run=run_of(bucket), data="deferred", deferrable=True))["outcome"] == "reused"


def test_a_job_of_seconds_is_waited_for_in_the_worker(aws: Aws, bucket: str, execute: Execute) -> None:
    for command, seconds in (("copy", 30.0), ("sleep", 0.1)):
        probe = ProbeOperator(run=run_of(bucket), command=command, deferrable=True)
        settings = probe.settings.model_copy(update={"short_wait_seconds": seconds})
        probe.settings = settings
        if command == "copy":
            assert execute(probe)["outcome"] == "submitted"
            continue
        with pytest.raises(TaskDeferred) as deferred:
            probe.execute(context())
        asyncio.run(SageMakerJobTrigger(**deferred.value.trigger.serialize()[1]).on_kill())
    assert len(names(aws)) == 2


async def first_event(trigger: SageMakerJobTrigger) -> dict[str, Any]:
    began = time.monotonic()
    async for event in trigger.run():
        assert time.monotonic() - began >= 2, "an early trigger overtakes the worker's own report"
        return dict(event.payload)
    raise AssertionError("the trigger ended without an event")


def test_the_trigger_stops_the_job_when_the_task_is_killed(aws: Aws, bucket: str) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        ProbeOperator(run=run_of(bucket), command="sleep", deferrable=True).execute(context())
    _, arguments = deferred.value.trigger.serialize()
    asyncio.run(SageMakerJobTrigger(**arguments | {"stop_on_kill": False}).on_kill())
    job = aws.describe_job(jobs.PROCESSING, arguments["name"])
    assert job is not None
    assert job["ProcessingJobStatus"] == "InProgress"
    asyncio.run(SageMakerJobTrigger(**arguments).on_kill())

    def stopped() -> bool:
        description = aws.describe_job(jobs.PROCESSING, arguments["name"])
        return description is not None and description["ProcessingJobStatus"] == "Stopped"

    wait_until(stopped)


def test_a_job_that_takes_too_long_is_stopped(aws: Aws, bucket: str) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        ProbeOperator(run=run_of(bucket), command="sleep", deferrable=True).execute(context())
    _, arguments = deferred.value.trigger.serialize()
    event = asyncio.run(first_event(SageMakerJobTrigger(**arguments | {"deadline": time.time()})))
    assert event["timed_out"]
    resumed = ProbeOperator(run=run_of(bucket), command="sleep", deferrable=True)
    with pytest.raises(AirflowFailException, match="SR-JOB-003"):
        resumed.resume(context(), event=event, **(deferred.value.kwargs or {}))
    job = aws.describe_job(jobs.PROCESSING, arguments["name"])
    assert job is not None
    assert job["ProcessingJobStatus"] in {"Stopping", "Stopped"}
