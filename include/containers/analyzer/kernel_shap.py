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
    """
    return np.asarray(Solver(sampled).solve(values[None], empty, full[None])[0])


class Solver:
    """The fit over one set of coalitions, prepared once for all games that are played with them.

    The attributions always add up to ``full - empty``: the fit is made in the hyperplane where they do. Where
    samples are few for the players, the estimate is pulled towards equal shares, as strongly as generalized
    cross-validation finds best; nothing is pulled when all coalitions are there.
    """

    def __init__(self, sampled: Coalitions) -> None:
        """Prepare the fit over some coalitions."""
        self.sampled = sampled
        self._players, self._pairs = sampled.masks.shape[1], len(sampled.weights)
        if self._players < 2:
            return
        present = sampled.masks[: self._pairs].astype(np.float64)
        self._centred_sizes = present.sum(axis=1) - self._players / 2
        self._root = np.sqrt(sampled.weights)
        # Removing each row's mean confines the solution to attributions that sum to zero.
        design = (present - present.mean(axis=1, keepdims=True)) * self._root[:, None]
        eigenvalues, vectors = np.linalg.eigh(design.T @ design)
        kept = eigenvalues > 1e-10 * eigenvalues[-1]
        self._eigenvalues, self._vectors = eigenvalues[kept], vectors[:, kept]
        self._projection = self._vectors.T @ design.T

    def solve(self, values: Numbers, empty: Numbers, full: Numbers) -> Numbers:
        """Return the attributions of several games, shape (games, players, outputs).

        values: outputs of each game's coalitions (games, samples, outputs); empty: the outputs without any
        player, the same in all games; full: those with all players (games, outputs).
        """
        games, outputs = full.shape
        if self._players == 0:
            return np.zeros((games, 0, outputs))
        share = ((full - empty) / self._players)[:, None, :]
        if self._players == 1:
            return np.asarray(share)
        # Half the difference within a pair: what both halves say together about the attributions.
        response = (values[:, : self._pairs] - values[:, self._pairs :]) / 2
        response = (response - self._centred_sizes[:, None] * share) * self._root[:, None]
        projected = np.einsum("ep,gpo->geo", self._projection, response, optimize=True)
        strength = np.zeros(games)
        if not self.sampled.complete:
            strength = self._best_strengths((projected**2).sum(axis=2), (response**2).sum(axis=(1, 2)))
        shrunk = projected / (self._eigenvalues + strength[:, None])[:, :, None]
        correction = np.einsum("me,geo->gmo", self._vectors, shrunk, optimize=True)
        return np.asarray(share + correction - correction.mean(axis=1, keepdims=True))

    def _best_strengths(self, energy: Numbers, total: Numbers) -> Numbers:
        """Return each game's ridge strength of the smallest generalized cross-validation score.

        energy: squared lengths of projected responses (games, eigenvalues); total: of responses (games).
        """
        scale = float(self._eigenvalues.mean())
        best = np.full(len(total), _STRENGTHS[-1] * scale)
        best_score = np.full(len(total), np.inf)
        for strength in _STRENGTHS:
            shrunk = self._eigenvalues + strength * scale
            freedom = 1 - _COST_OF_A_PARAMETER * float((self._eigenvalues / shrunk).sum()) / self._pairs
            if freedom <= 0:
                continue
            residual = total - energy @ (2 / shrunk - self._eigenvalues / shrunk**2)
            score = np.maximum(residual, 0.0) / freedom**2
            better = score < best_score
            best[better], best_score[better] = strength * scale, score[better]
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
