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

    Numbers = NDArray[np.float64]

# Candidate strengths of the pull towards equal shares, in units of the mean eigenvalue of the fit.
_STRENGTHS = (0.0, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
# Cross-validation alone overfits where pairs hardly outnumber players; the usual cure is to count each
# parameter as 1.4 (Kim and Gu, Smoothing spline Gaussian regression, 2004).
_COST_OF_A_PARAMETER = 1.4


@dataclass(frozen=True)
class Coalitions:
    """Which players take part.

    masks: bool of shape (samples, players); the second half are the complements of the first, in order.
    weights: weight of each pair in the fit, shape (samples / 2,).
    complete: whether every coalition is there, so that the fit is exact and not an estimate.
    """

    masks: NDArray[np.bool_]
    weights: Numbers
    complete: bool


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
        return Coalitions(np.zeros((0, players), dtype=bool), np.zeros(0), complete=True)
    # A size and its mirror are one pair; both weigh (M - 1) / (s (M - s)) in all, the middle size once.
    kernel = {size: (players - 1) / (size * (players - size)) for size in range(1, (players + 1) // 2)}
    if players % 2 == 0:
        kernel[players // 2] = (players - 1) / (players // 2) ** 2 / 2
    budget = max(1, samples // 2)
    masks: list[NDArray[np.bool_]] = []
    weights: list[Numbers] = []
    for size in list(kernel):
        pairs = math.comb(players, size) // (2 if 2 * size == players else 1)
        if pairs > budget * kernel[size] / sum(kernel.values()):
            break
        masks.append(_every(players, size, pairs))
        weights.append(np.full(pairs, kernel.pop(size) / pairs))
        budget -= pairs
    complete = not kernel
    if kernel and budget:
        masks.append(_drawn(players, kernel, budget, generator))
        weights.append(np.full(budget, sum(kernel.values()) / budget))
    first = np.concatenate(masks)
    return Coalitions(np.concatenate([first, ~first]), np.concatenate(weights), complete)


def shapley_values(sampled: Coalitions, values: Numbers, empty: Numbers, full: Numbers) -> Numbers:
    """Return the attribution of each player to each output, shape (players, outputs).

    values: the outputs of each coalition (samples, outputs); empty, full: those without and with all players.
    The attributions always add up to ``full - empty``: the fit is made in the hyperplane where they do. Where
    samples are few for the players, the estimate is pulled towards equal shares, as strongly as generalized
    cross-validation finds best; nothing is pulled when all coalitions are there.
    """
    players, pairs = sampled.masks.shape[1], len(sampled.weights)
    if players == 0:
        return np.zeros((0, len(full)))
    share = (full - empty) / players
    if players == 1:
        return np.array([share])
    present = sampled.masks[:pairs].astype(np.float64)
    # Half the difference within a pair: what both halves say together about the attributions.
    response = (values[:pairs] - values[pairs:]) / 2 - (present.sum(axis=1) - players / 2)[:, None] * share
    # Removing each row's mean confines the solution to attributions that sum to zero.
    design = present - present.mean(axis=1, keepdims=True)
    root = np.sqrt(sampled.weights)[:, None]
    correction = _ridge(design * root, response * root, estimate=not sampled.complete)
    return np.asarray(share + correction - correction.mean(axis=0))


def _ridge(design: Numbers, response: Numbers, *, estimate: bool) -> Numbers:
    """Return the least-squares solution, of least norm, with the best strength of shrinkage if `estimate`."""
    eigenvalues, vectors = np.linalg.eigh(design.T @ design)
    kept = eigenvalues > 1e-10 * eigenvalues[-1]
    eigenvalues, vectors = eigenvalues[kept], vectors[:, kept]
    projected = vectors.T @ (design.T @ response)
    strength = 0.0
    if estimate:
        energy = (projected**2).sum(axis=1)
        strength = _best_strength(eigenvalues, energy, float((response**2).sum()), len(design))
    return np.asarray(vectors @ (projected / (eigenvalues + strength)[:, None]))


def _best_strength(eigenvalues: Numbers, energy: Numbers, total: float, rows: int) -> float:
    """Return the ridge strength of the smallest generalized cross-validation score."""
    scale = float(eigenvalues.mean())
    best, best_score = _STRENGTHS[-1] * scale, math.inf
    for strength in _STRENGTHS:
        shrunk = eigenvalues + strength * scale
        freedom = 1 - _COST_OF_A_PARAMETER * float((eigenvalues / shrunk).sum()) / rows
        if freedom <= 0:
            continue
        residual = total - float((energy * (2 / shrunk - eigenvalues / shrunk**2)).sum())
        score = max(residual, 0.0) / freedom**2
        if score < best_score:
            best, best_score = strength * scale, score
    return best


def _every(players: int, size: int, pairs: int) -> NDArray[np.bool_]:
    """Return all coalitions of a size; of the middle size those of which no two are complements."""
    # The first half of the combinations in order are those with the first player.
    chosen = np.array(list(combinations(range(players), size))[:pairs])
    masks = np.zeros((pairs, players), dtype=bool)
    np.put_along_axis(masks, chosen, values=True, axis=1)
    return masks


def _drawn(
    players: int, kernel: dict[int, float], pairs: int, generator: np.random.Generator
) -> NDArray[np.bool_]:
    weights = np.array(list(kernel.values()))
    sizes = generator.choice(list(kernel), size=pairs, p=weights / weights.sum())
    ranks = generator.random((pairs, players)).argsort(axis=1).argsort(axis=1)
    return ranks < sizes[:, None]
