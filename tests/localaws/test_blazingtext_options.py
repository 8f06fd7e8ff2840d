"""Every mode and hyperparameter of BlazingText has an effect of its own: ignored, its test fails."""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from reviews import WORDS, as_fasttext, reviews
from stand_in import CHECKOUT, PYTHON

IMAGES = CHECKOUT / "include" / "localaws" / "images"
SUPERVISED = {
    **{"mode": "supervised", "epochs": "4", "learning_rate": "0.5", "vector_dim": "6"},
    **{"min_count": "1", "word_ngrams": "2", "buckets": "500"},
}
STOPPING = {**SUPERVISED, "epochs": "60", "early_stopping": "True", "min_epochs": "3", "patience": "2"}
WORD2VEC = {
    **{"epochs": "10", "learning_rate": "0.2", "vector_dim": "6", "min_count": "1"},
    **{"sampling_threshold": "0.1", "window_size": "3", "evaluation": "False", "buckets": "500"},
}
MODES = ("skipgram", "cbow", "batch_skipgram")


def sentences() -> str:
    """Sentences whose words belong together, without labels; tiger and cat are words of the evaluation."""
    chance = random.Random(3)
    topics = [*map(list, WORDS.values()), ["tiger", "cat", "love", "sex"], ["book", "paper", "rare"]]
    return "".join(" ".join(chance.choices(chance.choice(topics), k=7)) + "\n" for _ in range(250))


def manifest(rows: list[tuple[str, str]]) -> str:
    """The same rows as an augmented manifest, with the labels as numbers or lists."""
    lines = [{"source": text, "label": int(label) if int(label) else [0]} for label, text in rows]
    return "".join(json.dumps(line) + "\n" for line in lines)


def wanted() -> dict[str, dict[str, Any]]:
    """Hyperparameters and channels of every trial, by name; `mode/option` differs in that option."""
    labelled = {"train": as_fasttext(reviews(150)), "validation": as_fasttext(reviews(60, seed=1))}
    changed: dict[str, dict[str, str]] = {"supervised": SUPERVISED, "stopping": STOPPING}
    for name, value in (
        *(("epochs", "6"), ("learning_rate", "0.1"), ("vector_dim", "7"), ("min_count", "40")),
        *(("word_ngrams", "3"), ("buckets", "600")),
    ):
        changed[f"supervised/{name}"] = {**SUPERVISED, name: value}
    for name, value in (("min_epochs", "12"), ("patience", "9"), ("early_stopping", "False")):
        changed[f"stopping/{name}"] = {**STOPPING, name: value}
    trials = {name: {"hyperparameters": value, "channels": labelled} for name, value in changed.items()}
    trials["manifest"] = {
        "hyperparameters": SUPERVISED,
        "channels": {"train": manifest(reviews(150)), "validation": manifest(reviews(60, seed=1))},
    }
    for mode in MODES:
        for name, value in (("", ""), *word2vec_changes(mode)):
            settings = {**WORD2VEC, "mode": mode, **({name: value} if name else {})}
            if name in ("min_char", "max_char", "buckets"):
                settings["subwords"] = "True"
            trials["/".join(filter(None, (mode, name)))] = {
                "hyperparameters": settings,
                "channels": {"train": sentences()},
            }
    return trials


def word2vec_changes(mode: str) -> list[tuple[str, str]]:
    """Options of a word2vec mode, each with another value than the default trial's."""
    of_all = [
        *(("epochs", "3"), ("learning_rate", "0.05"), ("vector_dim", "7"), ("min_count", "60")),
        *(("negative_samples", "9"), ("sampling_threshold", "0.0001"), ("window_size", "1")),
        ("evaluation", "True"),
    ]
    if mode == "batch_skipgram":
        return [*of_all, ("batch_size", "3")]
    return [*of_all, ("subwords", "True"), ("min_char", "2"), ("max_char", "4"), ("buckets", "600")]


@pytest.fixture(scope="module")
def trials() -> dict[str, dict[str, Any]]:
    """What all trials left, from one process, so that its imports are paid for once."""
    finished = subprocess.run(
        [str(PYTHON), str(Path(__file__).with_name("blazingtext_trials.py"))],
        env={**os.environ, "PYTHONPATH": str(IMAGES), "OMP_NUM_THREADS": "1"},
        input=json.dumps(wanted()),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    found: dict[str, dict[str, Any]] = json.loads(finished.stdout)
    return found


OPTIONS = sorted(name for name in wanted() if "/" in name and not name.endswith("/evaluation"))


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_changes_the_model(trials: dict[str, dict[str, Any]], name: str) -> None:
    """Another value, another model."""
    mode, _, option = name.partition("/")
    # These three need subwords, which are what they are compared to.
    other = f"{mode}/subwords" if option in ("min_char", "max_char", "buckets") and mode in MODES else mode
    assert "failure" not in trials[name], trials[name]
    assert trials[name]["digest"] != trials[other]["digest"]


@pytest.mark.parametrize("mode", ["supervised", *MODES])
def test_sizes_are_those_asked_for(trials: dict[str, dict[str, Any]], mode: str) -> None:
    """fastText opens the file and finds the dimension, vocabulary and buckets asked for."""
    base = trials[mode]["facts"]
    assert base["dimension"] == 6
    assert trials[f"{mode}/vector_dim"]["facts"]["dimension"] == 7
    assert 0 < len(trials[f"{mode}/min_count"]["facts"]["words"]) < len(base["words"])
    if mode == "batch_skipgram":
        assert base["rows"] == len(base["words"])
    elif mode == "supervised":
        assert base["rows"] == len(base["words"]) + 500
        assert trials["supervised/buckets"]["facts"]["rows"] == len(base["words"]) + 600
        assert (base["ngrams"], trials["supervised/word_ngrams"]["facts"]["ngrams"]) == (2, 3)
    else:
        assert base["rows"] == len(base["words"])
        assert trials[f"{mode}/subwords"]["facts"]["rows"] == len(base["words"]) + 500
        assert trials[f"{mode}/buckets"]["facts"]["rows"] == len(base["words"]) + 600


@pytest.mark.parametrize("mode", ["skipgram", "cbow"])
def test_subwords_give_unseen_words_a_vector(trials: dict[str, dict[str, Any]], mode: str) -> None:
    """`min_char` and `max_char` bound the pieces; without subwords an unseen word is zeros."""
    assert trials[mode]["facts"]["unseen"] == 0
    assert trials[f"{mode}/subwords"]["facts"]["unseen"] > 0
    # "<awful>": pieces of 3 to 6, 2 to 6 and 3 to 4 letters, and the word itself.
    assert trials[f"{mode}/subwords"]["facts"]["subwords"] == 1 + 5 + 4 + 3 + 2
    assert trials[f"{mode}/min_char"]["facts"]["subwords"] == 1 + 6 + 5 + 4 + 3 + 2
    assert trials[f"{mode}/max_char"]["facts"]["subwords"] == 1 + 5 + 4


@pytest.mark.parametrize("mode", MODES)
def test_words_of_one_topic_are_alike(trials: dict[str, dict[str, Any]], mode: str) -> None:
    """Every mode learns, and each learns something of its own."""
    assert trials[mode]["facts"]["alike"] > 0.2
    assert len({trials[other]["digest"] for other in MODES}) == 3


@pytest.mark.parametrize("mode", MODES)
def test_vectors_are_written_as_text_too(trials: dict[str, dict[str, Any]], mode: str) -> None:
    """`vectors.txt`: counts, then a word a line."""
    assert trials[mode]["files"] == ["vectors.bin", "vectors.txt"]
    head, *lines = trials[mode]["texts"]["vectors.txt"].splitlines()
    words = trials[mode]["facts"]["words"]
    assert head == f"{len(words)} 6"
    assert [line.split()[0] for line in lines] == words
    assert {len(line.split()) for line in lines} == {7}


@pytest.mark.parametrize("mode", MODES)
def test_evaluation_reports_the_rank_correlation(trials: dict[str, dict[str, Any]], mode: str) -> None:
    """`eval.json` and the metric that the service looks for; neither without `evaluation`."""
    measured = json.loads(trials[f"{mode}/evaluation"]["texts"]["eval.json"])
    found = measured["EN-WS-353-ALL.txt"]
    assert (found["total_pairs"], found["not_found"]) == (353, 349)
    assert measured["mean_rho"] == found["spearmans_rho"]
    assert f"#mean_rho: {measured['mean_rho']:.4f}\n" in trials[f"{mode}/evaluation"]["printed"]
    assert "#mean_rho" not in trials[mode]["printed"]


def epochs_trained(trial: dict[str, Any]) -> int:
    """How many epochs the log tells of."""
    return int(trial["printed"].count("End of epoch"))


def test_early_stopping_ends_after_patience(trials: dict[str, dict[str, Any]]) -> None:
    """Validation accuracy that no longer rises ends training `patience` epochs later."""
    best = int(trials["stopping"]["printed"].partition("best was epoch ")[2].split()[0])
    assert epochs_trained(trials["stopping"]) == max(3, best + 2) < 60
    assert epochs_trained(trials["stopping/patience"]) >= best + 9
    assert "End of epoch" not in trials["stopping/early_stopping"]["printed"]


def test_early_stopping_waits_for_min_epochs(trials: dict[str, dict[str, Any]]) -> None:
    """The rule is not applied before `min_epochs`."""
    assert epochs_trained(trials["stopping/min_epochs"]) >= 12 > epochs_trained(trials["stopping"])


def test_early_stopping_keeps_the_best_epoch(trials: dict[str, dict[str, Any]]) -> None:
    """The saved model, asked through fastText, has the best validation accuracy that training saw."""
    printed = trials["stopping/patience"]["printed"]
    seen = [
        float(line.split()[2].rstrip(";")) for line in printed.splitlines() if "Validation accuracy" in line
    ]
    assert float(printed.partition("#validation_accuracy: ")[2].split()[0]) == max(seen) > 0.75


def test_features_are_those_of_fasttext(trials: dict[str, dict[str, Any]]) -> None:
    """Words and hashed n-grams give the probabilities that fastText gives, letters beyond ASCII included."""
    for name in ("supervised", "supervised/word_ngrams", "supervised/min_count", "stopping"):
        # fastText adds 1e-5 before it takes a logarithm.
        assert trials[name]["facts"]["difference"] < 3e-5


def test_an_augmented_manifest_trains_the_same_model(trials: dict[str, dict[str, Any]]) -> None:
    """`{"source": ..., "label": ...}` a line, the label a number or a list of numbers."""
    assert trials["manifest"]["facts"]["labels"] == ["__label__-1", "__label__0", "__label__1"]
    assert trials["manifest"]["digest"] == trials["supervised"]["digest"]
