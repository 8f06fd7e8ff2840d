"""What a bias analysis found, as gates: reads ``analysis.json`` of SageMaker Clarify or of our analyzer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sentiment_retrain.data.facet_names import category_of
from sentiment_retrain.errors import ResultMalformed
from sentiment_retrain.verdict.gates import STATUSES, Gate, Status, gate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sentiment_retrain.settings.gates import BiasGate, MetricLimit

Phase = Literal["pre_training", "post_training"]
_SECTIONS: dict[Phase, str] = {
    "pre_training": "pre_training_bias_metrics",
    "post_training": "post_training_bias_metrics",
}
_GATES: dict[Phase, str] = {"pre_training": "bias", "post_training": "post_training_bias"}
_REMEDIES: dict[Phase, str] = {
    "pre_training": "Look at the category's labels in the bias report. Collect more reviews of it, "
    "correct its ratings, or accept the difference in `gates.bias` with the reason in a comment.",
    "post_training": "Compare with the bias of the training rows: what the labels do not show, the "
    "model adds. Collect more reviews of the category, or keep the champion.",
}


class BiasValue(NamedTuple):
    """One metric of one facet value. ``value`` is None when it could not be computed."""

    facet: str
    facet_value: str
    metric: str
    value: float | None


def bias_values(analysis: Mapping[str, Any], phase: Phase) -> list[BiasValue]:
    """Every metric of an analysis, in its order.

    :raises ResultMalformed: when the document is not what Clarify documents
    """
    try:
        facets = analysis[_SECTIONS[phase]]["facets"]
        return [
            BiasValue(
                facet,
                category_of(str(entry["value_or_threshold"])),
                metric["name"],
                _number(metric["value"]),
            )
            for facet, entries in facets.items()
            for entry in entries
            for metric in entry["metrics"]
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ResultMalformed(
            observed=f"analysis.json without {_SECTIONS[phase]} of the documented form ({error!r})",
            expected="version 1.0 of Clarify's analysis.json",
        ) from error


def bias_gates(
    analysis: Mapping[str, Any],
    phase: Phase,
    group_sizes: Mapping[str, int],
    limits: BiasGate,
    evidence_uri: str | None = None,
) -> list[Gate]:
    """One gate for each limited metric that the analysis has, about its worst facet value.

    :param group_sizes: rows by facet value; smaller groups than the limit are not judged
    """
    values = bias_values(analysis, phase)
    return [
        _metric_gate(
            phase,
            metric,
            [value for value in values if value.metric == metric],
            limit,
            group_sizes,
            limits.minimum_group_size,
            evidence_uri,
        )
        for metric, limit in limits.limits.items()
        if any(value.metric == metric for value in values)
    ]


def facet_table(analysis: Mapping[str, Any], phase: Phase) -> dict[str, dict[str, float | None]]:
    """``{facet value: {metric: value}}``, as the run card shows it; an infinite value as None.

    The table is handed on as JSON, which has no infinity; the gates judge the values themselves.
    """
    table: dict[str, dict[str, float | None]] = {}
    for value in bias_values(analysis, phase):
        finite = value.value is not None and math.isfinite(value.value)
        table.setdefault(value.facet_value, {})[value.metric] = value.value if finite else None
    return table


def _metric_gate(
    phase: Phase,
    metric: str,
    values: list[BiasValue],
    limit: MetricLimit,
    group_sizes: Mapping[str, int],
    minimum_group_size: int,
    evidence_uri: str | None,
) -> Gate:
    judged = [(value, size) for value, size in _judged(values, group_sizes) if size >= minimum_group_size]
    skipped = len(values) - len(judged)
    threshold = f"|{metric}| at most {limit.warn} (warn)" + (f", {limit.fail} (fail)" if limit.fail else "")
    status: Status = "pass"
    observed = f"{metric}: no category with {minimum_group_size} rows has a value"
    if len(values) == 1 and not judged and group_sizes.get(values[0].facet_value, 0) >= minimum_group_size:
        observed = f"{metric}: {values[0].facet_value} is the only category; no other to compare with"
        skipped = 0
    if judged:
        worst, size = max(judged, key=lambda pair: abs(pair[0].value or 0.0))
        status = _status(abs(worst.value or 0.0), limit)
        above = [value.facet_value for value, _ in judged if abs(value.value or 0.0) > limit.warn]
        observed = f"{metric} {worst.value or 0.0:+.3f} for {worst.facet_value} ({size} rows)"
        observed += f"; above the limit: {', '.join(above)}" if len(above) > 1 else ""
    if skipped:
        observed += f"; {skipped} not judged (small or not computable)"
    return gate(
        _GATES[phase],
        status,
        observed=observed,
        threshold=threshold,
        evidence_uri=evidence_uri,
        remedy=_REMEDIES[phase],
    )


def _judged(values: list[BiasValue], group_sizes: Mapping[str, int]) -> Iterator[tuple[BiasValue, int]]:
    return ((value, group_sizes.get(value.facet_value, 0)) for value in values if value.value is not None)


def _status(size: float, limit: MetricLimit) -> Status:
    if limit.fail is not None and size > limit.fail:
        return STATUSES[2]
    return STATUSES[1] if size > limit.warn else STATUSES[0]


def _number(value: Any) -> float | None:
    """A metric's value; Clarify writes infinity as a word or a sign, and null for what has no value."""
    if value is None:
        return None
    number = float(str(value).replace("∞", "inf"))
    return None if math.isnan(number) else number
