"""From configuration and dataset to explanations: SHAP of texts or tables, and partial dependence."""

from __future__ import annotations

import dataclasses
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyzer import dataset, pdp, shap_files, shap_tabular, shap_text
from analyzer.config import AnalyzerError

if TYPE_CHECKING:
    from pathlib import Path

    from analyzer.cluster import Cluster
    from analyzer.config import AnalysisConfig, Pdp, Shap
    from analyzer.dataset import Dataset
    from analyzer.predictor import Predictor
    from analyzer.shap_tabular import TabularShapResult
    from analyzer.shap_text import TextShapResult

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Explanations:
    """What was found, the names of the classes, and the `explanations` part of `analysis.json`."""

    headers: list[str]
    section: dict[str, Any]
    text: TextShapResult | None = None
    tabular: TabularShapResult | None = None


def explain(
    config: AnalysisConfig, data: Dataset, predictor: Predictor, cluster: Cluster, output: Path, scratch: Path
) -> Explanations | None:
    """Return the explanations of all rows and write the local ones; None on an instance that only helps.

    data: this instance's rows are chosen here by `cluster`; output: the job's output directory.
    Raises `AnalyzerError` for data or a baseline that do not fit.
    """
    if not data.features:
        raise AnalyzerError("Data must contain features.")
    features = data.frame[data.features]
    headers = class_names(config, predictor, features.iloc[0].tolist())
    job = _Job(headers, cluster, output, scratch)
    found: Explanations | None = Explanations(headers, {})
    shap = config.methods.shap
    if shap:
        own = dataclasses.replace(data, frame=data.frame.iloc[own_rows(len(data.frame), cluster)])
        log.info("Explaining %d rows of %s, classes %s", len(own.frame), data.features, headers)
        found = (
            _text(shap, own, predictor, job)
            if shap.text_config
            else _tabular(shap, own, data, predictor, job)
        )
    if found is None or not cluster.leads:
        return None
    if config.methods.pdp:
        names = _pdp_features(config.methods.pdp, features, found.section.get("kernel_shap", {}))
        resolution, seed = config.methods.pdp.grid_resolution, (shap.seed if shap else None) or 0
        found.section["pdp"] = pdp.partial_dependence(
            features, names, resolution, predictor.scores, headers, seed
        )
    return found


@dataclass(frozen=True)
class _Job:
    headers: list[str]
    cluster: Cluster
    output: Path
    scratch: Path

    def local_file(self, suffix: str) -> Path:
        """Return where local values go: one file, or one an instance, in the dataset's order by name."""
        part = "" if self.cluster.size == 1 else f"-part-{self.cluster.index:05d}"
        return self.output / f"explanations_shap/out{part}.{suffix}"


def own_rows(number: int, cluster: Cluster) -> slice:
    """Return the rows that this instance takes: a stretch, so that the parts in order are the dataset."""
    part, parts = cluster.share
    return slice(number * part // parts, number * (part + 1) // parts)


def _text(shap: Shap, data: Dataset, predictor: Predictor, job: _Job) -> Explanations | None:
    frame = data.frame[data.features]
    baseline = text_baseline(shap.baseline, data.features)
    columns = [
        frame[name].astype(object).where(frame[name].notna(), None).tolist()
        if pd.api.types.is_numeric_dtype(frame[name])
        else frame[name].fillna("").astype(str).tolist()
        for name in frame.columns
    ]
    texts = [list(cells) for cells in zip(*columns, strict=True)]
    result = shap_text.explain(texts, data.features, baseline, predictor.scores, shap)
    if shap.save_local_shap_values:
        join = None if data.join_source is None else data.frame[data.join_source].tolist()
        shap_text.write_local(result, job.local_file("jsonl"), join)
    shap_files.save_text(result, job.scratch / "own.jsonl")
    parts = job.cluster.gather("shap", job.scratch / "own.jsonl", job.scratch)
    if parts is None:
        return None
    result = shap_files.load_text(parts)
    top = shap.text_config.max_top_tokens if shap.text_config else 0
    strengths = shap_text.global_explanations(result, job.headers, shap.agg_method, top)
    return Explanations(job.headers, {"kernel_shap": strengths}, text=result)


def text_baseline(baseline: Any, features: list[str]) -> list[Any]:
    """Return one baseline value a feature from the configured one, empty strings if there is none."""
    if baseline is None:
        return [""] * len(features)
    rows = _rows(baseline, features)
    if len(rows) != 1:
        raise AnalyzerError(f"shap.baseline has {len(rows)} rows, expected one for text.")
    return ["" if pd.isna(value) else value for value in rows[0]]


def _rows(baseline: Any, features: list[str]) -> list[list[Any]]:
    """Return a configured baseline as rows of one value a feature. Raises `AnalyzerError` if it is none."""
    if isinstance(baseline, str):
        return dataset.baseline(baseline, features)
    if isinstance(baseline, dict):
        baseline = [baseline]
    rows = [row.get("features", list(row.values())) if isinstance(row, dict) else row for row in baseline]
    if not rows or any(not isinstance(row, list) or len(row) != len(features) for row in rows):
        raise AnalyzerError(
            f"shap.baseline is {baseline}, expected rows of one value for each of {features}."
        )
    return rows


def _tabular(
    shap: Shap, data: Dataset, everything: Dataset, predictor: Predictor, job: _Job
) -> Explanations | None:
    frame = data.frame[data.features]
    if shap.baseline is None:
        rows = everything.frame[data.features]
        baseline = shap_tabular.baseline_rows(rows, shap.num_clusters, shap.seed or 0)
        if job.cluster.leads:
            path = job.output / "explanations_shap/baseline.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            baseline.to_csv(path, index=False)
    else:
        baseline = pd.DataFrame(_rows(shap.baseline, data.features), columns=data.features)
    shown = _shown(shap, frame)
    result = shap_tabular.explain(frame, baseline, predictor.scores, shap)
    if shap.save_local_shap_values:
        join = None if data.join_source is None else data.frame[data.join_source]
        shap_tabular.write_local(result, job.headers, shown, job.local_file("csv"), join)
    shap_files.save_tabular(result, job.scratch / "own.npz")
    parts = job.cluster.gather("shap", job.scratch / "own.npz", job.scratch)
    if parts is None:
        return None
    result = shap_files.load_tabular(parts)
    strengths = shap_tabular.global_explanations(result, job.headers, shap.agg_method, shown)
    return Explanations(job.headers, {"kernel_shap": strengths}, tabular=result)


def _shown(shap: Shap, features: pd.DataFrame) -> list[str]:
    if shap.features_to_explain is None:
        return [str(name) for name in features.columns]
    return [
        dataset.column(features.columns, item, "Feature names not found.")
        for item in shap.features_to_explain
    ]


def _pdp_features(wanted: Pdp, features: pd.DataFrame, explained: dict[str, Any]) -> list[str]:
    if wanted.features is not None:
        return [
            dataset.column(features.columns, item, "Feature names not found.") for item in wanted.features
        ]
    strength: dict[str, float] = {}
    for entry in explained.values():
        for name, value in entry["global_shap_values"].items():
            strength[name] = strength.get(name, 0.0) + abs(value)
    return sorted(strength, key=lambda name: -strength[name])[: wanted.top_k_features]


def class_names(config: AnalysisConfig, predictor: Predictor, row: list[Any]) -> list[str]:
    """Return the names of the model's classes: configured, else answered, else numbered."""
    answer = predictor.predict([row])
    number = answer.require_scores().shape[1]
    configured = config.predictor.label_headers if config.predictor else None
    names = [str(name) for name in configured or answer.label_headers or []]
    if names and len(names) != number:
        raise AnalyzerError(f"predictor.label_headers names {len(names)} classes, the model gives {number}.")
    return names or [f"label{index}" for index in range(number)]


def predicted_labels(
    config: AnalysisConfig, data: Dataset, predictor: Predictor, cluster: Cluster, scratch: Path
) -> pd.Series[Any] | None:
    """Return the model's label of every row; None on an instance that only helps."""
    if config.predictor is None:
        raise AnalyzerError("Post-training bias needs predicted_label or predictor.")
    if not cluster.replicated:
        raise AnalyzerError(
            "Bias of a model's predictions on several instances needs the dataset on each of them: set "
            "S3DataDistributionType FullyReplicated, or use one instance."
        )
    own = data.frame[data.features].iloc[own_rows(len(data.frame), cluster)]
    log.info("Predicting %d rows", len(own))
    answer = predictor.predict(own.to_numpy(dtype=object).tolist()) if len(own) else None
    headers = config.predictor.label_headers
    labels = answer.predicted_labels(headers, config.probability_threshold) if answer else []
    path = scratch / "labels.json"
    path.write_text(json.dumps(labels), "utf-8")
    parts = cluster.gather("labels", path, scratch)
    if parts is None:
        return None
    every = [label for part in parts for label in json.loads(part.read_text("utf-8"))]
    return pd.Series(np.array(every, dtype=object), index=data.frame.index)
