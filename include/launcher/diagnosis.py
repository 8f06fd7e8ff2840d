"""Why a run failed, from Airflow's structured task logs, in the words of the error itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Diagnosis(NamedTuple):
    """One failed task and what it said."""

    task: str
    message: str


def failed_tasks(instances: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The tasks that failed by themselves, the first to fail first."""
    failed = [instance for instance in instances if instance["state"] == "failed"]
    return sorted(failed, key=lambda instance: str(instance.get("end_date") or ""))


def error_message(entries: Sequence[Mapping[str, Any]]) -> str:
    """The error that ended a task, without its traceback.

    :param entries: structured log lines; a line of an exception has `error_detail`, the chain of exceptions
        with `exc_type` and `exc_value`, the one raised last first
    :return: the message of an error that carries a code of ours as it is, with its type otherwise; the last
        line of level error where no exception was logged
    """
    for entry in reversed(entries):
        details = entry.get("error_detail")
        if details:
            raised = details[0]
            message = str(raised.get("exc_value", ""))
            return message if message.startswith("SR-") else f"{raised.get('exc_type')}: {message}"
    errors = [str(entry.get("event", "")) for entry in entries if entry.get("level") in {"error", "critical"}]
    return errors[-1] if errors else "The task's log does not say why."
