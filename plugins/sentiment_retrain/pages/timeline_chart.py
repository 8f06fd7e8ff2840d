"""The timeline as places on the page, in percent; the template and CSS draw it, sharp at every width."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sentiment_retrain.cards.outcome import OUTCOMES
from sentiment_retrain.pages.timeline_rows import latest_scored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sentiment_retrain.pages.timeline_rows import Runs

#: Of the plot, in percent: a single run is no wall.
WIDEST_COLUMN = 3.0
#: Days named below a plot.
_MOST_DATES = 5
#: A value beyond the end of its axis is drawn this much above the end.
_CUT = 1.08
_STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)


def chart(runs: Runs, path_of: Callable[[str], str], drift_limits: Mapping[str, float]) -> dict[str, Any]:
    """Marks, ticks and lines of the three plots. Runs that had another metric than the newest have no mark in
    the first: two metrics share no axis.

    :param runs: at least one, oldest first
    :param drift_limits: what the gate lets pass today, by measure
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
        "drift": _drift_lines(runs, drift_limits),
        "dates": _dates(runs),
        "description": _description(runs, scored, metric),
    }


def _mark(run: Mapping[str, Any], metric: str | None, low: float, high: float) -> dict[str, Any]:
    score = run["score"] if run["metric"] == metric else None
    kind = "failed" if run["status"] == "failed" else ("deploy" if run["champion_changed"] else "kept")
    words = f"{run['created_at'][:10]}: {OUTCOMES[run['outcome']].row}"
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
    low = min(ends) - room
    # What stands on the axis has no metric, and nothing is one too.
    is_above = min(run["score"]["value"] for run in scored) >= room
    return max(0.0, low) if is_above else low, min(1.0, max(ends) + room)


def _ticks(low: float, high: float) -> list[dict[str, Any]]:
    """Three to six round values between the limits."""
    step = next((step for step in _STEPS if (high - low) / step <= 6), 1.0)
    first = math.floor(low / step) + 1
    values = [i * step for i in range(first, int(high / step) + 1)]
    digits = 3 if step < 0.01 else 2
    return [{"at": _percent(100 * (v - low) / (high - low)), "text": f"{v:.{digits}f}"} for v in values]


def _dates(runs: Runs) -> list[dict[str, Any]]:
    """A few runs whose days stand below the plots; the plots have one place a run, not one a day."""
    last = len(runs) - 1
    picked = sorted({round(i * last / (_MOST_DATES - 1)) for i in range(_MOST_DATES)})
    return [{"x": _percent((i + 0.5) * 100 / len(runs)), "text": runs[i]["created_at"][:10]} for i in picked]


def _drift_lines(runs: Runs, limits: Mapping[str, float]) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(name for run in runs for name in run["drift"]))
    return [line for name in names if (line := _drift_line(runs, name, limits.get(name)))]


def _drift_line(runs: Runs, name: str, limit: float | None) -> dict[str, Any] | None:
    """One measure over the runs, None where no run has it.

    A single day of other data would press all others flat: the axis ends where most days do, and what lies
    beyond is cut.
    """
    known = [(i, run["drift"][name]) for i, run in enumerate(runs) if run["drift"].get(name) is not None]
    if not known:
        return None
    values = sorted(value for _, value in known)
    usual = values[int(0.95 * (len(values) - 1))]
    highest = values[-1]
    top = highest if highest <= 4 * max(usual, limit or 0.0) else 2 * max(usual, limit or 0.0)
    top = max(top, limit or 0.0) or 1.0

    # A line of one point has no length, and browsers draw nothing; with its end on itself it is a dot.
    drawn = known * 2 if len(known) == 1 else known

    def place(value: float) -> float:
        return _percent(100 - 92 * min(value / top, _CUT))

    return {
        "name": name,
        "points": " ".join(f"{_percent((i + 0.5) * 100 / len(runs))},{place(value)}" for i, value in drawn),
        "latest": known[-1][1],
        "lowest": values[0],
        "highest": highest,
        "top": top,
        "is_cut": highest > top,
        "limit": limit,
        "limit_at": _percent(100 - place(limit)) if limit else None,
        "beyond": sum(value > limit for value in values) if limit else 0,
        "count": len(values),
    }


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
