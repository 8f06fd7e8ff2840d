"""The root of all errors: how one is written, rendered and handed on. The tree is in :mod:`errors`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Of this checkout; what the setting ``runbook_url`` is by default.
RUNBOOK = "docs/runbook.md"


class _Place:
    """Where this process says that the runbook is.

    Kept here and not asked of the settings: an error may be raised while those are loaded.
    """

    url = RUNBOOK


def set_runbook(url: str) -> None:
    """Let errors name this copy of the runbook; called with each loading of the settings."""
    _Place.url = url


def runbook_entry(code: str | None) -> str:
    """Where the runbook's entry of a code is; for None that of whatever has no code."""
    return f"{_Place.url}#{(code or RetrainError.code).lower()}"


class RetrainError(Exception):
    """The retrain met something it does not know.

    Every error says what was observed, what was expected and what to do now.

    :param observed: what was found, with the value
    :param expected: what would have been right
    :param remedy: what to do now; by default what the class advises
    """

    code: str = "SR-GENERAL-001"
    remedy: str = "Read the task's log above this message; the failing call is named there."
    retryable: bool = False

    def __init__(self, observed: str, expected: str, remedy: str | None = None) -> None:
        super().__init__(observed, expected, remedy)
        self.observed = observed
        self.expected = expected
        if remedy is not None:
            self.remedy = remedy

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes to read up on, this error's own first; several where several gates said no."""
        return (self.code,)

    @property
    def title(self) -> str:
        """The first line of the class's documentation, without its full stop."""
        return (type(self).__doc__ or type(self).__name__).strip().splitlines()[0].rstrip(".")

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.code}: {self.title}",
                f"  observed: {_indented(self.observed)}",
                f"  expected: {_indented(self.expected)}",
                f"  what to do: {_indented(self.remedy)}",
                f"  more: {_indented(_lines(runbook_entry(code) for code in self.codes))}",
            ]
        )

    def as_dict(self) -> dict[str, Any]:
        """The error as the run card and notifications carry it."""
        return {
            "code": self.code,
            "title": self.title,
            "observed": self.observed,
            "expected": self.expected,
            "remedy": self.remedy,
            "retryable": self.retryable,
            "runbook": runbook_entry(self.code),
            "runbooks": [runbook_entry(code) for code in self.codes],
        }


def _lines(entries: Iterable[str]) -> str:
    return "\n".join(entries)


def _indented(text: str) -> str:
    """``text`` with its continuation lines set under the first one."""
    return text.strip().replace("\n", "\n    ")
