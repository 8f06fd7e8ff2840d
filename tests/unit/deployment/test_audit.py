"""`make audit` says what is known, what was not asked, and exits accordingly; licences are approved ones."""

from __future__ import annotations

import json
import subprocess
import tomllib
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from deployment import audit, licences

CHECKOUT = Path(__file__).resolve().parents[3]
CLEAN = {"name": "a", "version": "1", "vulns": []}
SKIPPED = {"name": "b", "skip_reason": "Dependency not found on PyPI and could not be audited: b (2)"}
BAD = {
    "name": "jinja2",
    "version": "2.10",
    "vulns": [{"id": "PYSEC-2019-217", "aliases": ["CVE-2019-10906"], "fix_versions": ["2.10.1"]}],
}


def said(*dependencies: Any) -> audit.Answer:
    return audit.parse(len(dependencies), json.dumps({"dependencies": dependencies}), "")


@pytest.mark.parametrize(
    ("answer", "licences_fine", "code"),
    [
        (said(CLEAN), True, 0),
        (said(CLEAN), False, 1),
        (said(CLEAN, BAD), True, 1),
        (said(CLEAN, SKIPPED), True, 3),
        (said(BAD, SKIPPED), True, 1),
        (said(), True, 3),
        (audit.parse(2, "", "Traceback …\nConnectionError: no route"), True, 3),
    ],
    ids=["clean", "licence", "vulnerable", "skipped", "vulnerable and skipped", "nothing", "unreachable"],
)
def test_exit_codes(answer: audit.Answer, licences_fine: bool, code: int) -> None:
    assert audit.verdict({"file": answer}, {}, licences_fine) == code


def test_the_table_names_package_ids_and_repair() -> None:
    text = "".join(audit.table({"requirements.txt": said(CLEAN, BAD)}, {}, "pypi"))

    assert "jinja2 2.10: PYSEC-2019-217, CVE-2019-10906; repaired in 2.10.1" in text
    assert "NOT AUDITED" not in text


def test_what_is_accepted_is_counted_and_passes() -> None:
    accepted = {"CVE-2019-10906": "a reason"}
    answers = {"requirements.txt": said(CLEAN, BAD)}

    assert audit.verdict(answers, accepted, licences=True) == 0
    assert "".join(audit.table(answers, accepted, "pypi")).splitlines()[1].split()[-2:] == ["0", "1"]


def test_a_service_out_of_reach_is_one_line_and_no_traceback() -> None:
    answer = audit.parse(3, "", "Traceback (most recent call last):\n  File x\nConnectionError: no route\n")

    text = "".join(audit.table({"requirements.txt": answer}, {}, "osv"))

    assert "NOT AUDITED" in text
    assert "ConnectionError: no route" in text
    assert "Traceback" not in text


def test_pip_audit_is_asked_as_it_wants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in uv's place that answers as pip-audit does and keeps what it was asked."""
    program = tmp_path / "uv"
    answer = json.dumps({"dependencies": [CLEAN, BAD]})
    program.write_text(f"#!/bin/sh\necho \"$@\" > '{tmp_path}/asked'\necho '{answer}'\nexit 1\n")
    program.chmod(0o700)
    monkeypatch.setenv("UV", str(program))
    pinned = tmp_path / "requirements.txt"
    pinned.write_text("a==1 \\\n    --hash=sha256:00\njinja2==2.10 ; x \\\n")

    found = audit.ask(pinned, "osv")

    assert (found.pinned, found.asked, len(found.found)) == (2, 2, 1)
    asked = (tmp_path / "asked").read_text()
    assert "pip-audit==" in asked
    assert "--vulnerability-service osv" in asked


# --- Licences -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", audit.ENVIRONMENTS)
def test_what_runs_is_under_approved_licences(path: str) -> None:
    python = CHECKOUT / audit.ENVIRONMENTS[path] / "bin" / "python"

    done = subprocess.run(
        [str(python), str(CHECKOUT / "include/deployment/licences.py"), path],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def fields(**given: str | list[str]) -> Message:
    """Core metadata."""
    made = Message()
    for name, values in given.items():
        for value in [values] if isinstance(values, str) else values:
            made[name.replace("_", "-")] = value
    return made


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"License_Expression": "MIT AND (Apache-2.0 OR BSD-3-Clause)"}, []),
        ({"License_Expression": "GPL-2.0-only WITH Classpath-exception-2.0"}, []),
        ({"License_Expression": "MIT AND LicenseRef-Proprietary"}, ["LicenseRef-Proprietary"]),
        ({"Classifier": ["License :: OSI Approved :: MIT License"]}, []),
        (
            {"Classifier": ["License :: Other/Proprietary License"], "License": "MIT"},
            ["License :: Other/Proprietary License"],
        ),
        ({"License": "Amazon Software License"}, ["Amazon Software License"]),
        ({"License": "Apache License 2.0\nlong text"}, []),
        ({"License": "UNKNOWN"}, None),
        ({}, None),
    ],
)
def test_which_licences_are_refused(given: dict[str, str | list[str]], found: list[str] | None) -> None:
    assert licences.refused(fields(**given)) == found


def test_a_package_without_licence_and_an_exception_too_many_are_problems() -> None:
    """numpy's CC0 part passes by its exception alone."""
    accepted = tomllib.loads(licences.ACCEPTED.read_text(encoding="utf-8"))

    assert list(licences.problems("numpy==2\n", accepted)) == []
    assert list(licences.problems("numpy==2\n", {})) == [("numpy", "CC0-1.0 is not approved by the OSI")]
    assert list(licences.problems("huey==3\n", {})) == [("huey", "names no licence")]


def test_every_exception_is_needed() -> None:
    accepted = tomllib.loads(licences.ACCEPTED.read_text(encoding="utf-8"))
    everything = "".join((CHECKOUT / path).read_text() for path in audit.ENVIRONMENTS)
    found = list(licences.problems(everything, {}))

    needed = {name for name, problem in found if problem == "names no licence"}
    assert set(accepted["undeclared"]) == needed
    for part, exception in accepted["licences"].items():
        assert exception["reason"]
        wanted = {name for name, problem in found if problem.startswith(f"{part} ")}
        assert set(exception["packages"]) == wanted
