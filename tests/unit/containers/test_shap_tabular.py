"""SHAP of tables: against Shapley's own sum, over a baseline of several rows, and what the model is asked."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from analyzer import pdp, shap_files, shap_tabular
from analyzer.config import AnalyzerError, Shap

if TYPE_CHECKING:
    from pathlib import Path

BASELINE = pd.DataFrame({"age": [30.0, 50.0], "income": [1.0, 4.0], "town": ["a", "b"], "same": [0, 0]})
ROWS = pd.DataFrame(
    {"age": [20.0, 60.0, 20.0], "income": [3.0, 1.0, 3.0], "town": ["a", "c", "a"], "same": [0, 0, 0]}
)


def score(age: Any, income: Any, town: Any, same: Any) -> list[float]:
    chance = 1 / (1 + math.exp(-(age / 20 + (income - 2) * (town != "a") - 2 + same)))
    return [1 - chance, chance]


class Model:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.requests = 0

    def __call__(self, rows: Any) -> Any:
        self.requests += 1
        new = list(rows)
        self.asked += new
        return np.array([score(*row) for row in new])


def by_definition(row: Any, link: Any) -> Any:
    """Shapley's sum over all subsets of the four features."""

    def value(subset: Any) -> Any:
        mixed = [
            [row.iloc[i] if i in subset else base.iloc[i] for i in range(4)]
            for _, base in BASELINE.iterrows()
        ]
        return link(np.mean([score(*cells) for cells in mixed], axis=0))

    result = np.zeros((4, 2))
    for player in range(4):
        others = [i for i in range(4) if i != player]
        for size in range(4):
            weight = math.factorial(size) * math.factorial(3 - size) / math.factorial(4)
            for subset in combinations(others, size):
                result[player] += weight * (value({*subset, player}) - value(set(subset)))
    return result


@pytest.mark.parametrize("use_logit", [False, True])
def test_few_features_get_shapley_s_values(use_logit: bool) -> None:
    link = (lambda p: np.log(p / (1 - p))) if use_logit else (lambda p: p)
    result = shap_tabular.explain(ROWS, BASELINE, Model(), Shap(use_logit=use_logit))
    for index in range(len(ROWS)):
        np.testing.assert_allclose(result.values[index], by_definition(ROWS.iloc[index], link), atol=1e-12)
        np.testing.assert_allclose(
            result.values[index].sum(axis=0), result.scores[index] - result.expected, atol=1e-12
        )


def test_rows_that_agree_are_asked_once_and_all_in_few_requests() -> None:
    model = Model()
    many = pd.concat([ROWS] * 200, ignore_index=True)
    result = shap_tabular.explain(many, BASELINE, model, Shap())
    np.testing.assert_array_equal(result.values[:3], result.values[-3:])
    # The baseline, the rows, and everything made up of them.
    assert model.requests == 3
    assert len(model.asked) < 40
    assert result.made_up > 200 * 10


def test_batches_and_parts_do_not_change_the_values(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    rows = pd.DataFrame(draw.normal(size=(6, 14)), columns=[f"x{i}" for i in range(14)])
    rows.iloc[1, :5] = 0.0
    baseline = pd.DataFrame(np.zeros((1, 14)), columns=rows.columns)

    def model(asked: Any) -> Any:
        table = np.array(list(asked))
        return np.stack([np.tanh(table.sum(axis=1)), table[:, 0] * table[:, 1]], axis=1)

    settings = Shap(num_samples=300, seed=5)
    together = shap_tabular.explain(rows, baseline, model, settings)
    monkeypatch.setattr(shap_tabular, "_ROWS_AT_A_TIME", 1)
    for index, part in enumerate((rows[:2], rows[2:])):
        shap_files.save_tabular(
            shap_tabular.explain(part, baseline, model, settings), tmp_path / f"{index}.npz"
        )
    merged = shap_files.load_tabular([tmp_path / "0.npz", tmp_path / "1.npz"])
    np.testing.assert_allclose(merged.values, together.values, atol=1e-12)
    other = shap_tabular.explain(rows, baseline, model, settings.model_copy(update={"seed": 6}))
    assert np.abs(other.values - together.values).max() > 1e-6
    # Nine players of the second row have 510 coalitions, more than are asked; five are no players at all.
    assert (together.values[1, :5] == 0).all()


def test_scores_that_are_no_probabilities_have_no_logit() -> None:
    with pytest.raises(AnalyzerError, match="use_logit needs probabilities"):
        shap_tabular.explain(ROWS, BASELINE, lambda rows: np.full((len(rows), 1), 3.0), Shap(use_logit=True))


def test_local_values_vary_features_first_and_the_join_key_is_last(tmp_path: Path) -> None:
    result = shap_tabular.explain(ROWS, BASELINE, Model(), Shap())
    key = pd.Series(["r1", "r2", "r3"], name="id")
    path = tmp_path / "out" / "out.csv"
    shap_tabular.write_local(result, ["no", "yes"], ["age", "town"], path, key)
    table = pd.read_csv(path)
    assert list(table) == ["age_no", "town_no", "age_yes", "town_yes", "id"]
    np.testing.assert_allclose(table["town_yes"], result.values[:, 2, 1])
    section = shap_tabular.global_explanations(result, ["no", "yes"], "mean_sq", ["age", "town"])
    assert section["yes"]["global_shap_values"]["age"] == pytest.approx((result.values[:, 0, 1] ** 2).mean())
    assert section["yes"]["expected_value"] == pytest.approx(result.expected[1])


def test_a_baseline_made_of_clusters_finds_them() -> None:
    frame = pd.DataFrame({"x": [0.0, 0.2, 10.0, 10.2], "kind": ["a", "a", "b", "b"]})
    found = shap_tabular.baseline_rows(frame, 2, seed=0).sort_values("x")
    assert found["x"].tolist() == pytest.approx([0.1, 10.1])
    assert found["kind"].tolist() == ["a", "b"]
    assert len(shap_tabular.baseline_rows(frame, None, seed=0)) <= 4


def test_partial_dependence_is_the_mean_over_all_rows() -> None:
    found = pdp.partial_dependence(ROWS, ["income", "town"], 2, Model(), ["no", "yes"], seed=0)
    income, town = found
    assert income["feature_values"] == [1.5, 2.5]
    assert income["data_distribution"] == pytest.approx([1 / 3, 2 / 3])
    expected = [
        np.mean([score(r.age, value, r.town, r.same)[1] for r in ROWS.itertuples()]) for value in (1.5, 2.5)
    ]
    assert income["model_predictions"][1] == pytest.approx(expected)
    assert (town["data_type"], town["feature_values"]) == ("categorical", ["a", "c"])
    text = ROWS.assign(review="it runs small but I love the colour of it")
    (refused,) = pdp.partial_dependence(text, ["review"], 2, Model(), ["no", "yes"], seed=0)
    assert refused["error"] == "PDP is not supported for text features."
