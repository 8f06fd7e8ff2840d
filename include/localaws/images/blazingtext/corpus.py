"""Reads BlazingText's channels: text files of a sentence a line, or augmented manifests of JSON Lines.

A labelled line is ``__label__4 linux ready for prime time``; tokens are separated by spaces. A manifest's
line is ``{"source": "linux ready for prime time", "label": 4}``, or a list of labels.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from blazingtext.hyperparameters import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable

LABEL_PREFIX = "__label__"


@dataclass(frozen=True)
class Corpus:
    """One channel: its file, and for each labelled line the labels and the text without them."""

    path: Path
    labels: list[frozenset[str]]
    texts: list[str]


def read_channel(directory: Path, channel: str) -> Corpus:
    """Read the single file of a channel of labelled lines.

    Raises `ClientError` when there is no file, more than one, no line with both a label and a token, text
    that is not UTF-8, or a manifest's line that has no source or label.
    """
    path, lines = _lines(directory, channel)
    if _is_manifest(lines):
        lines = list(_labelled(lines, path.name))
        path = _as_text_file(lines)
    labels: list[frozenset[str]] = []
    texts: list[str] = []
    for line in lines:
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


def read_sentences(directory: Path, channel: str) -> tuple[Path, list[list[str]]]:
    """The single file of a channel, and the tokens of each line that has any; labels mean nothing here.

    Raises `ClientError` when there is no file, more than one, no token, or text that is not UTF-8.
    """
    path, lines = _lines(directory, channel)
    sentences = [tokens for line in lines if (tokens := line.split())]
    if not sentences:
        raise ClientError(f"Channel {channel!r}: {path.name} holds no word; expected a sentence a line.")
    return path, sentences


def _lines(directory: Path, channel: str) -> tuple[Path, list[str]]:
    path = _only_file(directory, channel)
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ClientError(
            f"Channel {channel!r}: {path.name} is not UTF-8 ({error}). Save it as UTF-8 and try again."
        ) from error
    # Only a line feed ends a sentence for the trainer, so no other separator may end one here.
    return path, content.split("\n")


def _is_manifest(lines: list[str]) -> bool:
    first = next((line for line in lines if line.strip()), "")
    try:
        return isinstance(json.loads(first), dict)
    except ValueError:
        return False


def _labelled(lines: list[str], name: str) -> Iterable[str]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            source, label = record["source"], record["label"]
        except (ValueError, TypeError, KeyError) as error:
            raise ClientError(
                f'{name}, line {number}: expected an augmented manifest\'s {{"source": "text", "label": 1}}, '
                f"got {line[:80]!r}."
            ) from error
        labels = label if isinstance(label, list) else [label]
        yield " ".join([*(f"{LABEL_PREFIX}{item}" for item in labels), " ".join(str(source).split())])


def _as_text_file(lines: list[str]) -> Path:
    # The trainer reads files only; this one goes with the container.
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", delete=False) as file:
        file.write("".join(f"{line}\n" for line in lines))
    return Path(file.name)


def _only_file(directory: Path, channel: str) -> Path:
    files = sorted(path for path in directory.rglob("*") if path.is_file()) if directory.is_dir() else []
    if len(files) != 1:
        raise ClientError(
            f"Channel {channel!r} has {len(files)} files; BlazingText expects exactly one text file."
        )
    return files[0]
