"""Drift measures: zero for the same, the known value for a known shift, and JSON in between."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sentiment_retrain.analysis import drift

from .. import samples

SHARES = arrays.arrays(float, 5, elements=st.floats(0.001, 1)).map(lambda values: values / values.sum())
MEASURES = ("category_psi", "length_psi", "vocabulary_jensen_shannon", "label_cramers_v")


def test_no_drift_against_itself() -> None:
    profile = drift.profile(samples.curated(300))
    measures = drift.compare(profile, profile)
    assert set(measures) == set(MEASURES)
    assert all(measure["value"] == pytest.approx(0, abs=1e-12) for measure in measures.values())


def test_halves_of_the_same_reviews_hardly_differ() -> None:
    rows = samples.curated(2000)
    measures = drift.compare(drift.profile(rows[:1000]), drift.profile(rows[1000:]))
    assert all(measures[name]["value"] < 0.05 for name in ("category_psi", "length_psi", "label_cramers_v"))


@pytest.mark.parametrize(
    ("column", "value", "measure"),
    [
        ("product_category", "Swim", "category_psi"),
        ("sentiment", -1, "label_cramers_v"),
        ("review_body", "entirely other words " * 20, "length_psi"),
        ("review_body", "entirely other words", "vocabulary_jensen_shannon"),
    ],
)
def test_each_kind_of_shift_is_seen_by_its_measure(column: str, value: str | int, measure: str) -> None:
    rows = samples.curated(600)
    shifted = rows.assign(**{column: value})
    measures = drift.compare(drift.profile(rows), drift.profile(shifted))
    assert measures[measure]["value"] > 0.25
    assert measures[measure]["rows"] == 600
    assert measures[measure]["detail"]


def test_profile_survives_json() -> None:
    profile = drift.profile(samples.curated(100))
    again = json.loads(json.dumps(profile))
    assert again == profile
    assert drift.compare(again, profile)["category_psi"]["value"] == 0


def test_order_of_the_rows_does_not_change_a_profile() -> None:
    rows = samples.curated(300)
    assert drift.profile(rows.sample(frac=1, random_state=1)) == drift.profile(rows)


def test_psi_worked_out_by_hand() -> None:
    value = drift.psi(np.array([0.5, 0.5]), np.array([0.6, 0.4]))
    assert value == pytest.approx(0.1 * math.log(1.2) + -0.1 * math.log(0.8))


def test_label_drift_is_cramers_v_of_the_table() -> None:
    base = {
        "rows": 100,
        "labels": {"-1": 50, "0": 0, "1": 50},
        "categories": {},
        "lengths": [1],
        "vocabulary": {},
    }
    now = {**base, "labels": {"-1": 25, "0": 0, "1": 75}}
    measure = drift.compare(base, now)["label_cramers_v"]
    assert measure["chi_square"] == pytest.approx(200 * (50 * 75 - 50 * 25) ** 2 / (75 * 125 * 100 * 100))
    assert measure["value"] == pytest.approx(math.sqrt(measure["chi_square"] / 200))
    assert measure["p_value"] < 0.001


def test_one_label_only_is_no_label_drift() -> None:
    rows = samples.curated(50).assign(sentiment=1)
    assert drift.compare(drift.profile(rows), drift.profile(rows))["label_cramers_v"]["value"] == 0


@given(SHARES, SHARES)
def test_jensen_shannon_is_symmetric_and_between_0_and_1(one: np.ndarray, other: np.ndarray) -> None:
    value = drift.jensen_shannon(one, other)
    assert 0 <= value <= 1
    assert value == pytest.approx(drift.jensen_shannon(other, one), abs=1e-12)


def test_jensen_shannon_of_nothing_in_common_is_one_bit() -> None:
    assert drift.jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(1.0)


def crowded(edge: dict[str, int]) -> pd.DataFrame:
    """Reviews whose list of words is full; of the rarest words on it some may be pushed off."""
    common = [f"w{i}" for i in range(drift.VOCABULARY_SIZE - 1)]
    texts = [" ".join(common)] * 20 + [word for word, times in edge.items() for _ in range(times)]
    return pd.DataFrame({"tokens": texts, "product_category": "a", "sentiment": 1})


def test_a_word_at_the_edge_of_the_list_is_no_difference_and_a_new_one_is() -> None:
    before = drift.profile(crowded({"one": 11, "other": 10}))
    near = drift.profile(crowded({"one": 10, "other": 11}))
    new = drift.profile(crowded({"other": 10, "app": 2000}))
    assert "other" not in before["vocabulary"]
    assert "one" not in near["vocabulary"]
    values = [drift.compare(before, side)["vocabulary_jensen_shannon"]["value"] for side in (near, new)]
    assert values[0] < 1e-6
    assert values[1] > 0.05


def test_largest_change_comes_first() -> None:
    rows = samples.curated(400)
    shifted = pd.concat([rows, rows[rows["product_category"] == "Knits"]])
    detail = drift.compare(drift.profile(rows), drift.profile(shifted))["category_psi"]["detail"]
    assert detail[0]["name"] == "Knits"
    assert detail[0]["now"] > detail[0]["before"]
