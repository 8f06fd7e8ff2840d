"""docs/runbook.md as somebody types it at 3 a.m.: its AWS commands, on the stand-in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .template import CHECKOUT, REGION

if TYPE_CHECKING:
    from stand_in import StandIn

PAGE = (CHECKOUT / "docs" / "runbook.md").read_text(encoding="utf-8")
#: What AWS answers where there is nothing of that name: the command itself was understood.
NOTHING_THERE = re.compile(r"\((ValidationException|ResourceNotFound)\) when calling the \w+ operation")


def commands() -> list[str]:
    return re.findall(r"^aws .+$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", commands(), ids=lambda command: " ".join(command.split()[1:3]))
def test_aws_understands_it(stand_in: StandIn, command: str) -> None:
    given = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = given | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": stand_in.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_PAGER": "",
    }
    filled = command.replace("<job>", "sentiment-retrain-none")
    done = subprocess.run(
        ["bash", "-c", filled], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    if command.split()[2].startswith("list-"):
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "[]"
    else:
        assert done.returncode == 0 or NOTHING_THERE.search(done.stderr), done.stderr


def test_commands_are_found() -> None:
    assert {command.split()[2] for command in commands()} >= {"describe-endpoint", "stop-training-job"}
