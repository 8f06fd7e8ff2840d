"""The report's charts as PNG bytes, drawn without any global state of matplotlib."""

from __future__ import annotations

import io
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

BLUE, ORANGE, GREEN, RED, GREY = "#2f6f9f", "#d98b2b", "#2e8b57", "#b5473c", "#8a8f98"
_MOST_BARS = 40
_MOST_DOTS = 400
_LINES = (RED, GREY, GREEN, BLUE, ORANGE)


def imbalance(names: Sequence[str], values: Sequence[float], facet: str) -> bytes:
    """Return a chart of the class imbalance (CI, -1 to 1) of each facet value."""
    figure, axes = _bars(len(names))
    shown = range(min(len(names), _MOST_BARS))
    axes.barh([names[i] for i in shown], [values[i] for i in shown], color=BLUE)
    axes.set_xlim(0 if min(values) >= 0 else -1, 1)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("Class imbalance: 0 = half of all rows, 1 = hardly any rows")
    axes.set_title(f"How rare each {facet} is")
    return _png(figure)


def proportions(
    names: Sequence[str],
    observed: Sequence[float],
    overall: float,
    facet: str,
    predicted: Sequence[float] | None = None,
) -> bytes:
    """Return a chart of the share of positive labels (0 to 1) of each facet value, and of predicted ones."""
    figure, axes = _bars(len(names))
    shown = range(min(len(names), _MOST_BARS))
    height = 0.8 if predicted is None else 0.4
    axes.barh(
        [i - (height / 2 if predicted else 0) for i in shown],
        [observed[i] for i in shown],
        height,
        color=BLUE,
    )
    if predicted is not None:
        axes.barh([i + height / 2 for i in shown], [predicted[i] for i in shown], height, color=ORANGE)
    axes.axvline(overall, color="black", linewidth=0.8, linestyle="--")
    axes.set_yticks(list(shown), [names[i] for i in shown])
    axes.set_xlim(0, 1)
    colours = "blue: labels" if predicted is None else "blue: labels, orange: predictions"
    axes.set_xlabel(f"Share of positive labels ({colours}, dashed: labels of all rows)")
    axes.set_title(f"Positive labels by {facet}")
    return _png(figure)


def top_tokens(tokens: Sequence[tuple[str, float]], header: str) -> bytes:
    """Return a chart of the tokens that move the score of one class most, (token, mean attribution)."""
    figure, axes = _bars(len(tokens))
    # A dollar sign would start mathematics in a label.
    names = [token.replace("$", r"\$") for token, _ in tokens]
    values = [value for _, value in tokens]
    axes.barh(range(len(tokens)), values, color=[GREEN if value >= 0 else RED for value in values])
    axes.set_yticks(range(len(tokens)), names)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("Mean attribution: green speaks for the class, red against it")
    axes.set_title(f"What speaks for and against class {header}")
    return _png(figure)


def importance(names: Sequence[str], values: Sequence[float], header: str) -> bytes:
    """Return a chart of how much each feature moves the score of one class, the most important first."""
    figure, axes = _bars(len(names))
    axes.barh(range(len(names)), values, color=BLUE)
    axes.set_yticks(range(len(names)), [_plain(name) for name in names])
    axes.set_xlabel("Importance: attributions of all rows, aggregated")
    axes.set_title(f"What moves the score of class {_plain(header)}")
    return _png(figure)


def spread(names: Sequence[str], values: Sequence[NDArray[np.float64]], header: str) -> bytes:
    """Return a chart with a dot for each row's attribution (n values a feature)."""
    figure, axes = _bars(len(names))
    draw = np.random.default_rng(0)
    for place, attributions in enumerate(values):
        shown = attributions if len(attributions) <= _MOST_DOTS else draw.choice(attributions, _MOST_DOTS)
        heights = place + draw.uniform(-0.28, 0.28, len(shown))
        colours = [GREEN if value >= 0 else RED for value in shown]
        axes.scatter(shown, heights, s=7, c=colours, alpha=0.45, linewidths=0)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [_plain(name) for name in names])
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("Attribution of each row: green speaks for the class, red against it")
    axes.set_title(f"Every row, class {_plain(header)}")
    return _png(figure)


def partial_dependence(entry: Mapping[str, Any]) -> bytes:
    """Return a chart of one entry of the `pdp` section: a line a class over the share of rows."""
    figure = Figure(figsize=(7.5, 3.4), layout="constrained")
    axes = figure.subplots()
    shares = axes.twinx()
    numeric = entry["data_type"] == "numerical"
    grid = entry["feature_values"] if numeric else range(len(entry["feature_values"]))
    width = 0.8 * (grid[1] - grid[0]) if len(grid) > 1 else 0.8
    shares.bar(grid, entry["data_distribution"], width, color="#dfe3e8")
    shares.set_ylabel("Share of rows")
    axes.set_zorder(shares.get_zorder() + 1)
    axes.patch.set_visible(False)
    for name, means, colour in zip(
        entry["label_headers"], entry["model_predictions"], itertools.cycle(_LINES), strict=False
    ):
        axes.plot(
            grid,
            means,
            marker="o",
            # Categories have no order: a line between them would say that they had.
            linewidth=1.6 if numeric else 0,
            markersize=3.5 if numeric else 5,
            color=colour,
            label=_plain(str(name)),
        )
    if not numeric:
        axes.set_xticks(
            grid, [_plain(str(value)) for value in entry["feature_values"]], rotation=30, ha="right"
        )
    axes.set_xlabel(_plain(entry["feature_name"]))
    axes.set_ylabel("Mean score")
    axes.spines[["top"]].set_visible(False)
    shares.spines[["top"]].set_visible(False)
    axes.legend(title="class", frameon=False)
    axes.set_title(f"How the score depends on {_plain(entry['feature_name'])}")
    return _png(figure)


def _plain(text: str) -> str:
    """Escape the dollar sign, which would start mathematics, and shorten what is long."""
    short = text if len(text) <= 40 else text[:39] + "\u2026"
    return short.replace("$", r"\$")


def _bars(number: int) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.5, 1.2 + 0.26 * max(3, min(number, _MOST_BARS))), layout="constrained")
    axes = figure.subplots()
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e3e6ea")
    axes.set_axisbelow(True)
    return figure, axes


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()
