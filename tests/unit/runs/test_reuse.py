"""Whose finished work is used again, and which input changed when it is not."""

from __future__ import annotations

import datetime as dt

import pytest

from sentiment_retrain.runs import reuse

NOW = dt.datetime(2026, 3, 10, tzinfo=dt.UTC)
OWN, SAME_DAY, OTHER = "20260301-mine-1", "20260301-theirs-2", "20260228-theirs-3"


def refusal(value: object, owner: str, age_days: float = 0) -> str | None:
    ended = NOW - dt.timedelta(days=age_days)
    return reuse.why_not(reuse.reuse_policy(value), owner=owner, run_key=OWN, ended_at=ended, now=NOW)


@pytest.mark.parametrize(
    ("value", "owner", "age_days", "used"),
    [
        (True, OTHER, 900, True),
        (False, OTHER, 0, False),
        (False, OWN, 900, True),
        ({"max_age_days": 30}, OTHER, 29.9, True),
        ({"max_age_days": 30}, OTHER, 30.1, False),
        ({"max_age_days": 30}, OWN, 300, True),
        ({"scope": "same_day"}, SAME_DAY, 0, True),
        ({"scope": "same_day"}, OTHER, 0, False),
        ({"scope": "run"}, SAME_DAY, 0, False),
        ({"scope": "any", "max_age_days": None}, OTHER, 900, True),
    ],
)
def test_policy(value: object, owner: str, age_days: float, used: bool) -> None:
    assert (refusal(value, owner, age_days) is None) is used


def test_refusals_say_why() -> None:
    assert "31.0 days old" in str(refusal({"max_age_days": 30}, OTHER, 31))
    assert OTHER in str(refusal({"scope": "same_day"}, OTHER))


def test_policy_on_the_wire_is_a_boolean_where_one_says_it_all() -> None:
    assert reuse.wire_policy(True) is True
    assert reuse.wire_policy({"scope": "run", "max_age_days": 3}) is False
    assert reuse.wire_policy({"max_age_days": 3}) == {"scope": "any", "max_age_days": 3}


def test_changed_inputs_name_each_leaf() -> None:
    before = {"data": "a" * 64, "hyperparameters": {"epochs": "25", "mode": "x"}, "gone": 1}
    after = {"data": "b" * 64, "hyperparameters": {"epochs": "30", "mode": "x"}}
    assert reuse.changed_inputs(before, after) == [
        "data: aaaaaaaa -> bbbbbbbb",
        "gone: 1 -> none",
        "hyperparameters.epochs: 25 -> 30",
    ]
    assert reuse.changed_inputs(before, before) == []


def test_many_changes_are_counted() -> None:
    text = reuse.changes_text([f"key{number}: 1 -> 2" for number in range(6)], "earlier")
    assert text.startswith("changed since run earlier: key0")
    assert text.endswith("and 2 more")
