"""HTML of cards and pages: one template environment, with escaping on, and how values are said."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_retrain.error_base import runbook_entry
from sentiment_retrain.verdict.selection import display_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment
    from markupsafe import Markup


def render(template: str, **values: Any) -> str:
    """The text of ``templates/<template>``; a name that is not given raises ``UndefinedError``."""
    return _environment().get_template(template).render(**values)


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
    if 0 < usd < 0.0001:
        return "< $0.0001"
    return f"${usd:,.2f}" if usd >= 0.005 or usd == 0 else f"${usd:.4f}"


def end_of_axis(usd: float) -> str:
    """US dollars where there is little room: no cents beside thousands."""
    return f"${usd:,.0f}" if usd >= 1000 else money(usd)


def count(value: int | None) -> str:
    """A number of rows."""
    return "–" if value is None else f"{value:,}"


def number(value: float | None, digits: int = 3) -> str:
    """A metric."""
    return "–" if value is None else f"{value:.{digits}f}"


def signed(value: float | None) -> str:
    """A difference, with its sign."""
    return "–" if value is None else f"{value:+.3f}"


def interval(ends: Sequence[float | None] | None) -> str:
    """The ends of an interval; a metric that could not be computed has none."""
    if not ends or None in ends:
        return "no interval"
    return f"{ends[0]:.3f} to {ends[1]:.3f}"


#: Measures of drift by their key in cards.
_MEASURES = {
    "category_psi": "product categories (PSI)",
    "length_psi": "length of reviews (PSI)",
    "vocabulary_jensen_shannon": "vocabulary (Jensen-Shannon)",
    "label_cramers_v": "share of sentiments (Cramér’s V)",
}


def measure(name: str) -> str:
    """What a measure of drift looks at, and the statistic."""
    return _MEASURES.get(name, name.replace("_", " "))


def measures_named(text: str) -> str:
    """A gate's own words, with what each measure of drift looks at in place of its key."""
    for key, words in _MEASURES.items():
        text = text.replace(key, words)
    return text


def probability(value: float | None) -> str:
    """A p value: nothing is impossible."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def short(text: Any, limit: int = 48) -> str:
    """The end of a long name, which is where names differ."""
    value = "–" if text is None else str(text)
    return value if len(value) <= limit else "…" + value[-limit + 1 :]


def capital(text: str) -> str:
    """``text`` with a capital first, the rest as it is: macro F1 is no macro f1."""
    return text[:1].upper() + text[1:]


def moment(iso: str | None) -> str:
    """A time as ``2026-11-22 16:00 UTC``."""
    return "–" if not iso else f"{iso[:10]} {iso[11:16]} UTC"


def address(place: str) -> Markup:
    """A place that may be read: a link where a browser can open it, else as it is."""
    from markupsafe import Markup

    if place.startswith(("https://", "http://")):
        return Markup('<a href="{0}" rel="noreferrer" data-airflow>{0}</a>').format(place)
    return Markup("<code>{}</code>").format(place)


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    says = {
        "duration": duration,
        "money": money,
        "count": count,
        "end_of_axis": end_of_axis,
        "number": number,
        "signed": signed,
        "interval": interval,
        "probability": probability,
        "measure": measure,
        "measures_named": measures_named,
        "model": display_name,
        "short": short,
        "moment": moment,
        "capital": capital,
        "entry": runbook_entry,
        "address": address,
    }
    environment.filters.update(says)
    return environment
