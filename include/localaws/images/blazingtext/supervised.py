"""Supervised training and scoring with fastText, whose model files BlazingText shares."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import fasttext
from blazingtext import epochs
from blazingtext.threads import SEED, threads_for

if TYPE_CHECKING:
    from blazingtext.corpus import Corpus
    from blazingtext.hyperparameters import SupervisedHyperparameters

logger = logging.getLogger(__name__)


def train(corpus: Corpus, parameters: SupervisedHyperparameters) -> fasttext.FastText._FastText:
    """Train a classifier for all epochs; the learning rate falls linearly to 0 over them."""
    words = sum(text.count(" ") + 1 for text in corpus.texts)
    return fasttext.train_supervised(
        input=str(corpus.path),
        lr=parameters.learning_rate,
        dim=parameters.vector_dim,
        epoch=parameters.epochs,
        minCount=parameters.min_count,
        wordNgrams=parameters.word_ngrams,
        # Unigrams never look a bucket up; fastText would allocate and fill the whole table all the same.
        bucket=parameters.buckets if parameters.word_ngrams > 1 else 0,
        thread=threads_for(words * parameters.epochs),
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
    """Train until validation accuracy stops rising; the weights of the best epoch are kept.

    fastText has no hook between epochs: it makes vocabulary and model file here, and `epochs` trains.
    """
    model = train(training, replace(parameters, epochs=1))
    epochs.train(model, training, validation, parameters, SEED)
    return model
