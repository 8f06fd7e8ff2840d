"""The four drawings of the page about the reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.cards.plots import LABEL_COLOURS, LABEL_NAMES
from sentiment_retrain.cards.svg import COLOURS, as_svg, cut, name_bar, new_figure, styled, without_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_CATEGORIES = 25
_WIDTH = 3.8
#: Percentiles that are marked among the lengths.
_MARKED = ("10", "50", "90")


def draw_exploration(found: Mapping[str, Any]) -> dict[str, list[str]]:
    """Every drawing that there is data for.

    :param found: as :func:`sentiment_retrain.data.exploration.explore` gives it
    """
    categories = list(found["categories"])[:_MOST_CATEGORIES]
    if not categories:
        return {"reviews": [], "sentiment": [], "shares": [], "words": []}
    return {
        "reviews": [reviews_per_category(categories)],
        "sentiment": [sentiment_per_category(categories)],
        "shares": [sentiment_shares(categories)],
        "words": [words_per_review(found["words"])] if found.get("words") else [],
    }


@styled
def reviews_per_category(categories: Sequence[Mapping[str, Any]]) -> str:
    """Bars of how many reviews each category has, the most first."""
    return _bars([(row["category"], row["rows"], f"{row['rows']:,}") for row in categories], "Reviews")


@styled
def sentiment_per_category(categories: Sequence[Mapping[str, Any]]) -> str:
    """Bars of the mean sentiment (-1 to 1) of each category, the best first."""
    ranked = sorted(categories, key=lambda row: -float(row["mean_sentiment"]))
    return _bars(
        [(row["category"], row["mean_sentiment"], _signed(row["mean_sentiment"])) for row in ranked],
        "Mean sentiment",
    )


@styled
def sentiment_shares(categories: Sequence[Mapping[str, Any]]) -> str:
    """What part of each category's reviews is negative, neutral and positive; stacked to 100 %."""
    figure, axes = new_figure(None, _WIDTH, 0.9 + 0.27 * len(categories))
    left = [0.0] * len(categories)
    written: list[tuple[float, Any]] = []
    for label, name in LABEL_NAMES.items():
        shares = [100 * row["labels"][label] / row["rows"] for row in categories]
        axes.barh(
            range(len(categories)),
            shares,
            left=left,
            height=0.74,
            color=COLOURS[LABEL_COLOURS[label]],
            label=name,
        )
        for i, share in enumerate(shares):
            if share >= 12:
                text = axes.text(
                    left[i] + share / 2,
                    i,
                    f"{share:.0f} %",
                    ha="center",
                    va="center",
                    color=COLOURS["surface"],
                    fontsize=8.5,
                )
                written.append((share, text))
        left = [before + share for before, share in zip(left, shares, strict=True)]
    _name_rows([row["category"] for row in categories], axes)
    axes.set_xlim(0, 100)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, labelcolor=COLOURS["ink"])
    _drop_labels_without_room(figure, axes, written)
    return as_svg(figure, "Share of each sentiment by product category")


@styled
def words_per_review(words: Mapping[str, Any]) -> str:
    """Histogram of words per review, with the 10th, 50th and 90th percentile."""
    figure, axes = new_figure(None, _WIDTH, 2.9)
    histogram = list(words["histogram"])
    # The longest percent of the reviews would squeeze all others into a corner.
    last = _length_of_share(histogram, 0.99)
    bin_words = max(1, -(-last // 40))
    starts = range(0, last + 1, bin_words)
    heights = [sum(histogram[start : start + bin_words]) for start in starts]
    axes.bar(
        [start + bin_words / 2 for start in starts], heights, width=bin_words * 0.86, color=COLOURS["accent"]
    )
    top = max(heights)
    for name in _MARKED:
        value = float(words["percentiles"][name])
        if value <= last:
            axes.axvline(value, color=COLOURS["ink"], linewidth=1, linestyle=(0, (4, 3)))
            axes.text(
                value + last * 0.01,
                top * 1.16,
                f"{name}th: {value:g}",
                color=COLOURS["ink"],
                fontsize=8.5,
                va="top",
            )
    axes.set_ylim(0, top * 1.18)
    axes.set_xlabel(f"words per review (1 % are longer than {last})")
    axes.set_ylabel("reviews")
    axes.locator_params(axis="y", nbins=4)
    axes.grid(axis="y", color=COLOURS["line"], linewidth=0.8)
    without_frame(axes)
    return as_svg(figure, "Words per review with the 10th, 50th and 90th percentile")


def _drop_labels_without_room(figure: Any, axes: Any, written: Sequence[tuple[float, Any]]) -> None:
    """Take off the labels that are wider than their part of the bar, of so many percent: names take room."""
    figure.draw_without_rendering()
    width = axes.get_window_extent().width
    for share, text in written:
        if text.get_window_extent().width > width * share / 100:
            text.set_visible(False)


def _signed(value: float) -> str:
    """With its sign; nothing is less than zero by nothing."""
    return f"{round(value, 2) or 0.0:+.2f}"


def _length_of_share(histogram: Sequence[int], share: float) -> int:
    """The length that this share of the reviews does not exceed, at least 10."""
    wanted, seen = share * sum(histogram), 0
    for length, count in enumerate(histogram):
        seen += count
        if seen >= wanted:
            return max(10, length)
    return max(10, len(histogram))


def _bars(rows: Sequence[tuple[str, float, str]], title: str) -> str:
    figure, axes = new_figure(None, _WIDTH, 0.4 + 0.27 * len(rows))
    values = [value for _, value, _ in rows]
    axes.barh(range(len(rows)), values, color=COLOURS["accent"], height=0.74)
    for i, (_, value, words) in enumerate(rows):
        name_bar(axes, max(value, 0), i, words)
    if min(values) < 0:
        axes.axvline(0, color=COLOURS["ink"], linewidth=0.8)
    _name_rows([name for name, _, _ in rows], axes)
    axes.margins(x=0.14)
    return as_svg(figure, f"{title} by product category")


def _name_rows(names: Sequence[str], axes: Any) -> None:
    axes.set_yticks(range(len(names)), [cut(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xticks([])
    without_frame(axes)
