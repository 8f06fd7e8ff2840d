"""The Makefile and set-up as a person meets them; nothing is installed here."""

from __future__ import annotations

import hashlib
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from launcher.places import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

SET_UP = "include/launcher/set-up.sh"
AIRFLOW = ("requirements.txt", "requirements-dev.txt")
LOCALAWS = ("include/localaws/requirements.txt",)


def make(*arguments: str) -> str:
    done = subprocess.run(
        ["make", "-C", str(CHECKOUT), "--no-print-directory", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_help_lists_every_target() -> None:
    phony = next(
        line for line in (CHECKOUT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:")
    )

    listed = [line.split()[1] for line in make("help").splitlines()]

    assert sorted(listed) == sorted(phony.split()[1:])


@pytest.mark.parametrize(
    "text", ["It's great", 'She said "wow"', "$5 $(date) `date` $HOME", "50% off; rm -rf #now", ""]
)
def test_a_review_reaches_the_launcher_as_it_was_typed(text: str) -> None:
    command = make("--dry-run", "predict", f"TEXT={text}").splitlines()[-1]

    words = shlex.split(command)
    assert words[words.index("--text") + 1] == text


def test_data_and_format_reach_the_launcher() -> None:
    run = shlex.split(make("--dry-run", "run", "DATA=my reviews.csv").splitlines()[-1])
    report = shlex.split(make("--dry-run", "report", "FORMAT=json").splitlines()[-1])
    plain = shlex.split(make("--dry-run", "report").splitlines()[-1])

    assert run[-2:] == ["--data", "my reviews.csv"]
    assert report[-2:] == ["--format", "json"]
    assert plain[-2:] == ["--format", "text"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What set-up reads, and nothing else."""
    for name in (SET_UP, *AIRFLOW, *LOCALAWS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, tmp_path / name)
    return tmp_path


def set_up(clone: Path, *programs: str) -> subprocess.CompletedProcess[str]:
    """Run set-up with only these programs, and the shell's own tools, on the PATH."""
    tools = clone / "tools"
    tools.mkdir(exist_ok=True)
    for program in ("bash", "dirname", "cat", "sha256sum", "cut", "mkdir", *programs):
        found = shutil.which(program)
        if found and not (tools / program).exists():
            (tools / program).symlink_to(found)
    return subprocess.run(
        ["bash", str(clone / SET_UP)], env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )


def test_without_uv_and_python_set_up_refuses_in_one_clear_line(clone: Path) -> None:
    done = set_up(clone)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "set-up: neither uv nor python3 is on the PATH. Install one of them, then run make again."
    ]


def test_an_environment_made_from_the_same_requirements_is_left_alone(clone: Path) -> None:
    for directory, files in ((".venv", AIRFLOW), (".venv-localaws", LOCALAWS)):
        binary = clone / directory / "bin" / "python"
        binary.parent.mkdir(parents=True)
        binary.write_text("#!/bin/sh\n")
        binary.chmod(0o755)
        digest = hashlib.sha256(b"".join((clone / name).read_bytes() for name in files)).hexdigest()
        (clone / directory / ".requirements.sha256").write_text(digest)

    assert set_up(clone).returncode == 0

    (clone / "requirements.txt").write_text("changed")
    assert set_up(clone).returncode == 1
