"""Who gets the next free slot: scheduled and manual runs before backfills (ADR 0007)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.task.priority_strategy import PriorityWeightStrategy

if TYPE_CHECKING:
    from airflow.models.taskinstance import TaskInstance

#: What everything but a backfill is ahead by; more than any sum of weights along the DAG.
AHEAD = 1000
#: By this name Airflow finds the strategy among those that plugins register.
BACKFILLS_LAST = "sentiment_retrain.runs.priority.BackfillsLast"
_BACKFILL = "backfill"


class BackfillsLast(PriorityWeightStrategy):
    """The task's own weight, and AHEAD more in any run that is not a backfill.

    Needs no pool, so the DAG runs on an Airflow where nobody has made one.
    """

    def get_weight(self, ti: TaskInstance) -> int:
        """Weight of one task instance; a higher one gets its slot first."""
        weight = int(ti.task.priority_weight) if ti.task else 1
        return weight if str(ti.run_id).startswith(f"{_BACKFILL}__") else weight + AHEAD
