"""What Airflow's processes do otherwise on SQLite, the database of one machine. Found by its name.

Airflow creates the runs of a backfill one savepoint each. On SQLite a savepoint outside a transaction begins
by reading; when a heartbeat is written before its own first write, that write fails at once, without waiting.
Of ten days nearly always one fails so. Airflow then deletes the runs that it had created, and the scheduler,
which may have picked one up already, dies of it. A savepoint that begins by writing waits its turn instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# Airflow would take every other name into its own settings.
__all__: list[str] = []
#: Seconds to wait for the lock; the runs of a long backfill are made in one transaction. Airflow reads this
#: by its name, see `sql_alchemy_connect_args`.
CONNECT_ARGS: dict[str, Any] = {"timeout": 60}


@event.listens_for(Engine, "savepoint")
def begin_by_writing(connection: Connection, name: str) -> None:
    """Take SQLite's write lock before the first savepoint of a transaction."""
    del name
    if connection.dialect.name != "sqlite" or connection.dialect.is_async:
        return
    driver = connection.connection.dbapi_connection
    if not getattr(driver, "in_transaction", True):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
