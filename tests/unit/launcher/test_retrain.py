"""What `make run` says at its end."""

from __future__ import annotations

import io
import shlex
from typing import Any

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
