"""A stored drawing is shown only while it holds nothing but shapes and text."""

from __future__ import annotations

import pytest

from sentiment_retrain.cards import figures, plots, svg
from sentiment_retrain.cards.exploration_plots import draw_exploration

from ..data.test_exploration import FOUND

SHAPES = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'


def test_what_we_draw_is_harmless() -> None:
    drawn = [
        plots.label_bars({"1": 4}),
        plots.confusion_matrix([[1, 2, 3]] * 3, 'a "model" <b> url(http://x) @import'),
        *(drawing for drawings in draw_exploration(FOUND).values() for drawing in drawings),
    ]
    assert [svg.is_harmless(drawing) for drawing in drawn] == [True] * len(drawn)


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        '<g onload="alert(1)"/>',
        '<g ONCLICK="alert(1)"/>',
        "<foreignObject><p>x</p></foreignObject>",
        '<a href="https://elsewhere.example"><text>x</text></a>',
        '<use href="https://elsewhere.example#x"/>',
        '<use xlink:href="data:image/svg+xml,x"/>',
        '<image href="#x"/>',
        '<path style="fill: url(https://elsewhere.example)"/>',
        "<style>@import 'https://elsewhere.example';</style>",
        '<animate attributeName="href" values="javascript:alert(1)"/>',
        "<g>",
    ],
)
def test_anything_else_is_not(inside: str) -> None:
    assert not svg.is_harmless(SHAPES.format(inside))


@pytest.mark.parametrize(
    "text",
    ["", "alert(1)", "<p>x</p>", '<!DOCTYPE svg [<!ENTITY a "b">]>' + SHAPES.format("<text>&a;</text>")],
)
def test_what_is_no_drawing_is_not(text: str) -> None:
    assert not svg.is_harmless(text)


def test_a_drawing_that_somebody_put_into_the_bucket_is_left_out() -> None:
    class Bucket:
        def find_json(self, uri: str) -> dict[str, object]:
            return figures.document({"labels": [SHAPES.format("<script/>"), SHAPES.format("<g/>")]}, {})

    assert figures.read(Bucket(), "s3://b/runs/x", "card") == {"labels": [SHAPES.format("<g/>")]}  # type: ignore[arg-type]


@pytest.mark.parametrize("drawn", [None, "none", {"labels": None}, {"labels": [3]}])
def test_drawings_of_another_form_cost_only_themselves(drawn: object) -> None:
    class Bucket:
        def find_json(self, uri: str) -> dict[str, object]:
            return {"version": figures.FIGURES_VERSION, "card": drawn}

    found = figures.read(Bucket(), "s3://b/runs/x", "card")  # type: ignore[arg-type]
    assert not found.get("labels")
