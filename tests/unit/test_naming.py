"""The same inputs give the same name, other inputs another, and AWS accepts it."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_retrain import naming

AWS_JOB_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
DATES = st.dates(dt.date(2000, 1, 1), dt.date(2999, 12, 31))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=6))
def test_fingerprint_does_not_depend_on_the_order_of_keys(inputs: dict[str, object]) -> None:
    reversed_keys = dict(reversed(list(inputs.items())))
    assert naming.fingerprint(inputs) == naming.fingerprint(reversed_keys)
    assert re.fullmatch(r"[0-9a-f]{64}", naming.fingerprint(inputs))


def test_fingerprint_is_the_same_on_every_machine_and_python() -> None:
    expected = "43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777"
    assert naming.fingerprint({"b": 2, "a": 1}) == expected


@given(st.integers(), st.integers())
def test_other_inputs_give_another_fingerprint(one: int, other: int) -> None:
    same = naming.fingerprint({"value": one}) == naming.fingerprint({"value": other})
    assert same == (one == other)


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), dt.date(2026, 1, 1)])
def test_what_json_cannot_say_has_no_fingerprint(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        naming.fingerprint({"value": value})


@given(
    prefix=st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fullmatch=True).filter(lambda text: len(text) <= 24),
    step=st.sampled_from(["autopilot", "blazingtext", "analyze-bias", "evaluate-champion", "x"]),
    date=DATES,
    fingerprint=HEX,
    attempt=st.integers(0, 999),
    limit=st.sampled_from([naming.AUTOML_NAME_LIMIT, naming.JOB_NAME_LIMIT]),
)
def test_names_fit_aws_and_say_what_they_were_made_of(
    prefix: str, step: str, date: dt.date, fingerprint: str, attempt: int, limit: int
) -> None:
    name = naming.job_name(prefix, step, date, fingerprint, attempt, limit)
    assert len(name) <= limit
    assert AWS_JOB_NAME.fullmatch(name)
    assert naming.name_parts(name) == (date.strftime("%Y%m%d"), fingerprint[:10], attempt)


def test_examples_of_names() -> None:
    digits = "0123456789abcdef"
    assert (
        naming.job_name("sentiment-retrain", "blazingtext", "2026-11-22", digits)
        == "sentiment-retrain-blazingtext-20261122-0123456789"
    )
    assert (
        naming.job_name("sentiment-retrain", "autopilot", "2026-11-22", digits, 2, naming.AUTOML_NAME_LIMIT)
        == "sr-autopi-20261122-0123456789-r2"
    )


def test_a_negative_attempt_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="attempt"):
        naming.job_name("p", "s", "2026-11-22", "0" * 64, attempt=-1)


def test_next_attempt_counts_only_names_of_its_fingerprint() -> None:
    mine, other = "a" * 64, "b" * 64
    names = [
        naming.job_name("p", "s", "2026-11-21", mine),
        naming.job_name("p", "s", "2026-11-22", mine, attempt=3),
        naming.job_name("p", "s", "2026-11-22", other, attempt=7),
        "somebody-elses-job",
    ]
    assert naming.next_attempt(names, mine) == 4
    assert naming.next_attempt([], mine) == 0


@given(st.text(), st.integers(1, 80))
def test_slugs_are_never_empty_and_always_clean(text: str, limit: int) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", naming.slug(text, limit))
    assert len(naming.slug(text, limit)) <= max(limit, 1)


def test_run_keys_sort_by_date_and_tell_runs_apart() -> None:
    one = naming.run_key("dag", "manual__2026-11-22T10:00:00+00:00", dt.date(2026, 11, 22))
    other = naming.run_key("dag", "manual__2026-11-22T10:00:00-00:00", "2026-11-22")
    assert one.startswith("20261122-manual-2026-11-22t10-00-00-00-00-")
    assert one != other
