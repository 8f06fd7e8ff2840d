from __future__ import annotations

from typing import Any

from launcher.diagnosis import error_message, failed_tasks

OURS = "SR-SOURCE-002: The source file is empty\n  observed: 0 bytes"


def raised(kind: str, value: str, cause: str = "ZeroDivisionError") -> dict[str, Any]:
    chain = [{"exc_type": kind, "exc_value": value}, {"exc_type": cause, "exc_value": "division by zero"}]
    return {"event": "Task failed with exception", "level": "error", "error_detail": chain}


def test_an_error_of_ours_is_shown_as_it_is_without_its_cause_or_traceback() -> None:
    entries = [{"event": "starting", "level": "info"}, raised("SourceEmpty", OURS), {"event": "end"}]

    assert error_message(entries) == OURS


def test_a_foreign_error_is_shown_with_its_type() -> None:
    assert error_message([raised("KeyError", "'uri'")]) == "KeyError: 'uri'"


def test_the_last_of_several_errors_ended_the_task() -> None:
    assert error_message([raised("KeyError", "'first'"), raised("KeyError", "'last'")]) == "KeyError: 'last'"


def test_without_an_exception_the_last_error_line_counts() -> None:
    entries = [{"event": "killed by signal 9", "level": "error"}, {"event": "bye", "level": "info"}]

    assert error_message(entries) == "killed by signal 9"


def test_a_log_that_says_nothing_is_called_that() -> None:
    assert error_message([]) == "The task's log does not say why."


def test_tasks_are_named_in_the_order_in_which_they_failed_and_without_their_victims() -> None:
    instances = [
        {"task_id": "late", "state": "failed", "end_date": "2026-11-22T12:00:09Z"},
        {"task_id": "early", "state": "failed", "end_date": "2026-11-22T12:00:01Z"},
        {"task_id": "victim", "state": "upstream_failed", "end_date": "2026-11-22T12:00:00Z"},
    ]

    assert [found["task_id"] for found in failed_tasks(instances)] == ["early", "late"]
