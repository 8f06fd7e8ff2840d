"""`.venv/bin/python tests/infra/record.py`: record the AWS calls of a full run anew, into full_run.json.

It plays every scene of tests/infra/full_run.py in an Airflow and a stand-in of its own, in a quarter of an
hour on two cores, and needs nothing that runs already. Two recordings of the same code are equal.
`record.py TRAIL` reads a trail that is there (of a stand-in with LOCALAWS_TRAIL=TRAIL) instead of playing.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve()
CHECKOUT = HERE.parents[2]
sys.path[:0] = [
    str(CHECKOUT / folder)
    for folder in ("tests", "tests/system", "tests/localaws", "include/containers", "include", "plugins")
]

from infra.calls import read  # noqa: E402
from infra.full_run import play  # noqa: E402
from infra.template import Template  # noqa: E402

RECORDING = HERE.with_name("full_run.json")


def written(trail: Path) -> str:
    """The recording of a trail: one line a distinct call, sorted."""
    with trail.open(encoding="utf-8") as lines:
        calls = read(lines, Template())
    return "[\n" + ",\n".join(sorted(json.dumps([call.roles, *call.access]) for call in calls)) + "\n]\n"


def main(arguments: list[str]) -> None:
    """Play, unless there is a trail, and write the recording."""
    if arguments:
        trail = Path(arguments[0])
    else:
        folder = Path(tempfile.mkdtemp(prefix="sentiment-retrain-record-"))
        sys.stdout.write(f"playing in {folder}\n")
        trail = play(folder / "full-run", lambda line: print(line, flush=True))  # noqa: T201
    RECORDING.write_text(written(trail))


if __name__ == "__main__":
    main(sys.argv[1:])
