"""The runbook's entries as pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sentiment_retrain import errors
from sentiment_retrain.pages import runbook

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("code", ["SR-GATE-001", "sr-general-001", "SR-CONFIG-001"])
def test_an_entry_is_found_by_its_code_and_ends_where_the_next_begins(code: str) -> None:
    found = runbook.entry(code)
    assert found is not None
    assert found["code"] == code.upper()
    assert "<strong>Do</strong>" in found["text"]
    assert "<h" not in found["text"]
    assert "href" not in found["text"]


def test_every_gate_has_a_page() -> None:
    assert [code for code in errors.GATE_CODES.values() if runbook.entry(code) is None] == []


@pytest.mark.parametrize("code", ["SR-NOTHING-999", "../../etc/passwd", ".*", ""])
def test_anything_else_is_no_page(code: str) -> None:
    assert runbook.entry(code) is None


def test_html_of_the_file_is_text_and_a_missing_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "runbook.md"
    assert runbook.entry("SR-GATE-001", path) is None
    path.write_text("### SR-GATE-001\n<script>x</script> [a](javascript:alert(1)) ![b](http://x/y)\n")
    found = runbook.entry("SR-GATE-001", path)
    assert found is not None
    assert "<script" not in found["text"]
    assert "<img" not in found["text"]
    assert "<a" not in found["text"]
