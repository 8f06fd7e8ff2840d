"""Two models on the same rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_retrain.statistics import paired

from .. import samples

RULES = samples.settings().selection.model_copy(update={"bootstrap_samples": 400})
TRUE = [-1, 0, 1, 1] * 150


@dataclass
class Model:
    name: str
    predicted: list[int] = field(default_factory=list)


def test_a_model_against_itself_is_no_better() -> None:
    model = Model("one", samples.mistaken(TRUE, 0.7, seed=1))
    result = paired.compare(TRUE, model, model, RULES)
    assert (result["difference"], result["interval"], result["mcnemar_p"]) == (0.0, [0.0, 0.0], 1.0)
    assert (result["only_one_right"], result["only_other_right"]) == (0, 0)


def test_a_clear_difference_is_significant() -> None:
    good = Model("good", samples.mistaken(TRUE, 0.9, seed=1))
    poor = Model("poor", samples.mistaken(TRUE, 0.5, seed=2))
    result = paired.compare(TRUE, good, poor, RULES)
    assert result["difference"] > 0.2
    assert result["interval"][0] > 0
    assert result["mcnemar_p"] < 1e-6
    assert (result["of"], result["against"]) == ("good", "poor")


def test_a_chance_difference_is_not() -> None:
    one = Model("one", samples.mistaken(TRUE, 0.7, seed=1))
    other = Model("other", samples.mistaken(TRUE, 0.7, seed=2))
    low, high = paired.compare(TRUE, one, other, RULES)["interval"]
    assert low < 0 < high


def test_equal_models_differ_as_seldom_as_the_level_says() -> None:
    """200 pairs of equally good models, wrong in part together, on test sets as imbalanced as ours."""
    draw = np.random.default_rng(11)
    rules = RULES.model_copy(update={"bootstrap_samples": 300})
    intervals = exact = mid = 0
    for _ in range(200):
        true = draw.choice([-1, 0, 1], size=800, p=[0.15, 0.15, 0.7])
        hard, shared = draw.random(800) < 0.3, draw.choice([-1, 0, 1], size=800)
        pair = []
        for name in "ab":
            guessed = np.where(draw.random(800) < 0.5, shared, draw.choice([-1, 0, 1], size=800))
            pair.append(Model(name, np.where(hard, guessed, true).tolist()))
        found = paired.compare(true.tolist(), pair[0], pair[1], rules)
        intervals += not found["interval"][0] <= 0 <= found["interval"][1]
        exact += found["mcnemar_p"] < 0.05
        mid += found["mcnemar_mid_p"] < 0.05
    # Of 200 draws of 5 %: below 3 or above 19 has a probability of 1 %. The exact test errs less than it may.
    assert 3 <= intervals <= 19
    assert exact <= mid <= 19
    assert exact <= 16


def test_turning_the_comparison_around_turns_the_sign() -> None:
    one, other = Model("a", samples.mistaken(TRUE, 0.8, 1)), Model("b", samples.mistaken(TRUE, 0.6, 2))
    there, back = paired.compare(TRUE, one, other, RULES), paired.compare(TRUE, other, one, RULES)
    assert there["difference"] == pytest.approx(-back["difference"])
    assert there["mcnemar_p"] == pytest.approx(back["mcnemar_p"])
    assert there["only_one_right"] == back["only_other_right"]


@pytest.mark.parametrize(
    ("one", "other", "p"), [(0, 0, 1.0), (5, 5, 1.0), (1, 9, 0.021484375), (0, 6, 0.03125)]
)
def test_mcnemar_against_the_binomial_table(one: int, other: int, p: float) -> None:
    assert paired.mcnemar_exact(one, other) == pytest.approx(p)


@given(st.lists(st.tuples(*[st.sampled_from([-1, 0, 1])] * 3), min_size=1, max_size=40))
def test_difference_is_that_of_the_two_metrics(rows: list[tuple[int, int, int]]) -> None:
    true, one, other = ([row[i] for row in rows] for i in range(3))
    rules = RULES.model_copy(update={"metric": "accuracy", "bootstrap_samples": 200})
    result = paired.compare(true, Model("a", one), Model("b", other), rules)
    right = [sum(t == p for t, p in zip(true, model, strict=True)) for model in (one, other)]
    assert result["difference"] == pytest.approx((right[0] - right[1]) / len(rows))
    assert result["only_one_right"] - result["only_other_right"] == right[0] - right[1]


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="equally many"):
        paired.compare([1, 1], Model("a", [1]), Model("b", [1, 1]), RULES)
