"""How the `train` commands of these images end: exit code 0, or 1 with the reason in `output/failure`."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from automl.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable


def run_program(work: Callable[[Path], None]) -> int:
    """Do the work below `/opt/ml`; a failure is written to where it becomes the failure reason."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    try:
        work(base)
    except Exception as error:
        is_expected = isinstance(error, ClientError)
        kind = "ClientError" if is_expected else f"AlgorithmError: {type(error).__name__}"
        logging.getLogger("automl").error("%s: %s", kind, error, exc_info=not is_expected)
        (base / "output").mkdir(parents=True, exist_ok=True)
        (base / "output/failure").write_text(f"{kind}: {error}", encoding="utf-8")
        return 1
    return 0
