"""Bias report: which rows count as positive and as sensitive, one pass of counting, metrics of the counts."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyzer import metrics
from analyzer.config import AnalyzerError
from analyzer.dataset import column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from analyzer.config import AnalysisConfig, Value
    from analyzer.dataset import Dataset

log = logging.getLogger(__name__)

# Clarify's rule: whole numbers with at least this share of different values are a measure, not categories.
_CONTINUOUS_UNIQUE_SHARE = 0.05


@dataclass(frozen=True)
class FacetTable:
    """Counts of one facet.

    names: one a facet value under test; codes of the table's first axis that are sensitive for each.
    table: rows by [facet code, group, observed positive, predicted positive].
    """

    name: str
    values: list[tuple[str, list[int]]]
    table: NDArray[np.int64]
    grouped: bool

    def counts(self, codes: list[int]) -> metrics.FacetCounts:
        """Return the counts of the rows whose code is in `codes` against all others."""
        sensitive = np.isin(np.arange(len(self.table)), codes)
        return metrics.FacetCounts(
            self.table[~sensitive].sum(axis=0), self.table[sensitive].sum(axis=0), self.grouped
        )


@dataclass(frozen=True)
class BiasResult:
    """What `analyze` found: the parts of `analysis.json`, and the counts behind them for the report."""

    sections: dict[str, Any]
    tables: list[FacetTable]


def analyze(config: AnalysisConfig, dataset: Dataset, predicted: pd.Series[Any] | None = None) -> BiasResult:
    """Return the configured bias metrics of every facet, in Clarify's format and order.

    predicted: predicted label of each row, needed for post-training metrics.
    Raises `AnalyzerError` where Clarify fails the job; a metric that is undefined on these counts is `null`
    with its error instead.
    """
    if dataset.label is None or not config.label_values_or_threshold or not config.facet:
        raise AnalyzerError("Bias metrics need label, label_values_or_threshold and facet.")
    frame = _without_missing_labels(dataset.frame, dataset.label)
    observed, label_text = positives(frame[dataset.label], config.label_values_or_threshold)
    if not observed.any():
        raise AnalyzerError(
            f"No Label values are present in the Label Column: no {dataset.label!r} is {label_text}, "
            f"seen {sorted(map(str, frame[dataset.label].unique()))[:10]}. (A column of numbers of which "
            "5 % or more are different is a measure, and the label value its threshold.)"
        )
    predicted_positive = None
    if predicted is not None:
        predicted_positive = _predicted_positives(
            frame[dataset.label], predicted.loc[frame.index], config.label_values_or_threshold
        )
    group = None
    if config.group_variable is not None:
        group = frame[column(frame, config.group_variable, "Unable to locate the group variable.")]
    tables = []
    for facet in config.facet:
        series = frame[column(frame, facet.name_or_index, "Unable to locate the facet.")]
        tables.append(tabulate(series, facet.value_or_threshold, observed, predicted_positive, group))
        log.info("Counted facet %s: %d values", series.name, len(tables[-1].values))
    return BiasResult(_sections(config, tables, dataset.label, label_text), tables)


def positives(series: pd.Series[Any], values: Sequence[Value]) -> tuple[NDArray[np.bool_], str]:
    """Return which rows have a positive label, and Clarify's text of the label values or threshold."""
    if is_continuous(series, values):
        measure = pd.to_numeric(series)
        threshold = _cast(measure, values[0])
        return (measure > threshold).to_numpy(bool), _interval(measure, threshold)
    wanted = [_cast(series, value) for value in values]
    return series.isin(wanted).to_numpy(bool), ",".join(map(str, wanted))


def is_continuous(series: pd.Series[Any], values: Sequence[Value] | None) -> bool:
    """Return whether a column is a measure (one threshold) rather than a set of categories.

    Clarify's rule: more than one value given, categories; floating point, a measure; whole numbers, also as
    text, a measure if at least 5 % of the rows are different; anything else, categories.
    """
    if values is not None and len(values) > 1:
        return False
    if pd.api.types.is_bool_dtype(series):
        return False
    if pd.api.types.is_float_dtype(series):
        return True
    if not pd.api.types.is_integer_dtype(series):
        unique = series.dropna().unique()
        if not len(unique) or not all(str(value).lstrip("+-").isdecimal() for value in unique):
            return False
    return series.nunique() / len(series) >= _CONTINUOUS_UNIQUE_SHARE


def tabulate(
    series: pd.Series[Any],
    values: Sequence[Value] | None,
    observed: NDArray[np.bool_],
    predicted: NDArray[np.bool_] | None,
    group: pd.Series[Any] | None,
) -> FacetTable:
    """Return the counts of one facet from one pass over the rows.

    Without `predicted` the predicted axis repeats the observed one and must not be read.
    """
    codes, groups, names = _facet_codes(series, values)
    group_codes = np.zeros(len(series), dtype=np.int64) if group is None else pd.factorize(group)[0] + 1
    number = int(group_codes.max()) + 1
    second = observed if predicted is None else predicted
    cells = ((codes * number + group_codes) * 2 + observed) * 2 + second
    table = np.bincount(cells, minlength=groups * number * 4).reshape(groups, number, 2, 2)
    return FacetTable(str(series.name), names, table.astype(np.int64), group is not None)


def _facet_codes(
    series: pd.Series[Any], values: Sequence[Value] | None
) -> tuple[NDArray[np.int64], int, list[tuple[str, list[int]]]]:
    """Return each row's code, the number of codes, and name and sensitive codes of each value under test."""
    if is_continuous(series, values):
        if not values:
            raise AnalyzerError(
                f"Facet {series.name!r} is continuous: give one threshold in value_or_threshold."
            )
        measure = pd.to_numeric(series)
        threshold = _cast(measure, values[0])
        above = (measure > threshold).to_numpy(bool).astype(np.int64)
        return above, 2, [(_interval(measure, threshold), [1])]
    if values:
        wanted = [_cast(series, value) for value in values]
        inside = series.isin(wanted).to_numpy(bool).astype(np.int64)
        return inside, 2, [(",".join(map(str, wanted)), [1])]
    # A missing value is in no category; its code 0 only ever belongs to the others.
    codes, unique = pd.factorize(series)
    names = [(str(value), [code + 1]) for code, value in enumerate(unique)]
    return (codes + 1).astype(np.int64), len(unique) + 1, names


def _sections(
    config: AnalysisConfig, tables: list[FacetTable], label: str, label_text: str
) -> dict[str, Any]:
    sections: dict[str, Any] = {}
    for key, methods, registry in (
        ("post_training_bias", config.methods.post_training_bias, metrics.POST_TRAINING),
        ("pre_training_bias", config.methods.pre_training_bias, metrics.PRE_TRAINING),
    ):
        if methods is None:
            continue
        chosen = sorted(registry if methods.methods == "all" else set(methods.methods))
        facets: dict[str, list[Any]] = {}
        for table in tables:
            facets.setdefault(table.name, []).extend(
                {
                    "value_or_threshold": text,
                    "metrics": [_entry(name, registry[name], table.counts(codes)) for name in chosen],
                }
                for text, codes in table.values
            )
        sections[f"{key}_metrics"] = {
            "label": label,
            "facets": facets,
            "label_value_or_threshold": label_text,
        }
    return sections


def _entry(
    name: str, metric: Callable[[metrics.FacetCounts], float], counts: metrics.FacetCounts
) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "description": metrics.description(metric)}
    try:
        value = metric(counts)
    except metrics.MetricError as error:
        return {**entry, "value": None, "error": str(error)}
    if math.isinf(value):
        return {**entry, "value": "Infinity" if value > 0 else "-Infinity"}
    return {**entry, "value": value}


def _without_missing_labels(frame: pd.DataFrame, label: str) -> pd.DataFrame:
    missing = frame[label].isna()
    if not missing.any():
        return frame
    log.warning("%d of %d rows have no label and are left out", int(missing.sum()), len(frame))
    frame = frame[~missing]
    if pd.api.types.is_float_dtype(frame[label]) and (frame[label] % 1 == 0).all():
        # The gaps alone had made whole numbers floating point.
        frame = frame.assign(**{label: frame[label].astype("int64")})
    return frame


def _predicted_positives(
    observed: pd.Series[Any], predicted: pd.Series[Any], values: Sequence[Value]
) -> NDArray[np.bool_]:
    try:
        series = predicted if predicted.dtype == observed.dtype else predicted.astype(observed.dtype)
    except (ValueError, TypeError) as error:
        raise AnalyzerError(
            "Predicted Label Column series data type is not the same as Label Column series. "
            f"Predicted {predicted.iloc[0]!r}, labels are {observed.dtype}."
        ) from error
    if is_continuous(observed, values):
        measure = pd.to_numeric(series)
        positive = (measure > _cast(measure, values[0])).to_numpy(bool)
    else:
        positive = series.isin([_cast(observed, value) for value in values]).to_numpy(bool)
    if not positive.any():
        raise AnalyzerError(
            "No Label values are present in the predicted Label Column, "
            "Positive Predicted Index Series contains all False values."
        )
    return positive


def _cast(series: pd.Series[Any], value: Value) -> Value:
    """Return `value` as the column's own type: configurations often quote numbers."""
    try:
        if pd.api.types.is_integer_dtype(series):
            return value if isinstance(value, float) and value % 1 else int(value)
        if pd.api.types.is_float_dtype(series):
            return float(value)
    except ValueError as error:
        raise AnalyzerError(f"Could not convert string to float. {value!r} for {series.name!r}.") from error
    return str(value)


def _interval(series: pd.Series[Any], threshold: Value) -> str:
    largest = series.max()
    return f"({threshold}, {float(largest) if isinstance(threshold, float) else largest}]"
