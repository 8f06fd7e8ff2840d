"""One engine, trained and asked in a process of its own; run by `contenders.py` with the engine's Python.

    python benchmarks/contenders_fit.py ENGINE DIRECTORY SECONDS

`DIRECTORY` holds the files of `prepare.datasets`; `<ENGINE>.json` is left there: predicted sentiments of the
test rows in order, the seconds that training took, and those that processors worked for it.
"""

from __future__ import annotations

import csv
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

Cells = Any


def rows(directory: Path) -> tuple[Cells, Cells, Cells]:
    """Training texts and sentiments, and test texts; what Autopilot gets."""
    with (directory / "autopilot_train").open(encoding="utf-8", newline="") as file:
        train = list(csv.DictReader(file))
    with (directory / "test_input").open(encoding="utf-8", newline="") as file:
        test = [row[0] for row in csv.reader(file)]
    texts = np.array([row["review_body"] for row in train], dtype=object)
    return texts, np.array([int(row["sentiment"]) for row in train]), np.array(test, dtype=object)


def tfidf_linear(directory: Path, seconds: float) -> Cells:
    """TF-IDF of words and pairs with logistic regression, tuned by random search until the time is up."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline

    texts, labels, test = rows(directory)
    chance, deadline = np.random.default_rng(0), time.monotonic() + 0.8 * seconds
    found: list[tuple[float, Any]] = []
    while not found or time.monotonic() < deadline:
        pipeline = make_pipeline(
            TfidfVectorizer(
                ngram_range=(1, int(chance.integers(1, 4))),
                min_df=int(chance.integers(2, 6)),
                sublinear_tf=True,
            ),
            LogisticRegression(
                C=float(10 ** chance.uniform(-0.7, 1.0)),
                class_weight=chance.choice(np.array(["balanced", None], dtype=object)),
                max_iter=300,
            ),
        )
        score = float(cross_val_score(pipeline, texts, labels, cv=4, scoring="f1_macro").mean())
        found.append((score, pipeline))
    best = max(found, key=lambda trial: trial[0])[1]
    return best.fit(texts, labels).predict(test)


def flaml(directory: Path, seconds: float) -> Cells:
    """FLAML on sparse TF-IDF, by macro F1, classes weighed equally as ours are."""
    from flaml import AutoML
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.utils.class_weight import compute_sample_weight

    texts, labels, test = rows(directory)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=3, max_features=30_000, sublinear_tf=True)
    matrix = vectorizer.fit_transform(texts)
    search = AutoML()
    search.fit(
        matrix,
        labels + 1,
        task="classification",
        metric="macro_f1",
        sample_weight=compute_sample_weight("balanced", labels),
        time_budget=seconds,
        estimator_list=["lrl2", "lgbm", "xgboost"],
        seed=0,
        n_jobs=2,
        verbose=0,
    )
    return np.asarray(search.predict(vectorizer.transform(test))).astype(int) - 1


def autogluon(directory: Path, seconds: float) -> Cells:
    """AutoGluon's tabular predictor on the text column, by macro F1, classes weighed equally as ours are."""
    import pandas as pd
    from autogluon.tabular import TabularPredictor

    texts, labels, test = rows(directory)
    predictor = TabularPredictor(
        "sentiment",
        eval_metric="f1_macro",
        sample_weight="balance_weight",
        path=str(directory / "autogluon"),
        verbosity=0,
    )
    predictor.fit(
        pd.DataFrame({"review_body": texts, "sentiment": labels}),
        time_limit=seconds,
        presets="medium_quality",
        num_cpus=2,
    )
    return predictor.predict(pd.DataFrame({"review_body": test})).astype(int).to_numpy()


def blazingtext(directory: Path, seconds: float) -> Cells:  # noqa: ARG001 - it needs what its settings ask for
    """The stand-in's BlazingText image on the files and hyperparameters of the run."""
    import fasttext
    from blazingtext import train

    train.run(directory / "blazingtext")
    model = fasttext.load_model(str(directory / "blazingtext/model/model.bin"))
    tokens = json.loads((directory / "test_tokens").read_text(encoding="utf-8"))
    predicted, _ = model.predict(tokens, k=1)
    return np.array([int(best[0].removeprefix("__label__")) for best in predicted])


def autopilot(directory: Path, seconds: float) -> Cells:  # noqa: ARG001 - its limits are in its settings
    """The stand-in's Autopilot image; the best candidate by its own objective, as the DAG takes it."""
    from automl import train

    train.run(directory / "autopilot")
    processor, model, finished = best_candidate(directory)
    _, _, test = rows(directory)
    ordinals = model.predict_proba(processor.transform(test.reshape(-1, 1))).argmax(axis=1)
    sys.stdout.write(
        "".join(
            f"    {event['algorithm']} on {event['processor']}: {event['objective']['value']:.4f}\n"
            for event in finished
        )
    )
    return ordinals - 1


def best_candidate(directory: Path) -> tuple[Any, Any, list[dict[str, Any]]]:
    """Data processor and model of the best candidate of `autopilot`, and the events of all that finished."""
    from automl import processors
    from automl.models import BoosterAverage, NetworkAverage

    output = directory / "autopilot/output/data"
    lines = (output / "events.jsonl").read_text(encoding="utf-8").splitlines()
    finished = [event for line in lines if (event := json.loads(line)).get("status") == "Completed"]
    best = max(finished, key=lambda event: event["objective"]["value"])
    loader: Any = BoosterAverage if best["algorithm"] == "xgboost" else NetworkAverage
    scratch = directory / "unpacked"
    for part, archive in (("processor", best["processor_model"]), ("model", best["model"])):
        _unpack(output / "artifacts" / archive, scratch / part)
    return processors.load(scratch / "processor"), loader.load(scratch / "model"), finished


def _unpack(archive: Path, directory: Path) -> None:
    import tarfile

    with tarfile.open(archive) as members:
        members.extractall(directory, filter="data")


ENGINES = {
    function.__name__: function for function in (tfidf_linear, flaml, autogluon, blazingtext, autopilot)
}


def main() -> None:
    """Train and predict."""
    engine, directory, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    started = time.monotonic()
    predicted = ENGINES[engine](directory, seconds)
    taken = time.monotonic() - started
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    document = {
        "predicted": [int(value) for value in predicted],
        "seconds": taken,
        "processor_seconds": sum(each.ru_utime + each.ru_stime for each in used),
    }
    (directory / f"{engine}.json").write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    main()
