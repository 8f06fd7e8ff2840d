"""The days of `make backfill` as they were typed."""

from __future__ import annotations

import datetime as dt

import pytest

from launcher.backfill import Backfill
from launcher.failures import RefusedError

TODAY = dt.datetime.now(dt.UTC).date()


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-13-01", "2026-03-02", "month must be"),
        ("", "", "Invalid isoformat"),
        ("2026-03-02", "2026-03-01", "is after TO="),
        ((TODAY + dt.timedelta(2)).isoformat(), (TODAY + dt.timedelta(3)).isoformat(), "is in the future"),
    ],
)
def test_days_that_cannot_be_used_are_refused_before_anything_starts(
    first: str, last: str, said: str
) -> None:
    with pytest.raises(RefusedError, match=said) as found:
        Backfill.asked(first, last)
    assert found.value.code == "LOCAL_BACKFILL"


def test_a_range_that_ends_in_the_future_is_cut_by_airflow() -> None:
    last = TODAY + dt.timedelta(5)
    assert Backfill.asked(TODAY.isoformat(), last.isoformat()).last == last
