from __future__ import annotations

from typing import Any

from launcher.remote import RemoteJobs, job_name

LOG = [
    {"event": "TrainingJob sentiment-retrain-reference-1 submitted: no job of these inputs was found"},
    {"event": "TrainingJob sentiment-retrain-reference-1: Completed"},
    {"event": "ProcessingJob sentiment-retrain-shap-1 reconnected: it is in progress"},
    {"event": "Pausing task as DEFERRED."},
]


class Jobs(RemoteJobs):
    """The account's answer set by the test."""

    def __init__(self, running: dict[str, str]) -> None:
        super().__init__("http://127.0.0.1:9")
        self.running = running

    def in_progress(self) -> dict[str, str]:
        return self.running


def test_the_job_of_a_task_is_the_last_one_it_found_or_submitted() -> None:
    assert job_name(LOG) == "sentiment-retrain-shap-1"
    assert job_name(LOG[3:]) == ""


def test_a_task_is_shown_with_what_its_job_says() -> None:
    jobs = Jobs({"sentiment-retrain-shap-1": "InProgress", "another-account's": "InProgress / Training"})

    assert jobs.remarks(["analyze.shap"], lambda _task: LOG) == {
        "analyze.shap": "InProgress  sentiment-retrain-shap-1"
    }


def test_the_log_is_read_again_only_when_the_known_job_is_over() -> None:
    jobs = Jobs({"sentiment-retrain-reference-1": "InProgress / Training"})
    reads: list[str] = []

    def read(task: str) -> list[dict[str, Any]]:
        reads.append(task)
        return LOG[: 1 if len(reads) == 1 else None]

    for _poll in range(3):
        jobs.remarks(["analyze.shap"], read)
    assert len(reads) == 1

    jobs.running = {"sentiment-retrain-shap-1": "InProgress"}
    assert jobs.remarks(["analyze.shap"], read) == {"analyze.shap": "InProgress  sentiment-retrain-shap-1"}
    assert len(reads) == 2


def test_an_account_that_does_not_answer_runs_nothing() -> None:
    assert RemoteJobs("http://127.0.0.1:9").in_progress() == {}
