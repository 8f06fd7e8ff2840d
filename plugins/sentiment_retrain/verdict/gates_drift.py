"""Gates of drift: each warns only when a difference is large enough to matter and is not chance.

Pure functions, as in :mod:`sentiment_retrain.verdict.gates`. The level of significance is that of all six
questions together; each gate takes its own share
(:func:`sentiment_retrain.statistics.multiple_testing.family_level`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.statistics.multiple_testing import family_level
from sentiment_retrain.verdict.gates import Gate, gate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.settings.gates import AttributionDriftGate, ConceptDriftGate, DriftGate

_MEASURES = ("category_psi", "length_psi", "vocabulary_jensen_shannon", "label_cramers_v")


def drift(
    measures: Mapping[str, Mapping[str, Any]] | None,
    limits: DriftGate,
    evidence_uri: str | None = None,
) -> Gate:
    """Do the new reviews look like those that the champion was trained on?

    A measure without a p-value (the baseline's profile is older than the test) is judged by its size alone.

    :param measures: :func:`sentiment_retrain.analysis.drift.compare`'s, or None when there is no baseline yet
    """
    remedy = (
        "Nothing needs doing when the shift is real: retraining is the answer to it. When it is not, "
        "look for a changed export or mapping of the named field in the source."
    )
    if measures is None:
        return gate(
            "drift", "pass", observed="no champion to compare with", threshold="none yet", remedy=remedy
        )
    level = family_level(limits.significance, len(_MEASURES))
    enough = min(int(measures[name]["rows"]) for name in _MEASURES) >= limits.minimum_rows
    drifted = [
        name
        for name in _MEASURES
        if float(measures[name]["value"]) > getattr(limits, name)
        and _significant(measures[name].get("adjusted_p"), level)
    ]
    return gate(
        "drift",
        limits.severity if drifted and enough else "pass",
        observed=", ".join(
            f"{name} {float(measures[name]['value']):.3f}{_p_of(measures[name].get('adjusted_p'))}"
            for name in _MEASURES
        )
        + ("" if enough else f" (fewer than {limits.minimum_rows} rows: reported, not judged)"),
        threshold=", ".join(f"{name} at most {getattr(limits, name)}" for name in _MEASURES)
        + f", or p (adjusted) of at least {level:.3f}",
        baseline="the reviews that the champion was trained on",
        evidence_uri=evidence_uri,
        remedy=remedy,
    )


def concept_drift(
    found: Mapping[str, Any] | str,
    limits: ConceptDriftGate,
    significance: float,
    evidence_uri: str | None = None,
) -> Gate:
    """Does the champion read new reviews as well as those it was tested on when it was trained?

    :param found: :func:`sentiment_retrain.analysis.concept.compare`'s, or why nothing was compared, in words
    """
    level = family_level(significance, 1)
    threshold = (
        f"balanced accuracy at most {limits.maximum_drop} lower, or p of at least {level:.4f}, "
        f"from {limits.minimum_rows_per_class} new reviews of each sentiment on"
    )
    remedy = (
        "Reviews mean something else than they did, or ratings do: look at the newest reviews that the "
        "champion gets wrong. When the ratings are right, the retrained model is the answer."
    )
    if isinstance(found, str):
        return gate("concept_drift", "pass", observed=found, threshold=threshold, remedy=remedy)
    enough = int(found["rows_per_class"]) >= limits.minimum_rows_per_class
    if not enough:
        observed = (
            f"{found['rows']} new test reviews, {found['rows_per_class']} of the rarest sentiment: "
            "too few to judge"
        )
        drifted = False
    else:
        low, high = found["interval"]
        drifted = found["value"] > limits.maximum_drop and _significant(found["p_value"], level)
        observed = (
            f"balanced accuracy {found['now']['balanced_accuracy']:.3f} on {found['rows']} new reviews, "
            f"{found['before']['balanced_accuracy']:.3f} when it was trained (drop {found['value']:+.3f}, "
            f"interval {low:+.3f} to {high:+.3f}, p {found['p_value']:.4f})"
        )
    return gate(
        "concept_drift",
        limits.severity if drifted else "pass",
        observed=observed,
        threshold=threshold,
        baseline="the champion on the test reviews of its own run",
        evidence_uri=evidence_uri,
        remedy=remedy,
    )


def attribution_drift(
    ndcg: float | None,
    limits: AttributionDriftGate,
    evidence_uri: str | None = None,
    *,
    p_value: float | None = None,
    significance: float = 0.05,
) -> Gate:
    """Do the same words decide as before?

    :param ndcg: :func:`sentiment_retrain.analysis.attribution_drift.compare`'s, or None without a baseline
    :param p_value: of the same; None: judged by the agreement alone
    :param significance: the level of all questions together
    """
    level = family_level(significance, 1)
    drifted = ndcg is not None and ndcg < limits.minimum_ndcg and _significant(p_value, level)
    return gate(
        "attribution_drift",
        limits.severity if drifted else "pass",
        observed="no baseline to compare with" if ndcg is None else f"NDCG {ndcg:.3f}{_p_of(p_value)}",
        threshold=f"at least {limits.minimum_ndcg} over the {limits.tokens} most important tokens, or p "
        f"of at least {level:.4f}",
        baseline=None if ndcg is None else "the token ranking of the champion's run",
        evidence_uri=evidence_uri,
        remedy="Compare the tokens in the two SHAP reports: a new product line explains it, a leak of the "
        "label into the text (order numbers, templates) must be removed.",
    )


def _significant(p: float | None, level: float) -> bool:
    return p is None or p < level


def _p_of(p: float | None) -> str:
    return "" if p is None else " (p < 0.001)" if p < 0.001 else f" (p {p:.3f})"
