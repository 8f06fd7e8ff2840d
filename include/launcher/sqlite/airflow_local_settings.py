"""What Airflow's processes do otherwise on SQLite, the database of one machine. Found by its name.

Airflow creates the runs of a backfill one savepoint each. On SQLite a savepoint outside a transaction begins
by reading; when a heartbeat is written before its own first write, that write fails at once, without waiting.
Of ten days nearly always one fails so. Airflow then deletes the runs that it had created, and the scheduler,
which may have picked one up already, dies of it. A savepoint that begins by writing waits its turn instead.

The API server writes who asked for what on its event loop. While a request in a thread has written and not
yet committed, that row waits for SQLite's only write lock, and the commit waits for the loop: both stand
still until the row gives up, and its request with it. The form that triggers a paused DAG sends two such
requests at once. A row that a thread writes lets the loop go on.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# Airflow would take every other name into its own settings.
__all__: list[str] = []
#: Seconds to wait for the lock; the runs of a long backfill are made in one transaction. Airflow reads this
#: by its name, see `sql_alchemy_connect_args`.
CONNECT_ARGS: dict[str, Any] = {"timeout": 60}
_AUDIT_TABLE = "log"
_log = logging.getLogger(__name__)
#: One thread keeps the rows in order; what waits in it is written before the process ends.
_audit_writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="audit-log")


@event.listens_for(Engine, "savepoint")
def begin_by_writing(connection: Connection, name: str) -> None:
    """Take SQLite's write lock before the first savepoint of a transaction."""
    del name
    if connection.dialect.name != "sqlite" or connection.dialect.is_async:
        return
    driver = connection.connection.dbapi_connection
    if not getattr(driver, "in_transaction", True):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@event.listens_for(Session, "before_flush")
def write_audit_rows_off_the_event_loop(session: Session, context: object, instances: object) -> None:
    """Hand the new rows of the audit log to a thread, where the session is used on an event loop."""
    del context, instances
    engine = session.bind
    if not isinstance(engine, Engine) or engine.dialect.name != "sqlite" or engine.dialect.is_async:
        return
    if not _on_event_loop():
        return
    for row in [new for new in session.new if getattr(new, "__tablename__", None) == _AUDIT_TABLE]:
        session.expunge(row)
        _audit_writer.submit(_write, engine, row)


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _write(engine: Engine, row: object) -> None:
    try:
        with Session(engine) as session, session.begin():
            session.add(row)
    except Exception:
        _log.exception("A row of Airflow's audit log was not written.")
