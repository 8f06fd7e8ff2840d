"""Which training rows are left out, and which are repeated, so that every sentiment is learned. Pure.

Choices are made by a seeded hash of each row's ``_key``, not drawn, so neither the order of the rows nor a
library's version changes them.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from sentiment_retrain.settings.schema import Datasets as DatasetSettings

#: The classes, in the order that every matrix, probability and table has them.
LABELS = (-1, 0, 1)


def undersample(frame: pd.DataFrame, rules: DatasetSettings, maximum: int | None) -> pd.DataFrame:
    """At most ``maximum_class_ratio`` times the rarest sentiment's rows of each, and at most ``maximum``."""
    import pandas as pd

    most = len(frame) if maximum is None else maximum
    if rules.maximum_class_ratio is not None:
        rarest = int(frame["sentiment"].value_counts().min())
        most = min(most, int(rarest * rules.maximum_class_ratio))
    parts = [first_by_seed(frame[frame["sentiment"] == label], most, rules.seed) for label in LABELS]
    return pd.concat(parts).sort_values("_key")


def repeat(everything: pd.DataFrame, balanced: pd.DataFrame, rules: DatasetSettings) -> pd.DataFrame:
    """All training rows, each sentiment's repeated until the most frequent has at most so many times as many.

    Repeats are spread over the file by a seeded hash, because the trainer reads it in order. Without
    ``repeated_class_ratio`` it is the balanced rows, each once.
    """
    import pandas as pd

    if rules.repeated_class_ratio is None:
        return balanced
    most = (
        len(everything) if rules.maximum_train_rows_per_class is None else rules.maximum_train_rows_per_class
    )
    classes = [
        first_by_seed(everything[everything["sentiment"] == label], most, rules.seed) for label in LABELS
    ]
    wanted = max(map(len, classes)) / rules.repeated_class_ratio
    parts = []
    for rows in classes:
        whole, rest = divmod(max(len(rows), math.ceil(wanted)), len(rows))
        rounds = [rows] * whole + [first_by_seed(rows, rest, rules.seed)]
        parts += [part.assign(_round=number) for number, part in enumerate(rounds)]
    lines = pd.concat(parts)
    lines["_order"] = [
        row_key(f"{key} {number}", str(rules.seed))
        for key, number in zip(lines["_key"], lines["_round"], strict=True)
    ]
    return lines.sort_values("_order").drop(columns=["_order", "_round"])


def first_by_seed(frame: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """``rows`` rows, chosen by a seeded hash of each row's key."""
    if len(frame) <= rows:
        return frame
    order = frame["_key"].map(lambda key: row_key(key, str(seed)))
    return frame.loc[order.sort_values().index[:rows]].sort_values("_key")


def row_key(text: str, salt: str) -> str:
    """Hex digest that decides a text's side and rank."""
    return hashlib.sha256(f"{salt}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()
