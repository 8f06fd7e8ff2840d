"""What a backfill is worth telling of: one message, its failures grouped by their code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.notifications.messages import Message, events_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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


def digest(dag_id: str, entries: Iterable[Mapping[str, Any]]) -> Message:
    """One message about all days of a backfill, in their order."""
    days = sorted(entries, key=lambda day: str(day["run_key"]))
    failed = [day for day in days if day["status"] == "failed"]
    changed = [day for day in days if {"deployed", "rolled_back"} & set(day["events"])]
    found = dict.fromkeys(event for day in days for event in day["events"])
    lines = [
        f"{len(days) - len(failed)} of {len(days)} days succeeded, {_day(days[0])} to {_day(days[-1])}.",
        *_failure_lines(failed),
        *(f"{_day(day)}: {' and '.join(day['events'])}, {day['model_name']}" for day in changed[:MOST_DAYS]),
        f"Cost: {_sum(days, 'cost_usd'):.2f} USD, {_sum(days, 'saved_usd'):.2f} saved by reuse",
        *(f"Card of {_day(day)}: {day['link']}" for day in (failed or days[-1:])[:MOST_DAYS]),
    ]
    outcome = f"{len(failed)} of {len(days)} days failed" if failed else f"all {len(days)} days succeeded"
    return Message(tuple(found), f"{dag_id} backfill: {outcome}", tuple(lines))


def _failure_lines(failed: Sequence[Mapping[str, Any]]) -> list[str]:
    groups: dict[tuple[Any, Any], list[str]] = {}
    for day in failed:
        groups.setdefault((day["code"], day["title"]), []).append(_day(day))
    return [
        f"{code or 'No code'} ({title}), {len(days)} days: {', '.join(days[:MOST_DAYS])}"
        + (" …" if len(days) > MOST_DAYS else "")
        for (code, title), days in groups.items()
    ]


def _day(day: Mapping[str, Any]) -> str:
    """``YYYY-MM-DD``; a run's key starts with its date."""
    digits = str(day["run_key"])[:8]
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if digits.isdigit() else str(day["run_key"])


def _sum(days: Iterable[Mapping[str, Any]], key: str) -> float:
    return sum(float(day[key] or 0) for day in days)
