"""What a rollback in the terminal says of itself, to its end and when it is interrupted."""

from __future__ import annotations

import contextlib
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from launcher import card, retrain, rollback
from launcher.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Airflow:
    """One that takes every run."""

    def __init__(self) -> None:
        self.confs: list[dict[str, Any]] = []
        self.begun: list[str] = []
        self.ended: list[str] = []

    def trigger(self, dag_id: str, run_id: str, conf: dict[str, Any]) -> None:
        self.confs.append(conf)
        self.begun.append(run_id)

    def fail_run(self, dag_id: str, run_id: str) -> None:
        self.ended.append(run_id)


@pytest.fixture
def taker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Airflow:
    """An Airflow and an account that are up, and the card of the run."""
    found = Airflow()

    @contextlib.contextmanager
    def gives(value: object) -> Iterator[object]:
        yield value

    home = tmp_path / "card.json"
    home.write_text(json.dumps({"endpoint": {"said": "former-1 serves again"}}))
    monkeypatch.setattr(retrain, "account", lambda *_: gives("http://aws"))
    monkeypatch.setattr(retrain, "airflow_api", lambda *_: gives(found))
    monkeypatch.setattr(retrain, "watch", lambda *_: "success")
    monkeypatch.setattr(card, "bring_home", lambda *_: home)
    monkeypatch.setattr(rollback, "RemoteJobs", lambda _: None)
    return found


def roll_back(tmp_path: Path, *, unpin: bool = False) -> str:
    printed = io.StringIO()
    with contextlib.suppress(KeyboardInterrupt):
        rollback.run(Places(tmp_path), "", unpin=unpin, console=Console(file=printed, width=200))
    return printed.getvalue()


def test_a_rollback_ends_with_how_to_deploy_again_and_what_once_more_does(
    taker: Airflow, tmp_path: Path
) -> None:
    said = roll_back(tmp_path)
    assert taker.confs == [{"mode": "rollback", "rollback_to": None}]
    assert "former-1 serves again" in said
    assert "make rollback UNPIN=1" in said
    assert "once more swaps the two models back" in said


def test_lifting_the_pin_proposes_nothing(taker: Airflow, tmp_path: Path) -> None:
    said = roll_back(tmp_path, unpin=True)
    assert taker.confs == [{"mode": "unpin"}]
    assert "make rollback" not in said


@pytest.mark.parametrize(
    ("unpin", "expected"),
    [(False, "look before you roll back again"), (True, "type the same command again")],
)
def test_an_interrupted_one_is_ended_before_airflow_stops_and_says_what_to_look_at(
    unpin: bool, expected: str, taker: Airflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is left unended goes on when Airflow starts next, beside the next rollback."""

    class NoJobs:
        def in_progress(self) -> dict[str, str]:
            return {}

    def interrupt(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(retrain, "watch", interrupt)
    monkeypatch.setattr(retrain, "RemoteJobs", lambda _: NoJobs())
    said = roll_back(tmp_path, unpin=unpin)
    assert taker.ended == taker.begun
    assert expected in said
    assert ("type the same command again" in said) is unpin
