"""The part of the report about explanations: which features or words move the scores, and where."""

from __future__ import annotations

import html
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer import charts
from analyzer.render import Block, Heading, Html, Image, Table, Text

if TYPE_CHECKING:
    from analyzer.explain import Explanations
    from analyzer.shap_tabular import TabularShapResult
    from analyzer.shap_text import FeatureExplanation, TextShapResult

_CHART_TOKENS = 12
_CHART_FEATURES = 15
_EXAMPLES_A_CLASS = 2
_SHOWN_DIGITS = 4


def build(explanations: Explanations) -> list[Block]:
    """Return the blocks about everything that was explained."""
    blocks: list[Block] = []
    if explanations.text is not None:
        blocks += _shap(explanations.text, explanations.headers)
    if explanations.tabular is not None:
        blocks += _tabular(explanations.tabular, explanations)
    if "pdp" in explanations.section:
        blocks += _partial_dependence(explanations.section["pdp"])
    return blocks


def _tabular(shap: TabularShapResult, explanations: Explanations) -> list[Block]:
    headers, section = explanations.headers, explanations.section["kernel_shap"]
    blocks: list[Block] = [
        Heading("SHAP"),
        Text(
            f"Kernel SHAP of {len(shap.values):,} rows. A feature's attribution is its share in the "
            "difference between a row's score and the mean score of the baseline; its importance is what "
            "remains of all rows' attributions."
        ),
        _scores_table("rows", shap.scores, shap.expected, headers),
    ]
    for index, header in enumerate(headers):
        importance = section[header]["global_shap_values"]
        names = sorted(importance, key=lambda name: -abs(importance[name]))[:_CHART_FEATURES]
        picture = charts.importance(names, [importance[name] for name in names], header)
        blocks.append(Image(picture, f"Importance of features for class {header}"))
        values = [shap.values[:, shap.features.index(name), index] for name in names]
        blocks.append(
            Image(charts.spread(names, values, header), f"Attributions of every row, class {header}")
        )
    rows = [
        [name, *(f"{section[header]['global_shap_values'][name]:.{_SHOWN_DIGITS}f}" for header in headers)]
        for name in section[headers[0]]["global_shap_values"]
    ]
    return [*blocks, Table(["feature", *headers], rows)]


def _partial_dependence(entries: list[dict[str, Any]]) -> list[Block]:
    blocks: list[Block] = [
        Heading("Partial Dependence Plots"),
        Text(
            "The mean score when one feature takes each value and all others stay as they are. Grey bars "
            "show how many rows have such a value: where there are few, the curve rests on little."
        ),
    ]
    for entry in entries:
        name = entry["feature_name"]
        if "error" in entry:
            blocks.append(Text(f"{name}: {entry['error']}"))
            continue
        blocks.append(Image(charts.partial_dependence(entry), f"Partial dependence on {name}"))
    return blocks


def _scores_table(what: str, scores: Any, expected: Any, headers: list[str]) -> Table:
    return Table(
        ["class", f"mean score of these {what}", "score of the baseline"],
        [
            [header, f"{scores[:, index].mean():.4f}", f"{expected[index]:.4f}"]
            for index, header in enumerate(headers)
        ],
    )


def _shap(shap: TextShapResult, headers: list[str]) -> list[Block]:
    blocks: list[Block] = [
        Heading("SHAP"),
        Text(
            f"Kernel SHAP of {len(shap.rows)} texts. Each part of a text is replaced by the baseline in "
            "many combinations; its attribution is its share in the change of the score."
        ),
        _scores_table("texts", shap.scores, shap.expected, headers),
    ]
    for index, header in enumerate(headers):
        tokens = _strongest(shap, index)
        if tokens:
            blocks.append(Image(charts.top_tokens(tokens, header), f"Strongest tokens of class {header}"))
    blocks.append(Heading("Examples", 3))
    blocks += [Html(_example(shap, row, headers)) for row in _examples(shap)]
    return blocks


def _strongest(shap: TextShapResult, index: int) -> list[tuple[str, float]]:
    """Return the tokens with the largest total effect on a class, (token, mean attribution), best first."""
    found: dict[str, list[float]] = defaultdict(list)
    for row in shap.rows:
        for part in row:
            if part.data_type != "free_text":
                continue
            for chunk, value in zip(part.chunks, part.attributions[:, index], strict=True):
                found[chunk.text.lower()].append(float(value))
    # By the total, not the mean: a word seen once in one odd review is no finding.
    totals = {token: abs(sum(values)) for token, values in found.items()}
    top = sorted(totals, key=totals.__getitem__, reverse=True)[:_CHART_TOKENS]
    means = [(_shortened(token), float(np.mean(found[token]))) for token in top]
    return sorted(means, key=lambda item: -item[1])


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _examples(shap: TextShapResult) -> list[int]:
    """Return rows to show: for each class those that the model is surest about."""
    best = shap.scores.argmax(axis=1)
    rows: list[int] = []
    for label in range(shap.scores.shape[1]):
        candidates = np.flatnonzero(best == label)
        order = candidates[np.argsort(-shap.scores[candidates, label], kind="stable")]
        rows += order[:_EXAMPLES_A_CLASS].tolist()
    return rows


def _example(shap: TextShapResult, row: int, headers: list[str]) -> str:
    best = int(shap.scores[row].argmax())
    parts = " ".join(_highlighted(part, best) for part in shap.rows[row])
    return (
        f'<div class="example"><small>class {html.escape(headers[best])}, '
        f"score {shap.scores[row, best]:.3f}; "
        f"green speaks for it, red against it</small><br>{parts}</div>"
    )


def _highlighted(part: FeatureExplanation, index: int) -> str:
    strongest = np.abs(part.attributions[:, index]).max(initial=0.0) or 1.0
    pieces, end = [], 0
    for chunk, value in zip(part.chunks, part.attributions[:, index], strict=True):
        colour = "46,139,87" if value >= 0 else "181,71,60"
        pieces.append(html.escape(part.text[end : chunk.start]))
        pieces.append(
            f'<span style="background:rgba({colour},{abs(value) / strongest:.2f})" '
            f'title="{value:+.4f}">{html.escape(chunk.text)}</span>'
        )
        end = chunk.start + len(chunk.text)
    return "".join(pieces) + html.escape(part.text[end:])
