"""Places of marks, in percent, against values worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from sentiment_retrain.pages import timeline_chart


def run(day: int, value: float | None = 0.5, **changes: Any) -> dict[str, Any]:
    score = None if value is None else {"value": value, "interval": [value - 0.05, value + 0.05], "n": 100}
    return {
        "run_key": f"k{day}",
        "run_id": f"r{day}",
        "created_at": f"2026-11-{day:02d}T00:00:00+00:00",
        "status": "success",
        "outcome": "kept",
        "metric": "macro_f1" if value is not None else None,
        "score": score,
        "champion_changed": False,
        "drift": {},
        "cost_usd": 1.0,
        "saved_usd": 0.5,
        **changes,
    }


def chart(*runs: dict[str, Any]) -> dict[str, Any]:
    return timeline_chart.chart(runs, lambda run_id: f"/card/{run_id}", {"psi": 0.1})


def test_marks_stand_in_the_middle_of_their_share() -> None:
    marks = chart(run(1), run(2))["marks"]
    assert [mark["x"] for mark in marks] == [25, 75]
    assert [mark["path"] for mark in marks] == ["/card/r1", "/card/r2"]


def test_the_axis_has_room_around_all_intervals() -> None:
    found = chart(run(1, 0.5), run(2, 0.7))
    low, high = 0.45 - 0.024, 0.75 + 0.024
    first = found["marks"][0]
    assert first["y"] == pytest.approx(100 * (0.5 - low) / (high - low), abs=1e-3)
    assert first["low"] == pytest.approx(100 * (0.45 - low) / (high - low), abs=1e-3)
    assert first["span"] == pytest.approx(100 * 0.1 / (high - low), abs=1e-3)
    assert all(0 <= tick["at"] <= 100 for tick in found["ticks"])
    assert [tick["text"] for tick in found["ticks"]] == ["0.50", "0.60", "0.70"]


def test_equal_scores_are_no_division_by_nothing() -> None:
    exact = run(1, 0.5)
    exact["score"]["interval"] = None
    mark = chart(exact)["marks"][0]
    assert (mark["y"], mark["span"]) == (50, 0)


def test_another_metric_has_no_place_on_this_axis() -> None:
    marks = chart(run(1, 0.9, metric="accuracy"), run(2, 0.5))["marks"]
    assert [mark["low"] is None for mark in marks] == [True, False]


def test_a_failed_run_and_a_champion_change_look_different() -> None:
    failed = run(1, None, status="failed", outcome="failed")
    changed = run(2, 0.5, outcome="deployed", champion_changed=True)
    assert [mark["kind"] for mark in chart(failed, changed, run(3))["marks"]] == ["failed", "deploy", "kept"]


def test_no_run_with_a_metric_or_a_cost() -> None:
    found = chart(run(1, None, cost_usd=None))
    assert (found["ticks"], found["metric"], found["highest_cost"]) == ([], None, 0)
    assert found["marks"][0]["cost_height"] == 0


def test_drift_lines_skip_runs_without_a_measure() -> None:
    found = chart(run(1), run(2, drift={"psi": 0.1}), run(3, drift={"psi": 0.2}), run(4, drift={"psi": None}))
    (line,) = found["drift"]
    assert line["points"] == "37.5,54.0 62.5,8.0"
    assert (line["latest"], line["lowest"], line["highest"]) == (0.2, 0.1, 0.2)


def test_a_single_run_with_a_measure_is_a_dot() -> None:
    (line,) = chart(run(1, drift={"psi": 0.1}))["drift"]
    assert line["points"] == "50.0,8.0 50.0,8.0"
    assert line["count"] == 1


def test_a_metric_of_nothing_stands_above_the_axis_where_runs_without_one_are() -> None:
    found = chart(run(1, 0.0), run(2, None), run(3, 0.3))
    assert found["marks"][0]["y"] > 5
    assert found["marks"][1]["y"] == 0
    assert found["ticks"][0]["text"] == "0.00"


def test_a_day_of_other_data_does_not_press_the_others_flat() -> None:
    days = [run(day, drift={"psi": 0.05}) for day in range(1, 21)]
    (line,) = chart(*days, run(21, drift={"psi": 15.0}))["drift"]
    assert (line["top"], line["highest"], line["is_cut"]) == (0.2, 15.0, True)
    assert line["limit_at"] == pytest.approx(92 * 0.1 / 0.2)
    assert (line["beyond"], line["count"]) == (1, 21)
    assert line["points"].split()[0].endswith(",77.0")
    assert line["points"].split()[-1].endswith(f",{100 - 92 * 1.08:g}")


@pytest.mark.parametrize(("runs", "named"), [(1, 1), (2, 2), (3, 3), (200, 5)])
def test_a_few_days_are_named_and_the_first_and_last_are_among_them(runs: int, named: int) -> None:
    found = chart(*(run(1 + number % 28) for number in range(runs)))["dates"]
    assert len(found) == named
    assert (found[0]["x"], found[-1]["x"]) == (
        pytest.approx(50 / runs, abs=1e-3),
        pytest.approx(100 - 50 / runs, abs=1e-3),
    )
