"""The `train` command of the local BlazingText image: text classification, or word vectors."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from blazingtext import similarity, supervised, word2vec
from blazingtext.corpus import read_channel, read_sentences
from blazingtext.hyperparameters import ClientError, SupervisedHyperparameters, parse

if TYPE_CHECKING:
    from blazingtext.corpus import Corpus
    from blazingtext.hyperparameters import Word2VecHyperparameters

logger = logging.getLogger("blazingtext")


def run(base: Path) -> None:
    """Train on `<base>/input`, leave the model in `<base>/model`, print the metrics as the algorithm does.

    Raises `ClientError` for bad hyperparameters or data.
    """
    parameters = parse(json.loads((base / "input/config/hyperparameters.json").read_text(encoding="utf-8")))
    if isinstance(parameters, SupervisedHyperparameters):
        _classify(base, parameters)
    else:
        _embed(base, parameters)


def _classify(base: Path, parameters: SupervisedHyperparameters) -> None:
    training = read_channel(base / "input/data/train", "train")
    validation_directory = base / "input/data/validation"
    validation = read_channel(validation_directory, "validation") if validation_directory.is_dir() else None
    logger.info("%d training lines, %s", len(training.labels), parameters)
    started = time.monotonic()
    model = _train(training, validation, parameters)
    logger.info("Training finished in %.2f seconds", time.monotonic() - started)
    _report("train", supervised.accuracy(model, training), len(training.labels))
    if validation is not None:
        _report("validation", supervised.accuracy(model, validation), len(validation.labels))
    directory = base / "model"
    directory.mkdir(parents=True, exist_ok=True)
    model.save_model(str(directory / "model.bin"))


def _train(
    training: Corpus, validation: Corpus | None, parameters: SupervisedHyperparameters
) -> supervised.fasttext.FastText._FastText:
    if not parameters.early_stopping:
        return supervised.train(training, parameters)
    if validation is None:
        raise ClientError(
            "early_stopping needs a channel 'validation'; add one or set early_stopping to False."
        )
    return supervised.train_with_early_stopping(training, validation, parameters)


def _embed(base: Path, parameters: Word2VecHyperparameters) -> None:
    path, sentences = read_sentences(base / "input/data/train", "train")
    logger.info("%d sentences, %s", len(sentences), parameters)
    started = time.monotonic()
    model = word2vec.train(path, sentences, parameters)
    logger.info("Training finished in %.2f seconds", time.monotonic() - started)
    word2vec.save(model, base / "model")
    if not parameters.evaluation:
        return
    words = set(model.words)
    pairs = similarity.read_pairs()
    if parameters.subwords:  # every word is made of some
        words.update(word for first, second, _ in pairs for word in (first, second))
    measured = similarity.evaluate(model.get_word_vector, words.__contains__, pairs)
    (base / "model/eval.json").write_text(json.dumps(measured, indent=2), encoding="utf-8")
    _print(f"{json.dumps(measured)}\n#mean_rho: {measured['mean_rho']:.4f}\n")


def _report(channel: str, accuracy: float, examples: int) -> None:
    _print(f"#{channel}_accuracy: {accuracy:.4f}\nNumber of {channel} examples: {examples}\n")


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def main() -> int:
    """Run the job; a failure is written to `output/failure`, from where it becomes the failure reason."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    try:
        run(base)
    except (ClientError, MemoryError, ValueError, OSError) as error:
        # fastText reports impossible settings (such as no word left after min_count) as ValueError.
        kind = "ClientError" if isinstance(error, ClientError | ValueError) else "AlgorithmError"
        reason = f"{kind}: {error or type(error).__name__}"
        logger.error("%s", reason, exc_info=kind == "AlgorithmError")
        (base / "output").mkdir(parents=True, exist_ok=True)
        (base / "output/failure").write_text(reason, encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
