"""Kernel SHAP against Shapley's own definition, by brute force over all orders and subsets."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import kernel_shap

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def brute_force(players: int, value: Callable[[Any], Any]) -> NDArray[np.float64]:
    """The textbook sum over all subsets without the player."""
    result = np.zeros((players, len(value(np.zeros(players, dtype=bool)))))
    for player in range(players):
        others = [other for other in range(players) if other != player]
        for size in range(players):
            weight = math.factorial(size) * math.factorial(players - size - 1) / math.factorial(players)
            for subset in combinations(others, size):
                mask = np.zeros(players, dtype=bool)
                mask[list(subset)] = True
                without = value(mask)
                mask[player] = True
                result[player] += weight * (value(mask) - without)
    return result


def solve(players: int, samples: int, value: Callable[[Any], Any], seed: int = 0) -> NDArray[np.float64]:
    sampled = kernel_shap.coalitions(players, samples, np.random.default_rng(seed))
    none, every = value(np.zeros(players, dtype=bool)), value(np.ones(players, dtype=bool))
    values = np.array([value(mask) for mask in sampled.masks]).reshape(len(sampled.masks), len(none))
    return kernel_shap.shapley_values(sampled, values, none, every)


def random_game(players: int, seed: int, outputs: int = 3) -> Callable[[Any], Any]:
    table = np.random.default_rng(seed).normal(size=(2**players, outputs))
    powers = 2 ** np.arange(players)
    return lambda mask: table[int(mask @ powers)]


def smooth_game(players: int, seed: int) -> Callable[[Any], Any]:
    generator = np.random.default_rng(seed)
    weights, pairs = generator.normal(size=players), generator.normal(size=(players, players)) / players

    def value(mask: Any) -> Any:
        score = mask @ weights + mask @ pairs @ mask
        return np.array([1 / (1 + np.exp(-score)), score])

    return value


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 8), st.integers(0, 2**31))
def test_few_players_get_exact_shapley_values(players: int, seed: int) -> None:
    game = random_game(players, seed)
    found = solve(players, kernel_shap.default_samples(players), game)
    np.testing.assert_allclose(found, brute_force(players, game), atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 200), st.integers(0, 2**31))
def test_attributions_add_up_whatever_the_budget(players: int, samples: int, seed: int) -> None:
    game = smooth_game(players, seed)
    found = solve(players, samples, game, seed)
    expected = game(np.ones(players, dtype=bool)) - game(np.zeros(players, dtype=bool))
    np.testing.assert_allclose(found.sum(axis=0), expected, atol=1e-9)


@pytest.mark.parametrize("players", [12, 40, 90])
def test_a_linear_game_is_solved_by_its_weights(players: int) -> None:
    weights = np.random.default_rng(1).normal(size=(players, 2))
    found = solve(players, 3 * players, lambda mask: mask @ weights + 5.0)
    np.testing.assert_allclose(found, weights, atol=1e-8)


def test_the_error_shrinks_with_the_budget() -> None:
    game = smooth_game(12, 3)
    exact = brute_force(12, game)
    errors = [np.abs(solve(12, samples, game) - exact).max() for samples in (60, 500, 4094)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[1] < 0.02
    assert errors[2] < 1e-9


@pytest.mark.parametrize(("players", "samples"), [(45, 100), (90, 200)])
def test_few_samples_for_many_players_do_not_blow_up(players: int, samples: int) -> None:
    generator = np.random.default_rng(players)
    weights = generator.normal(size=(players, 2)) / 3
    none, every = np.zeros(players, dtype=bool), np.ones(players, dtype=bool)

    def value(masks: Any) -> Any:
        bigrams = (masks[..., 1:] & masks[..., :-1]) @ weights[1:, ::-1]
        return np.tanh(masks @ weights + bigrams / 2)

    exact = kernel_shap.shapley_values(
        many := kernel_shap.coalitions(players, 50_000, generator),
        value(many.masks),
        value(none),
        value(every),
    )
    plain: list[float] = []
    estimated: list[float] = []
    for seed in range(5):
        sampled = kernel_shap.coalitions(players, samples, np.random.default_rng(seed))
        for errors, fit in ((plain, replace(sampled, complete=True)), (estimated, sampled)):
            found = kernel_shap.shapley_values(fit, value(fit.masks), value(none), value(every))
            errors.append(float(np.abs(found - exact).mean()))
    assert np.mean(estimated) < 0.75 * np.mean(plain)


def test_null_and_symmetric_players() -> None:
    found = solve(6, 100, lambda mask: np.array([float(mask[0] and mask[1])]))
    np.testing.assert_allclose(found[:, 0], [0.5, 0.5, 0, 0, 0, 0], atol=1e-9)


@pytest.mark.parametrize(("players", "samples"), [(5, 30), (10, 1022), (20, 300), (60, 100)])
def test_coalitions_keep_the_budget_and_come_in_pairs(players: int, samples: int) -> None:
    sampled = kernel_shap.coalitions(players, samples, np.random.default_rng(0))
    assert len(sampled.masks) <= samples
    assert len(sampled.masks) >= samples - 1
    sizes = sampled.masks.sum(axis=1)
    assert sizes.min() >= 1
    assert sizes.max() <= players - 1
    first, second = np.split(sampled.masks, 2)
    assert (second == ~first).all()
    assert sampled.complete is (samples == 2**players - 2)
    if sampled.complete:
        assert len(set(map(tuple, sampled.masks.tolist()))) == samples


def test_the_same_seed_draws_the_same_coalitions() -> None:
    first, again, other = (
        kernel_shap.coalitions(50, 200, np.random.default_rng(seed)).masks for seed in (7, 7, 8)
    )
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("players", [0, 1])
def test_no_choice_no_coalitions(players: int) -> None:
    sampled = kernel_shap.coalitions(players, 100, np.random.default_rng(0))
    assert sampled.masks.shape == (0, players)
    found = kernel_shap.shapley_values(sampled, np.zeros((0, 2)), np.array([0.1, 0.2]), np.array([0.5, 0.1]))
    np.testing.assert_allclose(found, [[0.4, -0.1]][:players] or np.zeros((0, 2)))
