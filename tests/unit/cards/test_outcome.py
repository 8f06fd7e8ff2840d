"""What came of a run, for every way that a run can end or wait."""

from __future__ import annotations

from typing import Any

import pytest

from sentiment_retrain.cards import outcome

VERDICT = {"winner": "autopilot", "action": "deploy"}
PENDING = {"approval_status": "PendingManualApproval"}
NOT_YET = {"approval": "approve did not run"}


@pytest.mark.parametrize(
    ("card", "key", "said"),
    [
        ({"status": "failed", "failure": {"title": "A gate said no"}}, "failed", "A gate said no"),
        ({"status": "failed", "verdict": VERDICT}, "failed", "The run failed"),
        ({"mode": "plan_only"}, "planned", "Planned, and nothing started"),
        ({"endpoint": {"outcome": "rolled_back_by_request"}}, "rolled_back", "Rolled back and pinned"),
        ({"endpoint": {"outcome": "unpinned"}}, "unpinned", "Unpinned"),
        ({}, "done", "The run is done"),
        ({"verdict": VERDICT, "endpoint": {"changed": True}}, "deployed", "Autopilot goes live"),
        (
            {"verdict": VERDICT, "endpoint": {"changed": False}},
            "left",
            "Autopilot wins, the endpoint stays as it was",
        ),
        (
            {"verdict": VERDICT, "registration": PENDING, "missing": NOT_YET},
            "waits",
            "Autopilot waits for approval",
        ),
        (
            {"verdict": VERDICT, "registration": PENDING, "missing": {"approval": "approve was skipped"}},
            "left",
            "Autopilot wins, the endpoint stays as it was",
        ),
        (
            {"verdict": VERDICT, "registration": PENDING, "approval": {"decision": "rejected"}},
            "rejected",
            "Autopilot was rejected",
        ),
        ({"verdict": {**VERDICT, "action": "keep_champion"}}, "kept", "The champion stays"),
        (
            {"verdict": {**VERDICT, "action": "do_not_deploy"}},
            "not_deployed",
            "Autopilot wins, nothing is deployed",
        ),
    ],
)
def test_every_end_has_its_words(card: dict[str, Any], key: str, said: str) -> None:
    card = {"status": "success", **card}
    assert outcome.outcome(card) == key
    assert outcome.headline(card) == said
    assert outcome.OUTCOMES[key].level in {"pass", "warn", "fail", "plain"}
