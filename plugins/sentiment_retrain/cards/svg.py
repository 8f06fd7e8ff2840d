"""Drawings as inline SVG that follows the page's colours in light and dark.

Matplotlib draws with stand-in colours, which are then replaced by the page's CSS variables; text stays text.
"""

from __future__ import annotations

import functools
import io
import re
import warnings
import xml.etree.ElementTree as ElementTree
from typing import TYPE_CHECKING, Any, ParamSpec, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Arguments = ParamSpec("Arguments")

#: Stand-in colour by name; ``var(--name)`` takes its place.
COLOURS: Mapping[str, str] = {
    "ink": "#010101",
    "muted": "#020202",
    "line": "#030303",
    "negative": "#040404",
    "neutral": "#050505",
    "positive": "#060606",
    "accent": "#070707",
    "surface": "#080808",
}
_STYLE: Mapping[str, Any] = {
    "text.color": COLOURS["ink"],
    "axes.labelcolor": COLOURS["muted"],
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["ink"],
    "font.size": 9.5,
    # A review's "$158" is no formula.
    "text.parse_math": False,
    "svg.fonttype": "none",
}
#: Width of a usual letter, in points.
_LETTER = 6.2
_NAMESPACE = "{http://www.w3.org/2000/svg}"
_HREF = frozenset({"href", "{http://www.w3.org/1999/xlink}href"})
#: What matplotlib draws with, and nothing that runs or loads anything.
_ELEMENTS = frozenset(
    f"{_NAMESPACE}{name}"
    for name in ("svg", "g", "defs", "style", "path", "use", "text", "tspan", "clipPath", "rect", "title")
)
_FOREIGN_CSS = re.compile(r"@|\\|url\(\s*[\"']?(?!#)|expression|javascript", re.IGNORECASE)


def styled(draw: Callable[Arguments, str]) -> Callable[Arguments, str]:
    """``draw`` within the page's style, which does not leak into the process."""

    @functools.wraps(draw)
    def within_style(*args: Arguments.args, **kwargs: Arguments.kwargs) -> str:
        import matplotlib as mpl

        with mpl.rc_context(cast(Any, _STYLE)), warnings.catch_warnings():
            # The text stays text: a browser has glyphs that matplotlib's font lacks.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            return draw(*args, **kwargs)

    return within_style


def new_figure(title: str | None, width: float, height: float) -> tuple[Figure, Axes]:
    """An empty figure of so many inches, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axisbelow(True)
    if title:
        axes.set_title(title, fontsize=10.5, fontweight="bold", loc="left")
    return figure, axes


def cut(name: str, limit: int = 22) -> str:
    """The start of a name, in one line: a category may be called by a whole sentence, which leaves no room to
    draw, and a letter may be twice as wide as another.

    :param limit: letters of usual width
    """
    name = " ".join(name.split())
    if len(name) <= limit and _width(name) <= limit * _LETTER:
        return name
    kept = name[: limit - 1]
    while kept and _width(kept + "…") > limit * _LETTER:
        kept = kept[:-1]
    return kept + "…"


def _width(text: str) -> float:
    """Of a text in points, as the layout will reckon it."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=_STYLE["font.size"])
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def name_bar(axes: Axes, x: float, y: float, words: str) -> None:
    """Write ``words`` just right of a bar's end."""
    axes.annotate(
        words,
        (x, y),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        color=COLOURS["ink"],
        fontsize=8.5,
    )


def without_frame(axes: Axes) -> None:
    """Leave the data alone on the page."""
    axes.patch.set_alpha(0)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def as_svg(figure: Figure, description: str) -> str:
    """The figure as an ``<svg>`` element without size, in the page's colours, equal for equal data.

    :param description: what a person sees who cannot see the drawing
    """
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": description}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    # Every drawing names its groups alike, and a page has many drawings; nothing refers to a group.
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    for name, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{name})")
    escaped = description.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escaped}" ', 1)


def is_harmless(svg: str) -> bool:
    """Whether a stored drawing holds only shapes and text: nothing that runs, loads or leads elsewhere."""
    if "<!" in svg.replace("<!--", ""):
        return False
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314 - without a DTD there is no entity to expand
    except ElementTree.ParseError:
        return False
    return root.tag == f"{_NAMESPACE}svg" and all(_is_harmless_element(element) for element in root.iter())


def _is_harmless_element(element: ElementTree.Element) -> bool:
    if element.tag not in _ELEMENTS:
        return False
    css = [element.text or ""] if element.tag.endswith("style") else []
    for name, value in element.attrib.items():
        if name.rsplit("}")[-1].lower().startswith("on") or (name in _HREF and not value.startswith("#")):
            return False
        if name != "aria-label":
            css.append(value)
    return not any(_FOREIGN_CSS.search(value) for value in css)
