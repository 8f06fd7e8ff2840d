"""The run card as one page: no network, light and dark, readable on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_retrain import plots
from sentiment_retrain.datasets import LABELS
from sentiment_retrain.selection import METRIC_NAMES, display_name

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE = "card.html.j2"
HEADLINES: Mapping[str, str] = {
    "deploy": "{winner} goes live",
    "keep_champion": "The champion stays",
    "do_not_deploy": "{winner} wins, nothing is deployed",
}
#: Facet values with fewer reviews are not drawn: chance would dwarf the others.
LEAST_DRAWN_GROUP = 30
#: The bias metric that the page draws, before and after training.
_DRAWN_METRICS = {
    "bias": ("DPL", "labels (before training)"),
    "explain_bias": ("DPPL", "predictions (winner)"),
}


def render_card(card: Mapping[str, Any]) -> str:
    """The page of a card, complete in one file.

    :param card: as :func:`sentiment_retrain.report.build_card` gives it; parts may be null
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(duration=duration, money=money, count=count, model=display_name, short=short)
    return environment.get_template(TEMPLATE).render(
        card=card,
        headline=headline(card),
        tests=model_tests(card),
        figures=draw(card),
        least_drawn_group=LEAST_DRAWN_GROUP,
        metric_names=METRIC_NAMES,
        label_names=plots.LABEL_NAMES,
        slowest=max([*(card.get("timings") or {}).values(), 0.001]),
        total_seconds=sum((card.get("timings") or {}).values()),
    )


def headline(card: Mapping[str, Any]) -> str:
    """The run in five words."""
    if card.get("status") == "failed":
        failure = card.get("failure") or {}
        return str(failure.get("title") or "The run failed")
    verdict = card.get("verdict")
    if not verdict:
        return "The run is done"
    return HEADLINES[verdict["action"]].format(winner=display_name(verdict.get("winner")))


def model_tests(card: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The metrics of every model that was scored, contenders first."""
    models = {**(card.get("contenders") or {}), "champion": card.get("champion")}
    return {name: model["test"] for name, model in models.items() if model and model.get("test")}


def draw(card: Mapping[str, Any]) -> dict[str, Any]:
    """Every plot that the card has data for, as safe markup; lists where there may be several."""
    from markupsafe import Markup

    tests = model_tests(card)
    data = card.get("data") or {}
    winner = (card.get("verdict") or {}).get("winner")
    facets = _facet_values(card)
    tokens = _top_tokens(card)
    figures: dict[str, list[str]] = {
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
    # Our own SVG, made of numbers and of names that matplotlib has escaped.
    return {name: [Markup(svg) for svg in drawn] for name, drawn in figures.items()}  # noqa: S704


def duration(seconds: float | None) -> str:
    """Seconds as a person says them."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def money(usd: float | None) -> str:
    """US dollars; fractions of a cent are shown as such."""
    if usd is None:
        return "–"
    return f"${usd:.2f}" if usd >= 0.005 or usd == 0 else f"${usd:.4f}"


def count(value: int | None) -> str:
    """A number of rows."""
    return "–" if value is None else f"{value:,}"


def short(text: Any, limit: int = 48) -> str:
    """The end of a long name, which is where names differ."""
    value = "–" if text is None else str(text)
    return value if len(value) <= limit else "…" + value[-limit + 1 :]


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
