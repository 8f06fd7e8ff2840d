"""The drawings of a run, made once by the run and kept beside its card.

Drawing takes a second and much memory, and matplotlib's style is one for all threads of a process: web pages
must not do it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sentiment_retrain.cards.svg import is_harmless

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from sentiment_retrain.aws.hooks import Aws

log = logging.getLogger(__name__)

FIGURES_VERSION = 1
Drawings = dict[str, list[str]]


def document(card: Drawings, reviews: Drawings) -> dict[str, Any]:
    """``figures.json`` of a run."""
    return {"version": FIGURES_VERSION, "card": card, "reviews": reviews}


def read(aws: Aws, run_uri: str, page: str) -> dict[str, list[Markup]]:
    """The drawings of one page (``card`` or ``reviews``), safe to show; none where none were kept.

    Who may write to the bucket must not be able to put anything but shapes and text into Airflow's pages.
    """
    found = aws.find_json(f"{run_uri}/figures.json")
    if not isinstance(found, dict) or found.get("version") != FIGURES_VERSION:
        return {}
    drawn = found.get(page)
    if not isinstance(drawn, dict):
        return {}
    return {name: _safe(run_uri, svgs) for name, svgs in drawn.items() if isinstance(svgs, list)}


def as_markup(drawings: Mapping[str, list[str]]) -> dict[str, list[Markup]]:
    """Our own SVG, made of numbers and of names that matplotlib has escaped."""
    from markupsafe import Markup

    return {name: [Markup(svg) for svg in svgs] for name, svgs in drawings.items()}  # noqa: S704


def _safe(run_uri: str, svgs: list[str]) -> list[Markup]:
    from markupsafe import Markup

    harmless = [svg for svg in svgs if isinstance(svg, str) and is_harmless(svg)]
    if len(harmless) < len(svgs):
        log.warning("%s/figures.json holds more than drawings; those are not shown", run_uri)
    return [Markup(svg) for svg in harmless]  # noqa: S704 - only shapes and text are left
