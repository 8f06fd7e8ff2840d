"""Savepoints on SQLite wait their turn; without that Airflow creates no backfill beside its scheduler."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from launcher.places import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

# In a process of its own: the listener would stay with every engine of the test session.
PROGRAM = """
import sys, threading, time
import sqlalchemy as sa

if sys.argv[2] == "with":
    sys.path.insert(0, sys.argv[3])
    import airflow_local_settings

engine = sa.create_engine("sqlite:///" + sys.argv[1], connect_args={"timeout": 20})
with engine.begin() as connection:
    connection.execute(sa.text("create table beats (n integer)"))

def beat():
    with engine.begin() as connection:
        connection.execute(sa.text("insert into beats values (1)"))

with engine.connect() as connection, connection.begin():
    savepoint = connection.begin_nested()
    connection.execute(sa.text("select count(*) from beats")).scalar()
    heart = threading.Thread(target=beat)
    heart.start()
    time.sleep(0.5)
    connection.execute(sa.text("insert into beats values (2)"))
    savepoint.commit()
heart.join()
with engine.connect() as connection:
    print(connection.execute(sa.text("select count(*) from beats")).scalar())
"""


def run(database: Path, how: str) -> subprocess.CompletedProcess[str]:
    folder = str(CHECKOUT / "include" / "launcher" / "sqlite")
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(database), how, folder],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_savepoint_waits_for_a_heartbeat_instead_of_failing(tmp_path: Path) -> None:
    done = run(tmp_path / "with.db", "with")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "2"


def test_without_that_it_fails_at_once(tmp_path: Path) -> None:
    """When this fails, SQLAlchemy or SQLite has learnt it, and airflow_local_settings can go."""
    done = run(tmp_path / "without.db", "without")
    assert "database is locked" in done.stderr
