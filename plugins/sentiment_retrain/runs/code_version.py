"""Which code made a model: the commit where there is a checkout, and a digest of the files everywhere."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from sentiment_retrain.settings import include_directory


@functools.lru_cache(maxsize=1)
def code_digest() -> str:
    """sha256 (16 digits) of all that decides what a run does: Python files, SQL, suites and configuration."""
    package, include = Path(__file__).resolve().parents[1], include_directory()
    folders = (package, include / "containers", include / "config", include / "sql", include / "suites")
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{folder.name}/{path.relative_to(folder)}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def commit_id() -> str | None:
    """The commit that is checked out, None where the code does not lie in a Git checkout."""
    for folder in Path(__file__).resolve().parents:
        head = folder / ".git" / "HEAD"
        if head.is_file():
            return _resolved(folder / ".git", head.read_text().strip())
    return None


def _resolved(git: Path, head: str) -> str | None:
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    if (git / name).is_file():
        return (git / name).read_text().strip()
    packed = git / "packed-refs"
    lines = packed.read_text().splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), None)
