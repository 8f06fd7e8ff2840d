"""Plots of the run card. How a drawing becomes part of a page is in :mod:`sentiment_retrain.cards.svg`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.cards.svg import COLOURS, as_svg, cut, name_bar, new_figure, styled, without_frame
from sentiment_retrain.data.datasets import LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LABEL_NAMES: Mapping[str, str] = {"-1": "negative", "0": "neutral", "1": "positive"}
LABEL_COLOURS: Mapping[str, str] = {"-1": "negative", "0": "neutral", "1": "positive"}
_MOST_BARS = 15
#: Inches. On a phone a wider drawing would be scaled down until nobody can read it.
_WIDTH = 3.8


@styled
def confusion_matrix(matrix: Sequence[Sequence[int]], title: str) -> str:
    """One 3 x 3 matrix: shade and percentage are of the true class's rows, the number is the count."""
    figure, axes = new_figure(title, 3.4, 3.1)
    for i, row in enumerate(matrix):
        total = sum(row) or 1
        for j, count in enumerate(row):
            share = count / total
            axes.add_patch(_rectangle(j, i, share))
            axes.text(
                j, i - 0.08, f"{share:.0%}", ha="center", va="center", color=COLOURS["ink"], fontsize=13
            )
            axes.text(j, i + 0.24, f"{count:,}", ha="center", va="center", color=COLOURS["ink"], fontsize=9)
    names = [LABEL_NAMES[str(label)] for label in LABELS]
    axes.set(xlim=(-0.5, 2.5), ylim=(2.5, -0.5), xticks=range(3), yticks=range(3), aspect="equal")
    axes.set_xticklabels(names)
    axes.set_yticklabels(names, rotation=90, va="center")
    axes.set_xlabel("predicted")
    axes.set_ylabel("rated")
    without_frame(axes)
    return as_svg(figure, f"Confusion matrix of {title}. {_in_words(matrix)}")


def _in_words(matrix: Sequence[Sequence[int]]) -> str:
    """The matrix for who cannot see it."""
    names = [LABEL_NAMES[str(label)] for label in LABELS]
    rows = []
    for name, row in zip(names, matrix, strict=True):
        said = ", ".join(f"{count:,} {words}" for words, count in zip(names, row, strict=True))
        rows.append(f"Of {sum(row):,} rated {name} it says: {said}.")
    return " ".join(rows)


@styled
def metric_intervals(
    tests: Mapping[str, Mapping[str, Any]], winner: str | None, metric_names: Mapping[str, str]
) -> str:
    """Each model's metrics with their intervals, the winner in colour.

    :param tests: metrics by model name
    :param metric_names: metric key to the words on the axis
    """
    rows_of_metric = len(tests) + 1.4
    figure, axes = new_figure(None, _WIDTH, 0.4 + 0.25 * len(metric_names) * rows_of_metric)
    ticks: list[tuple[float, str]] = []
    for number, (metric, words) in enumerate(metric_names.items()):
        top = number * rows_of_metric
        axes.text(
            0, top, words, transform=axes.get_yaxis_transform(), va="center", fontweight="bold", fontsize=9.5
        )
        for row, (name, test) in enumerate(tests.items(), start=1):
            colour = COLOURS["accent"] if name == winner else COLOURS["muted"]
            low, high = (test.get("intervals") or {}).get(metric) or [test[metric]] * 2
            at = top + row
            axes.plot([low, high], [at] * 2, color=colour, linewidth=3.2, solid_capstyle="round", alpha=0.45)
            axes.plot([test[metric]], [at], "o", color=colour, markersize=6.5)
            name_bar(axes, high, at, f" {test[metric]:.3f}")
            ticks.append((at, name))
    axes.set_yticks([at for at, _ in ticks], [name for _, name in ticks])
    axes.set_ylim(len(metric_names) * rows_of_metric - 0.6, -0.7)
    left, right = axes.get_xlim()
    axes.set_xlim(max(0.0, left - 0.01), min(1.15, right + 0.1 * (right - left) + 0.04))
    axes.locator_params(axis="x", nbins=5)
    axes.grid(axis="x", color=COLOURS["line"], linewidth=0.8)
    without_frame(axes)
    return as_svg(figure, "Metrics of each model with 95 % intervals")


@styled
def facet_bars(tables: Mapping[str, Mapping[str, float | None]]) -> str:
    """A bias metric by facet value, one bar a phase, the largest first.

    :param tables: ``{what was measured: {facet value: metric}}``
    """
    values = sorted({value for table in tables.values() for value in table})
    values.sort(key=lambda value: -max(abs(table.get(value) or 0.0) for table in tables.values()))
    values = values[:_MOST_BARS]
    figure, axes = new_figure(None, _WIDTH, 1.3 + 0.27 * len(values))
    colours = (COLOURS["muted"], COLOURS["accent"])
    height = 0.72 / len(tables)
    for row, (words, table) in enumerate(tables.items()):
        at = [i + (row - (len(tables) - 1) / 2) * height for i in range(len(values))]
        bars = [table.get(value) or 0.0 for value in values]
        axes.barh(at, bars, height=height * 0.9, color=colours[row % 2], label=words)
    axes.axvline(0, color=COLOURS["ink"], linewidth=0.8)
    axes.set_yticks(range(len(values)), [cut(value) for value in values])
    axes.invert_yaxis()
    axes.grid(axis="x", color=COLOURS["line"], linewidth=0.8)
    figure.legend(loc="outside upper left", ncols=1, frameon=False, labelcolor=COLOURS["ink"])
    without_frame(axes)
    return as_svg(figure, "Bias by product category")


@styled
def token_bars(top_tokens: Mapping[str, Sequence[Mapping[str, Any]]], label: str) -> str:
    """The words that push most towards one sentiment."""
    tokens = list(top_tokens.get(label) or [])[:10]
    figure, axes = new_figure(f"towards {LABEL_NAMES[label]}", 3.4, 3.4)
    axes.barh(
        range(len(tokens)),
        [float(token["attribution"]) for token in tokens],
        color=COLOURS[LABEL_COLOURS[label]],
        height=0.7,
    )
    axes.set_yticks(range(len(tokens)), [cut(str(token["token"]), 18) for token in tokens])
    axes.set_ylim(9.6, -0.6)
    axes.set_xticks([])
    without_frame(axes)
    return as_svg(figure, f"Words that push towards {LABEL_NAMES[label]}")


@styled
def count_bars(counts: Mapping[str, int], title: str, colours: Mapping[str, str] | None = None) -> str:
    """Rows by name, the most frequent first."""
    shown = _most_frequent(counts) if colours is None else list(counts.items())
    names, values = [name for name, _ in shown], [value for _, value in shown]
    figure, axes = new_figure(title, _WIDTH, 0.7 + 0.27 * len(names))
    fill = [COLOURS[(colours or {}).get(name, "accent")] for name in names]
    axes.barh(range(len(names)), values, color=fill, height=0.7)
    for i, value in enumerate(values):
        name_bar(axes, value, i, f"{value:,}")
    axes.set_yticks(range(len(names)), [cut(LABEL_NAMES.get(name, name)) for name in names])
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.margins(x=0.14)
    without_frame(axes)
    return as_svg(figure, title)


def _most_frequent(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The most frequent names, the rest summed up."""
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    if len(ranked) <= _MOST_BARS:
        return ranked
    rest = ranked[_MOST_BARS - 1 :]
    return [*ranked[: _MOST_BARS - 1], (f"{len(rest)} more", sum(count for _, count in rest))]


def label_bars(counts: Mapping[str, int]) -> str:
    """Rows by sentiment, in the order -1, 0, 1."""
    return count_bars({str(label): counts.get(str(label), 0) for label in LABELS}, "Sentiment", LABEL_COLOURS)


def _rectangle(column: int, row: int, share: float) -> Any:
    from matplotlib.patches import FancyBboxPatch

    return FancyBboxPatch(
        (column - 0.46, row - 0.46),
        0.92,
        0.92,
        boxstyle="round,pad=0,rounding_size=0.06",
        facecolor=COLOURS["accent"],
        # No darker, so that the numbers on it can be read in light and in dark.
        alpha=0.05 + 0.5 * share,
        linewidth=0,
    )
