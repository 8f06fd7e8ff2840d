"""BlazingText's hyperparameters, by mode: names, defaults and ranges.

Source: the two hyperparameter tables of the SageMaker developer guide. On the wire all values are strings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WORD2VEC_MODES = ("batch_skipgram", "skipgram", "cbow")


class ClientError(Exception):
    """The caller's fault: bad hyperparameters or bad data. Its text becomes the job's failure reason."""


@dataclass(frozen=True)
class SupervisedHyperparameters:
    """Hyperparameters of text classification, with the algorithm's own defaults."""

    buckets: int = 2_000_000
    early_stopping: bool = False
    epochs: int = 5
    learning_rate: float = 0.05
    min_count: int = 5
    min_epochs: int = 5
    patience: int = 4
    vector_dim: int = 100
    word_ngrams: int = 2


@dataclass(frozen=True)
class Word2VecHyperparameters:
    """Hyperparameters of word vectors, with the algorithm's own defaults.

    `batch_size` is used in mode batch_skipgram only; `buckets`, `min_char`, `max_char` with `subwords` only.
    """

    mode: str
    batch_size: int = 11
    buckets: int = 2_000_000
    epochs: int = 5
    evaluation: bool = True
    learning_rate: float = 0.05
    max_char: int = 6
    min_char: int = 3
    min_count: int = 5
    negative_samples: int = 5
    sampling_threshold: float = 0.0001
    subwords: bool = False
    vector_dim: int = 100
    window_size: int = 5


Hyperparameters: TypeAlias = SupervisedHyperparameters | Word2VecHyperparameters


def _integer(minimum: int) -> Callable[[str], int]:
    def parse_integer(text: str) -> int:
        value = int(text)
        if value < minimum:
            raise ValueError(f"an integer of at least {minimum}")
        return value

    return parse_integer


def _positive_float(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise ValueError("a number above 0")
    return value


def _fraction(text: str) -> float:
    value = _positive_float(text)
    if value > 1:
        raise ValueError("a number above 0 and at most 1")
    return value


def _boolean(text: str) -> bool:
    values = {"true": True, "false": False}
    if text.lower() not in values:
        raise ValueError("True or False")
    return values[text.lower()]


_COUNT = (_integer(1), "an integer above 0")
_SWITCH = (_boolean, "True or False")
_PARSERS: dict[str, tuple[Callable[[str], object], str]] = {
    "batch_size": _COUNT,
    "buckets": _COUNT,
    "early_stopping": _SWITCH,
    "epochs": _COUNT,
    "evaluation": _SWITCH,
    "learning_rate": (_positive_float, "a number above 0"),
    "max_char": _COUNT,
    "min_char": _COUNT,
    "min_count": (_integer(0), "an integer of 0 or more"),
    "min_epochs": _COUNT,
    "negative_samples": _COUNT,
    "patience": _COUNT,
    "sampling_threshold": (_fraction, "a number above 0 and at most 1"),
    "subwords": _SWITCH,
    "vector_dim": _COUNT,
    "window_size": _COUNT,
    "word_ngrams": _COUNT,
}


def parse(raw: Mapping[str, str]) -> Hyperparameters:
    """Validate the strings of `hyperparameters.json`.

    Raises `ClientError` for a missing or unknown mode, a name that is not the mode's, a value out of range.
    """
    mode = _mode(raw.get("mode"))
    owner: type[Hyperparameters] = (
        SupervisedHyperparameters if mode == "supervised" else Word2VecHyperparameters
    )
    allowed = [field.name for field in fields(owner) if field.name != "mode"]
    values: dict[str, object] = {} if mode == "supervised" else {"mode": mode}
    for name, text in raw.items():
        if name == "mode":
            continue
        if name not in allowed:
            raise ClientError(
                f"Hyperparameter {name!r} is not allowed in mode {mode}{_hint(name)}. "
                f"Allowed: {', '.join(['mode', *allowed])}."
            )
        values[name] = _value(name, str(text))
    parameters = owner(**values)  # type: ignore[arg-type]
    _check_together(parameters)
    return parameters


def _mode(mode: str | None) -> str:
    modes = ("supervised", *WORD2VEC_MODES)
    if mode is None:
        raise ClientError(f"Hyperparameter 'mode' is required: one of {', '.join(modes)}.")
    if mode not in modes:
        raise ClientError(f"Hyperparameter 'mode' is {mode!r}; expected one of {', '.join(modes)}.")
    return mode


def _hint(name: str) -> str:
    if name in {field.name for field in fields(Word2VecHyperparameters)}:
        return " (word2vec modes only)"
    if name in {field.name for field in fields(SupervisedHyperparameters)}:
        return " (supervised mode only)"
    return ""


def _value(name: str, text: str) -> object:
    parser, expected = _PARSERS[name]
    try:
        return parser(text.strip())
    except ValueError as error:
        raise ClientError(f"Hyperparameter {name!r} is {text!r}; expected {expected}.") from error


def _check_together(parameters: Hyperparameters) -> None:
    """Refuse values that contradict each other; raises `ClientError`."""
    if isinstance(parameters, SupervisedHyperparameters):
        return
    if parameters.min_char > parameters.max_char:
        raise ClientError(
            f"Hyperparameter 'min_char' is {parameters.min_char}; expected at most max_char, "
            f"which is {parameters.max_char}."
        )
    if parameters.subwords and parameters.mode == "batch_skipgram":
        raise ClientError(
            "Hyperparameter 'subwords' is True; expected False: mode batch_skipgram learns no subwords."
        )
