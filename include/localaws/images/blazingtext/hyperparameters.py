"""Hyperparameters of BlazingText's supervised mode: names, defaults and ranges.

Source: the hyperparameter table in the SageMaker developer guide. On the wire all values are strings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WORD2VEC_MODES = ("batch_skipgram", "skipgram", "cbow")
WORD2VEC_ONLY = frozenset(
    ("batch_size", "evaluation", "min_char", "max_char", "negative_samples", "sampling_threshold", "subwords")
    + ("window_size",)
)


class ClientError(Exception):
    """The caller's fault: bad hyperparameters or bad data. Its text becomes the job's failure reason."""


@dataclass(frozen=True)
class SupervisedHyperparameters:
    """BlazingText's supervised hyperparameters, with the algorithm's own defaults."""

    buckets: int = 2_000_000
    early_stopping: bool = False
    epochs: int = 5
    learning_rate: float = 0.05
    min_count: int = 5
    min_epochs: int = 5
    patience: int = 4
    vector_dim: int = 100
    word_ngrams: int = 2


def _integer(minimum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if value < minimum:
            raise ValueError(f"an integer of at least {minimum}")
        return value

    return parse


def _positive_float(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise ValueError("a number above 0")
    return value


def _boolean(text: str) -> bool:
    values = {"true": True, "false": False}
    if text.lower() not in values:
        raise ValueError("True or False")
    return values[text.lower()]


_PARSERS: dict[str, tuple[Callable[[str], object], str]] = {
    "buckets": (_integer(1), "an integer above 0"),
    "early_stopping": (_boolean, "True or False"),
    "epochs": (_integer(1), "an integer above 0"),
    "learning_rate": (_positive_float, "a number above 0"),
    "min_count": (_integer(0), "an integer of 0 or more"),
    "min_epochs": (_integer(1), "an integer above 0"),
    "patience": (_integer(1), "an integer above 0"),
    "vector_dim": (_integer(1), "an integer above 0"),
    "word_ngrams": (_integer(1), "an integer above 0"),
}


def parse(raw: Mapping[str, str]) -> SupervisedHyperparameters:
    """Validate the strings of `hyperparameters.json`.

    Raises `ClientError` for a missing or other mode, an unknown name, or a value out of range.
    """
    _check_mode(raw.get("mode"))
    values: dict[str, object] = {}
    for name, text in raw.items():
        if name == "mode":
            continue
        if name not in _PARSERS:
            hint = " (word2vec modes only)" if name in WORD2VEC_ONLY else ""
            known = ", ".join(["mode", *_PARSERS])
            raise ClientError(
                f"Hyperparameter {name!r} is not allowed in supervised mode{hint}. Allowed: {known}."
            )
        values[name] = _value(name, str(text))
    return SupervisedHyperparameters(**values)  # type: ignore[arg-type]


def _check_mode(mode: str | None) -> None:
    if mode is None:
        raise ClientError("Hyperparameter 'mode' is required: supervised.")
    if mode in WORD2VEC_MODES:
        raise ClientError(f"NotImplemented: mode {mode!r}. This stand-in trains mode 'supervised' only.")
    if mode != "supervised":
        raise ClientError(f"Hyperparameter 'mode' is {mode!r}; expected supervised.")


def _value(name: str, text: str) -> object:
    parser, expected = _PARSERS[name]
    try:
        return parser(text.strip())
    except ValueError as error:
        raise ClientError(f"Hyperparameter {name!r} is {text!r}; expected {expected}.") from error
