from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from launcher.summary import print_summary

TEST = {
    "n": 2800,
    "macro_f1": 0.612,
    "balanced_accuracy": 0.633,
    "accuracy": 0.655,
    "intervals": {"macro_f1": [0.59, 0.634]},
}
CARD: dict[str, Any] = {
    "run_key": "20261122-run-1a2b",
    "status": "success",
    "data": {
        "rows_received": 14313,
        "rows_accepted": 14310,
        "rows_refused": 3,
        "datasets": {"rows": {"train": 4000, "validation": 500, "test": 2800}},
    },
    "gates": [{"gate": "drift", "status": "warn", "observed": "category_psi 0.300 [high]"}],
    "contenders": {"autopilot": {"test": TEST}, "blazingtext": {"test": TEST | {"macro_f1": 0.598}}},
    "champion": None,
    "verdict": {"winner": "autopilot", "action": "deploy", "reason": "Better by 0.014 [0.001, 0.02]."},
    "endpoint": {"name": "sentiment-retrain", "status": "InService", "containers": [{}, {}, {}]},
    "jobs": [
        {"task": "train.autopilot", "name": "sr-autopilot-1", "outcome": "submitted"},
        {"task": "train.blazingtext", "name": "sr-blazingtext-1", "outcome": "reused"},
    ],
    "cost": {"jobs_usd": 1.234},
    "timings": {"plan": 1.0, "train.autopilot": 61.4},
    "failure": None,
}


def printed(card: dict[str, Any]) -> str:
    output = io.StringIO()
    print_summary(Console(file=output, width=120, highlight=False), card, Path("/runs/r/card.json"))
    return output.getvalue()


def test_the_summary_says_what_ran_on_what_and_how_it_ended() -> None:
    text = printed(CARD)

    for expected in (
        "Run 20261122-run-1a2b  success",
        "14,313 reviews received, 14,310 accepted, 3 refused",
        "4,000 train, 500 validation, 2,800 test",
        "category_psi 0.300 [high]",
        "0.590 to 0.634",
        "1 run, 1 reused",
        "reused train.blazingtext: sr-blazingtext-1",
        "train.autopilot 61 s, plan 1 s",
        "autopilot (deploy)",
        "Better by 0.014 [0.001, 0.02].",
        "sentiment-retrain InService, 3 containers in series",
        "/runs/r/card.html",
    ):
        assert expected in text


def test_the_live_champion_is_shown_beside_its_challengers() -> None:
    text = printed(CARD | {"champion": {"endpoint_name": "sentiment-retrain", "test": TEST}})

    assert "live champion" in text


def test_a_failed_run_says_what_failed_and_what_to_do() -> None:
    failure = {
        "task": "check.reviews",
        "code": "SR-GATE-002",
        "title": "A gate said no",
        "observed": "2 of 9 expectations not met",
        "expected": "all met",
        "remedy": "Look at the report.",
    }
    nothing = dict.fromkeys(CARD, None)

    text = printed(nothing | {"run_key": "r", "status": "failed", "failure": failure})

    assert "Run r  failed" in text
    assert "SR-GATE-002 A gate said no (task check.reviews)" in text
    assert "observed: 2 of 9 expectations not met" in text
    assert "what to do: Look at the report." in text


def test_many_passes_of_one_gate_are_one_line_and_each_warning_is_its_own() -> None:
    passes = [{"gate": "quality", "status": "pass", "observed": f"check {n}"} for n in range(9)]
    warnings = [{"gate": "quality", "status": "warn", "observed": f"odd {n}"} for n in range(6)]

    text = printed(CARD | {"gates": passes + warnings})

    assert "9 checks, all as expected" in text
    assert "check 3" not in text
    assert all(f"odd {n}" in text for n in range(6))
