"""The report's charts as PNG bytes, drawn without any global state of matplotlib."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, RED, GREY = "#2f6f9f", "#d98b2b", "#2e8b57", "#b5473c", "#8a8f98"
_MOST_BARS = 40


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
