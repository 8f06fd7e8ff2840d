"""Batched skip-gram with shared negative samples, which fastText does not have.

After Ji et al. 2016, "Parallelizing Word2Vec in Shared and Distributed Memory", which BlazingText's mode
batch_skipgram follows: a batch of context words shares its negative samples, so that vector products become
one product of matrices. One thread and a fixed seed: the same numbers every time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from blazingtext.hyperparameters import Word2VecHyperparameters
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    Batch = tuple[Ids, Ids]

_LARGEST_SCORE = 30.0


def train(
    model: Any, sentences: Sequence[Sequence[str]], parameters: Word2VecHyperparameters, seed: int
) -> None:
    """Train `model`, a fastText word-vector model without subwords, on sentences of tokens."""
    words, counts = model.get_words(include_freq=True)
    ids = {word: index for index, word in enumerate(words)}
    encoded = [np.array([ids[token] for token in line if token in ids], dtype=np.int64) for line in sentences]
    chance = np.random.default_rng(seed)
    trainer = _Trainer(np.asarray(counts, dtype=np.float64), parameters, chance)
    total = parameters.epochs * max(1, sum(len(line) for line in encoded))
    done = 0
    for _ in range(parameters.epochs):
        for line in encoded:
            rate = parameters.learning_rate * (1 - done / total)
            for contexts, centres in batches(trainer.subsampled(line), parameters, chance):
                trainer.learn(contexts, centres, rate)
            done += len(line)
    model.set_matrices(trainer.inputs, trainer.outputs)


def batches(line: Ids, parameters: Word2VecHyperparameters, chance: np.random.Generator) -> Iterator[Batch]:
    """Pairs (context words, their centre words) of a sentence, at most `batch_size` at a time.

    The window of each centre word has a random size of up to `window_size` words a side, as in word2vec.
    """
    contexts: list[int] = []
    centres: list[int] = []
    sizes = chance.integers(1, parameters.window_size + 1, len(line))
    for position, size in enumerate(sizes):
        around = [*line[max(0, position - size) : position], *line[position + 1 : position + 1 + size]]
        contexts.extend(around)
        centres.extend([line[position]] * len(around))
        while len(contexts) >= parameters.batch_size:
            yield np.array(contexts[: parameters.batch_size]), np.array(centres[: parameters.batch_size])
            del contexts[: parameters.batch_size], centres[: parameters.batch_size]
    if contexts:
        yield np.array(contexts), np.array(centres)


class _Trainer:
    """The two matrices, of shape (words, dimensions) each, and one step of learning."""

    def __init__(
        self,
        counts: NDArray[np.float64],
        parameters: Word2VecHyperparameters,
        chance: np.random.Generator,
    ) -> None:
        shape = (len(counts), parameters.vector_dim)
        self.inputs = chance.uniform(-1 / shape[1], 1 / shape[1], shape).astype(np.float32)
        self.outputs = np.zeros(shape, dtype=np.float32)
        self._negatives = parameters.negative_samples
        self._chance = chance
        # As in fastText: a word of frequency f is kept with probability sqrt(t/f) + t/f, and drawn as a
        # negative sample in proportion to sqrt(f).
        ratio = parameters.sampling_threshold / (counts / counts.sum())
        self._kept = np.sqrt(ratio) + ratio
        weights = np.cumsum(np.sqrt(counts))
        self._drawn = weights / weights[-1]

    def subsampled(self, line: Ids) -> Ids:
        """The sentence without some of its frequent words."""
        kept: Ids = line[self._chance.random(len(line)) <= self._kept[line]]
        return kept

    def learn(self, contexts: Ids, centres: Ids, learning_rate: float) -> None:
        """One batch: each context word predicts its centre among negatives that the batch shares."""
        targets, own = np.unique(centres, return_inverse=True)
        negatives = np.searchsorted(self._drawn, self._chance.random(self._negatives))
        columns = np.concatenate([targets, negatives])
        truth = np.zeros((len(contexts), len(columns)), dtype=np.float32)
        truth[np.arange(len(contexts)), own] = 1
        # Another pair's centre is no negative sample, and a pair's own centre cannot be one either.
        used = np.concatenate([truth[:, : len(targets)] > 0, negatives != centres[:, None]], axis=1)
        hidden, output = self.inputs[contexts], self.outputs[columns]
        scores = np.clip(hidden @ output.T, -_LARGEST_SCORE, _LARGEST_SCORE)
        errors = np.where(used, truth - 1 / (1 + np.exp(-scores)), 0).astype(np.float32) * learning_rate
        np.add.at(self.inputs, contexts, errors @ output)
        np.add.at(self.outputs, columns, errors.T @ hidden)
