"""The trigger's own rules; its work on a real job is in operators/test_sagemaker_job.py."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from sentiment_retrain import errors
from sentiment_retrain.aws import triggers
from sentiment_retrain.aws.jobs import JOB_KINDS
from sentiment_retrain.aws.triggers import SageMakerJobTrigger


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triggers, "FIRST_POLL_SECONDS", 0)


def trigger(**changes: Any) -> SageMakerJobTrigger:
    arguments: dict[str, Any] = {
        "kind": "TrainingJob",
        "name": "job",
        "region": "us-east-1",
        "poll_seconds": 0.01,
        "deadline": time.time() + 10,
    }
    return SageMakerJobTrigger(**arguments | changes)


class Answers:
    """Stands for AWS: gives one answer a call, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls = 0

    def describe_job(self, kind: Any, name: str) -> Any:
        assert (kind.name, name) in {(key, "job") for key in JOB_KINDS}
        answer = self.answers[min(self.calls, len(self.answers) - 1)]
        self.calls += 1
        if isinstance(answer, Exception):
            raise answer
        return answer


def status(value: str, secondary: str = "") -> dict[str, Any]:
    return {"TrainingJobName": "job", "TrainingJobStatus": value, "SecondaryStatus": secondary}


def fire(waiting: SageMakerJobTrigger, answers: Answers) -> dict[str, Any]:
    waiting._aws = answers  # type: ignore[assignment]

    async def first() -> dict[str, Any]:
        async for event in waiting.run():
            return dict(event.payload)
        raise AssertionError("no event")

    return asyncio.run(asyncio.wait_for(first(), 10))


@pytest.mark.parametrize("end", ["Completed", "Failed", "Stopped"])
def test_every_terminal_state_ends_the_wait(end: str) -> None:
    answers = Answers(status("InProgress", "Starting"), status(end))
    assert fire(trigger(), answers) == {"kind": "TrainingJob", "name": "job", "timed_out": False}
    assert answers.calls == 2


def test_unknown_states_and_invisible_jobs_are_progress() -> None:
    answers = Answers(
        None, status("InProgress", "MergingAutoMLTaskReports"), status("Resting"), status("Completed")
    )
    assert not fire(trigger(), answers)["timed_out"]
    assert answers.calls == 4


def test_aws_that_does_not_answer_is_asked_again() -> None:
    answers = Answers(errors.ServiceUnavailable("Rate exceeded", "an answer"), status("Completed"))
    assert not fire(trigger(), answers)["timed_out"]


def test_aws_that_refuses_ends_the_wait_so_that_the_operator_meets_it() -> None:
    assert not fire(trigger(), Answers(errors.AccessDenied("no", "yes")))["timed_out"]


def test_the_deadline_ends_the_wait() -> None:
    assert fire(trigger(deadline=time.time() - 1), Answers(status("InProgress")))["timed_out"]


def test_a_trigger_survives_its_journey() -> None:
    path, arguments = trigger(stop_on_kill=False).serialize()
    assert path == f"{SageMakerJobTrigger.__module__}.{SageMakerJobTrigger.__qualname__}"
    assert SageMakerJobTrigger(**arguments).serialize() == (path, arguments)
