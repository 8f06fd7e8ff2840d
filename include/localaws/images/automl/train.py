"""The `train` command of the local Autopilot image: the whole AutoML job, from exploration to reports.

On AWS each step is a job in a container of its own. Here one process does the steps in turn and tells of each
by an event, because starting Python many times would cost more than the work.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from pathlib import Path

from automl.errors import ClientError
from automl.intake import take_in
from automl.settings import read_settings
from automl.workspace import Workspace


def run(base: Path) -> None:
    """Do the job described in `<base>/input`; raises `ClientError` when data or settings do not allow it."""
    started = time.monotonic()
    settings = read_settings(base / "input/config/hyperparameters.json")
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


def main() -> int:
    """Run the job; a failure is written to `output/failure`, from where it becomes the failure reason."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    try:
        run(base)
    except Exception as error:
        is_expected = isinstance(error, ClientError)
        kind = "ClientError" if is_expected else f"AlgorithmError: {type(error).__name__}"
        logging.getLogger("automl").error("%s: %s", kind, error, exc_info=not is_expected)
        (base / "output").mkdir(parents=True, exist_ok=True)
        (base / "output/failure").write_text(f"{kind}: {error}", encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
