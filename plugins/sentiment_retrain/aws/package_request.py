"""What is said of a winner in the model registry. Pure.

One describe call answers which data, which code, which metrics and what it is to replace; who approved it and
what became of it is added by :mod:`sentiment_retrain.aws.packages`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.aws import packages

if TYPE_CHECKING:
    from collections.abc import Mapping


def evidence(
    verdict: Mapping[str, Any],
    *,
    bias: Mapping[str, Any],
    explain_bias: Mapping[str, Any],
    explain_shap: Mapping[str, Any],
    quality: Mapping[str, Any] | None,
    drift: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """``ModelMetrics`` and ``DriftCheckBaselines``: where the numbers of this model lie.

    :param verdict, bias, explain_bias, explain_shap, quality, drift: outputs of the tasks
    """
    model_quality = {"Statistics": json_source(verdict["verdict_uri"])}
    metrics: dict[str, Any] = {
        "ModelQuality": model_quality,
        "Bias": {
            "PreTrainingReport": json_source(bias["analysis_uri"]),
            "PostTrainingReport": json_source(explain_bias["analysis_uri"]),
        },
        "Explainability": {"Report": json_source(explain_shap["analysis_uri"])},
    }
    baselines: dict[str, Any] = {
        "ModelQuality": model_quality,
        "Bias": {
            "PreTrainingConstraints": json_source(bias["analysis_uri"]),
            "PostTrainingConstraints": json_source(explain_bias["analysis_uri"]),
        },
        "Explainability": {"Constraints": json_source(explain_shap["analysis_uri"])},
    }
    if quality and quality.get("report_uri"):
        metrics["ModelDataQuality"] = {"Statistics": json_source(quality["report_uri"])}
    if drift and drift.get("report_uri"):
        baselines["ModelDataQuality"] = {"Statistics": json_source(drift["report_uri"])}
    return {"ModelMetrics": metrics, "DriftCheckBaselines": baselines}


def lineage(
    run: Mapping[str, Any],
    datasets: Mapping[str, Any],
    verdict: Mapping[str, Any],
    *,
    commit: str | None,
    code_digest: str,
) -> dict[str, Any]:
    """``CustomerMetadataProperties`` and ``MetadataProperties``: run, data, code, score, what it replaces."""
    champion = run.get("champion") or {}
    score = verdict["scores"][verdict["winner"]]["value"]
    properties = {
        packages.FINGERPRINT_KEY: verdict["model_fingerprint"],
        "contender": verdict["winner"],
        "model_name": verdict["model_name"],
        "run_key": run["run_key"],
        "run_id": run["run_id"],
        "dag_id": run["dag_id"],
        "plan_uri": run["plan_uri"],
        "verdict_uri": verdict["verdict_uri"],
        "card_uri": f"{run['run_uri']}/card.html",
        "data_until": datasets["data_until"],
        "data_source": run["source_uri"],
        "dataset": datasets["fingerprint"],
        "dataset_uri": datasets["uri"],
        "training_rows": datasets["rows"]["train"],
        "code_commit": commit,
        "code_digest": code_digest,
        verdict["metric"]: f"{score:.4f}",
        "replaces_model": champion.get("model_name"),
        "replaces_config": champion.get("endpoint_config_name"),
    }
    return {
        "CustomerMetadataProperties": packages.as_metadata(properties),
        "MetadataProperties": {"GeneratedBy": run["run_key"], **({"CommitId": commit} if commit else {})},
    }


def model_card_content(
    run: Mapping[str, Any], datasets: Mapping[str, Any], verdict: Mapping[str, Any], package_arn: str
) -> dict[str, Any]:
    """Content of a SageMaker model card, by the schema of
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-cards.html#model-cards-json-schema.
    """
    metric, score = verdict["metric"], verdict["scores"][verdict["winner"]]
    low, high = score["interval"]
    rows, until = datasets["rows"]["train"], datasets["data_until"]
    values = [
        {"name": metric, "type": "number", "value": score["value"]},
        {"name": f"{metric}, lower end", "type": "number", "value": low},
        {"name": f"{metric}, upper end", "type": "number", "value": high},
    ]
    return {
        "model_overview": {
            "model_description": "Sentiment of product reviews: -1, 0 or 1",
            "model_name": verdict["model_name"],
            "model_artifact": [one["ModelDataUrl"] for one in verdict["containers"] if "ModelDataUrl" in one],
            "problem_type": "Multiclass text classification",
            "algorithm_type": verdict["winner"],
        },
        "intended_uses": {
            "purpose_of_model": "Tell negative, neutral and positive product reviews apart",
            "intended_uses": "Product reviews in English; not other texts, and no decisions about people",
        },
        "training_details": {
            "training_observations": f"{rows} reviews until {until}, {datasets['uri']}",
        },
        "evaluation_details": [
            {
                "name": "common test reviews",
                "evaluation_observation": verdict["reason"][:2096],
                "datasets": [datasets["files"]["test_input"]],
                "metric_groups": [{"name": "selection", "metric_data": values}],
            }
        ],
        "additional_information": {
            "custom_details": {"run": run["run_key"], "model package": package_arn, "plan": run["plan_uri"]},
        },
    }


def json_source(uri: str) -> dict[str, str]:
    """A metrics source of the registry."""
    return {"ContentType": "application/json", "S3Uri": uri}
