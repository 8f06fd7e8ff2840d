"""Lines of tables that tests leave in their reports, which also cross from one test process to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Row = TypeVar("Row")


def rows(terminalreporter: Any, name: str, make: Callable[..., Row]) -> list[Row]:
    """What all tests recorded as the property `name`, in the order in which they ended.

    :param make: takes a recorded mapping as keyword arguments
    """
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    return [
        make(**value)
        for report in reports
        if getattr(report, "when", "") == "call"
        for key, value in report.user_properties
        if key == name
    ]
