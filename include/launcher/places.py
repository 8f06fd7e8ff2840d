"""Where things are: the checkout, and `.local/` in it, which holds what exists only at run time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
AIRFLOW_PYTHON = CHECKOUT / ".venv" / "bin" / "python"
LOCALAWS_PYTHON = CHECKOUT / ".venv-localaws" / "bin" / "python"


@dataclass(frozen=True)
class Places:
    """The directories of one installation; tests make their own under a temporary directory."""

    local: Path

    @property
    def airflow_home(self) -> Path:
        return self.local / "airflow"

    @property
    def localaws_state(self) -> Path:
        return self.local / "localaws"

    @property
    def logs(self) -> Path:
        return self.local / "logs"

    @property
    def processes(self) -> Path:
        """One JSON file a background process: its id, when it started, where it listens."""
        return self.local / "processes"

    @property
    def runs(self) -> Path:
        """Run cards brought home from the bucket, one directory a run."""
        return self.local / "runs"

    @property
    def first_data(self) -> Path:
        return self.local / "first-data"

    @classmethod
    def here(cls) -> Places:
        """Places of this checkout, or of `SENTIMENT_RETRAIN_LOCAL` where that is set."""
        return cls(Path(os.environ.get("SENTIMENT_RETRAIN_LOCAL") or CHECKOUT / ".local").resolve())
