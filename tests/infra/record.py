"""`python tests/infra/record.py TRAIL`: keep the distinct calls of a trail as tests/infra/full_run.json.

The trail is what LOCALAWS_TRAIL=TRAIL makes of a `make up`, `make run` and whatever else is to be recorded.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from infra.calls import read  # noqa: E402
from infra.template import Template  # noqa: E402

RECORDING = Path(__file__).with_name("full_run.json")


def main(trail: str) -> None:
    """Write the recording."""
    with Path(trail).open(encoding="utf-8") as lines:
        calls = sorted(read(lines, Template()))
    rows = (json.dumps([call.roles, *call.access]) for call in calls)
    RECORDING.write_text("[\n" + ",\n".join(rows) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
