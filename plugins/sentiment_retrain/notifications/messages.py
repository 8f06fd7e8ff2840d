"""What is said, in the fewest lines that let somebody decide whether to get up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sentiment_retrain.endpoint.updates import was_put_back
from sentiment_retrain.error_base import runbook_entry
from sentiment_retrain.errors import GATE_CODES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sentiment_retrain.endpoint.live import Live
    from sentiment_retrain.settings.notifications import Event

#: SNS refuses longer subjects, and any that is not ASCII on one line.
SUBJECT_LIMIT = 99
_GATE = "SR-GATE-"
_DEPLOYED = frozenset({"created", "updated", "reconnected"})
_BY_REQUEST = "rolled_back_by_request"
_ROLLED_BACK = frozenset({"rolled_back", _BY_REQUEST})
#: PagerDuty's words for how urgent it is, and how a subject begins: what a lock screen shows of it.
#: Nothing here but hurt customers is worth getting up for.
CRITICAL, WARNING, INFO = "critical", "warning", "info"
URGENCY = {CRITICAL: "GET UP", WARNING: "Can wait", INFO: "FYI"}
#: What to do with the incident of the same key (PagerDuty's words).
TRIGGER, RESOLVE = "trigger", "resolve"
_GATE_OF = {code: gate for gate, code in GATE_CODES.items()}


@dataclass(frozen=True)
class Message:
    """One message.

    :param events: what it tells of, the most urgent first
    :param what: one line: what happened
    :param lines: the rest; each a line of plain text
    :param severity: `critical`: customers are hurt; `warning`: somebody has to act in working hours; `info`
    :param action: `trigger` or `resolve` the incident of ``key``; None for what is no incident
    :param key: names the incident: repeated failures of one DAG are one
    """

    events: tuple[Event, ...]
    what: str
    lines: tuple[str, ...]
    severity: str = INFO
    action: str | None = None
    key: str = ""

    @property
    def subject(self) -> str:
        """How urgent, and what."""
        return f"{URGENCY[self.severity]}: {' '.join(self.what.split())}"

    @property
    def text(self) -> str:
        """The lines below each other."""
        return "\n".join(self.lines)

    @property
    def short_subject(self) -> str:
        """The subject as SNS takes it: ASCII, one line, no control characters."""
        plain = self.subject.encode("ascii", "replace").decode()
        return "".join(sign for sign in plain if sign.isprintable())[:SUBJECT_LIMIT]

    @property
    def attributes(self) -> dict[str, str]:
        """What programs go by: filter policies of a topic, an on-call service behind it."""
        found = {"events": ",".join(self.events), "severity": self.severity}
        return found | ({"event_action": self.action, "dedup_key": self.key} if self.action else {})


def events_of(card: Mapping[str, Any]) -> tuple[Event, ...]:
    """What a finished run is worth telling of, the most urgent first; empty where it changed nothing."""
    outcome = (card.get("endpoint") or {}).get("outcome")
    found: list[Event] = []
    if card["status"] == "failed":
        code = str((card.get("failure") or {}).get("code") or "")
        found.append("gate_failed" if code.startswith(_GATE) else "run_failed")
    if outcome in _ROLLED_BACK or was_put_back((card.get("verification") or {}).get("put_back")):
        found.append("rolled_back")
    elif outcome in _DEPLOYED:
        found.append("deployed")
    return tuple(found)


def of_card(
    card: Mapping[str, Any], link: str, live: Live | None = None, recovered: Sequence[str] = ()
) -> Message | None:
    """The message about a finished run, None where there is nothing to tell.

    :param card: as :func:`sentiment_retrain.cards.report.build_card` gives it
    :param link: where the whole card is
    :param live: what serves now, None where AWS did not say
    :param recovered: what was wrong before and is over with this run, one line each
    """
    events = events_of(card)
    if recovered:
        events = ("recovered", *events)
    if not events:
        return None
    failed = card["status"] == "failed"
    lines = [
        live_line(live),
        *recovered,
        *_failure_lines(card.get("failure")),
        *_endpoint_lines(card.get("endpoint"), events),
        *score_lines(card.get("verdict")),
        _cost_line(card.get("cost") or {}),
        "No job of this run goes on; to clear it is safe, finished work is reused." if failed else "",
        _way_back(card.get("endpoint"), events),
        f"Run: {card['run_id']}",
        f"Card: {link}",
    ]
    return Message(
        events,
        _what(card, events),
        tuple(line for line in lines if line),
        severity=urgency(live, is_problem=failed),
        action=TRIGGER if failed else RESOLVE if recovered else None,
        key=incident_key(str(card.get("dag_id") or ""), card.get("mode")),
    )


def of_question(
    verdict: Mapping[str, Any], endpoint_name: str, arn: str, link: str, until: str, live: Live | None = None
) -> Message:
    """The message that somebody has to decide on a model.

    :param until: when it is too late
    """
    lines = [
        live_line(live),
        verdict["reason"],
        *score_lines(verdict),
        f"Nothing goes live until somebody decides; without a decision until {until} the model is rejected.",
        "Decide under Required Actions in Airflow, or in the model registry. No job is running meanwhile.",
        f"Model package: {arn}",
        f"Card: {link}",
    ]
    return Message(
        ("approval_waiting",),
        f"decide until {until}: deploy {verdict['winner']} to {endpoint_name}?",
        tuple(line for line in lines if line),
        severity=WARNING,
    )


def of_reminder(question: str, arn: str, hours_left: float) -> Message:
    """The message that nobody has decided yet.

    :param question: in one line
    """
    lines = (
        f"Nobody has decided yet; {hours_left:.1f} hours are left, then the model is rejected.",
        "Decide under Required Actions in Airflow, or in the model registry. Nothing else waits for it.",
        f"Model package: {arn}",
    )
    return Message(("approval_waiting",), f"{hours_left:.0f} h left: {question}", lines, severity=WARNING)


def of_crash(
    dag_id: str, run_id: str, reason: str, link: str, live: Live | None = None, mode: str | None = None
) -> Message:
    """The message about a run that failed without a report: it timed out, or was marked failed.

    :param mode: of the run, where its form named one
    """
    lines = (
        live_line(live),
        f"Airflow's reason: {reason or 'none given'}",
        "The run wrote no report; its tasks and their logs are in Airflow.",
        "Its jobs may still run, and cost: the next run's report stops them, or SageMaker's console does.",
        f"What to do: clear the failed tasks ({runbook_entry('SR-RUN-001')})",
        f"Run: {run_id}",
        f"Link: {link}",
    )
    key = incident_key(dag_id, mode)
    return of_incident("run_failed", f"{dag_id} failed without a report", lines, live, key)


def of_incident(event: Event, what: str, lines: Iterable[str], live: Live | None, key: str) -> Message:
    """A message that opens an incident, or adds to the one of that key.

    :param lines: empty ones are left out
    :param key: see :func:`incident_key`
    """
    severity = urgency(live, is_problem=True)
    return Message(
        (event,), what, tuple(line for line in lines if line), severity=severity, action=TRIGGER, key=key
    )


def live_line(live: Live | None) -> str:
    """What customers get, as a message begins."""
    return f"Live now: {live if live else 'not known, AWS did not say'}"


def urgency(live: Live | None, *, is_problem: bool) -> str:
    """Whether to get up: only for customers who are hurt."""
    if live and live.is_hurt:
        return CRITICAL
    return WARNING if is_problem else INFO


def incident_key(dag_id: str, mode: str | None = None) -> str:
    """Failures of the runs of one DAG are one incident, until a run of the same mode succeeds."""
    return f"sentiment-retrain/{dag_id}/{mode or 'retrain'}"


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


def _what(card: Mapping[str, Any], events: tuple[Event, ...]) -> str:
    failure, endpoint = card.get("failure") or {}, card.get("endpoint") or {}
    dag_id = str(card.get("dag_id") or "Sentiment Retrain")
    name = endpoint.get("name") or dag_id
    code = f"{failure['code']}, " if failure.get("code") else ""
    if "rolled_back" in events:
        why = "by request" if endpoint.get("outcome") == _BY_REQUEST else f"({code}the former model serves)"
        return f"{name} rolled back {why}"
    new = f"{name} serves a new model{_winning_score(card.get('verdict'))}" if "deployed" in events else ""
    if events[0] == "recovered":
        return f"{dag_id} is back to normal" + (f"; {new}" if new else "")
    if events[0] == "deployed":
        return new
    gate = _GATE_OF.get(str(failure.get("code")))
    title = str(failure.get("title") or "failed")
    return f"{dag_id}: {code}{f'gate {gate} said no' if gate else title[:1].lower() + title[1:]}"


def _winning_score(verdict: Mapping[str, Any] | None) -> str:
    winner = (verdict or {}).get("winner")
    score = ((verdict or {}).get("scores") or {}).get(winner)
    return f", {winner} {(verdict or {})['metric']} {score['value']:.3f}" if score else ""


def _failure_lines(failure: Mapping[str, Any] | None) -> list[str]:
    if not failure:
        return []
    entries = ", ".join(failure.get("runbooks") or [str(failure.get("runbook"))])
    also = ", ".join(f"{one['task']} ({one.get('code') or 'no code'})" for one in failure.get("also") or [])
    return [
        f"{failure.get('code') or 'No code'} in {failure.get('task')}: {failure.get('title')}",
        *(f"{name}: {_one_line(failure[name])}" for name in ("observed", "expected") if failure.get(name)),
        f"What to do: {_one_line(failure.get('remedy') or '')} ({entries})",
        *([f"Failed too: {also}"] if also else []),
    ]


def _way_back(endpoint: Mapping[str, Any] | None, events: tuple[Event, ...]) -> str:
    """How to undo a deployment that is being told of."""
    if "deployed" not in events or not (endpoint or {}).get("previous_config"):
        return ""
    return "To undo it: Trigger with mode: rollback, or make rollback."


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
