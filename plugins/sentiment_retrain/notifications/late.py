"""What is said of a run that should be done by now: why that may be, by the state it is in."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sentiment_retrain.notifications import messages

if TYPE_CHECKING:
    from sentiment_retrain.endpoint.live import Live
    from sentiment_retrain.notifications.messages import Message

#: States of a run that is on its way. Airflow looks at deadlines of failed runs as well.
UNDONE = frozenset({"queued", "running"})
_HINTS = {
    "queued": "It has not begun: the DAG is paused, another run of it goes on, or no scheduler is running.",
    "running": "Look for a task that is up for retry (its log has a code), queued (no free worker), or "
    "deferred (its job takes long, and costs until it ends).",
}
_WAITS = "It waits for a decision under Required Actions in Airflow; no job is running meanwhile."


def of_late_run(
    dag_id: str,
    run_id: str,
    state: str,
    deadline: dt.datetime,
    link: str,
    live: Live | None = None,
    *,
    mode: str | None = None,
    waits_for_decision: bool = False,
) -> Message:
    """The message about a run that should have ended; it goes on.

    :param state: of :data:`UNDONE`
    :param link: to the run
    :param mode: of the run, where its form named one
    """
    why = "nobody has decided on its model" if waits_for_decision else f"still {state}"
    lines = (
        messages.live_line(live),
        f"It should have ended by {deadline.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC. Nothing was stopped.",
        _WAITS if waits_for_decision else _HINTS.get(state, ""),
        f"Run: {run_id}",
        f"Link: {link}",
    )
    what = f"{dag_id} is late: {why}"
    return messages.of_incident("run_late", what, lines, live, messages.incident_key(dag_id, mode))
