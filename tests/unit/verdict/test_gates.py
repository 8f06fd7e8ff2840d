"""Every gate says pass, warn or fail at the right number, and explains itself."""

from __future__ import annotations

from typing import Any

import pytest

from sentiment_retrain.errors import GATE_CODES, BudgetExceeded, GateFailed, VerificationError
from sentiment_retrain.verdict import gates, gates_drift

from .. import samples

LIMITS = samples.settings().gates
GOLDEN = samples.settings().golden_requests


@pytest.mark.parametrize(
    ("refused", "status"), [(0, "pass"), (5, "pass"), (6, "warn"), (25, "warn"), (26, "fail")]
)
def test_refused_rows(refused: int, status: str) -> None:
    gate = gates.refused_rows(100, {"empty_text": refused} if refused else {}, LIMITS.refused_rows, "s3://q")
    assert gate.status == status
    assert f"{refused} of 100 rows refused" in gate.observed
    assert gate.evidence_uri == "s3://q"


def test_no_rows_at_all_is_not_a_division_by_zero() -> None:
    assert gates.refused_rows(0, {}, LIMITS.refused_rows).status == "pass"


def expectation(success: bool, name: str = "not_null", column: str = "review_body") -> dict[str, Any]:
    return {"expectation": name, "success": success, "observed": "7 nulls", "column": column}


def test_quality_names_what_does_not_hold() -> None:
    gate = gates.quality([expectation(True), expectation(False)], "fail", "s3://report")
    assert gate.status == "fail"
    assert gate.observed == "1 of 2 expectations not met: not_null (review_body): 7 nulls"
    assert gates.quality([expectation(False)], "warn").status == "warn"
    assert gates.quality([expectation(True)], "fail").status == "pass"


def test_quality_without_any_expectation_is_not_a_pass() -> None:
    assert gates.quality([], "fail").status == "fail"


def test_quality_does_not_list_endlessly() -> None:
    gate = gates.quality([expectation(False, f"e{n}") for n in range(9)], "fail")
    assert gate.observed.endswith("and 4 more")


def measures(rows: int = 1000, **values: float) -> dict[str, dict[str, Any]]:
    names = ("category_psi", "length_psi", "vocabulary_jensen_shannon", "label_cramers_v")
    return {name: {"value": values.get(name, 0.0), "rows": rows} for name in names}


def test_drift_warns_above_a_limit_only() -> None:
    assert gates_drift.drift(measures(), LIMITS.drift).status == "pass"
    gate = gates_drift.drift(measures(category_psi=0.3), LIMITS.drift)
    assert gate.status == "warn"
    assert "category_psi 0.300" in gate.observed


def test_drift_of_a_handful_of_rows_is_not_judged() -> None:
    gate = gates_drift.drift(measures(rows=20, length_psi=3.0), LIMITS.drift)
    assert gate.status == "pass"
    assert "not judged" in gate.observed


def test_drift_without_champion_passes_and_says_so() -> None:
    assert "no champion" in gates_drift.drift(None, LIMITS.drift).observed


@pytest.mark.parametrize(("ndcg", "status"), [(None, "pass"), (0.7, "pass"), (0.69, "warn")])
def test_attribution_drift(ndcg: float | None, status: str) -> None:
    assert gates_drift.attribution_drift(ndcg, LIMITS.attribution_drift).status == status


@pytest.mark.parametrize(
    ("p_value", "status"), [(0.001, "warn"), (0.008, "warn"), (0.009, "pass"), (0.6, "pass")]
)
def test_attribution_drift_that_is_chance_passes(p_value: float, status: str) -> None:
    gate = gates_drift.attribution_drift(0.4, LIMITS.attribution_drift, p_value=p_value, significance=0.05)
    assert gate.status == status
    assert f"NDCG 0.400 (p {p_value:.3f})" in gate.observed


@pytest.mark.parametrize(
    ("value", "baseline", "status"),
    [(0.40, 0.30, "pass"), (0.39, 0.30, "fail"), (0.45, 0.41, "fail"), (0.46, 0.41, "pass")],
)
def test_floor_is_the_greater_of_two(value: float, baseline: float, status: str) -> None:
    assert gates.floor("macro_f1", value, baseline, LIMITS.floor).status == status


@pytest.mark.parametrize(("bound", "status"), [(24.99, "pass"), (25.0, "pass"), (25.01, "fail")])
def test_budget(bound: float, status: str) -> None:
    assert gates.budget(bound, 25.0).status == status


def test_golden_requests() -> None:
    right = [(request, request.expected) for request in GOLDEN]
    assert gates.golden(right, LIMITS.golden).status == "pass"
    one_wrong = [(GOLDEN[0], -GOLDEN[0].expected), *right[1:]]
    gate = gates.golden(one_wrong, LIMITS.golden)
    assert gate.status == "warn"
    assert GOLDEN[0].text in gate.observed
    assert gates.golden([(request, 0) for request in GOLDEN], LIMITS.golden).status == "fail"
    assert gates.golden([], LIMITS.golden).status == "fail"


def test_an_answer_that_cannot_be_read_fails_even_when_wrong_ones_only_warn() -> None:
    lenient = LIMITS.golden.model_copy(update={"severity": "warn", "minimum_share_correct": 0.0})
    answers = [(GOLDEN[0], None), *((request, request.expected) for request in GOLDEN[1:])]
    assert gates.golden(answers, lenient).status == "fail"


@pytest.mark.parametrize(
    ("equal", "compared", "status"), [(50, 50, "pass"), (49, 50, "fail"), (0, 0, "fail")]
)
def test_agreement(equal: int, compared: int, status: str) -> None:
    assert gates.agreement(equal, compared, LIMITS.agreement).status == status


def test_latency_warns() -> None:
    assert gates.latency(500.0, 20.0, LIMITS.latency).status == "pass"
    assert gates.latency(500.1, 20.0, LIMITS.latency).status == "warn"


def test_worst_of_several() -> None:
    assert gates.worst([]) == "pass"
    assert gates.worst([samples.gate(), samples.gate(status="warn")]) == "warn"
    assert gates.worst([gates.budget(2, 1), samples.gate(status="warn")]) == "fail"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("budget", BudgetExceeded),
        ("golden", VerificationError),
        ("latency", VerificationError),
        ("bias", GateFailed),
    ],
)
def test_failed_gate_raises_the_error_of_its_kind(name: str, error: type[GateFailed]) -> None:
    with pytest.raises(error) as caught:
        gates.raise_for_gates([samples.gate(), samples.gate(name, "fail"), samples.gate("floor", "fail")])
    assert type(caught.value) is error
    assert caught.value.code == GATE_CODES[name]
    assert [gate["gate"] for gate in caught.value.gates] == [name, "floor"]


def test_warnings_do_not_raise() -> None:
    gates.raise_for_gates([samples.gate(status="warn"), gates.budget(1, 2)])
    assert gates.worst([samples.gate(status="warn")]) == "warn"


def test_gate_is_handed_on_with_the_keys_of_the_contract() -> None:
    keys = {"gate", "status", "observed", "threshold", "baseline", "evidence_uri", "remedy", "code"}
    assert set(gates.budget(1, 2).as_dict()) == keys
