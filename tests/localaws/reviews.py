"""Made-up reviews that can be learned: three classes with words of their own among words of all."""

from __future__ import annotations

import csv
import io
import random

LABELS = ("-1", "0", "1")
WORDS = {
    "-1": ("awful", "torn", "returned", "cheap", "disappointed", "scratchy"),
    "0": ("okay", "average", "fine", "decent", "ordinary", "acceptable"),
    "1": ("love", "perfect", "gorgeous", "flattering", "comfortable", "wonderful"),
}
FILLER = ("dress", "fabric", "size", "color", "the", "this", "is", "it", "and", "very", "shirt", "sleeve")


def reviews(rows: int, seed: int = 0) -> list[tuple[str, str]]:
    """(label, text) of `rows` reviews, labels in turn; one in ten has another class's words."""
    chance = random.Random(seed)
    made = []
    for row in range(rows):
        label = LABELS[row % 3]
        told = chance.choice(LABELS) if chance.random() < 0.1 else label
        words = chance.choices(FILLER, k=8) + chance.choices(WORDS[told], k=3)
        chance.shuffle(words)
        made.append((label, " ".join(words)))
    return made


def as_csv(rows: list[tuple[str, str]]) -> bytes:
    """The Autopilot form: header, label first."""
    out = io.StringIO()
    csv.writer(out).writerows([("sentiment", "review_body"), *rows])
    return out.getvalue().encode()


def as_fasttext(rows: list[tuple[str, str]]) -> str:
    """The BlazingText form."""
    return "".join(f"__label__{label} {text}\n" for label, text in rows)
