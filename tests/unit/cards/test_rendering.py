"""How values are said, and that nobody reads less than the accessible contrast."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sentiment_retrain.cards import rendering

STYLE = Path(rendering.__file__).parents[1] / "templates" / "style.css"
#: Text and what it stands on, by the names of style.css.
TEXTS = [
    ("ink", "surface"),
    ("ink", "page"),
    ("muted", "surface"),
    ("muted", "page"),
    ("accent", "surface"),
    ("accent", "page"),
    ("positive", "pass-back"),
    ("warn", "warn-back"),
    ("negative", "fail-back"),
    ("ink", "code"),
    ("surface", "negative"),
    ("surface", "neutral"),
    ("surface", "positive"),
]


def palettes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", STYLE.read_text(), re.DOTALL)
    return {
        name: dict(re.findall(r"--([\w-]+): (#\w{6})", text))
        for name, text in (("light", light), ("dark", dark))
    }


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("palette", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXTS)
def test_text_has_the_contrast_of_wcag_aa(palette: str, text: str, ground: str) -> None:
    colours = palettes()[palette]
    lighter, darker = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5, f"--{text} on --{ground} in {palette}"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (61, "1 min 01 s"),
        (3600, "1 h 00 min"),
        (7265, "2 h 01 min"),
    ],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert rendering.duration(seconds) == said


@pytest.mark.parametrize(
    ("usd", "said"),
    [(None, "–"), (0, "$0.00"), (0.0012, "$0.0012"), (1.234, "$1.23"), (0.00003, "< $0.0001")],
)
def test_money(usd: float | None, said: str) -> None:
    assert rendering.money(usd) == said


@pytest.mark.parametrize(("p", "said"), [(None, "–"), (0.0, "< 0.001"), (0.0333, "0.033"), (1.0, "1.000")])
def test_probabilities(p: float | None, said: str) -> None:
    assert rendering.probability(p) == said


def test_moments_and_long_names() -> None:
    assert rendering.moment("2026-11-22T16:00:09+00:00") == "2026-11-22 16:00 UTC"
    assert rendering.short("a" * 60) == "…" + "a" * 47
    assert rendering.number(None) == "–"


def test_a_place_is_a_link_where_a_browser_can_open_it() -> None:
    assert rendering.address("docs/runbook.md#sr-x") == "<code>docs/runbook.md#sr-x</code>"
    linked = rendering.address('https://git.example.com/"><b>/runbook.md#sr-x')
    assert linked.startswith('<a href="https://git.example.com/&#34;&gt;&lt;b&gt;/runbook.md#sr-x"')
    assert "<b>" not in linked


def test_a_gate_names_what_a_measure_looks_at() -> None:
    said = rendering.measures_named("category_psi 16.475 (p < 0.001), label_cramers_v 0.346")

    assert said == "product categories (PSI) 16.475 (p < 0.001), share of sentiments (Cramér’s V) 0.346"


@pytest.mark.parametrize(
    ("usd", "said", "on_axis"),
    [(0, "$0.00", "$0.00"), (0.0042, "$0.0042", "$0.0042"), (12345.67, "$12,345.67", "$12,346")],
)
def test_money_of_any_size(usd: float, said: str, on_axis: str) -> None:
    assert (rendering.money(usd), rendering.end_of_axis(usd)) == (said, on_axis)


@pytest.mark.parametrize("ends", [None, [], [None, None], [0.1, None]])
def test_an_interval_without_ends_is_none(ends: list[float | None] | None) -> None:
    assert rendering.interval(ends) == "no interval"
