"""Whether a run got to its end: which of its tasks were skipped from outside.

When a run is cancelled, Airflow marks the tasks that run as failed and skips those that wait. Where none ran
(all waited for a retry, or in a queue), skipped tasks are all that is left of it, and those fail no run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentiment_retrain import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_SKIPPED = "skipped"
#: States of a task that has run to its end; one that was skipped may have, too.
_RAN = frozenset({"success", "failed"})


def has_run(
    task: str, states: Mapping[str, str], upstream: Mapping[str, Collection[str]], joins: Collection[str]
) -> bool:
    """Whether a task has run to its end since the run was last cleared.

    One that has not may have handed on something in an earlier life of the run: Airflow takes that away only
    when the task starts anew.

    :param states: Airflow's state by task id, of all tasks of the run that have ended
    :param upstream: by task id, the tasks that it waits for
    :param joins: tasks that run beside skipped ones
    """
    state = states.get(task)
    return state in _RAN or (state == _SKIPPED and not _follows(task, states, upstream, joins))


def _follows(
    task: str, states: Mapping[str, str], upstream: Mapping[str, Collection[str]], joins: Collection[str]
) -> bool:
    """Whether a task was skipped because of the tasks before it."""
    before = [states.get(name) == _SKIPPED for name in upstream.get(task, ())]
    return bool(before) and all(before) if task in joins else any(before)


def skipped_from_outside(
    states: Mapping[str, str],
    upstream: Mapping[str, Collection[str]],
    joins: Collection[str],
    has_skipped_itself: Callable[[str], bool],
) -> list[str]:
    """Tasks that were skipped neither by themselves nor because of a task before them.

    :param states: Airflow's state by task id, of all tasks of the run that have one
    :param upstream: by task id, the tasks that it waits for
    :param joins: tasks that run beside skipped ones, and are skipped only when all before them are
    :param has_skipped_itself: asked for the few tasks that no task before them explains
    """
    return [
        task
        for task, state in states.items()
        if state == _SKIPPED and not _follows(task, states, upstream, joins) and not has_skipped_itself(task)
    ]


def cut_short(tasks: Collection[str]) -> errors.RunCutShort | None:
    """The error of a run in which these tasks were skipped from outside; None when there are none."""
    if not tasks:
        return None
    return errors.RunCutShort(
        f"Airflow skipped {', '.join(sorted(tasks))}, which had not skipped itself",
        "each task runs, skips itself, or follows one that did",
    )
