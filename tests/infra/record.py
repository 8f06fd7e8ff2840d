"""`python tests/infra/record.py TRAIL`: add the distinct calls of a trail to tests/infra/full_run.json.

The trail is what LOCALAWS_TRAIL=TRAIL makes of a `make up`, `make run` and whatever else is to be recorded.
In the recording are: a first run; one whose update of the endpoint the golden alarm rolled back; one that was
approved by a person, updated the endpoint and scored reviews; a rollback; a backfill of one day. To record
anew, write `[]` into the file first.
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
        calls = read(lines, Template())
    rows = {json.dumps([call.roles, *call.access]) for call in calls}
    rows |= {json.dumps(row) for row in json.loads(RECORDING.read_text())}
    RECORDING.write_text("[\n" + ",\n".join(sorted(rows)) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
