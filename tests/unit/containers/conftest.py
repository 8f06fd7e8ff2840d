"""The container programs are imported as their images import them: from their own directories."""

import sys
from pathlib import Path

CONTAINERS = Path(__file__).resolve().parents[3] / "include" / "containers"

for directory in (CONTAINERS, CONTAINERS / "adapter"):
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
