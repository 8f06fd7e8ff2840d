"""What is known of the quality of data and models: expectations, counts, gates, queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openlineage.client.facet_v2 import (
    data_quality_assertions_dataset,
    data_quality_metrics_input_dataset,
    external_query_run,
    test_run,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from openlineage.client.facet_v2 import InputDatasetFacet, RunFacet

#: OpenLineage knows of a test that it failed and whether that stops anything; our gates warn or fail.
_SEVERITIES = {"pass": "error", "warn": "warn", "fail": "error"}


def facets(
    profile: Mapping[str, Any], expectations: Iterable[Mapping[str, Any]], severity: str
) -> dict[str, InputDatasetFacet]:
    """What the checks say of the table.

    :param profile: the row of ``include/sql/quality_profile.sql``; anything else gives no counts
    :param expectations: as ``operators.quality.describe`` puts them
    :param severity: ``fail`` or ``warn``, what the setting ``gates.quality`` makes of one that does not hold
    """
    found: dict[str, InputDatasetFacet] = {}
    assertions = [_assertion(one, severity) for one in expectations]
    if assertions:
        found["dataQualityAssertions"] = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
            assertions=assertions
        )
    if "row_count" in profile:
        found["dataQualityMetrics"] = _metrics(profile)
    return found


def _assertion(result: Mapping[str, Any], severity: str) -> data_quality_assertions_dataset.Assertion:
    # What an expectation is about is a column of the query's answer, not of the table.
    return data_quality_assertions_dataset.Assertion(
        assertion=result["expectation"],
        success=result["success"],
        severity=_SEVERITIES[severity],
        name=f"{result['suite']}.{result['subject']}",
        description=result["why"] or None,
        expected=result["expected"],
        actual=result["observed"],
    )


def _metrics(profile: Mapping[str, Any]) -> InputDatasetFacet:
    column = data_quality_metrics_input_dataset.ColumnMetrics
    rows = int(profile["row_count"])
    return data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
        rowCount=rows,
        columnMetrics={
            "review_id": column(
                nullCount=int(profile["null_ids"]), distinctCount=rows - int(profile["repeated_ids"])
            ),
            "product_category": column(distinctCount=int(profile["categories"])),
        },
    )


def gate_facets(gates: Sequence[Mapping[str, Any]]) -> dict[str, RunFacet]:
    """Every gate that the task looked at, with its code; nothing where it looked at none."""
    if not gates:
        return {}
    return {"test": test_run.TestRunFacet(tests=[_test(gate) for gate in gates])}


def _test(gate: Mapping[str, Any]) -> test_run.TestExecution:
    evidence = {"evidenceUri": gate["evidence_uri"]} if gate.get("evidence_uri") else {}
    return test_run.TestExecution(
        name=gate["gate"],
        status="pass" if gate["status"] == "pass" else "fail",
        severity=_SEVERITIES[gate["status"]],
        type="gate",
        description=gate["remedy"],
        expected=gate["threshold"],
        actual=gate["observed"],
        params={"code": gate["code"], **evidence},
    )


def query_facets(queries: Sequence[Mapping[str, Any]]) -> dict[str, RunFacet]:
    """The first query's id, in OpenLineage's own facet; it has room for one."""
    if not queries:
        return {}
    return {
        "externalQuery": external_query_run.ExternalQueryRunFacet(
            externalQueryId=queries[0]["id"], source="awsathena"
        )
    }
