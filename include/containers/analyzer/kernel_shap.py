"""Kernel SHAP: Shapley values from a weighted linear fit over coalitions.

Lundberg and Lee, A Unified Approach to Interpreting Model Predictions (2017). Coalitions come in pairs of a
set and its complement, which cancels part of the sampling error (Covert and Lee, Improving KernelSHAP, 2021).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Coalitions:
    """Which players take part, `masks` (samples, players) of bool, and the weight of each row in the fit."""

    masks: NDArray[np.bool_]
    weights: NDArray[np.float64]


def default_samples(players: int) -> int:
    """Return the number of coalitions to evaluate when none is configured: 2 M + 2048, the custom of SHAP."""
    return 2 * players + 2048


def coalitions(players: int, samples: int, generator: np.random.Generator) -> Coalitions:
    """Return about `samples` coalitions, neither empty nor full, in complementary pairs.

    Sizes are taken from the outside in. As long as the budget covers all coalitions of a size and its
    mirror, they are enumerated; the rest is drawn by the Shapley kernel. With `samples` of at least
    2**players - 2 all are enumerated and the fit gives exact Shapley values.
    """
    if players < 2:
        return Coalitions(np.zeros((0, players), dtype=bool), np.zeros(0))
    kernel = {size: (players - 1) / (size * (players - size)) for size in range(1, players // 2 + 1)}
    for size in kernel:
        # Sizes s and M - s weigh the same and are drawn together; the middle size is its own mirror.
        kernel[size] *= 1 if 2 * size == players else 2
    masks: list[NDArray[np.bool_]] = []
    weights: list[NDArray[np.float64]] = []
    budget = max(2, samples)
    for size in list(kernel):
        number = math.comb(players, size) * (1 if 2 * size == players else 2)
        if number > budget * kernel[size] / sum(kernel.values()):
            break
        masks.append(_every(players, size))
        weights.append(np.full(number, kernel.pop(size) / number))
        budget -= number
    if kernel and budget >= 2:
        masks.append(_drawn(players, kernel, budget // 2, generator))
        weights.append(np.full(len(masks[-1]), sum(kernel.values()) / len(masks[-1])))
    return Coalitions(np.concatenate(masks), np.concatenate(weights))


def shapley_values(
    sampled: Coalitions, values: NDArray[np.float64], empty: NDArray[np.float64], full: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the attribution of each player to each output, shape (players, outputs).

    values: the outputs of each coalition (samples, outputs); empty, full: those without and with all players.
    The attributions always add up to ``full - empty``: the fit is made in the hyperplane where they do.
    """
    players = sampled.masks.shape[1]
    if players == 0:
        return np.zeros((0, len(full)))
    share = np.tile((full - empty) / players, (players, 1))
    if players == 1:
        return share
    design = sampled.masks.astype(np.float64)
    residual = values - empty - design @ share
    # Removing each row's mean confines the solution to attributions that sum to zero.
    design -= design.mean(axis=1, keepdims=True)
    weighted = design * sampled.weights[:, None]
    gram = np.linalg.pinv(design.T @ weighted, rcond=1e-10, hermitian=True)
    correction = gram @ (weighted.T @ residual)
    return np.asarray(share + correction - correction.mean(axis=0))


def _every(players: int, size: int) -> NDArray[np.bool_]:
    chosen = np.array(list(combinations(range(players), size)))
    masks = np.zeros((len(chosen), players), dtype=bool)
    np.put_along_axis(masks, chosen, values=True, axis=1)
    return masks if 2 * size == players else np.concatenate([masks, ~masks])


def _drawn(
    players: int, kernel: dict[int, float], pairs: int, generator: np.random.Generator
) -> NDArray[np.bool_]:
    weights = np.array(list(kernel.values()))
    sizes = generator.choice(list(kernel), size=pairs, p=weights / weights.sum())
    ranks = generator.random((pairs, players)).argsort(axis=1).argsort(axis=1)
    masks = ranks < sizes[:, None]
    return np.concatenate([masks, ~masks])
