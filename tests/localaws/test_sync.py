"""With LOCALAWS_SYNC=always a write is on the disk before it is answered.

What the disk itself does after fdatasync cannot be tested here; that the journal is flushed, and when, can.
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest
from stand_in import StandIn

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="tells files by /proc")

PUTS = 30
# Python imports it at its start: the server's own flushes are carried out as ever, and written down.
WITNESS = """
import os
flush = os.fdatasync
def fdatasync(number):
    flush(number)
    with open({record!r}, "a") as record:
        record.write(os.readlink(f"/proc/self/fd/{{number}}") + "\\n")
os.fdatasync = fdatasync
"""


def flushes(directory: Path, **environment: str) -> list[int]:
    """How often the journal had been flushed when each of the PUTs was answered."""
    directory.mkdir()
    record = directory / "flushes.txt"
    record.touch()
    (directory / "sitecustomize.py").write_text(WITNESS.format(record=str(record)))
    own = StandIn(directory / "state", PYTHONPATH=str(directory), **environment)
    try:
        own.start()
        s3 = own.client("s3")
        s3.create_bucket(Bucket="synced")
        counts = []
        for number in range(PUTS):
            s3.put_object(Bucket="synced", Key="k", Body=b"%d" % number)
            counts.append(sum("/journal-" in line for line in record.read_text().splitlines()))
    finally:
        own.kill()
    return counts


def test_each_write_is_flushed_before_its_answer(tmp_path: Path) -> None:
    counts = flushes(tmp_path / "always", LOCALAWS_SYNC="always")
    steps = [after - before for before, after in zip(counts, counts[1:], strict=False)]
    assert all(step >= 1 for step in steps), counts
    seldom = flushes(tmp_path / "seldom")  # once a second, by the keeper
    assert seldom[-1] - seldom[0] < PUTS - 1
