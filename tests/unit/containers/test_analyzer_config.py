"""Analysis configurations: what Clarify takes, what it refuses, what this analyzer does not do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from analyzer import config

if TYPE_CHECKING:
    from pathlib import Path

# As the course's real job had it.
BIAS: dict[str, Any] = {
    "dataset_type": "text/csv",
    "headers": ["sentiment", "review_body", "product_category"],
    "label": "sentiment",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "product_category"}],
    "methods": {
        "pre_training_bias": {"methods": ["CI", "DPL", "KL", "JS", "LP", "TVD", "KS"]},
        "report": {"name": "report", "title": "Analysis Report"},
    },
}
PREDICTOR = {
    "model_name": "m",
    "instance_type": "ml.m5.large",
    "initial_instance_count": 1,
    "content_type": "text/csv",
    "accept_type": "text/csv",
    "label": 0,
    "probability": 2,
    "label_headers": ["-1", "0", "1"],
}
SHAP: dict[str, Any] = {
    "dataset_type": "text/csv",
    "headers": ["review_body"],
    "predictor": PREDICTOR,
    "methods": {
        "report": {"name": "report", "title": "Analysis Report"},
        "shap": {
            "use_logit": False,
            "save_local_shap_values": True,
            "baseline": [["<UNK>"]],
            "num_samples": 100,
            "agg_method": "mean_abs",
            "text_config": {"granularity": "token", "language": "english"},
        },
    },
}


def shap(**changes: Any) -> dict[str, Any]:
    return SHAP | {"methods": SHAP["methods"] | {"shap": SHAP["methods"]["shap"] | changes}}


def asked(content_type: str, content: str | None = None, record: str | None = None, **changes: Any) -> Any:
    """A model that is asked in JSON."""
    templates = {"content_template": content, "record_template": record}
    types = {"content_type": content_type, "accept_type": content_type}
    return SHAP | {"predictor": PREDICTOR | types | templates | changes}


# What the SDK sends for BlazingText and the words of a review.
BLAZINGTEXT = asked(
    "application/json",
    '{"instances": $records}',
    '"${review_body}"',
    label="[*].label",
    probability="[*].prob",
)


@pytest.mark.parametrize("document", [BIAS, SHAP, BLAZINGTEXT])
def test_real_configurations_are_taken(document: Any) -> None:
    parsed = config.parse(document)
    assert parsed.version == "1.0"
    assert parsed.methods.report.name == "report"


def test_defaults_are_the_container_s() -> None:
    parsed = config.parse(
        SHAP | {"methods": {"shap": {"text_config": {"granularity": "token", "language": "en"}}}}
    )
    assert parsed.methods.shap is not None
    assert parsed.methods.shap.save_local_shap_values is False
    assert parsed.methods.shap.agg_method == "mean_abs"
    assert parsed.methods.report.title == "SageMaker Analysis Report"
    assert parsed.predictor is not None
    assert parsed.predictor.endpoint_name_prefix == "sm-clarify"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (BIAS | {"colour": "red"}, "colour: Extra inputs are not permitted"),
        (BIAS | {"methods": {"pre_training_bias": {"methods": ["DI"]}}}, "methods.pre_training_bias.methods"),
        (BIAS | {"methods": {}}, "methods: none is given"),
        (BIAS | {"facet": None}, "facet: required for bias metrics"),
        (BIAS | {"label": None}, "label: required for bias metrics"),
        (BIAS | {"version": "2.0"}, "version: Input should be '1.0'"),
        (BIAS | {"label_values_or_threshold": [True]}, "label_values_or_threshold"),
        ({"methods": {}}, "dataset_type: Field required"),
        ([], "document: Input should be"),
        (
            BIAS | {"methods": {"post_training_bias": {"methods": "all"}}},
            "post_training_bias: needs predicted_label or predictor",
        ),
        (SHAP | {"predictor": None}, "shap: needs predictor"),
        (SHAP | {"predictor": {"model_name": "m"}}, "predictor.instance_type: required unless endpoint_name"),
        (SHAP | {"predictor": PREDICTOR | {"endpoint_name_prefix": "-x"}}, "endpoint_name_prefix"),
        (shap(num_clusters=3), "baseline and num_clusters exclude each other"),
        (shap(features_to_explain=["review_body"]), "features_to_explain is for tabular features"),
        (SHAP | {"methods": {"pdp": {"grid_resolution": 3}}}, "pdp: features must be given when shap is not"),
        (SHAP | {"methods": {"pdp": {"features": ["a"]}}}, "methods.pdp.grid_resolution: Field required"),
        (shap(agg_method="max"), "methods.shap.agg_method"),
        (shap(text_config={"granularity": "word", "language": "en"}), "methods.shap.text_config.granularity"),
        (BIAS | {"methods": BIAS["methods"] | {"report": {"name": "../x"}}}, "methods.report.name"),
        (asked("application/jsonlines"), "predictor.content_template: needs one $features"),
        (asked("application/jsonlines", "[$feature]"), "predictor.content_template: needs one $features"),
        (asked("application/json", '{"x": $records}'), "content_template and record_template are needed"),
        (asked("application/json", "[$rows]", "$features"), "needs one $record or $records"),
        (asked("application/json", "[$records]", '{"a": $a}'), "predictor.record_template: needs $features"),
        (
            asked("application/json", "$record", "$features", label=None, probability=None),
            "label or probability",
        ),
        (
            SHAP | {"dataset_type": "application/x-parquet", "predictor": PREDICTOR | {"content_type": None}},
            "predictor.content_type: required for a dataset of application/x-parquet",
        ),
    ],
)
def test_schema_errors_begin_as_clarify_s_and_say_where(document: Any, message: str) -> None:
    with pytest.raises(
        config.AnalyzerError, match="^Analysis configuration schema validation error. "
    ) as refused:
        config.parse(document)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (shap(image_config={}), "methods.shap.image_config is not supported"),
        (BIAS | {"dataset_type": "application/x-image"}, "dataset_type application/x-image is not supported"),
        (BIAS | {"segment_config": []}, "segment_config is not supported"),
        (
            BIAS | {"segment_config": [{"name_or_index": "product_category", "segments": [["Knits"]]}]},
            "segment_config is not supported",
        ),
        (SHAP | {"predictor": PREDICTOR | {"content_type": "image/png"}}, "predictor.content_type image/png"),
        (SHAP | {"predictor": PREDICTOR | {"accept_type": "image/png"}}, "predictor.accept_type image/png"),
    ],
)
def test_what_is_not_done_is_refused_by_name(document: Any, message: str) -> None:
    with pytest.raises(config.AnalyzerError, match="not supported by this analyzer") as refused:
        config.parse(document)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("dataset_type", "given", "expected"),
    [
        ("text/csv", {}, ("text/csv", "text/csv")),
        ("application/jsonlines", {}, ("application/jsonlines", "application/jsonlines")),
        ("application/jsonlines", {"accept_type": "text/csv"}, ("application/jsonlines", "text/csv")),
        ("application/x-parquet", {"content_type": "text/csv"}, ("text/csv", "text/csv")),
    ],
)
def test_a_model_is_asked_as_the_dataset_is_and_answers_as_it_is_asked(
    dataset_type: str, given: dict[str, str], expected: tuple[str, str]
) -> None:
    types = {"content_type": None, "accept_type": None, "content_template": "$features"} | given
    parsed = config.parse(SHAP | {"dataset_type": dataset_type, "predictor": PREDICTOR | types})
    assert parsed.predictor is not None
    assert (parsed.predictor.content_type, parsed.predictor.accept_type) == expected


@pytest.mark.parametrize("content", ["{", None])
def test_no_json_is_clarify_s_sentence(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "analysis_config.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(config.AnalyzerError, match="^Unable to load analysis configuration as JSON."):
        config.load(path)
