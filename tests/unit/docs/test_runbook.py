"""The runbook: every code has an entry of four parts, and every entry can be reached from the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sentiment_retrain import error_base, errors

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "plugins" / "sentiment_retrain"
TEXT = (ROOT / error_base.RUNBOOK).read_text(encoding="utf-8")
PARTS = ("**You see**", "**Why**", "**Do**", "**Make sure**")


def entry(code: str) -> str:
    """What stands between a code's heading and the next one."""
    found = re.search(rf"^### {code}\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def names_used(folder: Path, besides: set[str]) -> set[str]:
    """Every class that Python files raise or make, and every text constant in them."""
    used: set[str] = set()
    for path in folder.rglob("*.py"):
        if path.name in besides:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                used.add(node.attr)
            elif isinstance(node, ast.Name):
                used.add(node.id)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)
    return used


USED = names_used(PACKAGE, besides={"errors.py"})


@pytest.mark.parametrize(("code", "title"), errors.all_codes().items())
def test_entry_has_the_errors_title_and_four_parts(code: str, title: str) -> None:
    text = entry(code)
    assert f"*{title}*" in text
    assert [part for part in PARTS if f"* {part}" not in text] == []


@pytest.mark.parametrize("error", list(errors.all_errors()), ids=lambda error: error.__name__)
def test_every_error_with_an_entry_is_made_somewhere(error: type[errors.RetrainError]) -> None:
    if error.code not in errors.all_codes() or error is errors.RetrainError:
        return  # families, and the code of whatever has none
    assert error.__name__ in USED


@pytest.mark.parametrize("gate", errors.GATE_CODES)
def test_every_gate_with_an_entry_is_judged_somewhere(gate: str) -> None:
    assert gate in USED


def test_codes_of_the_make_commands_are_in_the_table_and_nothing_else_is() -> None:
    launcher = names_used(ROOT / "include" / "launcher", besides=set())
    # The last resort writes its code into a sentence.
    raised = {"LOCAL_UNEXPECTED"} | {name for name in launcher if re.fullmatch(r"LOCAL_[A-Z_]+", name)}
    assert set(re.findall(r"^\| `(LOCAL_[A-Z_]+)`", TEXT, re.MULTILINE)) == raised


def test_table_of_codes_by_part_leads_to_every_part() -> None:
    parts = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    assert [part for part in parts if f"](#{part.lower().replace(' ', '-')})" not in TEXT] == []
