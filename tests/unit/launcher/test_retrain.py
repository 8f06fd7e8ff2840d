"""What `make run` says at its end."""

from __future__ import annotations

import io
import shlex
from typing import Any, cast

import pytest
from rich.console import Console

from launcher import retrain
from launcher.examples import example
from sentiment_retrain.settings.schema import GoldenRequest


def card(*golden: tuple[str, int]) -> dict[str, Any]:
    return {"verification": {"golden": [{"text": text, "expected": label} for text, label in golden]}}


@pytest.mark.parametrize(
    ("document", "typed"),
    [
        (card(("Cold and bland", -1), ("The broth's great", 1)), '"The broth\'s great"'),
        (card(('Said "wow", paid $5', 1)), "'Said \"wow\", paid $5'"),
        (card(("Nie wieder", -1)), '"I love this dress, it fits perfectly"'),
        ({"verification": None}, '"I love this dress, it fits perfectly"'),
    ],
)
def test_the_next_step_asks_what_the_verification_asked(document: dict[str, Any], typed: str) -> None:
    assert example(document) == typed
    assert len(shlex.split(typed)) == 1


def test_without_a_verification_the_next_step_asks_what_one_would_ask() -> None:
    configured = [GoldenRequest(text="Cold", expected=-1), GoldenRequest(text="Tasty broth", expected=1)]
    assert example({"verification": None}, configured) == '"Tasty broth"'
    assert example(card(("Crisp crust", 1)), configured) == '"Crisp crust"'


@pytest.mark.parametrize("is_up", [False, True])
def test_make_up_is_proposed_only_where_it_starts_something(is_up: bool) -> None:
    printed = io.StringIO()
    retrain._print_next(Console(file=printed, width=140), '"fine"', "http://aws", 60, is_up=is_up)
    assert ("make up" in printed.getvalue()) is not is_up
    assert "make predict" in printed.getvalue()


class Interrupted:
    """An Airflow whose run is ended."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def fail_run(self, dag_id: str, run_id: str) -> None:
        self.ended.append(run_id)


@pytest.mark.parametrize(
    ("jobs", "said"),
    [
        ([{"sr-automl-1": "InProgress"}, {}], "Marked as failed: run-1. No job runs any more."),
        ([{"sr-automl-1": "Stopping"}], "Not over after 0 s, and paid for until then: sr-automl-1."),
    ],
)
def test_an_interrupted_run_says_what_still_costs_and_how_to_go_on(
    jobs: list[dict[str, str]], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Jobs:
        def __init__(self, _url: str) -> None:
            """Of any account."""

        def in_progress(self) -> dict[str, str]:
            return jobs.pop(0) if len(jobs) > 1 else jobs[0]

    monkeypatch.setattr(retrain, "RemoteJobs", Jobs)
    monkeypatch.setattr(retrain, "POLL_SECONDS", 0.0)
    if len(jobs) == 1:
        monkeypatch.setattr(retrain, "CANCEL_SECONDS", 0.0)
    printed, airflow = io.StringIO(), Interrupted()
    retrain.cancel(cast("Any", airflow), ["run-1"], "http://aws", Console(file=printed, width=140))
    assert airflow.ended == ["run-1"]
    assert said in printed.getvalue()
    assert "type the same command again: what had finished is not paid for twice" in printed.getvalue()
