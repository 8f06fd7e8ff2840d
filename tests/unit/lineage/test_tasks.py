"""What is told of each task, from what it was given and hands on."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from openlineage.client.serde import Serde

from sentiment_retrain import lineage, operators
from sentiment_retrain.lineage.facts import Facts, Told

from . import documents as d

GLUE = "arn:aws:glue:eu-central-1:123456789012"
SAGEMAKER = "arn:aws:sagemaker:eu-central-1:123456789012"
FOLDER = f"datasets/{d.DIGEST[:16]}"


def told(operator: str, values: dict[str, Any], result: dict[str, Any] | None = None, **more: Any) -> Told:
    return lineage.lineage([operator], Facts({"run": d.RUN, **values}, result, **more))


def names(found: list[Any]) -> list[str]:
    return [one.name for one in found]


def plain(one: Any) -> Any:
    return Serde.to_dict(one)


def test_every_operator_moves_data_or_is_known_not_to() -> None:
    ours = {name for name, one in vars(operators).items() if inspect.isclass(one)}
    without = {"PlanRunOperator", "ApproveModelOperator", "PublishReportOperator"}
    assert set(lineage.BUILDERS) == ours - without


def test_landing_goes_from_the_source_to_three_places() -> None:
    found = told("LandReviewsOperator", {}, d.LAND, notes={"manifests": [d.MANIFEST]})
    (source,) = map(plain, found.inputs)
    raw, curated, quarantine = map(plain, found.outputs)

    assert (source["namespace"], source["name"]) == ("s3://b", "inbox")
    assert source["inputFacets"]["subset"]["inputCondition"]["locations"] == [d.MANIFEST["uri"]]
    assert source["inputFacets"]["inputStatistics"]["size"] == 900
    assert [one["name"] for one in (raw, curated, quarantine)] == [
        "raw/reviews",
        "curated/reviews",
        "quarantine/reviews",
    ]
    assert raw["outputFacets"]["subset"]["outputCondition"]["locations"] == [
        f"s3://b/raw/reviews/dt=2026-03-01/{d.DIGEST[:16]}/r.csv"
    ]
    assert [one["outputFacets"]["outputStatistics"]["rowCount"] for one in (raw, curated, quarantine)] == [
        *(10, 8, 2)
    ]
    origins = curated["facets"]["columnLineage"]["fields"]
    assert {name: one["inputFields"][0]["field"] for name, one in origins.items()} == {
        "review_body": "Review Text",
        "product_category": "Class Name",
        "sentiment": "Rating",
        "star_rating": "Rating",
    }


def test_what_was_landed_before_is_told_and_not_counted_again() -> None:
    found = told("LandReviewsOperator", {}, {**d.LAND, "reused": True}, notes={"manifests": [d.MANIFEST]})
    assert names(found.outputs) == ["raw/reviews", "curated/reviews", "quarantine/reviews"]
    for one in map(plain, found.outputs):
        assert "outputStatistics" not in one["outputFacets"]
        assert "lifecycleStateChange" not in one["facets"]


def test_a_gate_that_failed_leaves_only_the_quarantine() -> None:
    found = told(
        "LandReviewsOperator",
        {},
        {**d.LAND, "gates": [d.GATE]},
        notes={"manifests": [d.MANIFEST]},
        has_failed=True,
    )
    assert names(found.outputs) == ["quarantine/reviews"]
    (test,) = plain(found.run_facets["test"])["tests"]
    assert (test["name"], test["status"], test["severity"]) == ("refused_rows", "fail", "error")
    assert test["params"] == {"code": "SR-GATE-001", "evidenceUri": d.MANIFEST["quarantine_uri"]}


@pytest.mark.parametrize(("status", "told_as"), [("warn", ("fail", "warn")), ("pass", ("pass", "error"))])
def test_a_gate_that_warns_is_a_failed_test_that_stops_nothing(status: str, told_as: tuple[str, str]) -> None:
    found = told("PlanRunOperator", {}, {"gates": [{**d.GATE, "status": status}]})
    (test,) = plain(found.run_facets["test"])["tests"]
    assert (test["status"], test["severity"]) == told_as


def test_tables_are_called_as_others_call_them() -> None:
    found = told("RegisterGlueTablesOperator", {"land": d.LAND}, d.TABLES)
    assert [(one.namespace, one.name) for one in found.outputs] == [
        (GLUE, "table/sr/reviews"),
        (GLUE, "table/sr/reviews_raw"),
    ]
    (identifier,) = plain(found.outputs[0])["facets"]["symlinks"]["identifiers"]
    assert identifier["namespace"] == "awsathena://athena.eu-central-1.amazonaws.com"
    assert identifier["name"] == "AwsDataCatalog.sr.reviews"
    fields = plain(found.outputs[1])["facets"]["schema"]["fields"]
    assert [field["name"] for field in fields] == ["review_text", "rating", "class_name", "dt"]


def test_checks_say_what_they_found_of_the_table() -> None:
    expectation = {
        "expectation": "expect_column_values_to_be_between",
        "suite": "quality_profile",
        "subject": "row_count",
        "success": False,
        "observed": "8",
        "expected": "at least 500",
        "why": "there is enough to train on",
    }
    query = {"name": "quality_profile", "id": "q-1", "sql": "SELECT 1\n", "bytes_scanned": 70}
    profile = {"row_count": 8, "null_ids": 0, "repeated_ids": 1, "categories": 3}
    found = told(
        "AthenaQualityOperator",
        {"land": d.LAND, "tables": d.TABLES},
        {"profile": profile, "gates": []},
        notes={"queries": [query], "expectations": [expectation], "severity": "warn"},
        has_failed=True,
    )
    (table,) = map(plain, found.inputs)
    (assertion,) = table["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (assertion["success"], assertion["severity"], assertion["actual"]) == (False, "warn", "8")
    metrics = table["inputFacets"]["dataQualityMetrics"]
    assert metrics["rowCount"] == 8
    assert metrics["columnMetrics"]["review_id"]["distinctCount"] == 7
    assert table["inputFacets"]["inputStatistics"]["size"] == 70
    assert plain(found.run_facets["externalQuery"])["externalQueryId"] == "q-1"
    assert plain(found.job_facets["sql"])["query"] == "SELECT 1"


def test_each_file_of_the_datasets_has_its_rows_and_columns() -> None:
    found = told("PrepareDatasetsOperator", {"land": d.LAND}, d.DATASETS)
    by_name = {one.name.removeprefix(f"{FOLDER}/"): plain(one) for one in found.outputs}
    rows = {
        name: one["outputFacets"].get("outputStatistics", {}).get("rowCount") for name, one in by_name.items()
    }
    assert rows == {
        "autopilot/train.csv": 6,
        "blazingtext/train.txt": None,
        "blazingtext/validation.txt": 1,
        "test/input.csv": 2,
        "test/labels.csv": 2,
        "analysis/bias.csv": 6,
        "analysis/shap_sample.csv": None,
    }
    bias = by_name["analysis/bias.csv"]["facets"]["columnLineage"]["fields"]
    assert {name: one["inputFields"][0]["field"] for name, one in bias.items()} == {
        "sentiment": "sentiment",
        "product_category": "product_category",
        "review_length": "review_body",
    }


def test_bias_of_the_winner_is_of_its_answers() -> None:
    result = {"job": d.job("ProcessingJob", "s3://b/jobs/bias/output"), "gates": []}
    before = told("ClarifyBiasOperator", {"datasets": d.DATASETS, "verdict": None}, result)
    after = told("ClarifyBiasOperator", {"datasets": d.DATASETS, "verdict": d.VERDICT}, result)
    assert names(before.inputs) == [f"{FOLDER}/analysis/bias.csv"]
    assert names(after.inputs) == ["jobs/t/output/x.out", f"{FOLDER}/test/labels.csv"]
    assert names(after.outputs) == ["jobs/bias/output"]


def test_shap_of_a_baseline_trains_it_and_that_of_a_model_does_not() -> None:
    job, reference = d.job("ProcessingJob", "s3://b/jobs/s/output"), d.job("TrainingJob", "s3://b/jobs/r/m")
    values = {"datasets": d.DATASETS, "verdict": None}
    baseline = told("ClarifyShapOperator", values, {"job": job, "reference_job": reference})
    winner = told("ClarifyShapOperator", {**values, "verdict": d.VERDICT}, {"job": job})
    assert names(baseline.outputs) == ["jobs/s/output", "jobs/r/m"]
    assert len(plain(baseline.run_facets["sentimentRetrain_work"])["jobs"]) == 2
    assert names(winner.inputs) == [f"{FOLDER}/analysis/shap_sample.csv", "model/sr-model-1"]


def test_training_makes_each_archive_once() -> None:
    result = {"containers": d.CONTAINERS, "job": d.job("TrainingJob", d.CONTAINERS[1]["ModelDataUrl"])}
    found = told("BlazingTextOperator", {"datasets": d.DATASETS}, result)
    assert names(found.outputs) == [
        "containers/0123456789abcdef/sourcedir.tar.gz",
        "jobs/sr-blazingtext-1/output/model.tar.gz",
    ]
    assert plain(found.run_facets["externalQuery"])["source"] == "awssagemaker"


def test_an_evaluated_contender_is_a_model_with_its_metrics() -> None:
    result = {
        **d.MODEL,
        "contender": "blazingtext",
        "predictions_uri": "s3://b/jobs/t/output/x.out",
        "job": d.job("TransformJob", "s3://b/jobs/t/output"),
        "test": {"n": 2, "accuracy": 0.5, "macro_f1": 0.4, "ece": None},
    }
    contender = {"containers": d.CONTAINERS}
    found = told("EvaluateModelOperator", {"datasets": d.DATASETS, "contender": contender}, result)
    answers, model = map(plain, found.outputs)
    assert (model["namespace"], model["name"]) == (SAGEMAKER, "model/sr-model-1")
    assert model["facets"]["sentimentRetrain_modelMetrics"]["metrics"] == {"accuracy": 0.5, "macro_f1": 0.4}
    assert model["facets"]["version"]["datasetVersion"] == d.MODEL["model_fingerprint"]
    assert answers["outputFacets"]["outputStatistics"]["rowCount"] == 2


def test_without_a_champion_nobody_is_evaluated_as_one() -> None:
    values = {"datasets": d.DATASETS, "contender": None}
    assert told("EvaluateModelOperator", values).inputs == []
    champion = {**d.RUN, "champion": d.MODEL}
    found = lineage.lineage(["EvaluateModelOperator"], Facts({**values, "run": champion}))
    assert names(found.inputs)[-1] == "model/sr-model-1"


@pytest.mark.parametrize(
    ("outcome", "change"), [("created", "CREATE"), ("updated", "ALTER"), ("unchanged", None)]
)
def test_a_deployment_is_the_endpoint_in_a_new_version(outcome: str, change: str | None) -> None:
    values = {"verdict": d.VERDICT, "registration": {"model_package_arn": d.ARN}}
    found = told("DeployInferencePipelineOperator", values, {**d.DEPLOYMENT, "outcome": outcome})
    (endpoint,) = map(plain, found.outputs)
    assert [(one.namespace, one.name) for one in found.inputs] == [
        (SAGEMAKER, "model-package/sr/3"),
        (SAGEMAKER, "model/sr-model-1"),
    ]
    assert (endpoint["name"], endpoint["facets"]["version"]["datasetVersion"]) == (
        "endpoint/sr",
        "sr-endpoint-2",
    )
    assert endpoint["facets"].get("lifecycleStateChange", {}).get("lifecycleStateChange") == change


def test_a_deployment_that_was_rolled_back_changed_nothing() -> None:
    rolled_back = {**d.DEPLOYMENT, "outcome": "rolled_back"}
    found = told("DeployInferencePipelineOperator", {"verdict": d.VERDICT}, rolled_back, has_failed=True)
    assert found.outputs == []
    assert names(found.inputs) == ["model/sr-model-1"]


def test_a_model_that_is_not_to_be_deployed_reads_nothing() -> None:
    values = {"verdict": {**d.VERDICT, "action": "keep_champion"}}
    assert told("DeployInferencePipelineOperator", values).inputs == []
    assert told("RegisterModelOperator", values).inputs == []


def test_what_a_verification_put_back_is_live_again() -> None:
    values = {"deployment": d.DEPLOYMENT, "datasets": d.DATASETS}
    quiet = told("VerifyEndpointOperator", values, {"gates": []})
    undone = told(
        "VerifyEndpointOperator", values, {}, notes={"put_back_to": "sr-endpoint-1"}, has_failed=True
    )
    (endpoint,) = map(plain, undone.outputs)
    assert quiet.outputs == []
    assert endpoint["facets"]["version"]["datasetVersion"] == "sr-endpoint-1"


def test_models_that_are_pruned_are_dropped() -> None:
    found = told("PruneModelsOperator", {}, {"configs": ["c"], "models": ["old"]})
    (gone,) = map(plain, found.outputs)
    assert gone["name"] == "model/old"
    assert gone["facets"]["lifecycleStateChange"]["lifecycleStateChange"] == "DROP"


@pytest.mark.parametrize(("replaced", "change"), [("old", "OVERWRITE"), (None, "ALTER")])
def test_predictions_are_an_object_and_a_row_of_the_table(replaced: str | None, change: str) -> None:
    result = {
        **d.MODEL,
        "database": "sr",
        "table": "predictions",
        "partition": "2026-03-01",
        "predictions_uri": "s3://b/predictions/dt=2026-03-01/predictions.parquet",
        "rows": 8,
        "replaced": replaced,
        "job": d.job("TransformJob", "s3://b/jobs/t/output"),
    }
    found = told("PredictOperator", {"land": d.LAND}, result)
    objects, table = map(plain, found.outputs)
    assert (objects["name"], table["name"]) == ("predictions", "table/sr/predictions")
    assert objects["outputFacets"]["outputStatistics"]["rowCount"] == 8
    assert names(found.inputs) == ["curated/reviews", "model/sr-model-1"]
    for one in (objects, table):
        assert one["facets"]["lifecycleStateChange"]["lifecycleStateChange"] == change
        fields = one["facets"]["columnLineage"]["fields"]
        assert fields["predicted_sentiment"]["inputFields"][0]["field"] == "review_body"
        assert "model_name" not in fields


def test_a_rollback_is_the_endpoint_with_a_former_model() -> None:
    run = {**d.RUN, "mode": "rollback"}
    result = {**d.DEPLOYMENT, "outcome": "rolled_back_by_request"}
    found = lineage.lineage(["RollbackEndpointOperator"], Facts({"run": run}, result))
    assert names(found.inputs) == ["model/sr-model-1"]
    assert names(found.outputs) == ["endpoint/sr"]
    unpinned = {"outcome": "unpinned", "endpoint_name": "sr", "pin": None}
    lifted = lineage.lineage(["RollbackEndpointOperator"], Facts({"run": {**run, "mode": "unpin"}}, unpinned))
    assert lifted.outputs == []


def test_a_reused_job_costs_nothing_again() -> None:
    submitted = d.job("TrainingJob", "s3://b/jobs/x")
    for outcome, cost in (("submitted", 0.01), ("reconnected", 0.01), ("reused", 0)):
        result = {"containers": d.CONTAINERS, "job": {**submitted, "outcome": outcome}}
        work = plain(
            told("AutopilotOperator", {"datasets": d.DATASETS}, result).run_facets["sentimentRetrain_work"]
        )
        assert (work["costUsd"], work["reused"]) == (cost, outcome == "reused")
    # Another run's job that this one waits for is on that run's bill.
    joined = {"containers": d.CONTAINERS, "job": {**submitted, "outcome": "reconnected", "owner": "another"}}
    facets = told("AutopilotOperator", {"datasets": d.DATASETS}, joined).run_facets
    assert plain(facets["sentimentRetrain_work"])["costUsd"] == 0


@pytest.mark.parametrize("operator", sorted(lineage.BUILDERS))
@pytest.mark.parametrize("run", [None, {}, {**d.RUN, "mode": "plan_only"}, d.RUN], ids=str)
def test_tasks_before_that_handed_nothing_on_cost_no_event(operator: str, run: Any) -> None:
    found = lineage.lineage([operator], Facts({"run": run}))
    assert found.outputs == []
