"""Entry point of the processing container: one analysis from configuration to files."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analyzer import bias, config, dataset, render, report, shap_text
from analyzer.config import AnalyzerError
from analyzer.predictor import Predictor, hosted

if TYPE_CHECKING:
    from types import FrameType

    from analyzer.config import AnalysisConfig
    from analyzer.dataset import Dataset

log = logging.getLogger("analyzer")

# DescribeProcessingJob shows this much of a message.
_MESSAGE_CHARACTERS = 1024


def main() -> int:
    """Run the analysis configured below SAGEMAKER_BASE_DIR (or /opt/ml) and return the exit code."""
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    signal.signal(signal.SIGTERM, _stop)
    started = time.monotonic()
    try:
        run(base)
    except AnalyzerError as error:
        log.error("%s", error)  # noqa: TRY400 - the text is the whole story
        _tell_failure(base, str(error))
        return 1
    except Exception as error:
        log.exception("The analysis failed unexpectedly")
        _tell_failure(base, f"Internal error: {type(error).__name__}: {error}")
        return 1
    log.info("Analysis finished in %.1f s", time.monotonic() - started)
    return 0


def run(base: Path) -> dict[str, Any]:
    """Carry out the analysis below `base` and return what was written to `analysis.json`.

    Reads `processing/input/{config/analysis_config.json,data}`, writes `processing/output`. Raises
    `AnalyzerError`; nothing is written then, so a failed job leaves no half a result.
    """
    settings = config.load(base / "processing/input/config/analysis_config.json")
    methods = settings.methods
    data = _load_data(settings, base)
    with ExitStack() as stack:
        predictor = None
        if settings.predictor and _needs_predictor(settings):
            predictor = stack.enter_context(hosted(settings.predictor))
        bias_result = None
        if methods.pre_training_bias or methods.post_training_bias:
            bias_result = bias.analyze(settings, data, _predicted_labels(settings, data, predictor))
        shap_result: shap_text.TextShapResult | None = None
        headers: list[str] = []
        if methods.shap and predictor:
            shap_result, headers = _explain(settings, data, predictor)
    document: dict[str, Any] = {"version": "1.0", **(bias_result.sections if bias_result else {})}
    if methods.shap and shap_result:
        top = methods.shap.text_config.max_top_tokens if methods.shap.text_config else 0
        document["explanations"] = {
            "kernel_shap": shap_text.global_explanations(shap_result, headers, methods.shap.agg_method, top)
        }
    output = base / "processing/output"
    output.mkdir(parents=True, exist_ok=True)
    if methods.shap and shap_result and methods.shap.save_local_shap_values:
        join_source = data.frame[data.join_source].tolist() if data.join_source else None
        shap_text.write_local(shap_result, output / "explanations_shap/out.jsonl", join_source)
    blocks = report.build(methods.report.title, bias_result, shap_result, headers)
    (output / f"{methods.report.name}.html").write_text(render.page(methods.report.title, blocks), "utf-8")
    (output / f"{methods.report.name}.ipynb").write_text(render.notebook(blocks), "utf-8")
    (output / "analysis.json").write_text(json.dumps(document, indent=4), "utf-8")
    return document


def _load_data(settings: AnalysisConfig, base: Path) -> Dataset:
    if settings.dataset_uri is None:
        return dataset.load(settings, base / "processing/input/data")
    with tempfile.TemporaryDirectory() as directory:
        return dataset.load(settings, dataset.download(settings.dataset_uri, Path(directory)))


def _needs_predictor(settings: AnalysisConfig) -> bool:
    post_training = settings.methods.post_training_bias is not None
    return settings.methods.shap is not None or (post_training and settings.predicted_label is None)


def _predicted_labels(
    settings: AnalysisConfig, data: Dataset, predictor: Predictor | None
) -> pd.Series[Any] | None:
    if settings.methods.post_training_bias is None:
        return None
    if data.predicted_label is not None:
        return data.frame[data.predicted_label]
    if predictor is None or settings.predictor is None:
        raise AnalyzerError("Post-training bias needs predicted_label or predictor.")
    log.info("Predicting %d rows", len(data.frame))
    rows = data.frame[data.features].astype(object).where(data.frame[data.features].notna(), "")
    answer = predictor.predict(rows.to_numpy().tolist())
    labels = answer.predicted_labels(settings.predictor.label_headers, settings.probability_threshold)
    return pd.Series(labels, index=data.frame.index)


def _explain(
    settings: AnalysisConfig, data: Dataset, predictor: Predictor
) -> tuple[shap_text.TextShapResult, list[str]]:
    """Return the explanations and the names of the classes they are for."""
    shap = settings.methods.shap
    if shap is None or settings.predictor is None:
        raise AnalyzerError("SHAP needs the shap method and predictor.")
    if not data.features:
        raise AnalyzerError("Data must contain features.")
    numbers = [name for name in data.features if pd.api.types.is_numeric_dtype(data.frame[name])]
    if numbers:
        raise AnalyzerError(
            f"SHAP of tabular features is not supported by this analyzer: {numbers} are numbers. "
            "Name them in excluded_columns if the model does not take them."
        )
    texts = data.frame[data.features].fillna("").astype(str).to_numpy().tolist()
    baseline = text_baseline(shap.baseline, data.features)
    headers = _class_names(settings, predictor, texts[0])
    log.info("Explaining %d rows of %s, %s of them classes", len(texts), data.features, len(headers))
    return shap_text.explain(texts, data.features, baseline, predictor.scores, shap), headers


def text_baseline(baseline: Any, features: list[str]) -> list[str]:
    """Return one baseline string a feature from the configured value, empty strings if there is none."""
    if baseline is None:
        return [""] * len(features)
    if isinstance(baseline, str):
        raise AnalyzerError('shap.baseline as a URI is not supported for text; give it as rows: [["<UNK>"]].')
    if isinstance(baseline, dict):
        baseline = [baseline]
    rows = [row.get("features", list(row.values())) if isinstance(row, dict) else row for row in baseline]
    if len(rows) != 1 or not isinstance(rows[0], list) or len(rows[0]) != len(features):
        raise AnalyzerError(
            f"shap.baseline is {baseline}, expected one row with a string for each of {features}."
        )
    return [str(cell) for cell in rows[0]]


def _class_names(settings: AnalysisConfig, predictor: Predictor, row: list[str]) -> list[str]:
    answer = predictor.predict([row])
    number = answer.require_scores().shape[1]
    configured = settings.predictor.label_headers if settings.predictor else None
    names = [str(name) for name in configured or answer.label_headers or []]
    if names and len(names) != number:
        raise AnalyzerError(f"predictor.label_headers names {len(names)} classes, the model gives {number}.")
    return names or [f"label{index}" for index in range(number)]


def _tell_failure(base: Path, message: str) -> None:
    directory = base / "output"
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("message", "failure"):
        (directory / name).write_text(message[:_MESSAGE_CHARACTERS], "utf-8")


def _stop(number: int, frame: FrameType | None) -> None:
    del frame
    log.warning("Signal %d received, cleaning up", number)
    # Leaves through every `finally`, so a shadow endpoint goes with the job.
    sys.exit(128 + number)
