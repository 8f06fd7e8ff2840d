"""Python's hash seed, which orders its sets, differs from process to process: no result may depend on it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from . import samples

CHECKOUT = Path(__file__).resolve().parents[2]
LOCAL_PYTHON = CHECKOUT / ".venv-localaws/bin/python"

DECIDE = """
import hashlib, json
from unit import samples
from sentiment_retrain.data import datasets
from sentiment_retrain.verdict import evaluation, selection

settings = samples.settings()
built = datasets.build_datasets(samples.curated(900), settings)
files = datasets.dataset_files(built, settings)
true = [-1, 0, 1, 1] * 100
entrants = []
for name, share, seed in (("autopilot", 0.8, 1), ("blazingtext", 0.75, 2), ("champion", 0.7, 3)):
    said = samples.mistaken(true, share, seed)
    test = evaluation.evaluate(true, samples.predictions(said), bootstrap_samples=200)
    entrants.append(selection.Entrant(name, test, said, model_name=name, model_fingerprint=name))
rules = settings.selection.model_copy(update={"bootstrap_samples": 200})
circumstances = selection.Circumstances("auto", "manual", "2026-11-22", "2026-11-01")
verdict = selection.select(
    entrants[:2], entrants[2], true, circumstances, rules, settings.gates.floor, "s3://verdict"
)
print(json.dumps([{key: hashlib.sha256(files[key]).hexdigest() for key in files}, verdict], default=str))
"""
TRAIN = """
import sys
from pathlib import Path
from typing import Any
from automl import train as automl
from blazingtext import train as blazingtext

automl.run(Path(sys.argv[1]) / "autopilot")
blazingtext.run(Path(sys.argv[1]) / "blazingtext")
"""


def started(seed: str, python: Path, program: str, *arguments: str, path: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(python), "-c", program, *arguments],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> str:
    said, complaint = process.communicate()
    assert process.returncode == 0, complaint[-2000:]
    return said


def test_datasets_and_verdict() -> None:
    path = f"{CHECKOUT / 'plugins'}:{CHECKOUT / 'tests'}"
    running = [started(seed, Path(sys.executable), DECIDE, path=path) for seed in ("1", "2")]
    one, other = (json.loads(finished(process).splitlines()[-1]) for process in running)
    assert one == other
    assert {"autopilot_train", "blazingtext_train"} <= set(one[0])
    assert one[1]["winner"] == "autopilot"


def box(base: Path, hyperparameters: dict[str, str], channels: dict[str, bytes]) -> None:
    """A directory laid out as /opt/ml."""
    (base / "input/config").mkdir(parents=True)
    (base / "input/config/hyperparameters.json").write_text(json.dumps(hyperparameters), encoding="utf-8")
    for name, content in channels.items():
        (base / "input/data" / name).mkdir(parents=True)
        (base / "input/data" / name / "data").write_bytes(content)


def learned(directory: Path) -> tuple[str, list[tuple[str, Any]]]:
    """Digest of BlazingText's model, and the hyperparameters and metrics of Autopilot's candidates."""
    model = (directory / "blazingtext/model/model.bin").read_bytes()
    events = (directory / "autopilot/output/data/events.jsonl").read_text(encoding="utf-8").splitlines()
    candidates = [
        (event["algorithm"], (event["hyperparameters"], event["metrics"]))
        for event in map(json.loads, events)
        if event.get("status") == "Completed"
    ]
    return hashlib.sha256(model).hexdigest(), candidates


@pytest.mark.skipif(not LOCAL_PYTHON.exists(), reason="needs the stand-in's environment")
def test_training_of_both_contenders(tmp_path: Path) -> None:
    reviews = samples.curated(520, seed=5)
    table = reviews[["sentiment", "review_body"]].to_csv(index=False).encode()
    lines = "".join(
        f"__label__{label} {text}\n"
        for label, text in zip(reviews["sentiment"], reviews["review_body"], strict=True)
    ).encode()
    search = {"job_name": "same", "target": "sentiment", "objective": "F1macro", "max_candidates": "3"}
    search["problem_type"] = "MulticlassClassification"
    modest = {"mode": "supervised", "epochs": "5", "vector_dim": "10", "word_ngrams": "2", "buckets": "1000"}
    running = []
    for seed in ("1", "2"):
        box(tmp_path / seed / "autopilot", search, {"training": table})
        box(tmp_path / seed / "blazingtext", modest, {"train": lines, "validation": lines})
        images = str(CHECKOUT / "include/localaws/images")
        running.append(started(seed, LOCAL_PYTHON, TRAIN, str(tmp_path / seed), path=images))
    for process in running:
        finished(process)
    one, other = learned(tmp_path / "1"), learned(tmp_path / "2")
    assert [algorithm for algorithm, _ in one[1]] == ["linear-learner", "xgboost", "mlp"]
    assert one == other
