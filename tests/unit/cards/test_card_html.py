"""The page: complete in itself, safe, and there for every card."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sentiment_retrain import error_base, errors
from sentiment_retrain.cards import card_html, report
from sentiment_retrain.runs.run_outputs import PART_TASKS, RunOutputs

from .. import sample_cards, samples


def build(outputs: RunOutputs) -> dict[str, Any]:
    return report.build_card(
        outputs, run_key="20261122-x", run_id="manual__x", created_at="2026-11-22T16:00:00+00:00"
    )


@pytest.fixture(scope="module")
def page() -> str:
    return card_html.render_card(build(sample_cards.whole_run()))


def test_page_needs_no_network(page: str) -> None:
    addresses = set(re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(\w+:[^\"')\s]+)", page))
    assert addresses == set()
    assert "<script" not in page
    assert "@import" not in page


def test_page_shows_what_matters(page: str) -> None:
    for text in (
        "<h1>Autopilot goes live</h1>",
        "It replaces the champion",
        "20261122-x",
        "train-blazingtext",
        "config-before",
        "SR-GATE-001",
        "sagemaker-scikit-learn:1",
        "prefers-color-scheme: dark",
        'name="viewport"',
    ):
        assert text in page


def test_page_has_every_plot_once(page: str) -> None:
    labels = re.findall(r'<svg role="img" aria-label="([^"]+)"', page)
    assert len(labels) == len(set(labels)) == 3 + 1 + 1 + 3 + 2


def test_nothing_from_the_data_becomes_markup(page: str) -> None:
    assert "alert(1)" in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("part", PART_TASKS)
def test_page_of_a_run_without_one_part(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        card_html,
        "draw",
        lambda _: dict.fromkeys(("matrices", "metrics", "facets", "tokens", "labels", "categories"), []),
    )
    page = card_html.render_card(build(sample_cards.whole_run(**{part: None})))
    assert page.rstrip().endswith("</html>")
    assert "None" not in page


def test_page_of_nothing_at_all() -> None:
    page = card_html.render_card(build(RunOutputs()))
    assert "The run is done" in page
    assert "No job was started" in page


def test_page_of_a_failure_leads_with_what_to_do() -> None:
    error = errors.ColumnMissing("no column for review_body; the header has 'a'", "review_body: one of text")
    outputs = RunOutputs(
        failures={"ingest.land_reviews": error.as_dict()}, states={"ingest.land_reviews": "failed"}
    )
    page = card_html.render_card(build(outputs))
    assert "<h1>The source file lacks a needed column</h1>" in page
    assert page.index("SR-SOURCE-003") < page.index("Contenders on the same")
    assert "the header has &#39;a&#39;" in page
    assert "own columns under `columns`" in page
    assert "<code>docs/runbook.md#sr-source-003</code>" in page


def test_every_gate_that_failed_leads_to_its_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_base._Place, "url", "https://git.example.com/runbook.md")
    failed = [samples.gate(name, "fail") for name in ("golden", "agreement")]
    error = errors.GateFailed(failed)
    outputs = RunOutputs(
        failures={"deploy.verify": {**error.as_dict(), "gates": failed}}, states={"deploy.verify": "failed"}
    )
    page = card_html.render_card(build(outputs))
    for code in ("sr-gate-009", "sr-gate-010"):
        link = f'<a href="https://git.example.com/runbook.md#{code}"'
        assert page.count(link) == 2  # with the failure, and in the table of gates


def test_tiny_categories_are_not_drawn() -> None:
    card = {
        "data": {"categories": {"Dresses": 100, "Chemises": 1}},
        "analysis": {"bias": {"facets": {"Dresses": {"DPL": 0.1}, "Chemises": {"DPL": 0.9}}}},
    }
    assert card_html._facet_values(card) == {"DPL of the labels (before training)": {"Dresses": 0.1}}


def test_calibration_and_categories_are_on_the_card() -> None:
    card = report.build_card(
        sample_cards.whole_run(), run_key="k", run_id="r", created_at="2026-11-22T10:00:00+00:00"
    )
    page = card_html.render_card(card)
    assert "a perfectly calibrated model would show" in page
    assert "Knits &lt;b&gt;" in page
    assert "p, adjusted" in page
