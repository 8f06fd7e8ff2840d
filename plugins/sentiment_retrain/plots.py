"""Plots of the run card, as inline SVG that follows the page's colours in light and dark.

Matplotlib draws with stand-in colours, which are then replaced by the page's CSS variables; text stays text.
"""

from __future__ import annotations

import functools
import io
import re
from typing import TYPE_CHECKING, Any, ParamSpec, cast

from sentiment_retrain.datasets import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Arguments = ParamSpec("Arguments")

LABEL_NAMES: Mapping[str, str] = {"-1": "negative", "0": "neutral", "1": "positive"}
#: Stand-in colour by name; ``var(--name)`` takes its place.
_COLOURS: Mapping[str, str] = {
    "ink": "#010101",
    "muted": "#020202",
    "line": "#030303",
    "negative": "#040404",
    "neutral": "#050505",
    "positive": "#060606",
    "accent": "#070707",
    "surface": "#080808",
}
_LABEL_COLOURS = {"-1": "negative", "0": "neutral", "1": "positive"}
_MOST_BARS = 15
_STYLE: Mapping[str, Any] = {
    "text.color": _COLOURS["ink"],
    "axes.labelcolor": _COLOURS["muted"],
    "xtick.color": _COLOURS["muted"],
    "ytick.color": _COLOURS["ink"],
    "font.size": 9.5,
    # A review's "$158" is no formula.
    "text.parse_math": False,
    "svg.fonttype": "none",
}


def _styled(draw: Callable[Arguments, str]) -> Callable[Arguments, str]:
    """``draw`` within the page's style, which does not leak into the process."""

    @functools.wraps(draw)
    def within_style(*args: Arguments.args, **kwargs: Arguments.kwargs) -> str:
        import matplotlib as mpl

        with mpl.rc_context(cast(Any, _STYLE)):
            return draw(*args, **kwargs)

    return within_style


@_styled
def confusion_matrix(matrix: Sequence[Sequence[int]], title: str) -> str:
    """One 3 x 3 matrix: shade and percentage are of the true class's rows, the number is the count."""
    figure, axes = _figure(title, 4.0, 3.5)
    for i, row in enumerate(matrix):
        total = sum(row) or 1
        for j, count in enumerate(row):
            share = count / total
            axes.add_patch(_rectangle(j, i, share))
            strong = _COLOURS["surface"] if share > 0.55 else _COLOURS["ink"]
            axes.text(j, i - 0.08, f"{share:.0%}", ha="center", va="center", color=strong, fontsize=13)
            axes.text(j, i + 0.24, f"{count:,}", ha="center", va="center", color=strong, fontsize=8.5)
    names = [LABEL_NAMES[str(label)] for label in LABELS]
    axes.set(xlim=(-0.5, 2.5), ylim=(2.5, -0.5), xticks=range(3), yticks=range(3), aspect="equal")
    axes.set_xticklabels(names)
    axes.set_yticklabels(names, rotation=90, va="center")
    axes.set_xlabel("predicted")
    axes.set_ylabel("rated")
    axes.tick_params(length=0)
    _without_frame(axes)
    return _svg(figure, f"Confusion matrix of {title}")


@_styled
def metric_intervals(
    tests: Mapping[str, Mapping[str, Any]], winner: str | None, metric_names: Mapping[str, str]
) -> str:
    """Each model's metrics with their intervals, the winner in colour.

    :param tests: metrics by model name
    :param metric_names: metric key to the words on the axis
    """
    figure, axes = _figure(None, 7.2, 0.75 + 0.3 * len(metric_names) * len(tests))
    position = 0.0
    ticks: list[tuple[float, str]] = []
    for metric, words in metric_names.items():
        ticks.append((position + (len(tests) - 1) / 2, words))
        for name, test in tests.items():
            colour = _COLOURS["accent"] if name == winner else _COLOURS["muted"]
            low, high = (test.get("intervals") or {}).get(metric) or [test[metric]] * 2
            axes.plot(
                [low, high], [position] * 2, color=colour, linewidth=3.2, solid_capstyle="round", alpha=0.45
            )
            axes.plot([test[metric]], [position], "o", color=colour, markersize=6.5)
            axes.text(
                high + 0.006, position, f"{name}  {test[metric]:.3f}", va="center", color=colour, fontsize=9
            )
            position += 1
        position += 0.5
    axes.set_yticks([at for at, _ in ticks], [words for _, words in ticks])
    axes.invert_yaxis()
    left, right = axes.get_xlim()
    axes.set_xlim(max(0.0, left - 0.01), min(1.15, right + 0.06))
    axes.grid(axis="x", color=_COLOURS["line"], linewidth=0.8)
    axes.tick_params(length=0)
    _without_frame(axes)
    return _svg(figure, "Metrics of each model with 95 % intervals")


@_styled
def facet_bars(tables: Mapping[str, Mapping[str, float | None]]) -> str:
    """A bias metric by facet value, one bar a phase, the largest first.

    :param tables: ``{what was measured: {facet value: metric}}``
    """
    values = sorted({value for table in tables.values() for value in table})
    values.sort(key=lambda value: -max(abs(table.get(value) or 0.0) for table in tables.values()))
    values = values[:_MOST_BARS]
    figure, axes = _figure(None, 7.2, 1.1 + 0.27 * len(values))
    colours = (_COLOURS["muted"], _COLOURS["accent"])
    height = 0.72 / len(tables)
    for row, (words, table) in enumerate(tables.items()):
        at = [i + (row - (len(tables) - 1) / 2) * height for i in range(len(values))]
        bars = [table.get(value) or 0.0 for value in values]
        axes.barh(at, bars, height=height * 0.9, color=colours[row % 2], label=words)
    axes.axvline(0, color=_COLOURS["ink"], linewidth=0.8)
    axes.set_yticks(range(len(values)), values)
    axes.invert_yaxis()
    axes.grid(axis="x", color=_COLOURS["line"], linewidth=0.8)
    axes.tick_params(length=0)
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, labelcolor=_COLOURS["ink"]
    )
    _without_frame(axes)
    return _svg(figure, "Bias by product category")


@_styled
def token_bars(top_tokens: Mapping[str, Sequence[Mapping[str, Any]]], label: str) -> str:
    """The words that push most towards one sentiment."""
    tokens = list(top_tokens.get(label) or [])[:10]
    figure, axes = _figure(f"towards {LABEL_NAMES[label]}", 3.4, 3.4)
    axes.barh(
        range(len(tokens)),
        [float(token["attribution"]) for token in tokens],
        color=_COLOURS[_LABEL_COLOURS[label]],
        height=0.7,
    )
    axes.set_yticks(range(len(tokens)), [str(token["token"])[:18] for token in tokens])
    axes.set_ylim(9.6, -0.6)
    axes.set_xticks([])
    axes.tick_params(length=0)
    _without_frame(axes)
    return _svg(figure, f"Words that push towards {LABEL_NAMES[label]}")


@_styled
def count_bars(counts: Mapping[str, int], title: str, colours: Mapping[str, str] | None = None) -> str:
    """Rows by name, the most frequent first."""
    shown = _most_frequent(counts) if colours is None else list(counts.items())
    names, values = [name for name, _ in shown], [value for _, value in shown]
    figure, axes = _figure(title, 4.6, 0.7 + 0.27 * len(names))
    fill = [_COLOURS[(colours or {}).get(name, "accent")] for name in names]
    axes.barh(range(len(names)), values, color=fill, height=0.7)
    for i, value in enumerate(values):
        axes.text(value, i, f" {value:,}", va="center", color=_COLOURS["ink"], fontsize=8.5)
    axes.set_yticks(range(len(names)), [LABEL_NAMES.get(name, name) for name in names])
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.margins(x=0.14)
    axes.tick_params(length=0)
    _without_frame(axes)
    return _svg(figure, title)


def _most_frequent(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The most frequent names, the rest summed up."""
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    if len(ranked) <= _MOST_BARS:
        return ranked
    rest = ranked[_MOST_BARS - 1 :]
    return [*ranked[: _MOST_BARS - 1], (f"{len(rest)} more", sum(count for _, count in rest))]


def label_bars(counts: Mapping[str, int]) -> str:
    """Rows by sentiment, in the order -1, 0, 1."""
    return count_bars(
        {str(label): counts.get(str(label), 0) for label in LABELS}, "Sentiment", _LABEL_COLOURS
    )


def _figure(title: str | None, width: float, height: float) -> tuple[Figure, Axes]:
    """An empty figure of so many inches, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axisbelow(True)
    if title:
        axes.set_title(title, fontsize=10.5, fontweight="bold", loc="left")
    return figure, axes


def _rectangle(column: int, row: int, share: float) -> Any:
    from matplotlib.patches import FancyBboxPatch

    return FancyBboxPatch(
        (column - 0.46, row - 0.46),
        0.92,
        0.92,
        boxstyle="round,pad=0,rounding_size=0.06",
        facecolor=_COLOURS["accent"],
        alpha=0.06 + 0.94 * share,
        linewidth=0,
    )


def _without_frame(axes: Axes) -> None:
    axes.patch.set_alpha(0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _svg(figure: Figure, description: str) -> str:
    """The figure as an ``<svg>`` element without size, in the page's colours, equal for equal data."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": description}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    for name, colour in _COLOURS.items():
        svg = svg.replace(colour, f"var(--{name})")
    escaped = description.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escaped}" ', 1)
