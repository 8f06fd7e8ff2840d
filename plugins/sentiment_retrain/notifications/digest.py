"""What a backfill is worth telling of: one message, its failures grouped by their code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.error_base import runbook_entry
from sentiment_retrain.notifications.messages import Message, events_of, live_line, urgency

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sentiment_retrain.endpoint.live import Live

#: Lines of a digest that name single days; the rest is counted.
MOST_DAYS = 10


def entry(card: Mapping[str, Any], link: str) -> dict[str, Any]:
    """One day of a backfill as its digest needs it."""
    failure, cost = card.get("failure") or {}, card.get("cost") or {}
    return {
        "run_id": card["run_id"],
        "run_key": card["run_key"],
        "status": card["status"],
        "code": failure.get("code"),
        "title": failure.get("title"),
        "events": list(events_of(card)),
        "model_name": (card.get("endpoint") or {}).get("model_name"),
        "cost_usd": cost.get("jobs_usd"),
        "saved_usd": cost.get("saved_by_reuse_usd"),
        "link": link,
    }


def crash_entry(run_id: str, run_key: str, reason: str, link: str) -> dict[str, Any]:
    """One day that ended without a report."""
    return {
        "run_id": run_id,
        "run_key": run_key,
        "status": "failed",
        "code": None,
        "title": f"no report ({reason})",
        "events": ["run_failed"],
        "model_name": None,
        "cost_usd": None,
        "saved_usd": None,
        "link": link,
    }


def digest(dag_id: str, entries: Iterable[Mapping[str, Any]], live: Live | None = None) -> Message:
    """One message about all days of a backfill, in their order.

    :param live: what serves now, None where AWS did not say
    """
    days = sorted(entries, key=lambda day: str(day["run_key"]))
    failed = [day for day in days if day["status"] == "failed"]
    changed = [day for day in days if {"deployed", "rolled_back"} & set(day["events"])]
    found = dict.fromkeys(event for day in days for event in day["events"])
    lines = [
        live_line(live),
        f"{len(days) - len(failed)} of {len(days)} days succeeded, {_day(days[0])} to {_day(days[-1])}.",
        *_failure_lines(failed),
        *(f"{_day(day)}: {' and '.join(day['events'])}, {day['model_name']}" for day in changed[:MOST_DAYS]),
        f"Cost: {_sum(days, 'cost_usd'):.2f} USD, {_sum(days, 'saved_usd'):.2f} saved by reuse",
        *_what_to_do(failed),
        *(f"Card of {_day(day)}: {day['link']}" for day in (failed or days[-1:])[:MOST_DAYS]),
    ]
    outcome = f"{len(failed)} of {len(days)} days failed" if failed else f"all {len(days)} days succeeded"
    return Message(
        tuple(found),
        f"{dag_id} backfill: {outcome}",
        tuple(lines),
        severity=urgency(live, is_problem=bool(failed)),
    )


def _what_to_do(failed: Sequence[Mapping[str, Any]]) -> list[str]:
    """The way on: the same backfill once more, over the days that failed."""
    if not failed:
        return []
    dates = [_day(day) for day in failed]
    entries = ", ".join(dict.fromkeys(runbook_entry(day["code"]) for day in failed))
    return [
        f"What to do: {entries}; then make backfill FROM={dates[0]} TO={dates[-1]} (finished work is reused)"
    ]


def _failure_lines(failed: Sequence[Mapping[str, Any]]) -> list[str]:
    groups: dict[tuple[Any, Any], list[str]] = {}
    for day in failed:
        groups.setdefault((day["code"], day["title"]), []).append(_day(day))
    return [_group_line(code, title, days) for (code, title), days in groups.items()]


def _group_line(code: str | None, title: str, days: Sequence[str]) -> str:
    count = "1 day" if len(days) == 1 else f"{len(days)} days"
    more = " …" if len(days) > MOST_DAYS else ""
    return f"{code or 'No code'} ({title}), {count}: {', '.join(days[:MOST_DAYS])}{more}"


def _day(day: Mapping[str, Any]) -> str:
    """``YYYY-MM-DD``; a run's key starts with its date."""
    digits = str(day["run_key"])[:8]
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if digits.isdigit() else str(day["run_key"])


def _sum(days: Iterable[Mapping[str, Any]], key: str) -> float:
    return sum(float(day[key] or 0) for day in days)
