"""Trino's functions: which there are, and which DuckDB function or macro does the same.

A name that is in none of these tables (nor in rules.py) is refused, never passed on to a DuckDB function that
happens to be called the same.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

MACROS = Path(__file__).with_name("macros.sql")

# Same name, same meaning (checked), scalar.
SAME = {
    "abs",
    "acos",
    "asin",
    "atan",
    "atan2",
    "cbrt",
    "concat_ws",
    "cos",
    "cosh",
    "day",
    "degrees",
    "exp",
    "grouping",
    "hour",
    "length",
    "ln",
    "log10",
    "log2",
    "lower",
    "map",
    "minute",
    "month",
    "now",
    "pi",
    "pow",
    "power",
    "quarter",
    "radians",
    "reverse",
    "row",
    "second",
    "sin",
    "sinh",
    "sqrt",
    "starts_with",
    "strpos",
    "tan",
    "tanh",
    "translate",
    "try",
    "upper",
    "uuid",
    "year",
}

RENAMED = {
    "ceiling": "ceil",
    "doy": "trino_day_of_year",
    "dow": "trino_day_of_week",
    "yow": "trino_year_of_week",
    "week_of_year": "trino_week",
    "rand": "random",
    "random": "random",
    "transform": "list_transform",
    "filter": "list_filter",
    "zip": "list_zip",
    "substring": "trino_substr",
    "every": "bool_and",
    "arbitrary": "any_value",
    "approx_percentile": "quantile_disc",
    "bitwise_and_agg": "bit_and",
    "bitwise_or_agg": "bit_or",
}

# Aggregates and window functions of the same name and meaning.
AGGREGATES = {
    "any_value",
    "array_agg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "count_if",
    "covar_pop",
    "covar_samp",
    "histogram",
    "max",
    "min",
    "regr_intercept",
    "regr_slope",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "var_pop",
    "var_samp",
    "variance",
}
WINDOW = {
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
}


@functools.cache
def macro_script() -> str:
    """The SQL that defines the macros."""
    return MACROS.read_text(encoding="utf-8")


@functools.cache
def macro_names() -> frozenset[str]:
    """Names of the macros, ``trino_`` included."""
    return frozenset(re.findall(r"CREATE MACRO (trino_\w+)", macro_script()))


def duckdb_name(name: str) -> str | None:
    """The DuckDB function to call with the same arguments for Trino's `name`; None when there is none."""
    lowered = name.lower()
    if f"trino_{lowered}" in macro_names():
        return f"trino_{lowered}"
    if lowered in RENAMED:
        return RENAMED[lowered]
    return lowered if lowered in SAME or lowered in AGGREGATES or lowered in WINDOW else None


def double_text(value: float) -> str:
    """Trino's CAST(double AS varchar): scientific, shortest digits, e.g. ``1.5E0``, ``1.0E-4``."""
    if value != value:  # noqa: PLR0124  NaN
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0E0" if str(value).startswith("-") else "0E0"
    sign = "-" if value < 0 else ""
    digits, power = _shortest(abs(value))
    mantissa = digits[0] + "." + (digits[1:] or "0")
    return f"{sign}{mantissa}E{power}"


def _shortest(value: float) -> tuple[str, int]:
    text = repr(value)
    number, _, exponent = text.partition("e")
    whole, _, fraction = number.partition(".")
    digits = (whole + fraction).strip("0") or "0"
    if exponent:
        return digits, int(exponent)
    stripped = whole.lstrip("0")
    if stripped:
        return digits, len(stripped) - 1
    leading = len(fraction) - len(fraction.lstrip("0"))
    return digits, -leading - 1
