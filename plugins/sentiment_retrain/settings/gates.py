"""The form of ``include/config/gates.yaml``: all thresholds."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt

from sentiment_retrain.settings.base import Frozen, NonNegativeFloat, PositiveFloat, Share

Severity = Literal["fail", "warn"]


class RefusedRowsGate(Frozen):
    """Share of refused rows."""

    warn: Share
    fail: Share


class MetricLimit(Frozen):
    """Largest absolute value of one bias metric."""

    warn: NonNegativeFloat
    fail: NonNegativeFloat | None = None


class BiasGate(Frozen):
    """Limits by metric name of Clarify, for facet values with at least ``minimum_group_size`` rows."""

    minimum_group_size: PositiveInt
    limits: dict[str, MetricLimit]


class DriftGate(Frozen):
    """Limits of the drift measures, by measure; ``significance`` is of all six questions together."""

    severity: Severity
    significance: Share
    minimum_rows: PositiveInt
    category_psi: NonNegativeFloat
    length_psi: NonNegativeFloat
    vocabulary_jensen_shannon: Share
    label_cramers_v: Share


class ConceptDriftGate(Frozen):
    """Largest drop of the champion's balanced accuracy on newly labelled reviews."""

    severity: Severity
    minimum_rows_per_class: PositiveInt
    maximum_drop: Share


class AttributionDriftGate(Frozen):
    """Least agreement (NDCG) of the most important tokens with the baseline's."""

    severity: Severity
    minimum_ndcg: Share
    tokens: PositiveInt


class FloorGate(Frozen):
    """A winner below the floor is not deployed: the least improvement over always guessing the same."""

    minimum: Share
    minimum_over_baseline: NonNegativeFloat


class GoldenGate(Frozen):
    """Share of golden requests that may be answered wrongly."""

    severity: Severity
    minimum_share_correct: Share


class AgreementGate(Frozen):
    """Endpoint and batch transform must say the same of the same rows."""

    sample_rows: PositiveInt
    minimum_share_equal: Share


class LatencyGate(Frozen):
    """Largest 95th percentile of one request's duration as the caller sees it, in milliseconds."""

    severity: Severity
    maximum_p95_ms: PositiveFloat
    requests: PositiveInt


class Gates(Frozen):
    """All thresholds: include/config/gates.yaml."""

    refused_rows: RefusedRowsGate
    quality: Severity
    bias: BiasGate
    post_training_bias: BiasGate
    drift: DriftGate
    concept_drift: ConceptDriftGate
    attribution_drift: AttributionDriftGate
    floor: FloorGate
    golden: GoldenGate
    agreement: AgreementGate
    latency: LatencyGate
