"""The timeline as places on the page, in percent; the template and CSS draw it, sharp at every width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Runs: TypeAlias = "Sequence[Mapping[str, Any]]"
OUTCOMES: Mapping[str | None, str] = {
    "deploy": "went live",
    "keep_champion": "champion stayed",
    "do_not_deploy": "not deployed",
    None: "no verdict",
}
#: Of the plot, in percent: a single run is no wall.
WIDEST_COLUMN = 3.0
_STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)


def rows(runs: Runs, path_of: Callable[[str], str]) -> list[dict[str, Any]]:
    """The runs as the table shows them, newest first.

    :param path_of: address of the card of a run id
    """
    return [
        {
            **run,
            "path": path_of(run["run_id"]),
            "outcome": _outcome(run),
            "pill": _pill(run),
            "largest_drift": max((v for v in run["drift"].values() if v is not None), default=None),
        }
        for run in reversed(runs)
    ]


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


def chart(runs: Runs, path_of: Callable[[str], str]) -> dict[str, Any]:
    """Marks, ticks and lines of the three plots. Runs that had another metric than the newest have no mark in
    the first: two metrics share no axis.

    :param runs: at least one, oldest first
    """
    newest = latest_scored(runs)
    metric = newest["metric"] if newest else None
    scored = [run for run in runs if run["score"] and run["metric"] == metric]
    low, high = _limits(scored)
    highest_cost = max(run["cost_usd"] or 0.0 for run in runs)
    width = 100 / len(runs)
    column = min(0.8 * width, WIDEST_COLUMN)
    return {
        "metric": metric,
        "ticks": _ticks(low, high) if scored else [],
        "marks": [
            {
                "x": _percent((i + 0.5) * width),
                "column": _percent((i + 0.5) * width - column / 2),
                "cost_height": _percent(92 * (run["cost_usd"] or 0.0) / highest_cost) if highest_cost else 0,
                "path": path_of(run["run_id"]),
                **_mark(run, metric, low, high),
            }
            for i, run in enumerate(runs)
        ],
        "column_width": _percent(column),
        "highest_cost": highest_cost,
        "drift": _drift_lines(runs),
        "first": runs[0]["created_at"][:10],
        "last": runs[-1]["created_at"][:10],
        "description": _description(runs, scored, metric),
    }


def _mark(run: Mapping[str, Any], metric: str | None, low: float, high: float) -> dict[str, Any]:
    score = run["score"] if run["metric"] == metric else None
    kind = "failed" if run["status"] == "failed" else ("deploy" if run["champion_changed"] else "kept")
    words = f"{run['created_at'][:10]}: {_outcome(run)}"
    if not score:
        return {"y": 0, "low": None, "span": 0, "kind": kind, "changed": False, "words": words}
    place = 100 / (high - low)
    interval = score["interval"] or [score["value"]] * 2
    return {
        "y": _percent((score["value"] - low) * place),
        "low": _percent((interval[0] - low) * place),
        "span": _percent((interval[1] - interval[0]) * place),
        "kind": kind,
        "changed": run["champion_changed"],
        "words": f"{words}, {score['value']:.3f}",
    }


def _limits(scored: Runs) -> tuple[float, float]:
    """Of the axis, with some room around what is drawn."""
    ends = [end for run in scored for end in (*(run["score"]["interval"] or []), run["score"]["value"])]
    if not ends:
        return 0.0, 1.0
    room = max(0.01, 0.08 * (max(ends) - min(ends)))
    return max(0.0, min(ends) - room), min(1.0, max(ends) + room)


def _ticks(low: float, high: float) -> list[dict[str, Any]]:
    """Three to six round values between the limits."""
    step = next((step for step in _STEPS if (high - low) / step <= 6), 1.0)
    first = int(low / step) + 1
    values = [i * step for i in range(first, int(high / step) + 1)]
    digits = 3 if step < 0.01 else 2
    return [{"at": _percent(100 * (v - low) / (high - low)), "text": f"{v:.{digits}f}"} for v in values]


def _drift_lines(runs: Runs) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(name for run in runs for name in run["drift"]))
    lines = []
    for name in names:
        values = [(i, run["drift"].get(name)) for i, run in enumerate(runs)]
        known = [(i, value) for i, value in values if value is not None]
        if not known:
            continue
        highest = max(value for _, value in known)
        points = " ".join(
            f"{_percent((i + 0.5) * 100 / len(runs))},{_percent(100 - 92 * value / (highest or 1))}"
            for i, value in known
        )
        lines.append(
            {
                "name": name,
                "points": points,
                "latest": known[-1][1],
                "lowest": min(value for _, value in known),
                "highest": highest,
            }
        )
    return lines


def _outcome(run: Mapping[str, Any]) -> str:
    return "failed" if run["status"] == "failed" else OUTCOMES.get(run["action"], str(run["action"]))


def _pill(run: Mapping[str, Any]) -> str:
    if run["status"] == "failed":
        return "fail"
    return "pass" if run["champion_changed"] else "plain"


def _description(runs: Runs, scored: Runs, metric: str | None) -> str:
    if not scored:
        return f"{len(runs)} runs, none with a metric"
    values = [run["score"]["value"] for run in scored]
    return (
        f"{metric} of {len(scored)} runs from {min(values):.3f} to {max(values):.3f}, "
        f"latest {values[-1]:.3f}; every run is in the table below"
    )


def _percent(value: float) -> float:
    return round(value, 3)
