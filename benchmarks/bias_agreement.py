"""Every bias metric of our analyzer beside smclarify, the library inside SageMaker Clarify, on random tables.

    python benchmarks/bias_agreement.py --frames 200

smclarify is under the Amazon Software License and no part of this project: it is compared with, nothing else.
`make bench-bias` installs it, with the analyzer's requirements, into an environment of its own:

    uv venv --python 3.11 .local/bench && uv pip install --python .local/bench/bin/python \\
      smclarify==0.5 "pandas<3" shap duckdb scikit-learn pyarrow pydantic jmespath boto3 matplotlib nbformat
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import math
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # noqa: TID253 - a program of its own

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "include" / "containers"))

from analyzer import bias, config  # noqa: E402
from analyzer.dataset import Dataset  # noqa: E402

TOLERANCE = 1e-12
_ROWS = (3, 8, 12, 30, 80, 200, 600)


def random_case(seed: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a table and the part of an analysis configuration that says how to read it."""
    draw = np.random.default_rng(seed)
    rows = int(draw.choice(_ROWS))
    frame = pd.DataFrame(index=range(rows))
    kind = draw.choice(["binary", "multi", "words", "score", "count", "truth"])
    label, values = _label(draw, str(kind), rows)
    frame["label"] = label
    frame["predicted"] = _predicted(draw, label, str(kind))
    facet, sensitive = _facet(draw, rows)
    frame["facet"] = facet
    for index in range(int(draw.integers(0, 4))):
        frame[f"x{index}"] = draw.normal(size=rows).round(int(draw.integers(0, 3)))
    if draw.random() < 0.15:
        frame["text"] = "word"
    group = draw.random() < 0.6
    if group:
        frame["group"] = draw.integers(0, 4, rows)
    return frame, {
        "label_values_or_threshold": values,
        "facet": [{"name_or_index": "facet", **({"value_or_threshold": sensitive} if sensitive else {})}],
        **({"group_variable": "group"} if group else {}),
    }


def _label(draw: np.random.Generator, kind: str, rows: int) -> tuple[Any, list[Any]]:
    lopsided = float(draw.choice([0.02, 0.3, 0.6, 0.98]))
    if kind == "binary":
        return (draw.random(rows) < lopsided).astype(int), [_one_of(draw, [1, 0, "1", 1.0])]
    if kind == "multi":
        return draw.integers(-1, 2, rows), _one_of(draw, [[1], [0, 1], [-1], ["1", "0"], [7]])
    if kind == "words":
        return draw.choice(["bad", "fine", "good"], rows), _one_of(
            draw, [["good"], ["good", "fine"], ["none"]]
        )
    if kind == "score":
        return draw.normal(size=rows).round(2), [_one_of(draw, [0.0, 0.5, 1, "0.25", 9.0])]
    if kind == "count":
        return draw.integers(0, 100, rows), [_one_of(draw, [50, 12.5, "30", 99])]
    return draw.random(rows) < lopsided, [_one_of(draw, [1, 0])]


def _predicted(draw: np.random.Generator, label: Any, kind: str) -> Any:
    if draw.random() < 0.08:
        return np.full(len(label), 0.5) if kind != "score" else np.full(len(label), "good")
    wrong = draw.random(len(label)) < float(draw.choice([0.0, 0.2, 0.5]))
    predicted = np.where(wrong, draw.permutation(label), label)
    if draw.random() < 0.1:
        predicted = np.full(len(label), label[0])
    return predicted.astype(object) if kind == "words" else predicted


def _facet(draw: np.random.Generator, rows: int) -> tuple[Any, list[Any] | None]:
    kind = draw.choice(["words", "gaps", "codes", "age", "weight", "numerals"])
    if kind == "words":
        words = draw.choice(["Knits", "Dresses", "Jeans"], rows, p=[0.7, 0.27, 0.03])
        return words, _one_of(
            draw, [None, ["Jeans"], ["Knits", "Jeans"], ["Shoes"], ["Knits", "Dresses", "Jeans"]]
        )
    if kind == "gaps":
        words = draw.choice(np.array(["a", "b", None], dtype=object), rows)
        words[0] = "a"
        return words, _one_of(draw, [None, ["b"]])
    if kind == "codes":
        return draw.integers(0, 3, rows), _one_of(draw, [None, [1], [0, 2], ["1"], [5], ["2", "1"]])
    if kind == "age":
        return draw.integers(18, 90, rows), _one_of(draw, [[40], [65, 18], ["30"], [200], [89], None])
    if kind == "weight":
        return draw.normal(70, 10, rows).round(1), _one_of(draw, [[70], [65.5], ["80"], None])
    return draw.choice(["10", "20", "30"], rows), _one_of(draw, [None, ["10"], [10], [15]])


def _one_of(draw: np.random.Generator, choices: list[Any]) -> Any:
    return choices[int(draw.integers(len(choices)))]


def ours(frame: pd.DataFrame, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the sections of our analysis, or the sentence with which it fails."""
    methods = {"pre_training_bias": {"methods": "all"}, "post_training_bias": {"methods": "all"}}
    document = {"dataset_type": "text/csv", "label": "label", "predicted_label": "predicted", **settings}
    parsed = config.parse({**document, "methods": methods})
    features = [str(name) for name in frame if name not in ("label", "predicted")]
    dataset = Dataset(frame, features, "label", "predicted")
    try:
        sections = bias.analyze(parsed, dataset, frame["predicted"]).sections
    except config.AnalyzerError as error:
        return {"failed": str(error)}
    return {
        key: {"facets": section["facets"]["facet"], "text": section["label_value_or_threshold"]}
        for key, section in sections.items()
    }


def theirs(frame: pd.DataFrame, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what smclarify answers, in the same shape."""
    from smclarify.bias import report

    settings = json.loads(json.dumps(settings))
    values = settings["label_values_or_threshold"]
    label = report.LabelColumn("label", frame["label"], values)
    predicted = report.LabelColumn("predicted", frame["predicted"])
    facet = report.FacetColumn("facet", settings["facet"][0].get("value_or_threshold"))
    group = frame["group"] if "group_variable" in settings else None
    answer = {}
    try:
        for key, stage in (
            ("post_training_bias_metrics", report.StageType.POST_TRAINING),
            ("pre_training_bias_metrics", report.StageType.PRE_TRAINING),
        ):
            found = report.bias_report(frame.copy(), facet, label, stage, predicted, group_variable=group)
            answer[key] = {
                "facets": found,
                "text": report.label_value_or_threshold(frame["label"], list(values)),
            }
    except Exception as error:  # noqa: BLE001 - it raises whatever pandas raises
        return {"failed": str(error), "type": type(error).__name__}
    return answer


def compare(mine: dict[str, Any], other: dict[str, Any]) -> tuple[list[str], float, Counter[str]]:
    """Return what differs, the largest difference of two numbers, and how many of each kind agreed."""
    seen: Counter[str] = Counter()
    if "failed" in mine or "failed" in other:
        same = "failed" in mine and "failed" in other and _same_sentence(mine["failed"], other["failed"])
        seen["refused"] += same
        return ([] if same else [f"failed: {mine.get('failed')!r} / {other.get('failed')!r}"]), 0.0, seen
    problems: list[str] = []
    largest = 0.0
    for key, section in other.items():
        if mine[key]["text"] != section["text"]:
            problems.append(f"label text {mine[key]['text']!r} / {section['text']!r}")
        left, right = mine[key]["facets"], section["facets"]
        names = [[facet["value_or_threshold"] for facet in side] for side in (left, right)]
        if names[0] != names[1]:
            problems.append(f"facets {names[0]} / {names[1]}")
            continue
        for a, d in (
            (a, d)
            for x, y in zip(left, right, strict=True)
            for a, d in zip(x["metrics"], y["metrics"], strict=True)
        ):
            difference = _difference(a, d, seen)
            largest = max(largest, difference if math.isfinite(difference) else 0.0)
            if difference > TOLERANCE:
                problems.append(f"{a} / {d}")
    return problems, largest, seen


def _difference(mine: dict[str, Any], other: dict[str, Any], seen: Counter[str]) -> float:
    if {key: mine.get(key) for key in ("name", "description", "error")} != {
        key: other.get(key) for key in ("name", "description", "error")
    }:
        return math.inf
    a, d = mine["value"], other["value"]
    seen["error text" if a is None else "infinity" if isinstance(a, str) else "number"] += 1
    if a is None or isinstance(a, str) or isinstance(d, str):
        return 0.0 if a == d else math.inf
    return float(abs(a - d))


def _same_sentence(mine: str, other: str) -> bool:
    """Compare by the words that both share: ours names the column and the remedy as well."""
    plain = [
        " ".join("".join(c if c.isalnum() else " " for c in text).lower().split()) for text in (mine, other)
    ]
    return plain[0].replace("data type", "datatype").startswith(plain[1].replace("data type", "datatype"))


def main() -> int:
    """Compare and print; the exit code is 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    largest, total, wrong = 0.0, Counter[str](), 0
    for seed in range(options.seed, options.seed + options.frames):
        frame, settings = random_case(seed)
        with contextlib.redirect_stderr(io.StringIO()):
            problems, difference, seen = compare(ours(frame, settings), theirs(frame, settings))
        largest, total = max(largest, difference), total + seen
        if problems:
            wrong += 1
            sys.stdout.write(f"table {seed} {settings}: {problems[:3]}\n")
    sys.stdout.write(
        f"{options.frames} tables, {wrong} differ; agreed: {dict(total)}; "
        f"largest difference of two numbers {largest:.2g}\n"
    )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
