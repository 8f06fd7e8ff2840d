"""The programs that measure can be started: nothing that they import has moved away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "benchmarks"
#: These run on the environment of the tests; the others have one of their own (benchmarks/README.md).
PROGRAMS = (
    *("contenders", "drift_power", "kill_drill", "load", "overhead", "pages", "scheduling"),
    *("serving_latency", "verdict_statistics"),
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_benchmark_says_how_it_is_used(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py"), "--help"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: {name}.py")
