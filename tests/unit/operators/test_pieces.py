"""Parts of operators that need no AWS."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from sentiment_retrain import errors
from sentiment_retrain.aws import athena, images, jobs, models
from sentiment_retrain.endpoint.requests import deployment_config
from sentiment_retrain.operators import base, links, quality
from sentiment_retrain.operators.autopilot import selecting_all_keys
from sentiment_retrain.operators.clarify_shap import ClarifyShapOperator
from sentiment_retrain.operators.job_start import job_error
from sentiment_retrain.operators.quality import CHECKS, validate
from sentiment_retrain.operators.verify import summary
from sentiment_retrain.settings import include_directory
from sentiment_retrain.settings.gates import RefusedRowsGate
from sentiment_retrain.verdict.gates import percent, refused_rows

from ..samples import settings

if TYPE_CHECKING:
    from pathlib import Path


def candidate(count: int) -> list[dict[str, Any]]:
    return [{"Image": f"image-{number}", "Environment": {"KEPT": "1"}} for number in range(count)]


def test_autopilot_is_told_to_answer_the_contract() -> None:
    original = candidate(3)
    transform, algorithm, inverse = (item["Environment"] for item in selecting_all_keys(original))
    assert transform == {"KEPT": "1"}
    assert algorithm["SAGEMAKER_INFERENCE_OUTPUT"] == "predicted_label,probability,probabilities"
    assert inverse["SAGEMAKER_INFERENCE_INPUT"] == algorithm["SAGEMAKER_INFERENCE_OUTPUT"]
    assert inverse["SAGEMAKER_INFERENCE_OUTPUT"] == "predicted_label,probability,probabilities,labels"
    assert original == candidate(3)


def test_an_ensemble_answers_by_itself_and_other_shapes_are_refused() -> None:
    (only,) = selecting_all_keys(candidate(1))
    assert only["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"].endswith("labels")
    with pytest.raises(errors.ResultMalformed):
        selecting_all_keys(candidate(2))


def test_the_adapter_packs_to_equal_bytes_with_both_scripts() -> None:
    packed = models.pack_adapter()
    assert packed == models.pack_adapter()
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        names = tar.getnames()
    assert {"code/transform.py", "code/inverse_label.py", "code/text_normalization.py"} <= set(names)


def test_a_models_identity_is_its_containers() -> None:
    pipeline = models.blazingtext_pipeline(images.image_uris("us-east-1"), "s3://b/adapter", "s3://b/model")
    other = models.blazingtext_pipeline(images.image_uris("us-east-1"), "s3://b/adapter", "s3://b/other")
    assert models.model_fingerprint(pipeline) == models.model_fingerprint(json.loads(json.dumps(pipeline)))
    assert models.model_fingerprint(pipeline) != models.model_fingerprint(other)
    assert [item["Environment"].get("SAGEMAKER_PROGRAM") for item in pipeline] == [
        "transform.py",
        None,
        "inverse_label.py",
    ]
    assert models.containers_of({"Containers": [{**item, "Mode": "SingleModel"} for item in pipeline]}) == [
        {key: value for key, value in item.items() if value} for item in pipeline
    ]


@pytest.mark.filterwarnings("ignore")  # the SDK's own, while it is imported
@pytest.mark.parametrize("region", sorted(images.ACCOUNTS))
def test_the_table_of_images_agrees_with_the_sdk(region: str) -> None:
    assert images.image_uris(region) == images.from_sdk(region)


@pytest.mark.filterwarnings("ignore")
def test_an_unknown_region_says_what_to_do() -> None:
    with pytest.raises(errors.ConfigError, match="AWS_DEFAULT_REGION"):
        images.image_uris("mars-north-1")


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (
            "https://api.sagemaker.eu-west-1.amazonaws.com",
            "https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/jobs/name",
        ),
        ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
        ("https://amazonaws.com.evil.example", "https://amazonaws.com.evil.example"),
    ],
)
def test_console_url(endpoint: str, expected: str) -> None:
    assert links.console_url(endpoint, "eu-west-1", jobs.TRAINING, "name") == expected


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        ("Stopped", "", errors.JobStopped),
        ("Failed", "AlgorithmError: no label", errors.JobFailed),
        ("Failed", "CapacityError: Unable to provision requested ML compute capacity.", errors.CapacityError),
    ],
)
def test_job_error(status: str, reason: str, kind: type[errors.JobError]) -> None:
    description = {"TrainingJobName": "t", "TrainingJobStatus": status, "FailureReason": reason}
    error = job_error(jobs.read_state(jobs.TRAINING, description))
    assert type(error) is kind
    assert reason in error.observed


@pytest.mark.parametrize("value", ["x'; DROP TABLE reviews --", "a b", "", 'a"b'])
def test_a_value_cannot_become_sql(value: str) -> None:
    values = {"table": "reviews", "partitions": [value], "sources": ["ab"], "until": "2026-03-01"}
    with pytest.raises(errors.ConfigError):
        athena.render("quality_profile", values)


def test_queries_and_suites_belong_together() -> None:
    values = {
        "table": "reviews",
        "partitions": ["2026-03-01"],
        "sources": ["ab", "cd"],
        "until": "2026-03-01",
    }
    for path in sorted((include_directory() / "sql").glob("*.sql")):
        sql = athena.render(path.stem, values)
        assert "$" not in sql
        assert "'ab', 'cd'" in sql
    assert {path.stem for path in (include_directory() / "suites").glob("*.json")} == set(CHECKS)


@pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")
def test_each_expectation_says_what_it_saw() -> None:
    categories = pd.DataFrame(
        {"product_category": ["a", None, "b"], "row_count": [5, 1, 1], "positive_rows": 1}
    )
    results = {item["expectation"]: item for item in validate({"quality_categories": categories})}
    missing = results["expect_column_values_to_not_be_null"]
    assert not missing["success"]
    assert missing["observed"].startswith("1 of 3 values")
    assert missing["why"]
    few = results["expect_column_values_to_be_between"]
    assert not few["success"]
    assert few["expected"] == "at least 2 in at least 50% of the rows"


@pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")
@pytest.mark.parametrize(
    ("kind", "limits", "observed"),
    [
        ("expect_table_row_count_to_be_between", {"min_value": 3}, "2"),
        ("expect_column_max_to_be_between", {"column": "row_count", "max_value": 10}, "11"),
        ("expect_column_distinct_values_to_be_in_set", {"column": "row_count", "value_set": [10]}, "not as"),
        ("expect_column_to_exist", {"column": "stars"}, "not as expected"),
    ],
)
def test_a_suite_may_have_expectations_of_other_kinds(
    kind: str,
    limits: dict[str, Any],
    observed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    suite = tmp_path / "suites" / "quality_categories.json"
    suite.parent.mkdir()
    suite.write_text(json.dumps({"expectations": [{"type": kind, "kwargs": limits}]}))
    monkeypatch.setattr(quality, "include_directory", lambda: tmp_path)
    (result,) = validate({"quality_categories": pd.DataFrame({"row_count": [10, 11]})})
    assert not result["success"]
    assert result["observed"].startswith(observed)


@pytest.mark.parametrize(("share", "text"), [(0.29, "29%"), (0.995, "99.5%"), (0.005, "0.5%"), (1.0, "100%")])
def test_a_limit_is_not_rounded(share: float, text: str) -> None:
    assert percent(share) == text
    gate = refused_rows(1000, {"empty_text": 3}, RefusedRowsGate(warn=share, fail=1.0))
    assert gate.threshold == f"warn above {text}, fail above 100%"


def test_latency_summary_is_by_nearest_rank() -> None:
    assert summary([float(number) for number in range(1, 21)]) == {"p50": 10.0, "p95": 19.0, "max": 20.0}
    assert summary([7.0]) == {"p50": 7.0, "p95": 7.0, "max": 7.0}


@pytest.mark.parametrize(("strategy", "key"), [("canary", "CanarySize"), ("linear", "LinearStepSize")])
def test_traffic_moves_in_steps_when_asked(strategy: str, key: str) -> None:
    rules = settings(deployment={"strategy": strategy, "canary_percent": 30}).deployment
    routing = deployment_config(rules)["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing["Type"] == strategy.upper()
    assert routing[key] == {"Type": "CAPACITY_PERCENT", "Value": 30}
    at_once = deployment_config(settings(deployment={"strategy": "all_at_once"}).deployment)
    assert "CanarySize" not in at_once["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]


VPC = {"subnets": ["subnet-1", "subnet-2"], "security_group_ids": ["sg-1"]}
IN_VPC = {"VpcConfig": {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}}


@pytest.mark.parametrize(
    ("changes", "network"),
    [
        ({}, None),
        ({"deployment": {"vpc": VPC, "network_isolation": True}}, IN_VPC),
        ({"deployment": {"vpc": VPC}, "jobs": {"analysis": {"engine": "analyzer", "image_uri": "i"}}}, None),
    ],
)
def test_clarify_is_in_the_network_of_the_model_it_asks(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], network: dict[str, Any] | None
) -> None:
    monkeypatch.setattr(base, "load_settings", lambda: settings(**changes))
    run = {"bucket": "b", "role_arn": "r", "images": {"clarify": "c"}, "run_key": "k"}
    task = ClarifyShapOperator(task_id="shap", run=run, datasets={"data_until": "2026-03-01"})
    request = task.analysis_request("shap", {}, {}, "s3://b/rows.csv")
    assert request.body("j").get("NetworkConfig") == network
