"""Both contenders as the DAG trains them, beside other engines, on the same rows and in the same time.

    .venv/bin/python benchmarks/contenders.py reviews.csv --salts 3 --flaml PYTHON --autogluon PYTHON

Every salt is another split; data, settings and images are the product's own. The others get the rows of
Autopilot, and as many seconds as both contenders took together (at least `--seconds`). One engine runs at a
time; what processors worked for it is shown beside its seconds, because a busy machine gives fewer. FLAML and
AutoGluon are not dependencies of this project: name a Python that has them, or they are left out. Prints
balanced accuracy and macro F1 on the common test rows, with the product's 95 % intervals. `--keep` leaves
rows and models in a directory for `text_shap.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
sys.path[:0] = [str(CHECKOUT / "plugins")]

from sentiment_retrain.data import datasets, reviews  # noqa: E402
from sentiment_retrain.settings import load_settings, merged, parse_settings  # noqa: E402
from sentiment_retrain.verdict import evaluation  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentiment_retrain.settings import Settings

OURS = ("blazingtext", "autopilot")
LOCAL_PYTHON = CHECKOUT / ".venv-localaws/bin/python"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("--salts", type=int, default=3, help="number of splits")
    parser.add_argument("--rival-salts", type=int, default=1, help="on how many of them the others run")
    parser.add_argument("--seconds", type=float, default=60.0, help="the others get at least so many")
    parser.add_argument("--keep", type=Path, help="where the files of each split stay, in salt-<number>")
    parser.add_argument("--engines", nargs="+", help="only these; the others then get --seconds")
    parser.add_argument("--flaml", type=Path)
    parser.add_argument("--autogluon", type=Path)
    arguments = parser.parse_args()
    rivals = {"tfidf_linear": LOCAL_PYTHON, "flaml": arguments.flaml, "autogluon": arguments.autogluon}
    settings = load_settings()
    say(f"{'salt':<22}{'engine':<14}{'balanced accuracy':>28}{'macro F1':>28}{'seconds':>9}{'worked':>8}")
    for number in range(1, arguments.salts + 1):
        salt = f"sentiment-retrain-{number}"
        with directory(arguments.keep, number) as path:
            split = Split(path, salted(settings, salt), arguments.source)
            chosen = arguments.engines or [*OURS, *rivals]
            taken = sum(split.run(engine, LOCAL_PYTHON, 0) for engine in OURS if engine in chosen)
            if number > arguments.rival_salts:
                continue
            for engine, python in rivals.items():
                if python is not None and engine in chosen:
                    split.run(engine, python, max(taken, arguments.seconds))


@contextlib.contextmanager
def directory(keep: Path | None, number: int) -> Iterator[Path]:
    """An empty directory for one split; without `keep` it is gone afterwards."""
    if keep is None:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)
        return
    path = keep / f"salt-{number}"
    path.mkdir(parents=True)
    yield path


def salted(settings: Settings, salt: str) -> Settings:
    """The same settings with another split."""
    document = settings.model_dump(mode="json")
    return parse_settings(merged(document, {"datasets": {"salt": salt}}), "benchmark")


class Split:
    """One split in a directory, and the engines that are measured on it."""

    def __init__(self, directory: Path, settings: Settings, source: Path) -> None:
        """Build the product's datasets of `source`."""
        self._directory = directory
        self._salt = settings.datasets.salt
        parsed = reviews.parse_reviews(source.read_bytes(), settings)
        built = datasets.build_datasets(parsed.accepted, settings)
        files = datasets.dataset_files(built, settings)
        for key in ("autopilot_train", "test_input"):
            (directory / key).write_bytes(files[key])
        (directory / "test_tokens").write_text(json.dumps(list(built.test["tokens"])), encoding="utf-8")
        self._truth = [int(label) for label in built.test["sentiment"]]
        (directory / "test_sentiments").write_text(json.dumps(self._truth), encoding="utf-8")
        rules = settings.jobs
        channels = {"train": files["blazingtext_train"], "validation": files["blazingtext_validation"]}
        _box(directory / "blazingtext", rules.blazingtext.wire_hyperparameters(), channels)
        search = {
            "job_name": "benchmark",
            "target": "sentiment",
            "problem_type": "MulticlassClassification",
            "objective": rules.autopilot.objective,
            "max_candidates": str(rules.autopilot.max_candidates),
        }
        _box(directory / "autopilot", search, {"training": files["autopilot_train"]})

    def run(self, engine: str, python: Path, seconds: float) -> float:
        """Train, predict and print; returns the seconds it took."""
        images = CHECKOUT / "include/localaws/images"
        finished = subprocess.run(  # noqa: S603
            [str(python), str(HERE / "contenders_fit.py"), engine, str(self._directory), str(seconds)],
            env={
                **os.environ,
                "PYTHONPATH": str(images),
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            say(f"{self._salt:<22}{engine:<14}failed: {finished.stderr.strip().splitlines()[-1]}")
            return 0.0
        document = json.loads((self._directory / f"{engine}.json").read_text(encoding="utf-8"))
        predicted = np.asarray(document["predicted"], dtype=np.int64)
        truth = np.asarray(self._truth, dtype=np.int64)
        matrix = evaluation.confusion_matrix(truth, predicted)
        values = evaluation.matrix_metrics(matrix)
        ranges = evaluation.intervals(matrix, confidence=0.95, samples=2000, seed=42)
        shown = "".join(
            f"{f'{float(values[name]):.4f} ({low:.4f} to {high:.4f})':>28}"
            for name in ("balanced_accuracy", "macro_f1")
            for low, high in [ranges[name]]
        )
        say(
            f"{self._salt:<22}{engine:<14}{shown}{document['seconds']:>9.0f}{document['processor_seconds']:>8.0f}"
        )
        sys.stdout.write(
            "".join(line + "\n" for line in finished.stdout.splitlines() if line.startswith("    "))
        )
        return float(document["seconds"])


def _box(base: Path, hyperparameters: dict[str, str], channels: dict[str, bytes]) -> None:
    """A directory laid out as /opt/ml."""
    (base / "input/config").mkdir(parents=True)
    document = json.dumps(hyperparameters)
    (base / "input/config/hyperparameters.json").write_text(document, encoding="utf-8")
    for channel, content in channels.items():
        (base / "input/data" / channel).mkdir(parents=True)
        (base / "input/data" / channel / "data").write_bytes(content)


def say(line: str) -> None:
    """Print now, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
