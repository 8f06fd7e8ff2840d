"""Clarify's analysis.json becomes gates about the worst category."""

from __future__ import annotations

from typing import Any

import pytest

from sentiment_retrain.analysis import bias
from sentiment_retrain.errors import ResultMalformed
from sentiment_retrain.settings.gates import BiasGate, MetricLimit

from .. import samples

LIMITS = BiasGate(
    minimum_group_size=30,
    limits={
        "DPL": MetricLimit(warn=0.1, fail=0.3),
        "JS": MetricLimit(warn=0.05),
        "CDDL": MetricLimit(warn=0.1),
    },
)
SIZES = {"Dresses": 900, "Knits": 500, "Trend": 12}


def analysis(**dpl: Any) -> dict[str, Any]:
    return samples.bias_analysis(
        "pre_training_bias_metrics",
        {facet: {"CI": 0.9, "DPL": value, "JS": 0.01} for facet, value in dpl.items()},
    )


@pytest.mark.parametrize(
    ("value", "status"), [(0.1, "pass"), (-0.1, "pass"), (0.11, "warn"), (-0.31, "fail")]
)
def test_size_of_the_metric_decides_whatever_its_sign(value: float, status: str) -> None:
    gates = bias.bias_gates(analysis(Dresses=value, Knits=0.0), "pre_training", SIZES, LIMITS, "s3://r")
    assert [(gate.gate, gate.status) for gate in gates] == [("bias", status), ("bias", "pass")]
    assert f"DPL {value:+.3f} for Dresses (900 rows)" in gates[0].observed
    assert gates[0].evidence_uri == "s3://r"


def test_small_categories_are_reported_but_not_judged() -> None:
    gate = bias.bias_gates(analysis(Trend=0.9, Knits=0.05), "pre_training", SIZES, LIMITS)[0]
    assert gate.status == "pass"
    assert "for Knits" in gate.observed
    assert "1 not judged" in gate.observed


def test_all_categories_above_the_limit_are_named() -> None:
    gate = bias.bias_gates(analysis(Dresses=0.2, Knits=-0.15), "pre_training", SIZES, LIMITS)[0]
    assert gate.observed.endswith("above the limit: Dresses, Knits")


def test_metric_that_could_not_be_computed_is_not_judged() -> None:
    gate = bias.bias_gates(analysis(Dresses=None, Trend=0.9), "pre_training", SIZES, LIMITS)[0]
    assert gate.status == "pass"
    assert gate.observed.startswith("DPL: no category with 30 rows has a value; 2 not judged")


def test_a_category_that_is_a_code_with_zeros_before_it_is_judged() -> None:
    document = analysis(**{"category 007": 0.9, "category 7": 0.0})
    gate = bias.bias_gates(document, "pre_training", {"007": 400, "7": 300}, LIMITS)[0]
    assert gate.status == "fail"
    assert gate.observed == "DPL +0.900 for 007 (400 rows)"
    assert list(bias.facet_table(document, "pre_training")) == ["007", "7"]


def test_a_category_alone_is_told_to_have_no_other_beside_it() -> None:
    gate = bias.bias_gates(analysis(Dresses=None), "pre_training", SIZES, LIMITS)[0]
    assert gate.status == "pass"
    assert gate.observed == "DPL: Dresses is the only category; no other to compare with"
    small = bias.bias_gates(analysis(Trend=None), "pre_training", SIZES, LIMITS)[0]
    assert "no category with 30 rows" in small.observed


@pytest.mark.parametrize("infinite", ["Infinity", "∞", "-∞", "-Infinity"])
def test_infinity_in_any_spelling_fails(infinite: str) -> None:
    assert bias.bias_gates(analysis(Dresses=infinite), "pre_training", SIZES, LIMITS)[0].status == "fail"


def test_limit_without_fail_only_warns() -> None:
    document = samples.bias_analysis("pre_training_bias_metrics", {"Dresses": {"JS": 0.6}})
    assert [gate.status for gate in bias.bias_gates(document, "pre_training", SIZES, LIMITS)] == ["warn"]


def test_post_training_has_a_gate_of_its_own() -> None:
    document = samples.bias_analysis("post_training_bias_metrics", {"Dresses": {"DPPL": 0.9}})
    limits = BiasGate(minimum_group_size=1, limits={"DPPL": MetricLimit(warn=0.1, fail=0.2)})
    (gate,) = bias.bias_gates(document, "post_training", SIZES, limits)
    assert (gate.gate, gate.code, gate.status) == ("post_training_bias", "SR-GATE-007", "fail")


@pytest.mark.parametrize(
    "document", [{}, {"pre_training_bias_metrics": {"facets": [1]}}, {"pre_training_bias_metrics": 1}]
)
def test_other_documents_are_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ResultMalformed, match="pre_training_bias_metrics"):
        bias.bias_values(document, "pre_training")


def test_table_for_the_card() -> None:
    assert bias.facet_table(analysis(Knits=0.25), "pre_training") == {
        "Knits": {"CI": 0.9, "DPL": 0.25, "JS": 0.01}
    }


def test_table_for_the_card_is_plain_json() -> None:
    table = bias.facet_table(analysis(Knits="Infinity"), "pre_training")
    assert table["Knits"]["DPL"] is None
