"""Word vectors: training in three modes, the files BlazingText leaves, and their evaluation."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import fasttext
from blazingtext import batch_skipgram
from blazingtext.threads import SEED, threads_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from blazingtext.hyperparameters import Word2VecHyperparameters

logger = logging.getLogger(__name__)


def train(
    path: Path, sentences: Sequence[Sequence[str]], parameters: Word2VecHyperparameters
) -> fasttext.FastText._FastText:
    """Train word vectors on a file of sentences; `sentences` are its tokens.

    Raises fastText's `ValueError` when no word is left after `min_count`.
    """
    if parameters.mode != "batch_skipgram":
        return _fasttext(path, sentences, parameters, parameters.mode)
    # fastText makes the vocabulary and the model file; the vectors are learned here.
    model = _fasttext(path, sentences, replace(parameters, epochs=1, subwords=False), "skipgram")
    batch_skipgram.train(model, sentences, parameters, SEED)
    return model


def _fasttext(
    path: Path, sentences: Sequence[Sequence[str]], parameters: Word2VecHyperparameters, model: str
) -> fasttext.FastText._FastText:
    subwords = parameters.subwords
    return fasttext.train_unsupervised(
        input=str(path),
        model=model,
        lr=parameters.learning_rate,
        dim=parameters.vector_dim,
        ws=parameters.window_size,
        epoch=parameters.epochs,
        minCount=parameters.min_count,
        neg=parameters.negative_samples,
        t=parameters.sampling_threshold,
        minn=parameters.min_char if subwords else 0,
        maxn=parameters.max_char if subwords else 0,
        bucket=parameters.buckets if subwords else 0,
        thread=threads_for(parameters.epochs * sum(map(len, sentences))),
        verbose=0,
    )


def save(model: Any, directory: Path) -> None:
    """Write `vectors.bin`, which fastText opens, and `vectors.txt`: a line of counts, then a line a word."""
    directory.mkdir(parents=True, exist_ok=True)
    model.save_model(str(directory / "vectors.bin"))
    with (directory / "vectors.txt").open("w", encoding="utf-8") as file:
        file.write(f"{len(model.words)} {model.get_dimension()}\n")
        for word in model.words:
            file.write(f"{word} {' '.join(f'{value:.6g}' for value in model.get_word_vector(word))}\n")
