"""The tests behind the drift measures: known values, and quiet where nothing drifts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from sentiment_retrain.analysis import drift
from sentiment_retrain.statistics import drift_tests, multiple_testing
from sentiment_retrain.verdict import gates_drift

from .. import samples

LIMITS = samples.settings().gates.drift


def test_holm_worked_out_by_hand() -> None:
    adjusted = multiple_testing.holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert multiple_testing.holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert multiple_testing.holm({}) == {}


def test_the_six_questions_share_one_level() -> None:
    assert multiple_testing.family_level(0.06, 4) + 2 * multiple_testing.family_level(
        0.06, 1
    ) == pytest.approx(0.06)


def test_homogeneity_of_a_known_table() -> None:
    assert drift_tests.homogeneity_p(np.array([50.0, 50]), np.array([25.0, 75])) == pytest.approx(
        0.000257, abs=1e-5
    )


def test_rare_values_count_together() -> None:
    one, other = np.array([90.0, *[1] * 10]), np.array([90.0, *[0] * 10, *[1] * 10])
    one = np.append(one, [0] * 10)
    assert drift_tests.homogeneity_p(one, other) == pytest.approx(1.0)
    assert drift_tests.homogeneity_p(np.array([3.0]), np.array([5.0])) == 1.0
    assert drift_tests.homogeneity_p(np.array([3.0, 1]), np.array([0.0, 0])) == 1.0


def test_a_new_word_in_a_tenth_of_the_reviews_is_seen() -> None:
    before = {"the": 900, "fit": 300}
    p = drift_tests.words_p(before, 1000, {"the": 450, "fit": 150, "app": 50}, 500)
    assert p is not None
    assert p < 1e-6
    assert drift_tests.words_p(before, 1000, {"the": 450, "fit": 150}, 500) == 1.0
    assert drift_tests.words_p({}, 1000, before, 1000) is None


def test_one_word_is_fisher_s_exact_test() -> None:
    table = np.array([[37, 963], [21, 279]])
    tails = [fisher_exact(table, alternative=side).pvalue for side in ("less", "greater")]
    found = drift_tests.words_p({"app": 37}, 1000, {"app": 21}, 300)
    assert found == pytest.approx(2 * min(tails))


def test_rare_words_raise_no_more_false_alarms_than_they_may() -> None:
    """300 words that a fiftieth of the reviews have: chi-square would be wrong in 23 of these 200."""
    draw = np.random.default_rng(7)
    alarms = 0
    for _ in range(200):
        before, now = draw.binomial(4000, 0.02, 300), draw.binomial(300, 0.02, 300)
        sides = ({str(word): int(count) for word, count in enumerate(side)} for side in (before, now))
        p = drift_tests.words_p(next(sides), 4000, next(sides), 300)
        alarms += p is not None and p < 0.05
    # Of 200 draws of 5 % more than 18 have a probability of 1 %.
    assert alarms <= 18


def test_an_older_profile_is_judged_by_size_alone() -> None:
    profile = drift.profile(samples.curated(400))
    older = {key: value for key, value in profile.items() if key != "documents"}
    measures = drift.compare(older, profile)
    assert measures["vocabulary_jensen_shannon"]["p_value"] is None
    assert measures["vocabulary_jensen_shannon"]["adjusted_p"] is None
    assert gates_drift.drift(measures, LIMITS).status == "pass"


def test_a_large_difference_that_may_be_chance_passes_and_a_sure_one_warns() -> None:
    measure = {"value": 9.0, "rows": 1000}
    for p, status in ((0.5, "pass"), (0.001, "warn"), (None, "warn")):
        measures = {
            name: {**measure, "adjusted_p": p}
            for name in ("category_psi", "length_psi", "vocabulary_jensen_shannon", "label_cramers_v")
        }
        assert gates_drift.drift(measures, LIMITS).status == status


def test_no_drift_stays_quiet() -> None:
    rows = samples.curated(3000)
    alarms = 0
    for seed in range(20):
        mixed = rows.sample(frac=1, random_state=seed)
        measures = drift.compare(drift.profile(mixed[:1000]), drift.profile(mixed[1000:1600]))
        alarms += gates_drift.drift(measures, LIMITS).status == "warn"
    assert alarms == 0
