"""Plots are inline SVG, safe, in the page's colours, and the same for the same data."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import TYPE_CHECKING, Any

import pytest

from sentiment_retrain.cards import exploration_plots, plots, svg

from .. import sample_cards

if TYPE_CHECKING:
    from collections.abc import Callable

MATRIX = [[8, 1, 1], [2, 6, 2], [0, 0, 0]]
TESTS: dict[str, dict[str, Any]] = {
    "Autopilot": {"macro_f1": 0.7, "intervals": {"macro_f1": [0.6, 0.8]}},
    "BlazingText": {"macro_f1": 0.6, "intervals": None},
}
DRAWN: dict[str, Callable[[], str]] = {
    "confusion_matrix": lambda: plots.confusion_matrix(MATRIX, 'A "quoted" <model> & more'),
    "metric_intervals": lambda: plots.metric_intervals(TESTS, "Autopilot", {"macro_f1": "macro F1"}),
    "facet_bars": lambda: plots.facet_bars(
        {"DPL": {"Dresses": 0.1, "Knits": None}, "DPPL": {"Dresses": -0.2}}
    ),
    "token_bars": lambda: plots.token_bars(sample_cards.TOKENS, "1"),
    "count_bars": lambda: plots.count_bars({f"category {n}": n for n in range(40)}, "Categories"),
    "label_bars": lambda: plots.label_bars({"1": 4}),
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_plot_is_one_well_formed_svg_without_size_or_fixed_colour(name: str) -> None:
    drawn = DRAWN[name]()
    root = ElementTree.fromstring(drawn)  # noqa: S314 - our own
    assert root.tag.endswith("svg")
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert root.get("width") is None
    assert root.get("viewBox")
    assert "var(--" in drawn
    assert not any(colour in drawn for colour in svg.COLOURS.values())


@pytest.mark.parametrize("name", DRAWN)
def test_same_data_same_bytes(name: str) -> None:
    assert DRAWN[name]() == DRAWN[name]()


def test_text_stays_text_and_is_escaped() -> None:
    drawn = DRAWN["token_bars"]()
    assert "&lt;1&gt; &amp; $x$" in drawn
    assert "<1>" not in drawn


def test_many_categories_are_summed_up() -> None:
    drawn = DRAWN["count_bars"]()
    assert "26 more" in drawn
    assert "category 39" in drawn


def test_a_category_named_by_a_sentence_leaves_room_to_draw() -> None:
    name = "a very long name " * 20
    assert "a very long name a ve…" in plots.count_bars({name: 3, "b": 4}, "Categories")
    assert "a very long name a ve…" in plots.facet_bars({"DPL": {name: 0.1}})


@pytest.mark.parametrize("name", ["日本語のカテゴリー" * 3, "W" * 22, "👗👠🧥" * 8, "ที่" * 30])
def test_a_category_of_wide_letters_leaves_room_to_draw(name: str) -> None:
    """A browser and matplotlib reckon differently: the bars need room in both."""
    drawn = ElementTree.fromstring(  # noqa: S314 - our own
        plots.count_bars({name: 3000, "b": 4000}, "Categories")
    )
    path = next(
        one for one in drawn.iter("{http://www.w3.org/2000/svg}path") if "--accent" in str(one.attrib)
    )
    across = [float(x) for x, _ in re.findall(r"[ML] ([\d.]+) ([\d.]+)", path.get("d", ""))]
    width = float(drawn.get("viewBox", "").split()[2])
    assert (max(across) - min(across)) / width > 0.25


def test_a_category_of_two_lines_is_drawn_as_one() -> None:
    assert "new line" in plots.count_bars({"new\nline": 3}, "Categories")


def test_style_does_not_leak_into_the_process() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    DRAWN["label_bars"]()
    assert dict(mpl.rcParams) == before


def test_a_share_is_written_only_where_it_has_room() -> None:
    """A long name leaves less of the drawing to the bars; labels beside each other must not meet."""
    labels = {"-1": 13, "0": 13, "1": 74}
    drawn = {
        name: exploration_plots.sentiment_shares([{"category": name, "rows": 100, "labels": labels}])
        for name in ("Tops", "W" * 40)
    }
    assert [drawn[name].count(">13 %<") for name in drawn] == [2, 0]
    assert all(one.count(">74 %<") == 1 for one in drawn.values())
