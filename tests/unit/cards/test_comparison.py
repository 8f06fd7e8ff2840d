"""Two cards beside each other."""

from __future__ import annotations

from typing import Any

from sentiment_retrain.cards import comparison, report
from sentiment_retrain.runs.run_outputs import RunOutputs

from .. import sample_cards, samples


def card(**changes: Any) -> dict[str, Any]:
    outputs = sample_cards.whole_run(**changes)
    return report.build_card(outputs, run_key="k", run_id="r", created_at="2026-11-22T10:00:00+00:00")


def rows(before: dict[str, Any], now: dict[str, Any], group: str) -> dict[str, dict[str, Any]]:
    found = comparison.compare(before, now)["groups"].get(group, [])
    return {row["name"]: row for row in found}


def test_a_run_beside_itself_differs_in_nothing() -> None:
    same = card()
    found = comparison.compare(same, same)
    assert found["same_test"]
    assert "Gates with another result" not in found["groups"]
    assert {row["change"] for group in found["groups"].values() for row in group} == {""}


def test_differences_have_a_sign_and_a_unit() -> None:
    before = card()
    now = card()
    now["data"] |= {"rows_accepted": 100, "labels": {"-1": 1, "0": 1, "1": 2}}
    before["data"] |= {"labels": {"-1": 2, "0": 1, "1": 1}}
    now["cost"]["jobs_usd"] = before["cost"]["jobs_usd"] + 0.25
    assert rows(before, now, "Reviews")["accepted"]["change"] == "−20"
    assert rows(before, now, "Reviews")["positive, %"]["change"] == "+25.0"
    assert rows(before, now, "Effort")["jobs, estimated"]["change"] == "+$0.25"


def test_only_gates_with_another_result_are_named_by_their_worst() -> None:
    before, now = card(), card()
    now["gates"] = [*now["gates"], samples.gate("quality", "fail", task="check.reviews")]
    found = rows(before, now, "Gates with another result")
    assert {name: row["values"] for name, row in found.items()} == {"quality": ["pass", "fail"]}


def test_other_test_reviews_are_said() -> None:
    now = card()
    now["data"]["datasets"]["fingerprint"] = "another"
    assert not comparison.compare(card(), now)["same_test"]


def test_a_run_that_failed_early_can_be_compared() -> None:
    nothing = report.build_card(RunOutputs(), run_key="k", run_id="r", created_at="2026-11-22T10:00:00+00:00")
    found = comparison.compare(card(), nothing)
    assert found["groups"]["Best model"][0]["values"] == ["Autopilot", "–"]
    assert not found["same_test"]


def test_what_a_run_is_held_against() -> None:
    def run(number: int, *, scored: bool, changed: bool) -> dict[str, Any]:
        return {
            "run_key": f"k{number}",
            "run_id": f"r{number}",
            "created_at": f"2026-11-{number:02d}",
            "score": {"value": 0.5} if scored else None,
            "champion_changed": changed,
        }

    runs = [
        run(1, scored=True, changed=True),
        run(2, scored=True, changed=False),
        run(3, scored=False, changed=False),
        run(4, scored=True, changed=True),
    ]
    assert [one["run_id"] for one in comparison.others(runs, "k4")] == ["r2", "r1"]
    assert [one["run_id"] for one in comparison.others(runs, "k2")] == ["r1"]
    assert comparison.others(runs, "k1") == []
    assert comparison.others(runs, "forgotten") == []
