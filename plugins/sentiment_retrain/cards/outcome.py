"""What came of a run, in one word for programs and in a few for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Words(NamedTuple):
    """How an outcome is said: on a card, in a row of the timeline, and how it is coloured."""

    headline: str
    row: str
    level: str


OUTCOMES: Mapping[str, Words] = {
    "failed": Words("The run failed", "failed", "fail"),
    "waits": Words("{winner} waits for approval", "waits for approval", "warn"),
    "rejected": Words("{winner} was rejected", "rejected", "plain"),
    "rolled_back": Words("Rolled back and pinned", "rolled back", "warn"),
    "unpinned": Words("Unpinned", "unpinned", "plain"),
    "planned": Words("Planned, and nothing started", "planned only", "plain"),
    "deployed": Words("{winner} goes live", "went live", "pass"),
    "left": Words("{winner} wins, the endpoint stays as it was", "not deployed", "plain"),
    "kept": Words("The champion stays", "champion stayed", "plain"),
    "not_deployed": Words("{winner} wins, nothing is deployed", "not deployed", "plain"),
    "done": Words("The run is done", "no verdict", "plain"),
}
_BY_ACTION = {"keep_champion": "kept", "do_not_deploy": "not_deployed"}
_BY_ENDPOINT = {"rolled_back_by_request": "rolled_back", "unpinned": "unpinned"}


def outcome(card: Mapping[str, Any]) -> str:
    """The key of :data:`OUTCOMES` for a card, of a finished run or of one that waits.

    :param card: as :func:`sentiment_retrain.cards.report.build_card` gives it
    """
    verdict, endpoint = card.get("verdict") or {}, card.get("endpoint") or {}
    if card.get("status") == "failed":
        return "failed"
    if card.get("mode") == "plan_only":
        return "planned"
    if not verdict:
        return _BY_ENDPOINT.get(str(endpoint.get("outcome")), "done")
    if waits_for_approval(card):
        return "waits"
    if (card.get("approval") or {}).get("decision") == "rejected":
        return "rejected"
    if verdict["action"] == "deploy":
        return "deployed" if endpoint.get("changed") else "left"
    return _BY_ACTION.get(verdict["action"], "done")


def waits_for_approval(card: Mapping[str, Any]) -> bool:
    """Whether the card was written while its run waited for somebody's decision on the winner."""
    package = card.get("registration") or {}
    is_undecided = not card.get("approval") and package.get("approval_status") == "PendingManualApproval"
    # Once the run is over, `missing` names the state in which the task ended.
    return is_undecided and (card.get("missing") or {}).get("approval") == "approve did not run"


def headline(card: Mapping[str, Any]) -> str:
    """The run in five words."""
    # Not at the top: it brings numpy, which no DAG file waits for.
    from sentiment_retrain.verdict.selection import display_name

    found = outcome(card)
    if found == "failed" and (card.get("failure") or {}).get("title"):
        return str(card["failure"]["title"])
    winner = display_name((card.get("verdict") or {}).get("winner"))
    return OUTCOMES[found].headline.format(winner=winner)
