"""Which rows of a column count: Clarify's rules for labels and facets, pure, on a profile of the column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from analyzer.config import AnalyzerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from analyzer.config import Value

Kind = Literal["integer", "float", "boolean", "text"]

# Whole numbers with at least this share of different values are a measure, not categories.
CONTINUOUS_SHARE = 0.05


@dataclass(frozen=True)
class Profile:
    """What is known about a column.

    kind: type of its values; whole: whether it is text in which every row is a whole number.
    present: rows that have a value; distinct: how many different ones; largest: the largest, as a number.
    """

    name: str
    kind: Kind
    present: int
    distinct: int
    largest: float | int | None
    whole: bool = False


@dataclass(frozen=True)
class OneOf:
    """Rows whose value is among `values`; `text` is what the report calls them."""

    values: tuple[Value, ...]
    text: str


@dataclass(frozen=True)
class Above:
    """Rows whose value is in the interval `(low, high]`; None when no interval is left."""

    bounds: tuple[float | int, float | int] | None
    text: str


Rule = OneOf | Above


def is_measure(profile: Profile, values: Sequence[Value] | None) -> bool:
    """Return whether a column is a measure (with one threshold) rather than a set of categories.

    Clarify's rule: more than one value given, categories; floating point, a measure; whole numbers, also as
    text, a measure if at least 5 % of the values are different; anything else, categories.
    """
    if values is not None and len(values) > 1:
        return False
    if profile.kind == "float":
        return True
    if profile.kind == "integer" or profile.whole:
        return bool(profile.present) and profile.distinct / profile.present >= CONTINUOUS_SHARE
    return False


def rule(
    profile: Profile, values: Sequence[Value] | None, matches: Callable[[tuple[Value, ...]], bool]
) -> Rule | None:
    """Return which rows are positive or sensitive; None for a facet of which every value is to be compared.

    values: those configured; matches: tells whether any row has one of some values, asked only when that
    decides how to read them. Raises `AnalyzerError` for values that do not fit the column.
    """
    if is_measure(profile, values):
        return above(profile, values, profile.largest)
    return OneOf(_comparable(profile, values, matches), ",".join(map(str, values))) if values else None


def above(profile: Profile, values: Sequence[Value] | None, largest: float | int | None) -> Above:
    """Return the interval from the configured threshold to the `largest` value.

    The upper end is Clarify's: it decides nothing while the threshold is below it. A threshold that equals
    the size of the largest value leaves no interval, and one above it an interval beyond the data.
    """
    if not values:
        raise AnalyzerError(
            f"Threshold values must be provided for continuous features. {profile.name!r} is a measure: give "
            "one threshold in value_or_threshold."
        )
    limit = threshold(values[0], profile.name)
    if largest is None or abs(largest) == limit:
        return Above(None, "")
    low, high = sorted((limit, largest))
    if isinstance(low, float) or isinstance(high, float):
        low, high = float(low), float(high)
    return Above((low, high), f"({low}, {high}]")


def threshold(value: Value, name: str) -> float | int:
    """Return a configured threshold as a number. Raises `AnalyzerError` if it is none."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError as error:
        raise AnalyzerError(
            "Facet/label value provided must be a single numeric threshold for continuous data. "
            f"Could not convert string to float. {value!r} for {name!r}, a measure."
        ) from error


def _comparable(
    profile: Profile, values: Sequence[Value], matches: Callable[[tuple[Value, ...]], bool]
) -> tuple[Value, ...]:
    """Return the values to look for: as configured where any row has one, else as the column's own type."""
    same_type = tuple(value for value in values if isinstance(value, str) == (profile.kind == "text"))
    if len(same_type) == len(values) and all(map(_is_whole, values)):
        return same_type
    if same_type and matches(same_type):
        return same_type
    return tuple(_converted(profile, values))


def _is_whole(value: Value) -> bool:
    return not isinstance(value, float) or value.is_integer()


def _converted(profile: Profile, values: Sequence[Value]) -> list[Value]:
    if profile.kind == "text":
        return [str(value) for value in values]
    if profile.kind == "boolean":
        return [_truth(value) for value in values]
    try:
        if profile.kind == "integer":
            try:
                return [int(value) for value in values]
            except ValueError:
                pass  # "1.0" is no whole number to Python, but a number all the same
        return [float(value) for value in values]
    except ValueError as error:
        raise AnalyzerError(
            f"Could not convert string to float. {list(values)} for {profile.name!r}, a column of numbers."
        ) from error


def _truth(value: Value) -> int:
    return int(value.strip().lower() in ("true", "1")) if isinstance(value, str) else int(bool(value))
