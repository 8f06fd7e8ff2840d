"""Airflow on SQLite: savepoints wait their turn, and an event loop waits for no lock that it holds up."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from launcher.places import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

# Each in a process of its own: the listeners would stay with every engine of the test session.
BEGIN = """
import asyncio, sys, threading, time
import sqlalchemy as sa
from sqlalchemy import orm

if sys.argv[2] == "with":
    sys.path.insert(0, sys.argv[3])
    import airflow_local_settings
"""
SAVEPOINT = """

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


# What Airflow's API server does when a run is made while its DAG is unpaused.
EVENT_LOOP = """
engine = sa.create_engine("sqlite:///" + sys.argv[1], connect_args={"timeout": 3})

class Base(orm.DeclarativeBase):
    pass

class Log(Base):
    __tablename__ = "log"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    event: orm.Mapped[str]

class Run(Base):
    __tablename__ = "runs"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)

Base.metadata.create_all(engine)
written = threading.Event()

def make_run(may_commit):
    with orm.Session(engine) as session:
        session.add(Run())
        session.flush()
        written.set()
        may_commit.wait()
        session.commit()

async def serve():
    may_commit = threading.Event()
    made = asyncio.get_running_loop().run_in_executor(None, make_run, may_commit)
    await asyncio.to_thread(written.wait)
    try:
        with orm.Session(engine) as session:
            session.add(Log(event="patch_dag"))
            session.commit()
    finally:
        may_commit.set()
    await made

asyncio.run(serve())
if sys.argv[2] == "with":
    airflow_local_settings._audit_writer.shutdown()
with orm.Session(engine) as session:
    print(session.scalar(sa.select(Log.event)), session.scalar(sa.select(sa.func.count(Run.id))))
"""


def run(program: str, database: Path, how: str) -> subprocess.CompletedProcess[str]:
    folder = str(CHECKOUT / "include" / "launcher" / "sqlite")
    return subprocess.run(
        [sys.executable, "-c", BEGIN + program, str(database), how, folder],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_savepoint_waits_for_a_heartbeat_instead_of_failing(tmp_path: Path) -> None:
    done = run(SAVEPOINT, tmp_path / "with.db", "with")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "2"


def test_a_row_of_the_audit_log_does_not_stop_the_event_loop(tmp_path: Path) -> None:
    done = run(EVENT_LOOP, tmp_path / "with.db", "with")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "patch_dag 1"


@pytest.mark.parametrize("program", [SAVEPOINT, EVENT_LOOP], ids=["savepoint", "event loop"])
def test_without_that_it_fails(tmp_path: Path, program: str) -> None:
    """When this fails, SQLAlchemy or SQLite has learnt it, and that part of airflow_local_settings can go."""
    done = run(program, tmp_path / "without.db", "without")
    assert "database is locked" in done.stderr
