"""What is said, in the fewest lines that let somebody decide whether to get up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.settings.notifications import Event

#: SNS refuses longer subjects, and any that is not ASCII on one line.
SUBJECT_LIMIT = 99
_GATE = "SR-GATE-"
_DEPLOYED = frozenset({"created", "updated", "reconnected"})
#: How a verification begins that could not put anything back.
_LEFT = "left as it is"
_ROLLED_BACK = frozenset({"rolled_back", "rolled_back_by_request"})


@dataclass(frozen=True)
class Message:
    """One message.

    :param events: what it tells of, the most urgent first
    :param subject: one line
    :param lines: the rest; each a line of plain text
    """

    events: tuple[Event, ...]
    subject: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines below each other."""
        return "\n".join(self.lines)

    @property
    def short_subject(self) -> str:
        """The subject as SNS takes it."""
        plain = " ".join(self.subject.split()).encode("ascii", "replace").decode()
        return plain[:SUBJECT_LIMIT]


def events_of(card: Mapping[str, Any]) -> tuple[Event, ...]:
    """What a finished run is worth telling of, the most urgent first; empty where it changed nothing."""
    endpoint = card.get("endpoint") or {}
    outcome = endpoint.get("outcome")
    found: list[Event] = []
    if card["status"] == "failed":
        code = str((card.get("failure") or {}).get("code") or "")
        found.append("gate_failed" if code.startswith(_GATE) else "run_failed")
    if outcome in _ROLLED_BACK or _was_put_back(card):
        found.append("rolled_back")
    elif outcome in _DEPLOYED:
        found.append("deployed")
    return tuple(found)


def _was_put_back(card: Mapping[str, Any]) -> bool:
    """Whether a verification that said no made the endpoint serve what it served before."""
    said = (card.get("verification") or {}).get("put_back") or ""
    return bool(said) and not said.startswith(_LEFT)


def of_card(card: Mapping[str, Any], link: str) -> Message | None:
    """The message about a finished run, None where there is nothing to tell.

    :param card: as :func:`sentiment_retrain.cards.report.build_card` gives it
    :param link: where the whole card is
    """
    events = events_of(card)
    if not events:
        return None
    lines = [
        *_failure_lines(card.get("failure")),
        *_endpoint_lines(card.get("endpoint"), events),
        *score_lines(card.get("verdict")),
        _cost_line(card.get("cost") or {}),
        f"Run: {card['run_id']}",
        f"Card: {link}",
    ]
    return Message(events, _subject(card, events), tuple(line for line in lines if line))


def of_question(verdict: Mapping[str, Any], endpoint_name: str, arn: str, link: str, until: str) -> Message:
    """The message that somebody has to decide on a model.

    :param until: when it is too late
    """
    lines = [
        verdict["reason"],
        *score_lines(verdict),
        f"Model package: {arn}",
        f"Without a decision until {until} the model is rejected.",
        "Decide under Required Actions in Airflow, or in the model registry.",
        f"Card: {link}",
    ]
    return Message(("approval_waiting",), f"Deploy {verdict['winner']} to {endpoint_name}?", tuple(lines))


def of_crash(dag_id: str, run_id: str, reason: str, link: str) -> Message:
    """The message about a run that failed without a report: it timed out, or was marked failed."""
    lines = (
        f"Airflow's reason: {reason or 'none given'}",
        "The run wrote no report; its tasks and their logs are in Airflow.",
        f"Run: {run_id}",
        f"Link: {link}",
    )
    return Message(("run_failed",), f"{dag_id} failed without a report", lines)


def of_late_run(dag_id: str, run_id: str, state: str, deadline: str, link: str) -> Message:
    """The message about a run that should be done by now; it goes on."""
    lines = (
        f"It should have ended by {deadline}, and is {state}. Nothing was stopped.",
        "Look for a task that is queued, or deferred for a job that takes long; an approval may be waiting.",
        f"Run: {run_id}",
        f"Link: {link}",
    )
    return Message(("run_late",), f"{dag_id} is late", lines)


def score_lines(verdict: Mapping[str, Any] | None) -> list[str]:
    """One line a scored model: metric and interval, the winner first."""
    scores = (verdict or {}).get("scores") or {}
    if not verdict or not scores:
        return []
    winner = verdict.get("winner")
    ordered = sorted(scores, key=lambda name: name != winner)
    return [
        f"{name}{' (winner)' if name == winner else ''}: {verdict['metric']} {figure(scores[name])}"
        for name in ordered
    ]


def figure(score: Mapping[str, Any]) -> str:
    """A score with its interval, e.g. ``0.712 (0.684 to 0.741)``."""
    low, high = score.get("interval") or (None, None)
    interval = "" if low is None else f" ({low:.3f} to {high:.3f})"
    return f"{score['value']:.3f}{interval}"


def _subject(card: Mapping[str, Any], events: tuple[Event, ...]) -> str:
    failure, endpoint = card.get("failure") or {}, card.get("endpoint") or {}
    name = endpoint.get("name") or card.get("dag_id") or "Sentiment Retrain"
    if "rolled_back" in events:
        to = endpoint.get("previous_config" if _was_put_back(card) else "config")
        return f"{name} rolled back to {to or 'what was live before'}"
    if events[0] == "deployed":
        return f"{name} serves {endpoint.get('model_name')}"
    code = f"{failure['code']}: " if failure.get("code") else ""
    what = "gate said no" if events[0] == "gate_failed" else "run failed"
    return f"{card.get('dag_id') or 'Sentiment Retrain'}: {what}, {code}{failure.get('title')}"


def _failure_lines(failure: Mapping[str, Any] | None) -> list[str]:
    if not failure:
        return []
    entries = ", ".join(failure.get("runbooks") or [str(failure.get("runbook"))])
    return [
        f"{failure.get('code') or 'No code'} in {failure.get('task')}: {failure.get('title')}",
        *(f"{name}: {_one_line(failure[name])}" for name in ("observed", "expected") if failure.get(name)),
        f"What to do: {_one_line(failure.get('remedy') or '')} ({entries})",
    ]


def _endpoint_lines(endpoint: Mapping[str, Any] | None, events: tuple[Event, ...]) -> list[str]:
    if not endpoint or not {"deployed", "rolled_back"} & set(events):
        return []
    before = f", before: {endpoint['previous_config']}" if endpoint.get("previous_config") else ""
    reasons = endpoint.get("rolled_back_by") or []
    return [
        f"Model: {endpoint.get('model_name')}, configuration {endpoint.get('config')}{before}",
        *([_one_line(endpoint["said"])] if endpoint.get("said") else []),
        *(f"Alarm {one.get('alarm')}: {_one_line(one.get('reason') or '')}" for one in reasons),
    ]


def _cost_line(cost: Mapping[str, Any]) -> str:
    if cost.get("jobs_usd") is None:
        return ""
    bound = f" of at most {cost['bound_usd']:.2f}" if cost.get("bound_usd") is not None else ""
    saved = f", {cost['saved_by_reuse_usd']:.2f} saved by reuse" if cost.get("saved_by_reuse_usd") else ""
    return f"Cost: {cost['jobs_usd']:.2f} USD{bound}{saved}"


def _one_line(value: object, limit: int = 300) -> str:
    """Text of anything on one line; a message is no place for a table of a thousand rows."""
    text = " ".join(str(value).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
