"""Which code made a model: the commit where there is a checkout, and a digest of the files everywhere."""

from __future__ import annotations

import configparser
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
    git = _git()
    return _resolved(git, (git / "HEAD").read_text().strip()) if git else None


def origin_url() -> str | None:
    """The remote ``origin`` as Git has it, password and all; None where there is none."""
    git = _git()
    config = configparser.RawConfigParser(strict=False)
    try:
        config.read(git / "config" if git else ())
    except configparser.Error:
        # Git reads more than this parser does.
        return None
    return config.get('remote "origin"', "url", fallback=None)


def _git() -> Path | None:
    folders = (folder / ".git" for folder in Path(__file__).resolve().parents)
    return next((git for git in folders if (git / "HEAD").is_file()), None)


def _resolved(git: Path, head: str) -> str | None:
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    if (git / name).is_file():
        return (git / name).read_text().strip()
    packed = git / "packed-refs"
    lines = packed.read_text().splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), None)
