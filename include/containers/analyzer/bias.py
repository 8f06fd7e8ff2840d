"""Bias report: which rows count as positive and as sensitive, one pass of counting, metrics of the counts."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer import columns, counting, metrics
from analyzer.columns import OneOf
from analyzer.config import AnalyzerError
from analyzer.dataset import column
from analyzer.facet_counts import FacetCounts, MetricError
from analyzer.flips import flip_test

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from analyzer.columns import Rule
    from analyzer.config import AnalysisConfig, Value
    from analyzer.counting import Rows
    from analyzer.dataset import Dataset

    Metric = Callable[[FacetCounts], float]

log = logging.getLogger(__name__)

PREDICTED = "__predicted"
_METHODS: tuple[tuple[str, dict[str, Metric]], ...] = (
    ("post_training_bias", metrics.POST_TRAINING),
    ("pre_training_bias", metrics.PRE_TRAINING),
)


@dataclass(frozen=True)
class FacetTable:
    """Counts of one facet.

    values: name of each facet value under test, and the codes of the first axis that are sensitive then.
    table: rows by [facet code, group, observed positive, predicted positive].
    flips: the flip test of each value, where it is asked for.
    """

    name: str
    values: list[tuple[str, list[int]]]
    table: NDArray[np.int64]
    grouped: bool
    flips: list[Callable[[], float]] = field(default_factory=list)

    def counts(self, codes: list[int], flips: Callable[[], float] | None = None) -> FacetCounts:
        """Return the counts of the rows whose code is in `codes` against all others."""
        sensitive = np.isin(np.arange(len(self.table)), codes)
        return FacetCounts(
            self.table[~sensitive].sum(axis=0), self.table[sensitive].sum(axis=0), self.grouped, flips
        )


@dataclass(frozen=True)
class BiasResult:
    """What `analyze` found: the parts of `analysis.json`, and the counts behind them for the report."""

    sections: dict[str, Any]
    tables: list[FacetTable]


@dataclass(frozen=True)
class Names:
    """The columns that have a part in a bias analysis; of each facet also the configured values."""

    label: str
    predicted: str | None
    group: str | None
    facets: list[tuple[str, list[Value] | None]]

    @property
    def all(self) -> list[str]:
        """Return every column once."""
        optional = [name for name in (self.predicted, self.group) if name is not None]
        return list(dict.fromkeys([self.label, *optional, *(name for name, _ in self.facets)]))


def resolve(config: AnalysisConfig, names: Sequence[str], label: str | None, predicted: str | None) -> Names:
    """Return the columns of the analysis. Raises `AnalyzerError` if the dataset lacks one."""
    if label is None or not config.label_values_or_threshold or not config.facet:
        raise AnalyzerError("Bias metrics need label, label_values_or_threshold and facet.")
    group = None
    if config.group_variable is not None:
        group = column(names, config.group_variable, "Unable to locate the group variable.")
    facets = [
        (column(names, facet.name_or_index, "Unable to locate the facet."), facet.value_or_threshold)
        for facet in config.facet
    ]
    return Names(label, predicted, group, facets)


def analyze(config: AnalysisConfig, dataset: Dataset, predicted: pd.Series[Any] | None = None) -> BiasResult:
    """Return the configured bias metrics of every facet, in Clarify's format and order.

    predicted: predicted label of each row, needed for post-training metrics.
    Raises `AnalyzerError` where Clarify fails the job; a metric that is undefined on these counts is `null`
    with its error instead.
    """
    frame, features = dataset.frame, dataset.features
    if predicted is not None:
        frame = frame.assign(**{PREDICTED: predicted})
    names = resolve(config, features_and_more(frame), dataset.label, None if predicted is None else PREDICTED)
    with counting.of_frame(frame, names.all) as rows:
        kept = frame[frame[names.label].notna()]
        return report(config, rows, names, kept, features)


def features_and_more(frame: pd.DataFrame) -> list[str]:
    """Return the names of the dataset's own columns."""
    return [str(name) for name in frame.columns if name != PREDICTED]


def report(
    config: AnalysisConfig,
    rows: Rows,
    names: Names,
    frame: pd.DataFrame | None = None,
    features: Sequence[str] = (),
) -> BiasResult:
    """Return the bias metrics of counted rows.

    frame, features: the rows with a label themselves and their feature columns, which the flip test needs.
    """
    values = config.label_values_or_threshold or []
    missing = rows.require(names.label)
    if missing:
        log.warning("%d rows have no label and are left out", missing)
    profile = rows.profile(names.label)
    if not profile.present:
        raise AnalyzerError(f"No row has a label in {names.label!r}.")
    positive = _label_rule(rows, names.label, values)
    label_text = positive.text
    predicted_positive = None
    if names.predicted is not None and config.methods.post_training_bias is not None:
        positive, predicted_positive = _predicted_rule(rows, names, profile, positive, values)
    wants_flips = frame is not None and "FT" in _chosen(
        config.methods.post_training_bias, metrics.POST_TRAINING
    )
    tables = []
    for name, configured in names.facets:
        facet_rule = columns.rule(rows.profile(name), configured, partial(rows.matches, name))
        table, rules = tabulate(
            rows, name, facet_rule, (names.label, positive), predicted_positive, names.group
        )
        if wants_flips and frame is not None and predicted_positive is not None:
            others = frame[[feature for feature in features if feature != name]]
            foreseen = rows.flags(frame, *predicted_positive)
            table.flips.extend(partial(_flips, rows, frame, name, each, others, foreseen) for each in rules)
        tables.append(table)
        log.info("Counted facet %s: %d values", name, len(table.values))
    return BiasResult(_sections(config, tables, names.label, label_text), tables)


def tabulate(
    rows: Rows,
    name: str,
    facet: Rule | None,
    label: tuple[str, Rule],
    predicted: tuple[str, Rule] | None,
    group: str | None,
) -> tuple[FacetTable, list[Rule]]:
    """Return the counts of one facet, and for each value under test the rule of its rows.

    facet: the sensitive rows; None compares each value of the column with all others.
    """
    cells = rows.cells(name if facet is None else (name, facet), group, label, predicted)
    if facet is None:
        found = rows.values(name)
        codes = {value: index for index, value in enumerate([None, *(v for v in found if v is not None)])}
        # A missing value is compared too, but nothing equals it, as in Clarify.
        tested = [("nan" if v is None else str(v), [] if v is None else [codes[v]]) for v in found]
        rules: list[Rule] = [OneOf((), "nan") if v is None else OneOf((v,), str(v)) for v in found]
    else:
        codes, tested, rules = {False: 0, True: 1}, [(facet.text, [1])], [facet]
    groups: dict[Any, int] = {None: 0}
    table = np.zeros((len(codes), 1 + len({cell[1] for cell in cells} - {None}), 2, 2), dtype=np.int64)
    for value, group_value, observed, foreseen, number in cells:
        place = groups.setdefault(group_value, len(groups))
        table[codes[value], place, int(observed), int(foreseen)] += number
    return FacetTable(name, tested, table, group is not None), rules


def _flips(
    rows: Rows,
    frame: pd.DataFrame,
    name: str,
    facet: Rule,
    features: pd.DataFrame,
    predicted: NDArray[np.bool_],
) -> float:
    nobody = isinstance(facet, OneOf) and not facet.values
    sensitive = np.zeros(len(frame), dtype=bool) if nobody else rows.flags(frame, name, facet)
    return flip_test(features, sensitive, predicted)


def _label_rule(rows: Rows, name: str, values: Sequence[Value]) -> Rule:
    found = columns.rule(rows.profile(name), values, partial(rows.matches, name))
    if found is None:
        raise AnalyzerError("Bias metrics need label_values_or_threshold.")
    if isinstance(found, OneOf) and not rows.matches(name, found.values):
        log.warning("No row of %r has one of the label values %s: no label is positive", name, found.text)
    return found


def _predicted_rule(
    rows: Rows, names: Names, label: columns.Profile, positive: Rule, values: Sequence[Value]
) -> tuple[Rule, tuple[str, Rule]]:
    """Return which labels and which predictions are positive. Raises `AnalyzerError` if no prediction is."""
    name = str(names.predicted)
    profile = rows.profile(name)
    if columns.is_measure(profile, values):
        columns.threshold(values[0], name)
    if columns.is_measure(profile, values) != columns.is_measure(label, values):
        raise AnalyzerError(
            "Predicted Label Column series data type is not the same as Label Column series. "
            f"{_described(profile, values)}, {_described(label, values)}."
        )
    if columns.is_measure(label, values):
        both = [number for number in (profile.largest, label.largest) if number is not None]
        foreseen: Rule = columns.above(profile, values, max(both))
    else:
        foreseen = _label_rule(rows, name, values)
    if not any(
        predicted
        for _, _, _, predicted, _ in rows.cells(names.label, None, (names.label, positive), (name, foreseen))
    ):
        raise AnalyzerError(
            "No Label values are present in the predicted Label Column, "
            "Positive Predicted Index Series contains all False values."
        )
    return positive, (name, foreseen)


def _described(profile: columns.Profile, values: Sequence[Value]) -> str:
    what = "a measure" if columns.is_measure(profile, values) else "categories"
    name = "the predictions" if profile.name == PREDICTED else repr(profile.name)
    return f"{name} are {profile.kind}, {what}"


def _chosen(methods: Any, registry: dict[str, Metric]) -> list[str]:
    if methods is None:
        return []
    return sorted(registry if methods.methods == "all" else set(methods.methods))


def _sections(
    config: AnalysisConfig, tables: list[FacetTable], label: str, label_text: str
) -> dict[str, Any]:
    sections: dict[str, Any] = {}
    for key, registry in _METHODS:
        chosen = _chosen(getattr(config.methods, key), registry)
        if not chosen:
            continue
        facets: dict[str, list[Any]] = {}
        for table in tables:
            flips: Sequence[Callable[[], float] | None] = table.flips or [None] * len(table.values)
            facets.setdefault(table.name, []).extend(
                {
                    "value_or_threshold": text,
                    "metrics": [_entry(name, registry[name], counts) for name in chosen],
                }
                for text, counts in (
                    (text, table.counts(codes, flip))
                    for (text, codes), flip in zip(table.values, flips, strict=True)
                )
            )
        sections[f"{key}_metrics"] = {
            "label": label,
            "facets": facets,
            "label_value_or_threshold": label_text,
        }
    return sections


def _entry(name: str, metric: Metric, counts: FacetCounts) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "description": metrics.description(metric)}
    try:
        value = metric(counts)
    except MetricError as error:
        return {**entry, "value": None, "error": str(error)}
    if math.isinf(value):
        return {**entry, "value": "Infinity" if value > 0 else "-Infinity"}
    return {**entry, "value": value}
