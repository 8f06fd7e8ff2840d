"""The `train` command of the local Autopilot image: the whole AutoML job, from exploration to reports.

On AWS each step is a job in a container of its own. Here one process does the steps in turn and tells of each
by an event, because starting Python many times would cost more than the work. With the hyperparameter
`processor_module` one data processor is fitted, which is what the candidate definition notebook asks for.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from automl.entry import run_program
from automl.intake import take_in
from automl.settings import read_settings
from automl.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

PROCESSOR = "processor_module"


def run(base: Path) -> None:
    """Do the job described in `<base>/input`; raises `ClientError` when data or settings do not allow it."""
    started = time.monotonic()
    asked = base / "input/config/hyperparameters.json"
    if PROCESSOR in json.loads(asked.read_text(encoding="utf-8")):
        from automl import fit_processor

        fit_processor.run(base)
        return
    settings = read_settings(asked)
    deadline = None if settings.max_seconds is None else started + settings.max_seconds
    workspace = Workspace(base, settings.job_name)
    workspace.emit("stage", stage="AnalyzingData")
    intake = take_in(base / "input/data", settings)
    workspace.emit(
        "resolved", problem_type=intake.problem_type, objective=intake.objective, rows=intake.table.rows
    )
    # Its imports take seconds, which a job that is refused for its data need not spend.
    from automl import job

    job.run(intake, settings, workspace, deadline)


if __name__ == "__main__":
    raise SystemExit(run_program(run))
