"""Supervised training epoch by epoch, with the early stopping that fastText itself does not have.

The same model, loss and falling learning rate as fastText's (Joulin et al. 2016, "Bag of Tricks for Efficient
Text Classification"), one line at a time; the matrices go into fastText's own model, which is saved.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from blazingtext.features import Features

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blazingtext.corpus import Corpus
    from blazingtext.hyperparameters import SupervisedHyperparameters
    from numpy.typing import NDArray

    Rows = Sequence[NDArray[np.int64]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Weights:
    """Input matrix of shape (words and buckets, dimensions), output matrix of shape (labels, dimensions)."""

    inputs: NDArray[np.float32]
    outputs: NDArray[np.float32]

    def copy(self) -> Weights:
        """The same numbers in memory of their own."""
        return Weights(self.inputs.copy(), self.outputs.copy())


class Patience:
    """From `min_epochs` on, stop after `patience` epochs without a better validation accuracy."""

    def __init__(self, min_epochs: int, patience: int) -> None:
        """Both are numbers of epochs."""
        self._min_epochs = min_epochs
        self._patience = patience
        self.best = -1.0
        self.best_epoch = 0

    def improved(self, epoch: int, accuracy: float) -> bool:
        """Take the accuracy after an epoch, counted from 1; whether it is the best so far."""
        if accuracy <= self.best:
            return False
        self.best, self.best_epoch = accuracy, epoch
        return True

    def exhausted(self, epoch: int) -> bool:
        """Whether training ends after this epoch."""
        return epoch >= self._min_epochs and epoch - self.best_epoch >= self._patience


def train(
    model: Any, training: Corpus, validation: Corpus, parameters: SupervisedHyperparameters, seed: int
) -> None:
    """Train `model`, a fastText classifier of the right vocabulary and size, until validation stops rising.

    The weights of the best epoch are kept. One thread and a fixed seed: the same numbers every time.
    """
    names = {label: index for index, label in enumerate(model.labels)}
    features = Features(model, parameters.word_ngrams, parameters.buckets)
    rows, targets = _examples(features, training, names)
    held_out, truths = (
        features.all_rows(validation.texts),
        [{names[label] for label in labels if label in names} for labels in validation.labels],
    )
    chance = np.random.default_rng(seed)
    weights = _initial(model, chance)
    rule, kept = Patience(parameters.min_epochs, parameters.patience), weights
    steps = parameters.epochs * len(rows)
    for epoch in range(1, parameters.epochs + 1):
        done = (epoch - 1) * len(rows)
        for step, index in enumerate(range(len(rows)), start=done):
            _learn(
                weights, rows[index], targets[index], parameters.learning_rate * (1 - step / steps), chance
            )
        accuracy = _accuracy(weights, held_out, truths)
        logger.info("-------------- End of epoch: %d", epoch)
        if rule.improved(epoch, accuracy):
            kept = weights.copy()
            logger.info("Validation accuracy: %.4f; it improved, these weights are stored", accuracy)
        else:
            logger.info(
                "Validation accuracy: %.4f; not improved for %d epochs", accuracy, epoch - rule.best_epoch
            )
        if rule.exhausted(epoch):
            logger.info("stopped early after epoch %d: best was epoch %d", epoch, rule.best_epoch)
            break
    model.set_matrices(kept.inputs, kept.outputs)


def _examples(
    features: Features, corpus: Corpus, names: dict[str, int]
) -> tuple[list[NDArray[np.int64]], list[list[int]]]:
    """Rows and label numbers of each line that has any row."""
    rows, targets = [], []
    for text, labels in zip(corpus.texts, corpus.labels, strict=True):
        found = features.rows(text)
        if len(found):
            rows.append(found)
            targets.append(sorted(names[label] for label in labels))
    return rows, targets


def _initial(model: Any, chance: np.random.Generator) -> Weights:
    shape = model.get_input_matrix().shape
    bound = 1 / shape[1]
    inputs = chance.uniform(-bound, bound, shape).astype(np.float32)
    return Weights(inputs, np.zeros(model.get_output_matrix().shape, dtype=np.float32))


def _learn(
    weights: Weights,
    rows: NDArray[np.int64],
    labels: list[int],
    learning_rate: float,
    chance: np.random.Generator,
) -> None:
    """One step of stochastic gradient descent; of several labels one is drawn, as fastText does."""
    hidden = weights.inputs[rows].mean(axis=0)
    errors = -_softmax(weights.outputs @ hidden)
    errors[labels[0] if len(labels) == 1 else labels[chance.integers(len(labels))]] += 1
    errors *= learning_rate
    gradient = (errors @ weights.outputs) / len(rows)
    np.add(weights.outputs, np.outer(errors, hidden), out=weights.outputs)
    np.add.at(weights.inputs, rows, gradient)


def _softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    exponents = np.exp(scores - scores.max())
    return np.asarray(exponents / exponents.sum(), dtype=np.float32)


def _accuracy(weights: Weights, rows: Rows, truths: Sequence[set[int]]) -> float:
    """Share of lines whose highest score is one of their labels; a line of unknown words counts as wrong."""
    hits = 0
    for found, truth in zip(rows, truths, strict=True):
        hits += (
            bool(len(found)) and int((weights.outputs @ weights.inputs[found].sum(axis=0)).argmax()) in truth
        )
    return hits / len(rows)
