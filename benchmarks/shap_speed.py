"""SHAP of our analyzer beside `shap`'s KernelExplainer: the same model, rows, baseline and number of samples.

    python benchmarks/shap_speed.py

`make bench-shap` installs `shap` into an environment of its own, see `bias_agreement.py`. Explained are
models of tables, whose features are few, so that all coalitions fit the samples and both are exact, or many,
so that both estimate; and a model of texts. The model is asked in the same program, without any network; over
an endpoint, what counts beside the model is the number of requests, which is shown too. Ratios are of the
processor's time, which a busy machine does not change.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "include" / "containers"))

_SPOKEN = (
    "love hate dress fits runs small large soft itchy colour great poor fabric beautiful returned comfy "
    "cheap perfect disappointed flattering see-through quality length waist size this it the and very not so"
)
WORDS = _SPOKEN.split()


class Counted:
    """A model that counts what it is asked: calls, rows, and the seconds that the processor worked for it."""

    def __init__(self, function: Any) -> None:
        self.function, self.calls, self.rows, self.seconds = function, 0, 0, 0.0

    def __call__(self, rows: Any) -> Any:
        self.calls += 1
        self.rows += len(rows)
        begin = time.process_time()
        answer = self.function(rows)
        self.seconds += time.process_time() - begin
        return answer


def tabular(
    features: int, rows: int, samples: int, *, binary: bool = False, linear: bool = False
) -> dict[str, Any]:
    """Explain a boosting or linear model of `features` numbers with both, at the same number of samples."""
    import pandas as pd
    import shap
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    from analyzer import shap_tabular
    from analyzer.config import Shap

    draw = np.random.default_rng(features)
    table = (
        draw.integers(0, 2, (4000, features)).astype(float) if binary else draw.normal(size=(4000, features))
    )
    score = table @ draw.normal(size=features) + 2 * table[:, 0] * table[:, 1]
    model = LogisticRegression() if linear else HistGradientBoostingClassifier(max_iter=30, random_state=0)
    model.fit(table, score > np.median(score))
    names = [f"x{index}" for index in range(features)]
    chosen, baseline = table[:rows], np.median(table, axis=0, keepdims=True)

    mine = Counted(lambda asked: model.predict_proba(np.stack(asked.columns, axis=1)))
    begin = time.process_time()
    settings = Shap(num_samples=samples, seed=0)
    frame, base = pd.DataFrame(chosen, columns=names), pd.DataFrame(baseline, columns=names)
    found = shap_tabular.explain(frame, base, mine, settings).values
    seconds = time.process_time() - begin

    other = Counted(model.predict_proba)
    begin = time.process_time()
    explainer = shap.KernelExplainer(other, baseline)
    theirs = np.asarray(explainer.shap_values(chosen, nsamples=samples, l1_reg=0, silent=True))
    taken = time.process_time() - begin
    name = f"table, {features} {'binary ' if binary else ''}features, "
    name += f"{'linear' if linear else 'boosting'} model, {samples} samples"
    exact = shap_tabular.explain(frame.iloc[:5], base, mine.function, Shap(num_samples=2**16, seed=0)).values
    return {
        "name": name,
        "ratio": taken / seconds,
        "own": (taken - other.seconds) / (seconds - mine.seconds),
        "rate": rows / seconds,
        "difference": float(np.abs(found - theirs).max()),
        "errors": (_error(found[:5], exact), _error(theirs[:5], exact)),
        "asked": (mine.calls, mine.rows, other.calls, other.rows),
    }


def text(rows: int, length: int, samples: int) -> dict[str, Any]:
    """Explain a TF-IDF and logistic regression model of texts of `length` words with both."""
    import shap
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from analyzer import shap_text
    from analyzer.config import Shap

    draw = np.random.default_rng(length)
    weights = draw.normal(size=len(WORDS))
    drawn = [draw.integers(0, len(WORDS), int(length * draw.uniform(0.7, 1.3))) for _ in range(1500)]
    texts = [" ".join(WORDS[index] for index in words) for words in drawn]
    classes = np.digitize([weights[words].mean() for words in drawn], [-0.1, 0.1])
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression()).fit(texts, classes)
    chosen = texts[:rows]
    settings = Shap.model_validate(
        {"num_samples": samples, "seed": 0, "text_config": {"granularity": "token", "language": "en"}}
    )

    mine = Counted(lambda asked: model.predict_proba([row[0] for row in asked]))
    begin = time.process_time()
    result = shap_text.explain([[one] for one in chosen], ["review"], [""], mine, settings)
    seconds = time.process_time() - begin
    found = [row[0].attributions for row in result.rows]

    other = Counted(model.predict_proba)
    begin = time.process_time()
    theirs = [_kernel_explainer(shap, shap_text, one, other, samples) for one in chosen]
    taken = time.process_time() - begin
    plenty = settings.model_copy(update={"num_samples": 20_000})
    few = [[one] for one in chosen[:2]]
    exact = [
        row[0].attributions for row in shap_text.explain(few, ["review"], [""], mine.function, plenty).rows
    ]
    pairs = list(zip(found[:2], theirs[:2], exact, strict=True))
    return {
        "name": f"texts, about {length} tokens, {samples} samples",
        "ratio": taken / seconds,
        "own": (taken - other.seconds) / (seconds - mine.seconds),
        "rate": rows / seconds,
        "difference": max(float(np.abs(a - b).max()) for a, b in zip(found, theirs, strict=True)),
        "errors": (
            float(np.mean([_error(a, reference) for a, _, reference in pairs])),
            float(np.mean([_error(b, reference) for _, b, reference in pairs])),
        ),
        "asked": (mine.calls, mine.rows, other.calls, other.rows),
    }


def _kernel_explainer(shap: Any, shap_text: Any, one: str, model: Any, samples: int) -> Any:
    chunks = shap_text.split(one, "token")

    def masked(masks: Any) -> Any:
        return model(shap_text.masked_texts(one, chunks, np.asarray(masks) > 0.5, ""))

    explainer = shap.KernelExplainer(masked, np.zeros((1, len(chunks))))
    return np.asarray(
        explainer.shap_values(np.ones((1, len(chunks))), nsamples=samples, l1_reg=0, silent=True)
    )[0]


def _error(found: Any, exact: Any) -> float:
    return float(np.abs(found - exact).mean())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=40)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    rows = options.rows
    _show(tabular(6, rows, 2 * 6 + 2048, linear=True))
    _show(tabular(10, rows, 2 * 10 + 2048, linear=True))
    _show(tabular(10, rows, 2 * 10 + 2048))
    _show(tabular(10, rows, 2 * 10 + 2048, binary=True))
    _show(tabular(16, rows // 2, 2 * 16 + 2048))
    _show(text(rows // 4, 9, 1000))
    _show(text(rows // 5, 45, 1000))


def _show(case: dict[str, Any]) -> None:
    calls, rows, other_calls, other_rows = case["asked"]
    sys.stdout.write(
        f"{case['name']}: {case['rate']:.1f} rows/s, {case['ratio']:.1f} times KernelExplainer's "
        f"({case['own']:.1f} times without the model's time); "
        f"largest difference {case['difference']:.2g}; mean error against (nearly) all coalitions: "
        f"ours {case['errors'][0]:.2g}, shap {case['errors'][1]:.2g}; "
        f"requests {calls} / {other_calls}, rows asked {rows:,} / {other_rows:,}\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
