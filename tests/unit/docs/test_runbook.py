"""The runbook: every code has an entry of the same parts, and every entry can be reached from the code."""

from __future__ import annotations

import ast
import functools
import json
import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.api_fastapi.auth.managers.simple.datamodels.login import LoginBody
from airflow.api_fastapi.core_api.datamodels.dag_run import DAGRunPatchBody, TriggerDAGRunPostBody
from airflow.api_fastapi.core_api.datamodels.task_instances import ClearTaskInstancesBody

from sentiment_retrain import error_base, errors

if TYPE_CHECKING:
    import pydantic

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "plugins" / "sentiment_retrain"
TEXT = (ROOT / error_base.RUNBOOK).read_text(encoding="utf-8")
PARTS = (
    *("**You see**", "**Why**", "**Live now**", "**Money**", "**Do**"),
    *("**Make sure**", "**Escalate**"),
)
#: Words in code style that name neither a setting nor a task: of AWS, of Airflow, of the card's files.
OTHER_WORDS = {
    "execution_timeout",
    "runbook_url",
    "unknown_label",
    "empty_text",
    "bad_rating",
    "malformed_row",
}


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
def test_entry_has_the_errors_title_and_every_part_in_order(code: str, title: str) -> None:
    text = entry(code)
    assert f"*{title}*" in text
    assert re.findall(r"^\* (\*\*[A-Z][a-z ]+\*\*)", text, re.MULTILINE) == list(PARTS)


def anchors() -> set[str]:
    """Of the runbook's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("code", [*errors.all_codes(), None])
def test_where_an_error_sends_people_there_is_an_entry(code: str | None) -> None:
    page, _, anchor = error_base.runbook_entry(code).partition("#")
    assert page == error_base.RUNBOOK
    assert anchor in anchors()


def test_every_entry_is_of_a_code() -> None:
    assert set(re.findall(r"^### (SR-\S+)$", TEXT, re.MULTILINE)) == set(errors.all_codes())


def test_a_failed_gate_is_titled_as_its_entry() -> None:
    for gate, code in errors.GATE_CODES.items():
        found = {"gate": gate, "code": code, "observed": "x", "threshold": "y", "remedy": "z"}
        assert f"*{errors.GateFailed([found]).title}*" in entry(code)


def code_words() -> set[str]:
    """What the prose has in code style, outside the blocks of commands."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)))


@functools.cache
def dag() -> Any:
    """The DAG."""
    return runpy.run_path(str(ROOT / "dags" / "review_sentiment_retrain.py"))["plan"].dag


def settings_names() -> set[str]:
    """Every part of every setting's name, and every parameter of a run."""
    reference = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    dotted = re.findall(r"^\| `([\w.]+)` \|", reference, re.MULTILINE)
    return {part for name in dotted for part in name.split(".")} | set(dag().params)


def test_names_with_an_underscore_are_settings_tasks_or_gates() -> None:
    words = {word for word in code_words() if re.fullmatch(r"[a-z]+(?:_[a-z]+)+", word)}
    known = settings_names() | set(dag().task_dict) | set(errors.GATE_CODES) | OTHER_WORDS
    assert words - known == set()
    assert len(words) > 15


def test_names_with_a_dot_are_tasks_settings_or_files() -> None:
    words = {word for word in code_words() if re.fullmatch(r"[a-z_]+\.[a-z_.]+", word)}
    parts = settings_names()
    wrong = {
        word
        for word in words - set(dag().task_dict)
        if not set(word.split(".")) <= parts and not re.search(r"\.(json|md|py|yaml|log)$", word)
    }
    assert wrong == set()


def test_paths_exist() -> None:
    paths = {word for word in code_words() if re.match(r"(include|docs|dags|plugins|tests)/", word)}
    assert [path for path in paths if not list(ROOT.glob(path.rstrip("/")))] == []
    assert paths


def test_modes_of_a_run_and_variables_of_make_exist() -> None:
    modes = dag().params.get_param("mode").schema["enum"]
    named = set(re.findall(r"mode: (\w+)", TEXT)) | set(re.findall(r'"mode": "(\w+)"', TEXT))
    assert {"rollback", "unpin", "plan_only"} <= named <= set(modes)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    variables = set(re.findall(r"\bmake [a-z-]+((?: [A-Z_]+=[^ `|]*)+)", TEXT))
    names = {name for given in variables for name in re.findall(r"([A-Z_]+)=", given)}
    assert {"DATA", "MODEL", "UNPIN", "FROM", "TO"} <= names
    assert [name for name in names if name not in makefile] == []


def test_the_alarms_in_it_are_those_of_the_stack() -> None:
    template = (ROOT / "include" / "infra" / "sentiment-retrain.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"`…(-oncall-[a-z-]+)`", TEXT))
    assert named == set(re.findall(r"AlarmName: .*\}(-oncall-[a-z-]+)", template))


# --- Commands: those of Airflow's API, by Airflow's own routes and models ---------------------------------


def api_requests() -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and body of each `curl` of the page."""
    found = []
    for line in re.findall(r"^.*\bcurl .+$", TEXT, re.MULTILINE):
        path = re.search(r"\$AIRFLOW(/\S+?(?:<run id>)?)(?= )", line)
        body = re.search(r"-d '([^']+)'", line)
        method = re.search(r"-X (\w+)", line)
        assert path
        assert body
        found.append((method[1] if method else "POST", path[1], json.loads(body[1])))
    return found


BODIES: dict[tuple[str, str], type[pydantic.BaseModel]] = {
    ("POST", "/auth/token"): LoginBody,
    ("POST", "/api/v2/dags/review_sentiment_retrain/clearTaskInstances"): ClearTaskInstancesBody,
    ("POST", "/api/v2/dags/review_sentiment_retrain/dagRuns"): TriggerDAGRunPostBody,
    ("PATCH", "/api/v2/dags/review_sentiment_retrain/dagRuns/<run id>"): DAGRunPatchBody,
}


def test_requests_to_airflow_are_ones_that_it_takes() -> None:
    requests = api_requests()
    assert {(method, path) for method, path, _ in requests} == set(BODIES)
    for method, path, body in requests:
        parsed = BODIES[method, path].model_validate(body)
        assert set(body) <= set(parsed.model_fields_set)


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
    parts = re.findall(r"^## (.+)$", TEXT.partition("## About the entries\n")[2], re.MULTILINE)
    assert len(parts) > 8
    assert [part for part in parts if f"](#{part.lower().replace(' ', '-')})" not in TEXT] == []
