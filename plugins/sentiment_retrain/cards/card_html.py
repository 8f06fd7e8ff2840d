"""The run card as one page: no network, light and dark, readable on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.cards import figures as kept
from sentiment_retrain.cards import plots
from sentiment_retrain.cards.outcome import OUTCOMES, headline, outcome
from sentiment_retrain.cards.rendering import render
from sentiment_retrain.data.datasets import LABELS
from sentiment_retrain.verdict.selection import METRIC_NAMES, display_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

#: Facet values with fewer reviews are not drawn: chance would dwarf the others.
LEAST_DRAWN_GROUP = 30
#: Drawings that a card may have; a list each, because there may be several.
FIGURES = ("matrices", "metrics", "facets", "tokens", "labels", "categories")
#: Keys that cards of earlier versions lack; the schema does not demand them.
_ADDED_SINCE = ("dag_id", "mode", "region", "plan", "approval")
#: The bias metric that the page draws, before and after training.
_DRAWN_METRICS = {
    "bias": ("DPL", "labels (before training)"),
    "explain_bias": ("DPPL", "predictions (winner)"),
}


def render_card(card: Mapping[str, Any], drawings: kept.Drawings | None = None) -> str:
    """The page of a card, complete in one file.

    :param card: as :func:`sentiment_retrain.cards.report.build_card` gives it; parts may be null
    :param drawings: what :func:`draw` gave for it, None to draw now
    """
    figures = kept.as_markup(draw(card) if drawings is None else drawings)
    return render("card.html.j2", **card_values(card, figures))


def card_values(card: Mapping[str, Any], figures: Mapping[str, list[Markup]]) -> dict[str, Any]:
    """What the template of a card needs, in this file and in Airflow's page."""
    return {
        "card": {**dict.fromkeys(_ADDED_SINCE), **card},
        "headline": headline(card),
        "outcome": OUTCOMES[outcome(card)],
        "tests": model_tests(card),
        "figures": {name: figures.get(name, []) for name in FIGURES},
        "least_drawn_group": LEAST_DRAWN_GROUP,
        "metric_names": METRIC_NAMES,
        "label_names": plots.LABEL_NAMES,
        "slowest": max([*(card.get("timings") or {}).values(), 0.001]),
        "total_seconds": sum((card.get("timings") or {}).values()),
    }


def model_tests(card: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The metrics of every model that was scored, contenders first."""
    models = {**(card.get("contenders") or {}), "champion": card.get("champion")}
    return {name: model["test"] for name, model in models.items() if model and model.get("test")}


def draw(card: Mapping[str, Any]) -> kept.Drawings:
    """Every plot that the card has data for, as SVG; lists where there may be several."""
    tests = model_tests(card)
    data = card.get("data") or {}
    winner = (card.get("verdict") or {}).get("winner")
    facets = _facet_values(card)
    tokens = _top_tokens(card)
    return {
        "matrices": [
            plots.confusion_matrix(test["confusion_matrix"], display_name(name))
            for name, test in tests.items()
        ],
        "metrics": [plots.metric_intervals(_by_display_name(tests), display_name(winner), METRIC_NAMES)]
        if tests
        else [],
        "facets": [plots.facet_bars(facets)] if facets else [],
        "tokens": [plots.token_bars(tokens, str(label)) for label in LABELS] if tokens else [],
        "labels": [plots.label_bars(data["labels"])] if data.get("labels") else [],
        "categories": [plots.count_bars(data["categories"], "Product category")]
        if data.get("categories")
        else [],
    }


def _by_display_name(tests: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {display_name(name): test for name, test in tests.items()}


def _facet_values(card: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    analysis = card.get("analysis") or {}
    sizes = (card.get("data") or {}).get("categories") or {}
    found: dict[str, dict[str, float | None]] = {}
    for part, (metric, words) in _DRAWN_METRICS.items():
        facets = (analysis.get(part) or {}).get("facets") or {}
        values = {
            facet: metrics[metric]
            for facet, metrics in facets.items()
            if metric in metrics and sizes.get(facet, LEAST_DRAWN_GROUP) >= LEAST_DRAWN_GROUP
        }
        if values:
            found[f"{metric} of the {words}"] = values
    return found


def _top_tokens(card: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The winner's tokens, else the reference model's."""
    analysis = card.get("analysis") or {}
    for part in ("explain_shap", "shap"):
        tokens = (analysis.get(part) or {}).get("top_tokens")
        if tokens:
            return dict(tokens)
    return None
