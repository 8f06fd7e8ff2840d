"""Supervised training and scoring with fastText, whose model files BlazingText shares."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import fasttext

if TYPE_CHECKING:
    from blazingtext.corpus import Corpus
    from blazingtext.hyperparameters import SupervisedHyperparameters

logger = logging.getLogger(__name__)

# fastText is reproducible to the bit with one thread and a fixed seed, and with no other setting.
SEED = 0
THREADS = 1


def train(corpus: Corpus, parameters: SupervisedHyperparameters, epochs: int) -> fasttext.FastText._FastText:
    """Train a classifier for the given number of epochs; the learning rate falls linearly to 0 over them."""
    return fasttext.train_supervised(
        input=str(corpus.path),
        lr=parameters.learning_rate,
        dim=parameters.vector_dim,
        epoch=epochs,
        minCount=parameters.min_count,
        wordNgrams=parameters.word_ngrams,
        # Unigrams never look a bucket up; fastText would allocate and fill the whole table all the same.
        bucket=parameters.buckets if parameters.word_ngrams > 1 else 0,
        thread=THREADS,
        seed=SEED,
        verbose=0,
    )


def accuracy(model: fasttext.FastText._FastText, corpus: Corpus) -> float:
    """Share of lines whose most probable label is one of theirs; a label never trained on counts as wrong."""
    predicted, _ = model.predict(corpus.texts, k=1)
    hits = sum(
        bool(best) and best[0] in labels for best, labels in zip(predicted, corpus.labels, strict=True)
    )
    return hits / len(corpus.labels)


def train_with_early_stopping(
    training: Corpus, validation: Corpus, parameters: SupervisedHyperparameters
) -> fasttext.FastText._FastText:
    """Find the number of epochs after which validation accuracy stops rising, as `early_stopping` asks.

    fastText has no hook between epochs, so each number of epochs is trained from scratch. Unlike
    BlazingText's, every such model has seen its learning rate fall to 0. Time grows with the square of the
    number of epochs.
    """
    logger.warning("early_stopping is emulated: every number of epochs is trained from scratch")
    first = min(parameters.min_epochs, parameters.epochs)
    best_model, best_accuracy, best_epochs = None, -1.0, first
    for epochs in range(first, parameters.epochs + 1):
        model = train(training, parameters, epochs)
        score = accuracy(model, validation)
        logger.info("epoch %d: validation accuracy %.4f", epochs, score)
        if score > best_accuracy:
            best_model, best_accuracy, best_epochs = model, score, epochs
        elif epochs - best_epochs >= parameters.patience:
            logger.info("stopped early after epoch %d: best was epoch %d", epochs, best_epochs)
            break
    return best_model
