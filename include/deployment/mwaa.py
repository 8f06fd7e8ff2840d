"""``make mwaa``: what an environment of Amazon MWAA reads, in ``.local/mwaa``; upload it as it is.

MWAA takes ``dags/`` as a folder, plugins as one zip, one requirements.txt, and a start-up script. It knows no
``include/``: configuration, SQL and suites travel inside the package, where
:func:`sentiment_retrain.settings.include_directory` looks first. Any Python 3 runs this.
"""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[2]
#: Airflow and Python of MWAA's newest image; its own pins win over ours.
AIRFLOW, PYTHON = "3.3.1", "3.12"
#: Of requirements.in: given by the image, or not installable beside its constraints (the sagemaker SDK, which
#: no code of the DAG needs at run time).
LEFT_OUT = frozenset({"apache-airflow", "sagemaker", "sqlalchemy"})
INCLUDED = ("config", "sql", "suites", "containers")
#: Zip archives know no time before 1980; a fixed one makes the same sources the same bytes.
MOMENT = (1980, 1, 1, 0, 0, 0)
STARTUP = """#!/bin/sh
# Sourced on every MWAA worker, scheduler and web server before Airflow starts. Fill in your own names.
export SENTIMENT_RETRAIN_BUCKET="${SENTIMENT_RETRAIN_BUCKET:-}"
export SENTIMENT_RETRAIN_ROLE_ARN="${SENTIMENT_RETRAIN_ROLE_ARN:-}"
export GX_ANALYTICS_ENABLED=False
"""


def requirements() -> str:
    """requirements.in without what MWAA has or cannot have, and without our own pins of the provider."""
    lines = [
        f"# For Airflow {AIRFLOW}, Python {PYTHON}. MWAA lays its constraints over a file that names none.",
    ]
    for line in (CHECKOUT / "requirements.in").read_text().splitlines():
        name = re.match(r"[A-Za-z0-9_.-]+", line)
        if name and name[0] not in LEFT_OUT:
            lines.append(re.sub(r"(providers-\S+?)==.*", r"\1", line))
    return "\n".join(lines) + "\n"


def plugin_files() -> Iterator[tuple[str, Path]]:
    """Name in the archive and file, sorted by name."""
    plugins = CHECKOUT / "plugins"
    found = {path.relative_to(plugins).as_posix(): path for path in _sources(plugins)}
    for folder in INCLUDED:
        directory = CHECKOUT / "include" / folder
        for path in _sources(directory):
            name = path.relative_to(directory.parent).as_posix()
            found[f"sentiment_retrain/_include/{name}"] = path
    # The pages show its entries.
    found["sentiment_retrain/docs/runbook.md"] = CHECKOUT / "docs" / "runbook.md"
    yield from sorted(found.items())


def _sources(directory: Path) -> Iterator[Path]:
    for path in directory.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def build(target: Path) -> None:
    """Write `target/dags/`, `plugins.zip`, `requirements.txt` and `startup.sh`, replacing what is there."""
    shutil.rmtree(target, ignore_errors=True)
    (target / "dags").mkdir(parents=True)
    for path in _sources(CHECKOUT / "dags"):
        shutil.copyfile(path, target / "dags" / path.name)
    with zipfile.ZipFile(target / "plugins.zip", "w") as archive:
        for name, path in plugin_files():
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    (target / "requirements.txt").write_text(requirements())
    (target / "startup.sh").write_text(STARTUP)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else CHECKOUT / ".local" / "mwaa")
