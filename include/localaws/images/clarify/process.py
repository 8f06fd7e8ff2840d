"""Clarify as a local image: the project's own analyzer, run as the program it is."""

import os
import sys
from pathlib import Path

CONTAINERS = Path(__file__).resolve().parents[3] / "containers"

if __name__ == "__main__":
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(CONTAINERS), os.environ.get("PYTHONPATH")]))
    # Replaces this process, so a stop signal reaches the analyzer itself.
    os.execv(sys.executable, [sys.executable, "-m", "analyzer"])  # noqa: S606
