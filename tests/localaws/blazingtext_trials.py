"""Run by the stand-in's Python: trains BlazingText's image once a setting and tells what each model is like.

Standard input: ``{name: {"hyperparameters": {...}, "channels": {channel: text}}}``; standard output: by name,
``{"files", "digest", "printed", "facts"}``, or ``{"failure"}``.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
from blazingtext import train
from blazingtext.features import Features

PROBES = ("awful torn dress", "gute kleider züchtig größe dress", "love", "never seen words")


def trial(hyperparameters: dict[str, str], channels: dict[str, str]) -> dict[str, Any]:
    """Train in a directory laid out as /opt/ml."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        (base / "input/config").mkdir(parents=True)
        (base / "input/config/hyperparameters.json").write_text(json.dumps(hyperparameters))
        for channel, text in channels.items():
            (base / "input/data" / channel).mkdir(parents=True)
            (base / "input/data" / channel / "corpus").write_text(text, encoding="utf-8")
        printed = io.StringIO()
        logging.basicConfig(level=logging.INFO, stream=printed, format="%(message)s", force=True)
        with contextlib.redirect_stdout(printed):
            try:
                train.run(base)
            except train.ClientError as error:
                return {"failure": str(error)}
        files = {path.name: path.read_bytes() for path in sorted((base / "model").iterdir())}
        model = fasttext.load_model(
            str(base / "model" / next(item for item in files if item.endswith(".bin")))
        )
        binary = next(content for item, content in files.items() if item.endswith(".bin"))
        texts = {item: content.decode() for item, content in files.items() if not item.endswith(".bin")}
        return {
            "files": sorted(files),
            "texts": texts,
            "digest": hashlib.sha256(binary).hexdigest(),
            "printed": printed.getvalue(),
            "facts": facts(model, hyperparameters),
        }


def facts(model: Any, hyperparameters: dict[str, str]) -> dict[str, Any]:
    """What the saved model is, asked of fastText itself."""
    found: dict[str, Any] = {
        "dimension": model.get_dimension(),
        "words": model.words,
        "rows": model.get_input_matrix().shape[0],
        "unseen": float(np.abs(model.get_word_vector("awfulness")).sum()),
        "subwords": len(model.get_subwords("awful")[0]),
    }
    if hyperparameters["mode"] == "supervised":
        found["labels"] = sorted(model.labels)
        found["ngrams"] = model.f.getArgs().wordNgrams
        found["difference"] = difference(model)
    else:
        found["alike"] = cosine(model, "awful", "torn") - cosine(model, "awful", "love")
    return found


def difference(model: Any) -> float:
    """How far probabilities computed from our features are from fastText's, at most."""
    features = Features(model, model.f.getArgs().wordNgrams, model.f.getArgs().bucket)
    inputs, outputs = model.get_input_matrix(), model.get_output_matrix()
    largest = 0.0
    for text in PROBES:
        rows = features.rows(text)
        scores = outputs @ inputs[rows].mean(axis=0)
        expected = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        labels, probabilities = model.predict(text, k=len(model.labels))
        for label, probability in zip(labels, probabilities, strict=True):
            largest = max(largest, abs(float(expected[model.labels.index(label)]) - float(probability)))
    return largest


def cosine(model: Any, first: str, second: str) -> float:
    """Cosine of two words' vectors."""
    left, right = model.get_word_vector(first), model.get_word_vector(second)
    return float(left @ right / (np.linalg.norm(left) * np.linalg.norm(right) + 1e-12))


if __name__ == "__main__":
    wanted = json.load(sys.stdin)
    json.dump({name: trial(**settings) for name, settings in wanted.items()}, sys.stdout)
