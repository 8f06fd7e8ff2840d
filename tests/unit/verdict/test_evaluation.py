"""Metrics against values worked out by hand or by definition."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment_retrain.errors import PredictionsMalformed
from sentiment_retrain.verdict import evaluation

from .. import samples

if TYPE_CHECKING:
    import random

TRUE = [-1, -1, -1, -1, 0, 0, 1, 1, 1, 1]
PREDICTED = [-1, -1, -1, 0, 0, 1, 1, 1, 1, -1]
LABELS = st.lists(st.tuples(*[st.sampled_from([-1, 0, 1])] * 2), min_size=1, max_size=60)


def test_metrics_worked_out_by_hand() -> None:
    test = evaluation.evaluate(TRUE, samples.predictions(PREDICTED, 0.8))
    assert test["n"] == 10
    assert test["confusion_matrix"] == [[3, 1, 0], [0, 1, 1], [1, 0, 3]]
    assert test["accuracy"] == pytest.approx(0.7)
    assert test["balanced_accuracy"] == pytest.approx((3 / 4 + 1 / 2 + 3 / 4) / 3)
    assert test["macro_f1"] == pytest.approx((3 / 4 + 1 / 2 + 3 / 4) / 3)
    assert test["log_loss"] == pytest.approx(-(7 * math.log(0.8) + 3 * math.log(0.1)) / 10)
    neutral = test["per_class"]["0"]
    assert {key: neutral[key] for key in ("precision", "recall", "f1", "support")} == {
        "precision": 0.5,
        "recall": 0.5,
        "f1": 0.5,
        "support": 2,
    }
    assert neutral["intervals"]["recall"][0] <= 0.5 <= neutral["intervals"]["recall"][1]
    assert test["labels"] == [-1, 0, 1]
    assert test["baseline"]["accuracy"] == 0.4


@given(LABELS)
def test_metrics_by_definition(pairs: list[tuple[int, int]]) -> None:
    true, predicted = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    test = evaluation.evaluate(true, samples.predictions(predicted), bootstrap_samples=200)
    recalls, f1s = [], []
    for label in (-1, 0, 1):
        hits = sum(t == p == label for t, p in pairs)
        positives, guesses = true.count(label), predicted.count(label)
        if positives:
            recalls.append(hits / positives)
        f1s.append(2 * hits / (positives + guesses) if positives + guesses else 0.0)
    assert test["accuracy"] == pytest.approx(sum(t == p for t, p in pairs) / len(pairs))
    assert test["balanced_accuracy"] == pytest.approx(sum(recalls) / len(recalls))
    assert test["macro_f1"] == pytest.approx(sum(f1s) / 3)
    for metric in evaluation.METRICS:
        low, high = test["intervals"][metric]
        assert 0 <= low <= high <= 1


def test_intervals_have_the_width_that_theory_gives() -> None:
    matrix = np.array([[80, 20, 0], [10, 80, 10], [0, 20, 80]]) * 10
    low, high = evaluation.intervals(matrix, samples=4000)["accuracy"]
    standard_error = math.sqrt(0.8 * 0.2 / matrix.sum())
    assert low == pytest.approx(0.8 - 1.96 * standard_error, abs=0.002)
    assert high == pytest.approx(0.8 + 1.96 * standard_error, abs=0.002)


def test_same_seed_gives_the_same_interval() -> None:
    matrix = np.array([[8, 2, 0], [1, 8, 1], [0, 2, 8]])
    assert evaluation.intervals(matrix) == evaluation.intervals(matrix)
    assert evaluation.intervals(matrix) != evaluation.intervals(matrix, seed=1)


def test_being_sure_and_wrong_costs_much_but_not_everything() -> None:
    wrong = evaluation.Predictions(np.array([1]), np.array([[0.0, 0.0, 1.0]]))
    assert evaluation.evaluate([-1], wrong)["log_loss"] == pytest.approx(-math.log(1e-15))


def test_predictions_of_the_serving_contract() -> None:
    lines = [
        """1,0.91,"[0.02, 0.07, 0.91]","['-1', '0', '1']"\n""",
        """-1,0.5,"[0.3, 0.2, 0.5]","['1', '0', '-1']"\n""",
        "\n",
    ]
    parsed = evaluation.parse_predictions(lines, expected_rows=2)
    assert parsed.labels.tolist() == [1, -1]
    assert parsed.probabilities.tolist() == [[0.02, 0.07, 0.91], [0.5, 0.2, 0.3]]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1,0.9", "line 1"),
        ("""2,0.9,"[0.1, 0.1, 0.8]","['-1', '0', '1']\"""", "none of -1, 0, 1"),
        ("""0.5,0.9,"[0.1, 0.1, 0.8]","['-1', '0', '1']\"""", "none of -1, 0, 1"),
        ("""inf,0.9,"[0.1, 0.1, 0.8]","['-1', '0', '1']\"""", "none of -1, 0, 1"),
        ("""1,0.9,"[0.1, 0.1, 0.8]","['-1', 'inf', '1']\"""", "are not -1, 0, 1"),
        ("""1,0.9,"[0.1, 0.1, 0.7, 0.1]","['-1', '0', '1', '1']\"""", "are not -1, 0, 1"),
        ("""1,0.9,"[0.1, 0.9]","['-1', '0', '1']\"""", "line 1"),
        ("""1,0.9,"[0.1, 0.9]","['-1', '1']\"""", "line 1"),
        ("""1,0.9,"[0.1, -0.1, 1.0]","['-1', '0', '1']\"""", "not negative"),
        ("""1,0.9,"[0.1, NaN, 1.0]","['-1', '0', '1']\"""", "finite"),
        ("<html>502</html>", "502"),
    ],
)
def test_other_answers_are_refused_with_their_line(line: str, said: str) -> None:
    with pytest.raises(PredictionsMalformed, match=said):
        evaluation.parse_predictions([line])


def test_another_number_of_predictions_than_rows_is_refused() -> None:
    with pytest.raises(PredictionsMalformed, match="0 predictions"):
        evaluation.parse_predictions([], expected_rows=1)
    with pytest.raises(PredictionsMalformed, match="2 predictions"):
        evaluation.evaluate([1], samples.predictions([1, 1]))
    with pytest.raises(PredictionsMalformed):
        evaluation.evaluate([], samples.predictions([]))


def random_test(rows: int, seed: int = 3) -> tuple[list[int], evaluation.Predictions, list[str]]:
    draw = np.random.default_rng(seed)
    probabilities = draw.dirichlet([1, 1, 3], rows)
    true = draw.choice([-1, 0, 1], rows, p=[0.2, 0.2, 0.6])
    groups = draw.choice(["Dresses", "Knits", "Rare"], rows, p=[0.6, 0.38, 0.02])
    return (
        true.tolist(),
        evaluation.Predictions(probabilities.argmax(axis=1) - 1, probabilities),
        groups.tolist(),
    )


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 5))
def test_order_of_the_rows_changes_no_digit(shuffle: random.Random, seed: int) -> None:
    true, predictions, groups = random_test(300, seed)
    order = list(range(300))
    shuffle.shuffle(order)
    moved = evaluation.Predictions(predictions.labels[order], predictions.probabilities[order])
    again = evaluation.evaluate(
        [true[i] for i in order], moved, groups=[groups[i] for i in order], bootstrap_samples=50
    )
    assert again == evaluation.evaluate(true, predictions, groups=groups, bootstrap_samples=50)


def test_groups_are_scored_apart_and_small_ones_only_counted() -> None:
    true, predictions, groups = random_test(600)
    facets = evaluation.evaluate(true, predictions, groups=groups, bootstrap_samples=200)["facets"]
    assert list(facets) == ["Dresses", "Knits", "Rare"]
    assert facets["Rare"] == {"n": groups.count("Rare"), "judged": False}
    knits = [i for i, group in enumerate(groups) if group == "Knits"]
    alone = evaluation.evaluate(
        [true[i] for i in knits],
        evaluation.Predictions(predictions.labels[knits], predictions.probabilities[knits]),
        bootstrap_samples=200,
    )
    for metric in evaluation.METRICS:
        assert facets["Knits"][metric] == alone[metric]
        assert facets["Knits"]["intervals"][metric] == alone["intervals"][metric]


def test_macro_f1_of_a_group_without_a_sentiment_is_not_told() -> None:
    true, predicted = [-1, 1] * 20, [-1, 1] * 20
    facet = evaluation.evaluate(
        true, samples.predictions(predicted), groups=["Knits"] * 40, bootstrap_samples=50
    )["facets"]["Knits"]
    assert facet["macro_f1"] is facet["intervals"]["macro_f1"] is None
    assert facet["balanced_accuracy"] == 1.0
