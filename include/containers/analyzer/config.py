"""Clarify's `analysis_config.json`, schema version 1.0: parsed, validated, unknown keys rejected."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

if TYPE_CHECKING:
    from pathlib import Path

PreTrainingMetric = Literal["CI", "DPL", "KL", "JS", "LP", "TVD", "KS", "CDDL"]
PostTrainingMetric = Literal[
    "DPPL", "DI", "DCA", "DCR", "SD", "RD", "DAR", "DRR", "AD", "TE", "CDDPL", "FT", "GE"
]
DatasetType = Literal[
    "text/csv",
    "application/jsonlines",
    "application/json",
    "application/sagemakercapturejson",
    "application/x-parquet",
    "application/x-image",
]
Column = int | str
Value = int | float | str


class AnalyzerError(Exception):
    """A failure the owner of the job can act on; its text becomes the job's failure reason."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Facet(_Section):
    """A column whose values are compared, and which of its values are the sensitive ones."""

    name_or_index: Column
    value_or_threshold: list[Value] | None = None


class PreTrainingBias(_Section):
    """Which metrics of the labels to compute."""

    methods: Literal["all"] | list[PreTrainingMetric]


class PostTrainingBias(_Section):
    """Which metrics of the predictions to compute."""

    methods: Literal["all"] | list[PostTrainingMetric]


class TextConfig(_Section):
    """How free text is cut into the units that get an attribution."""

    granularity: Literal["token", "sentence", "paragraph"]
    language: str
    max_top_tokens: int = Field(default=50, ge=1)


class Shap(_Section):
    """Kernel SHAP."""

    baseline: str | list[Any] | dict[str, Any] | None = None
    num_clusters: int | None = Field(default=None, ge=1)
    use_logit: bool = False
    num_samples: int | None = Field(default=None, ge=1)
    agg_method: Literal["mean_abs", "median", "mean_sq"] = "mean_abs"
    save_local_shap_values: bool = False
    text_config: TextConfig | None = None
    image_config: dict[str, Any] | None = None
    seed: int | None = None
    features_to_explain: list[Column] | None = None


class Pdp(_Section):
    """Partial dependence plots; without `features`, of those that SHAP finds most important."""

    grid_resolution: int = Field(ge=1)
    features: list[Column] | None = None
    top_k_features: int = Field(default=10, ge=1)


class Report(_Section):
    """Name (without suffix) and title of the report."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    title: str = "SageMaker Analysis Report"


class Methods(_Section):
    """What to analyse."""

    pre_training_bias: PreTrainingBias | None = None
    post_training_bias: PostTrainingBias | None = None
    shap: Shap | None = None
    pdp: Pdp | None = None
    asymmetric_shapley_value: dict[str, Any] | None = None
    report: Report = Report(name="report")


class PredictorConfig(_Section):
    """The model to ask, and how to read its answers."""

    endpoint_name: str | None = None
    model_name: str | None = None
    instance_type: str | None = None
    initial_instance_count: int | None = Field(default=None, ge=1)
    endpoint_name_prefix: str = Field(
        default="sm-clarify", max_length=23, pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$"
    )
    target_model: str | None = None
    accelerator_type: str | None = None
    content_type: str | None = None
    accept_type: str | None = None
    label: Column | None = None
    probability: Column | None = None
    label_headers: list[Value] | None = None
    content_template: str | None = None
    record_template: str | None = None
    custom_attributes: str | None = None
    time_series_predictor_config: dict[str, Any] | None = None


class AnalysisConfig(_Section):
    """The whole document."""

    version: Literal["1.0"] = "1.0"
    dataset_type: DatasetType
    methods: Methods
    dataset_uri: str | None = None
    headers: list[str] | None = None
    label: Column | None = None
    predicted_label: Column | None = None
    features: str | None = None
    label_values_or_threshold: list[Value] | None = None
    probability_threshold: float = 0.5
    segment_config: list[Any] | None = None
    facet: list[Facet] | None = None
    facet_dataset_uri: str | None = None
    facet_headers: list[str] | None = None
    predicted_label_dataset_uri: str | None = None
    predicted_label_headers: list[str] | None = None
    excluded_columns: list[Column] | None = None
    joinsource_name_or_index: Column | None = None
    group_variable: Column | None = None
    time_series_data_config: dict[str, Any] | None = None
    predictor: PredictorConfig | None = None


_UNSUPPORTED = (
    ("methods", "asymmetric_shapley_value"),
    ("methods", "shap", "image_config"),
    ("predictor", "time_series_predictor_config"),
    ("predictor", "accelerator_type"),
    ("segment_config",),
    ("facet_dataset_uri",),
    ("facet_headers",),
    ("predicted_label_dataset_uri",),
    ("predicted_label_headers",),
    ("time_series_data_config",),
)
_DATASET_TYPES = ("text/csv", "application/jsonlines", "application/json", "application/x-parquet")
_PAYLOADS = ("text/csv", "application/jsonlines", "application/json")
JSON_TYPES = ("application/jsonlines", "application/json")


def load(path: Path) -> AnalysisConfig:
    """Return the validated configuration in the file `path`.

    Raises `AnalyzerError` with Clarify's documented sentence, followed by what was found, if the file is no
    JSON, breaks the schema, contradicts itself or asks for what this analyzer does not do.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AnalyzerError(f"Unable to load analysis configuration as JSON. {error}") from error
    return parse(document)


def parse(document: object) -> AnalysisConfig:
    """Return the validated configuration of a JSON document. Raises `AnalyzerError` as `load` does."""
    try:
        config = AnalysisConfig.model_validate(document)
        config = _with_content_types(config)
    except ValidationError as error:
        problems = "; ".join(_problem(dict(detail)) for detail in error.errors())
        raise AnalyzerError(f"Analysis configuration schema validation error. {problems}") from error
    for problem in _contradictions(config):
        raise AnalyzerError(f"Analysis configuration schema validation error. {problem}")
    _require_supported(config)
    return config


def _with_content_types(config: AnalysisConfig) -> AnalysisConfig:
    """Return the configuration with Clarify's defaults: what a model takes and gives is as the dataset."""
    predictor = config.predictor
    if predictor is None:
        return config
    content = predictor.content_type or config.dataset_type
    types = {"content_type": content, "accept_type": predictor.accept_type or content}
    return config.model_copy(update={"predictor": predictor.model_copy(update=types)})


def _problem(detail: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in detail["loc"]) or "document"
    return f"{where}: {detail['msg']}"


def _contradictions(config: AnalysisConfig) -> list[str]:
    methods, problems = config.methods, []
    bias = methods.pre_training_bias or methods.post_training_bias
    if not bias and not methods.shap and not methods.pdp and not methods.asymmetric_shapley_value:
        problems.append("methods: none is given, expected pre_training_bias, post_training_bias or shap")
    if bias:
        problems += [
            f"{key}: required for bias metrics"
            for key in ("label", "label_values_or_threshold", "facet")
            if getattr(config, key) in (None, [])
        ]
    if methods.post_training_bias and config.predicted_label is None and config.predictor is None:
        problems.append("post_training_bias: needs predicted_label or predictor")
    problems += _explanation_contradictions(config)
    return problems + _predictor_contradictions(config.predictor)


def _explanation_contradictions(config: AnalysisConfig) -> list[str]:
    shap, pdp = config.methods.shap, config.methods.pdp
    needs_predictor = [key for key, value in (("shap", shap), ("pdp", pdp)) if value is not None]
    problems = [f"{key}: needs predictor" for key in needs_predictor if config.predictor is None]
    if shap and shap.baseline is not None and shap.num_clusters is not None:
        problems.append("shap: baseline and num_clusters exclude each other")
    if shap and shap.features_to_explain is not None and shap.text_config is not None:
        problems.append("shap: features_to_explain is for tabular features, and text_config is given")
    if pdp and pdp.features is None and shap is None:
        problems.append("pdp: features must be given when shap is not, which would find the most important")
    return problems


def _predictor_contradictions(predictor: PredictorConfig | None) -> list[str]:
    if predictor is None:
        return []
    problems = _template_problems(predictor)
    if predictor.accept_type in JSON_TYPES and predictor.label is None and predictor.probability is None:
        problems.append(f"predictor: label or probability, a JMESPath, is needed for {predictor.accept_type}")
    if predictor.endpoint_name:
        return problems
    return problems + [
        f"predictor.{key}: required unless endpoint_name is given"
        for key in ("model_name", "instance_type", "initial_instance_count")
        if getattr(predictor, key) is None
    ]


def _template_problems(predictor: PredictorConfig) -> list[str]:
    """Return what Clarify requires of the templates and is not so."""
    content, record = predictor.content_template, predictor.record_template
    if predictor.content_type == "application/jsonlines":
        if content is None or len(re.findall(r"\$features\b", content)) != 1:
            return ["predictor.content_template: needs one $features for application/jsonlines"]
    elif predictor.content_type == "application/json":
        if content is None or record is None:
            return ["predictor: content_template and record_template are needed for application/json"]
        if len(re.findall(r"\$records?\b", content)) != 1:
            return ["predictor.content_template: needs one $record or $records for application/json"]
        if not re.search(r'\$features(_kvp)?\b|"\$\{[^}"]+\}"', record):
            return ['predictor.record_template: needs $features, $features_kvp or "${column}"']
    elif predictor.content_type == "application/x-parquet":
        return ["predictor.content_type: required for a dataset of application/x-parquet"]
    return []


def _require_supported(config: AnalysisConfig) -> None:
    for path in _UNSUPPORTED:
        value: Any = config
        for key in path:
            value = getattr(value, key, None)
        if value is not None:
            raise AnalyzerError(f"{'.'.join(path)} is not supported by this analyzer; remove it.")
    if config.dataset_type not in _DATASET_TYPES:
        raise AnalyzerError(
            f"dataset_type {config.dataset_type} is not supported by this analyzer, "
            f"expected one of {', '.join(_DATASET_TYPES)}."
        )
    if config.predictor:
        for key in ("content_type", "accept_type"):
            value = getattr(config.predictor, key)
            if value not in _PAYLOADS:
                raise AnalyzerError(
                    f"predictor.{key} {value} is not supported by this analyzer, "
                    f"expected one of {', '.join(_PAYLOADS)}."
                )
