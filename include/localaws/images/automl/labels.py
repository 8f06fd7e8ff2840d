"""The label side of a data processor: class names to ordinals and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LABELS_FILE = "labels.json"


class LabelEncoder:
    """Maps class names to ordinals in a fixed order."""

    def __init__(self, labels: Sequence[str]) -> None:
        """Take the class names in the order of their ordinals."""
        self.labels = list(labels)

    def transform(self, target: Iterable[object]) -> NDArray[np.int64]:
        """Ordinals of class names; raises `KeyError` for an unknown one."""
        ordinals = {label: index for index, label in enumerate(self.labels)}
        return np.array([ordinals[str(label)] for label in target], dtype=np.int64)

    def inverse_transform(self, ordinals: NDArray[Any]) -> list[str]:
        """Class names of ordinals; raises `IndexError` for one out of range."""
        return [self.labels[ordinal] for ordinal in ordinals.astype(int)]


def save(encoder: LabelEncoder, directory: Path) -> None:
    """Write the class names beside the data processor, so that they can be read without scikit-learn."""
    (directory / LABELS_FILE).write_text(json.dumps(encoder.labels), encoding="utf-8")


def load(directory: Path) -> LabelEncoder:
    """Read what `save` wrote."""
    return LabelEncoder(json.loads((directory / LABELS_FILE).read_text(encoding="utf-8")))
