"""Reads BlazingText's File-mode channels: one labelled sentence a line, tokens separated by spaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from blazingtext.hyperparameters import ClientError

if TYPE_CHECKING:
    from pathlib import Path

LABEL_PREFIX = "__label__"


@dataclass(frozen=True)
class Corpus:
    """One channel: its file, and for each labelled line the labels and the text without them."""

    path: Path
    labels: list[frozenset[str]]
    texts: list[str]


def read_channel(directory: Path, channel: str) -> Corpus:
    """Read the single file of a channel.

    Raises `ClientError` when there is no file, more than one, no line with both a label and a token, or
    text that is not UTF-8.
    """
    path = _only_file(directory, channel)
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ClientError(
            f"Channel {channel!r}: {path.name} is not UTF-8 ({error}). Save it as UTF-8 and try again."
        ) from error
    labels: list[frozenset[str]] = []
    texts: list[str] = []
    # Only a line feed ends a sentence for the trainer, so no other separator may end one here.
    for line in content.split("\n"):
        tokens = line.split()
        found = frozenset(token for token in tokens if token.startswith(LABEL_PREFIX))
        words = [token for token in tokens if not token.startswith(LABEL_PREFIX)]
        if found and words:
            labels.append(found)
            texts.append(" ".join(words))
    if not labels:
        raise ClientError(
            f"Channel {channel!r}: no line of {path.name} has a label and a token; expected lines such as "
            "'__label__1 this is great'."
        )
    return Corpus(path=path, labels=labels, texts=texts)


def _only_file(directory: Path, channel: str) -> Path:
    files = sorted(path for path in directory.rglob("*") if path.is_file()) if directory.is_dir() else []
    if len(files) != 1:
        raise ClientError(
            f"Channel {channel!r} has {len(files)} files; BlazingText expects exactly one text file."
        )
    return files[0]
