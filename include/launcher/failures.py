"""The one way a command of the launcher fails: a code, what was observed, what to do."""

from __future__ import annotations


class LauncherError(Exception):
    """Ends the command with `exit_code`; the message says what was observed, the remedy what to do next."""

    exit_code = 1

    def __init__(self, code: str, observed: str, remedy: str) -> None:
        super().__init__(f"{code}: {observed}")
        self.code = code
        self.observed = observed
        self.remedy = remedy


class RefusedError(LauncherError):
    """The command was refused before anything was started."""

    exit_code = 2


class RunFailedError(LauncherError):
    """The DAG run ended, and not in success."""
