"""What tasks hand on, as far as lineage reads it (docs/contracts.md section 2)."""

from __future__ import annotations

from typing import Any

from sentiment_retrain.data import datasets as files

RUN: dict[str, Any] = {
    "run_key": "20260301-manual-0",
    "mode": "retrain",
    "bucket": "b",
    "source_uri": "s3://b/inbox/",
    "region": "eu-central-1",
    "role_arn": "arn:aws:iam::123456789012:role/path/jobs",
    "contenders": ["autopilot", "blazingtext"],
    "champion": None,
    "predict": "always",
    "run_type": "manual",
    "deploy": "auto",
}
DIGEST = "0123456789abcdef" * 4
MANIFEST: dict[str, Any] = {
    "uri": "s3://b/inbox/dt=2026-03-01/r.csv",
    "size_bytes": 900,
    "sha256": DIGEST,
    "partition": "2026-03-01",
    "rows_received": 10,
    "rows_refused": 2,
    "header": ["Review Text", "Rating", "Class Name"],
    "columns": {"review_body": "Review Text", "product_category": "Class Name", "star_rating": "Rating"},
    "curated_uri": f"s3://b/curated/reviews/dt=2026-03-01/{DIGEST[:16]}.parquet",
    "quarantine_uri": f"s3://b/quarantine/reviews/dt=2026-03-01/{DIGEST[:16]}.csv",
}
LAND: dict[str, Any] = {
    "rows_received": 10,
    "rows_accepted": 8,
    "rows_refused": 2,
    "partitions": ["2026-03-01"],
    "data_until": "2026-03-01",
    "fingerprint": "f" * 64,
    "header": MANIFEST["header"],
    "reused": False,
    "gates": [],
}
TABLES = {"database": "sr", "table": "reviews", "raw_table": "reviews_raw", "partitions": ["2026-03-01"]}
DATASETS: dict[str, Any] = {
    "fingerprint": DIGEST,
    "rows": {"train": 5, "validation": 1, "test": 2},
    "files": {key: f"s3://b/datasets/{DIGEST[:16]}/{name}" for key, name in files.FILE_NAMES.items()},
    "sha256": dict.fromkeys(files.FILE_NAMES, DIGEST),
    "reused": False,
}
GATE = {
    "gate": "refused_rows",
    "status": "fail",
    "observed": "2 of 10 rows refused",
    "threshold": "fail above 5%",
    "baseline": None,
    "evidence_uri": MANIFEST["quarantine_uri"],
    "remedy": "Open the quarantine file.",
    "code": "SR-GATE-001",
}
CONTAINERS = [
    {"Image": "i", "ModelDataUrl": "s3://b/containers/0123456789abcdef/sourcedir.tar.gz"},
    {"Image": "i", "ModelDataUrl": "s3://b/jobs/sr-blazingtext-1/output/model.tar.gz"},
    {"Image": "i", "ModelDataUrl": "s3://b/containers/0123456789abcdef/sourcedir.tar.gz"},
]
MODEL = {"model_name": "sr-model-1", "model_fingerprint": "m" * 64}
VERDICT = {
    **MODEL,
    "action": "deploy",
    "winner": "blazingtext",
    "predictions_uri": "s3://b/jobs/t/output/x.out",
}
ARN = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/sr/3"
DEPLOYMENT = {
    **MODEL,
    "endpoint_name": "sr",
    "endpoint_config_name": "sr-endpoint-2",
    "previous_endpoint_config_name": "sr-endpoint-1",
    "outcome": "updated",
}


def job(kind: str, output_uri: str, outcome: str = "submitted") -> dict[str, Any]:
    """A finished job."""
    return {
        "kind": kind,
        "name": "j",
        "arn": f"arn:aws:sagemaker:eu-central-1:123456789012:{kind.lower()}/j",
        "outcome": outcome,
        "owner": RUN["run_key"],
        "billable_seconds": 60.0,
        "cost_usd": 0.01,
        "output_uri": output_uri,
    }
