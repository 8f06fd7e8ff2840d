"""Running the candidate definition notebook of an AutoML job without a kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from autopilot import Autopilot


def code_cells(autopilot: Autopilot, job: dict[str, Any]) -> list[str]:
    """The code of the notebook's cells."""
    location = job["AutoMLJobArtifacts"]["CandidateDefinitionNotebookLocation"]
    cells = json.loads(autopilot.read(location))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def execute(cells: list[str], directory: Path, endpoint_url: str) -> str:
    """Run the cells as one program that knows nothing but the environment; returns what it printed."""
    program = directory / "notebook.py"
    program.write_text("\n\n".join(cells), encoding="utf-8")
    environment = {
        **{"PATH": os.environ["PATH"], "HOME": str(directory), "TMPDIR": str(directory)},
        **{"AWS_ENDPOINT_URL": endpoint_url, "AWS_DEFAULT_REGION": "us-east-1"},
        **{"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"},
    }
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
