"""Run outputs of a whole, made-up run."""

from __future__ import annotations

from typing import Any

from sentiment_retrain.analysis import bias, drift
from sentiment_retrain.runs.run_outputs import RunOutputs
from sentiment_retrain.verdict import evaluation, selection

from . import samples

TRUE = [-1, 0, 1, 1] * 50
CONTAINERS = [
    {
        "Image": f"1.dkr.ecr.us-east-1.amazonaws.com/{image}:1",
        "ModelDataUrl": "s3://bucket/m",
        "Environment": {},
    }
    for image in ("sagemaker-scikit-learn", "blazingtext", "sagemaker-scikit-learn")
]
CHAMPION = {
    "endpoint_name": "sentiment-retrain",
    "endpoint_config_name": "config-before",
    "model_name": "model-before",
    "model_fingerprint": "fingerprint-before",
    "data_until": "2026-11-01",
    "run_key": "before",
    "contender": "autopilot",
}
TOKENS = {
    label: [{"token": f"<{label}> & $x$", "attribution": 0.1, "occurrences": 2}] for label in ("-1", "0", "1")
}


def _evaluation(name: str, share_right: float, seed: int) -> dict[str, Any]:
    predicted = samples.mistaken(TRUE, share_right, seed)
    return {
        "contender": name,
        "model_name": f"model-{name}",
        "model_fingerprint": f"fingerprint-{name}",
        "containers": CONTAINERS,
        "job": samples.job(f"evaluate-{name}", "TransformJob"),
        "predictions_uri": "s3://bucket/predictions",
        "test": evaluation.evaluate(
            TRUE,
            samples.predictions(predicted),
            groups=["Dresses", "Knits <b>", "Knits <b>", "Dresses"] * 49 + ["Rare"] * 4,
            bootstrap_samples=200,
        ),
        "predicted": predicted,
    }


def _entrant(found: dict[str, Any]) -> selection.Entrant:
    return selection.Entrant(
        found["contender"],
        found["test"],
        found["predicted"],
        found["model_name"],
        found["model_fingerprint"],
        0.25,
    )


def whole_run(**part_changes: Any) -> RunOutputs:
    """Outputs of a run that replaced a champion; ``part_changes`` replaces parts."""
    settings = samples.settings()
    evaluations = {
        name: _evaluation(name, share, seed)
        for name, share, seed in (("autopilot", 0.9, 1), ("blazingtext", 0.7, 2), ("champion", 0.5, 3))
    }
    rows = samples.curated(120)
    profile = drift.profile(rows)
    analysis = samples.bias_analysis(
        "pre_training_bias_metrics", {"Dresses": {"DPL": 0.1}, "Knits": {"DPL": None}}
    )
    verdict = selection.select(
        [_entrant(evaluations["autopilot"]), _entrant(evaluations["blazingtext"])],
        _entrant(evaluations["champion"]),
        TRUE,
        selection.Circumstances("auto", "manual", "2026-11-22", "2026-11-01"),
        settings.selection,
        settings.gates.floor,
    )
    counts = {"-1": 10, "0": 10, "1": 10}
    parts: dict[str, Any] = {
        "run": {
            "dag_id": "review_sentiment_retrain",
            "mode": "retrain",
            "region": "us-east-1",
            "source_uri": "s3://bucket/inbox/",
            "contenders": ["autopilot", "blazingtext"],
            "cost_bound_usd": 7.5,
            "champion": CHAMPION,
            "gates": [samples.gate("budget")],
        },
        "land": {
            "rows_received": 130,
            "rows_accepted": 120,
            "rows_refused": 10,
            "refused_by_reason": {"empty_text": 10},
            "partitions": ["2026-11-22"],
            "source_sha256": ["a" * 64],
            "data_until": "2026-11-22",
            "fingerprint": "f" * 64,
            "quarantine_uri": "s3://bucket/quarantine/x.csv",
            "reused": False,
            "gates": [samples.gate("refused_rows", "warn", observed="<script>alert(1)</script>")],
        },
        "tables": {
            "database": "sentiment_retrain",
            "table": "reviews",
            "raw_table": "reviews_raw",
            "partitions": [],
        },
        "quality": {"gates": [samples.gate("quality")], "report_uri": "s3://bucket/quality.json"},
        "drift": {
            "gates": [samples.gate("drift")],
            "report_uri": "s3://bucket/drift.json",
            "profile": profile,
            "measures": drift.compare(profile, profile),
        },
        "bias": {
            "job": samples.job("bias", outcome="reused", cost_usd=0.5),
            "gates": [samples.gate("bias")],
            "analysis_uri": "s3://bucket/analysis.json",
            "report_uri": "s3://bucket/report.html",
            "facets": bias.facet_table(analysis, "pre_training"),
        },
        "shap": {
            "job": samples.job("shap"),
            "reference_job": samples.job("reference"),
            "gates": [],
            "analysis_uri": "s3://bucket/analysis.json",
            "report_uri": "s3://bucket/report.html",
            "top_tokens": TOKENS,
        },
        "datasets": {
            "fingerprint": "d" * 64,
            "uri": "s3://bucket/datasets/d",
            "rows": {"train": 30, "validation": 30, "test": 30},
            "label_counts": {"train": counts, "validation": counts, "test": counts},
            "files": {},
            "data_until": "2026-11-22",
            "reused": False,
        },
        "verdict": verdict,
        "explain_bias": {
            "job": samples.job("explain-bias"),
            "gates": [],
            "analysis_uri": "s3://b/a",
            "report_uri": None,
        },
        "explain_shap": {
            "job": samples.job("explain-shap"),
            "gates": [],
            "analysis_uri": "s3://b/a",
            "report_uri": None,
        },
        "registration": {
            "model_package_arn": "arn:aws:sagemaker:…/2",
            "model_package_group": "sentiment-retrain",
        },
        "approval": {
            "decision": "approved",
            "by": "Ada",
            "at": "2026-11-22T10:00:00+00:00",
            "how": "Airflow",
            "reason": "approved by Ada in Airflow",
        },
        "deployment": {
            "endpoint_name": "sentiment-retrain",
            "endpoint_config_name": "config-now",
            "previous_endpoint_config_name": "config-before",
            "status": "InService",
            "containers": CONTAINERS,
            "model_name": "model-autopilot",
        },
        "verification": {
            "gates": [samples.gate("golden")],
            "golden": [],
            "agreement": 1.0,
            "latency_ms": {"p50": 4.0, "p95": 9.0},
        },
        **part_changes,
    }
    contenders = {
        name: {
            "contender": name,
            "job": samples.job(f"train-{name}", kind),
            "containers": CONTAINERS,
            "fingerprint": name,
            "metrics": {},
            "artifacts": {},
        }
        for name, kind in (("autopilot", "AutoMLJob"), ("blazingtext", "TrainingJob"))
    }
    timings = {"plan": 1.5, "train.autopilot": 61.2, "report": 0.1234567}
    return RunOutputs(parts, contenders, evaluations, {}, dict.fromkeys(timings, "success"), timings)
