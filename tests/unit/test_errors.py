"""Every error says what to do, and every code is known, unique and in the runbook."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from sentiment_retrain import error_base, errors

from . import samples

RUNBOOK = Path(__file__).resolve().parents[2] / error_base.RUNBOOK


def test_message_says_observed_expected_remedy_and_where_to_read_on() -> None:
    error = errors.ColumnMissing("no column for review_body", "review_body: one of text, body")
    assert str(error).splitlines() == [
        "SR-SOURCE-003: The source file lacks a needed column",
        "  observed: no column for review_body",
        "  expected: review_body: one of text, body",
        f"  what to do: {errors.ColumnMissing.remedy}",
        "  more: docs/runbook.md#sr-source-003",
    ]


def test_remedy_of_the_place_wins_over_that_of_the_class() -> None:
    assert "ask Ann" in str(errors.SourceEmpty("0 bytes", "a header", "ask Ann"))


def test_codes_have_one_form_and_one_owner() -> None:
    owners = [error.code for error in errors.all_errors() if not issubclass(error, errors.GateFailed)]
    codes = owners + list(errors.GATE_CODES.values())
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"SR-[A-Z]+-\d{3}", code) for code in codes)


def test_every_error_names_a_remedy_of_its_own() -> None:
    concrete = [error for error in errors.all_errors() if error.code in errors.all_codes()]
    remedies = [error.remedy for error in concrete if not issubclass(error, errors.GateFailed)]
    assert len(set(remedies)) == len(remedies) > 15


@pytest.mark.parametrize("code", errors.all_codes())
def test_runbook_has_a_heading_for_every_code(code: str) -> None:
    assert re.search(rf"^### {code}$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)


def test_runbook_has_no_heading_for_a_code_that_does_not_exist() -> None:
    headings = re.findall(r"^### (SR-\S+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(headings) == set(errors.all_codes())


def test_tree_in_the_documentation_names_every_class() -> None:
    names = {error.__name__ for error in errors.all_errors()}
    assert names <= set(re.findall(r"\w+", errors.__doc__ or ""))


def test_failed_gate_prints_observed_threshold_baseline_and_evidence() -> None:
    gate = samples.gate("bias", "fail", baseline="0.1", evidence_uri="s3://bucket/report.html")
    text = str(errors.GateFailed([gate]))
    for part in (
        "SR-GATE-004",
        "3 of 10",
        "at most 2",
        "baseline 0.1",
        "s3://bucket/report.html",
        "look at it",
    ):
        assert part in text


@pytest.mark.parametrize(
    "error",
    [
        errors.ConfigError("a", "b", "c"),
        errors.GateFailed([samples.gate(status="fail")]),
        errors.CapacityError("a", "b"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_being_handed_to_another_process(error: errors.RetrainError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), str(again), again.code) == (type(error), str(error), error.code)


def test_only_what_may_pass_by_itself_is_retried() -> None:
    retryable = {error.__name__ for error in errors.all_errors() if error.retryable}
    assert retryable == {"CapacityError", "JobInterrupted", "JobLost", "ServiceUnavailable"}


def test_dictionary_has_what_the_card_shows() -> None:
    shown = errors.QuotaError("0 instances", "1 instance").as_dict()
    assert shown["code"] == "SR-JOB-005"
    assert shown["runbook"] == "docs/runbook.md#sr-job-005"
    assert shown["retryable"] is False


def test_every_gate_that_failed_is_linked_once() -> None:
    names = ["bias", "golden", "agreement", "golden"]
    error = errors.GateFailed([samples.gate(name, "fail") for name in names])
    expected = [f"docs/runbook.md#{code}" for code in ("sr-gate-004", "sr-gate-009", "sr-gate-010")]
    assert error.as_dict()["runbooks"] == expected
    more = str(error).partition("  more: ")[2]
    assert [line.strip() for line in more.splitlines()] == expected


def test_an_installation_says_where_its_runbook_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_base._Place, "url", error_base.RUNBOOK)
    error_base.set_runbook("https://git.example.com/retrain/docs/runbook.md")
    expected = "https://git.example.com/retrain/docs/runbook.md#sr-job-005"
    error = errors.QuotaError("0 instances", "1 instance")
    assert error.as_dict()["runbook"] == expected
    assert str(error).endswith(f"more: {expected}")


def test_gates_that_passed_are_neither_named_nor_looked_up() -> None:
    found = [
        {"gate": name, "code": errors.GATE_CODES[name], "observed": "x", "threshold": "y", "remedy": "z"}
        | {"status": state}
        for name, state in (("floor", "fail"), ("concept_drift", "warn"), ("latency", "pass"))
    ]
    error = errors.GateFailed(found[:1])
    # For the report an operator hangs on all that it has judged.
    error.gates = found
    assert error.title == "The gate `floor` said no"
    assert error.codes == ("SR-GATE-006",)
    error.gates[1]["status"] = "fail"
    assert error.title == "The gates `floor` and `concept_drift` said no"
