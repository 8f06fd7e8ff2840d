"""The timeline's table: which runs it shows, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from sentiment_retrain.cards.outcome import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Runs: TypeAlias = "Sequence[Mapping[str, Any]]"
Order = Literal["newest", "score", "drift", "cost"]
Only = Literal["all", "live", "failed", "waiting"]
ORDERS: tuple[str, ...] = get_args(Order)
#: Words of each choice, and the runs it leaves.
_CHOICES: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], bool]]] = {
    "all": ("all", lambda _: True),
    "live": ("changed what is live", lambda run: bool(run["champion_changed"])),
    "failed": ("failed", lambda run: run["status"] == "failed"),
    "waiting": ("waiting for approval", lambda run: run["outcome"] == "waits"),
}


def rows(runs: Runs, path_of: Callable[[str], str]) -> list[dict[str, Any]]:
    """The runs as the table shows them, newest first.

    :param path_of: address of the card of a run id
    """
    return [
        {
            **run,
            "path": path_of(run["run_id"]),
            "words": OUTCOMES[run["outcome"]].row,
            "pill": OUTCOMES[run["outcome"]].level,
            "largest_drift": max((v for v in run["drift"].values() if v is not None), default=None),
        }
        for run in reversed(runs)
    ]


def chosen(found: Iterable[Mapping[str, Any]], only: Only, order: Order) -> list[Mapping[str, Any]]:
    """Some of the rows; by a number the largest first, and those without it last."""
    kept = [row for row in found if _CHOICES[only][1](row)]
    if order == "newest":
        return kept

    def value(row: Mapping[str, Any]) -> float:
        numbers = {
            "score": (row["score"] or {}).get("value"),
            "drift": row["largest_drift"],
            "cost": row["cost_usd"],
        }
        number = numbers[order]
        return float("-inf") if number is None else float(number)

    return sorted(kept, key=value, reverse=True)


def choices(runs: Runs) -> list[dict[str, Any]]:
    """What ``only`` may be, in words, and how many runs each leaves; none that would leave nothing."""
    counted = [
        {"only": only, "words": words, "runs": sum(map(keeps, runs))}
        for only, (words, keeps) in _CHOICES.items()
    ]
    return [choice for choice in counted if choice["runs"]]


def totals(runs: Runs) -> dict[str, Any]:
    """What the runs came to."""
    changes = [run["created_at"] for run in runs if run["champion_changed"]]
    return {
        "runs": len(runs),
        "failed": sum(run["status"] == "failed" for run in runs),
        "changes": len(changes),
        "last_change": changes[-1] if changes else None,
        "cost_usd": sum(run["cost_usd"] or 0.0 for run in runs),
        "saved_usd": sum(run["saved_usd"] or 0.0 for run in runs),
    }


def latest_scored(runs: Runs) -> Mapping[str, Any] | None:
    """The newest run with a metric."""
    return next((run for run in reversed(runs) if run["score"]), None)
