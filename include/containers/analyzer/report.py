"""The report a person reads: what was measured, in charts, tables and highlighted texts."""

from __future__ import annotations

import html
from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer import charts, metrics
from analyzer.render import Block, Heading, Html, Image, Table, Text

if TYPE_CHECKING:
    from analyzer.bias import BiasResult, FacetTable
    from analyzer.shap_text import FeatureExplanation, TextShapResult

MEANINGS = {
    "CI": "How much rarer these rows are than the others. 0: as many; near 1: hardly any.",
    "DPL": "Share of positive labels among the others minus here. Above 0: fewer positive labels here.",
    "KL": "How far the labels here are from those of the others (relative entropy). 0: alike.",
    "JS": "As KL, symmetric and bounded by ln 2. 0: alike.",
    "LP": "Distance of the two label distributions. 0: alike; at most 1.41.",
    "TVD": "Share of labels that would have to change to make both sides alike. 0: alike.",
    "KS": "Largest difference of any one label's share. 0: alike.",
    "CDDL": "Whether these rows have more of the negative than of the positive labels, group by group.",
    "DPPL": "Share of positive predictions among the others minus here.",
    "DI": "Share of positive predictions here divided by that of the others. 1: alike.",
    "DCA": "Positive labels per positive prediction: the others minus here.",
    "DCR": "Negative labels per negative prediction: here minus the others.",
    "AD": "Accuracy for the others minus accuracy here. Above 0: the model is worse here.",
    "RD": "Recall for the others minus recall here. Above 0: good cases here are missed more often.",
    "SD": "Specificity here minus that of the others.",
    "DAR": "Precision for the others minus precision here.",
    "DRR": "How often a negative prediction is right: here minus the others.",
    "TE": "False negatives per false positive: here minus the others.",
    "CDDPL": "As CDDL, of the predictions.",
    "FT": "How often similar rows of the other side get another prediction.",
    "GE": "How unequally right and wrong predictions are spread over all rows. 0: equally.",
}
_SECTIONS = {
    "pre_training_bias_metrics": "Pre-training Bias Metrics",
    "post_training_bias_metrics": "Post-training Bias Metrics",
}
_CHART_TOKENS = 12
_EXAMPLES_A_CLASS = 2


def build(
    title: str, bias: BiasResult | None, shap: TextShapResult | None, headers: list[str]
) -> list[Block]:
    """Return the report's blocks. headers: names of the classes that SHAP explains."""
    blocks: list[Block] = [Heading(title, 1), Text("We report the following SageMaker analysis.")]
    for key, name in _SECTIONS.items():
        if bias is not None and key in bias.sections:
            blocks += _bias(name, bias.sections[key], bias.tables, predicted=key.startswith("post"))
    if shap is not None:
        blocks += _shap(shap, headers)
    return blocks


def _bias(name: str, section: dict[str, Any], tables: list[FacetTable], *, predicted: bool) -> list[Block]:
    blocks: list[Block] = [
        Heading(name),
        Text(
            f"We computed the bias metrics for the label {section['label']} using label value(s)/threshold "
            f"{section['label_value_or_threshold']}. Each line compares one value with all others."
        ),
    ]
    remaining = {facet: iter(values) for facet, values in section["facets"].items()}
    for table in tables:
        values = list(islice(remaining[table.name], len(table.values)))
        blocks.append(Heading(f"Facet {table.name}", 3))
        blocks += _facet_charts(table, predicted=predicted)
        blocks.append(_metric_table(values, table))
    names = dict.fromkeys(
        entry["name"]
        for values in section["facets"].values()
        for value in values
        for entry in value["metrics"]
    )
    known = {**metrics.PRE_TRAINING, **metrics.POST_TRAINING}
    blocks.append(
        Table(
            ["metric", "name", "meaning"],
            [[name, metrics.description(known[name]), MEANINGS[name]] for name in names],
            prose=True,
        )
    )
    return blocks


def _facet_charts(table: FacetTable, *, predicted: bool) -> list[Block]:
    names, imbalance, observed, foreseen = [], [], [], []
    total = metrics.Side.from_table(table.table.sum(axis=(0, 1)))
    for name, codes in table.values:
        counts = table.counts(codes)
        side = metrics.Side.from_table(counts.sensitive.sum(axis=0))
        names.append(name)
        imbalance.append(metrics.divide(total.size - 2 * side.size, total.size))
        observed.append(metrics.divide(side.observed_positive, side.size))
        foreseen.append(metrics.divide(side.predicted_positive, side.size))
    overall = metrics.divide(total.observed_positive, total.size)
    shares = charts.proportions(names, observed, overall, table.name, foreseen if predicted else None)
    blocks: list[Block] = [Image(shares, f"Share of positive labels by {table.name}")]
    if not predicted:
        blocks.insert(0, Image(charts.imbalance(names, imbalance, table.name), f"Imbalance of {table.name}"))
    return blocks


def _metric_table(values: list[dict[str, Any]], table: FacetTable) -> Table:
    header = [table.name, "rows", *(entry["name"] for entry in values[0]["metrics"])]
    rows = []
    for value, (_, codes) in zip(values, table.values, strict=True):
        size = int(table.counts(codes).sensitive.sum())
        rows.append([value["value_or_threshold"], f"{size:,}", *map(_cell, value["metrics"])])
    return Table(header, rows)


def _cell(entry: dict[str, Any]) -> str:
    value = entry["value"]
    if value is None:
        return f"not computed: {entry['error']}"
    return value if isinstance(value, str) else f"{value:.4f}"


def _shap(shap: TextShapResult, headers: list[str]) -> list[Block]:
    blocks: list[Block] = [
        Heading("SHAP"),
        Text(
            f"Kernel SHAP of {len(shap.rows)} texts. Each part of a text is replaced by the baseline in "
            "many combinations; its attribution is its share in the change of the score."
        ),
        Table(
            ["class", "mean score of these texts", "score of the baseline"],
            [
                [header, f"{shap.scores[:, index].mean():.4f}", f"{shap.expected[index]:.4f}"]
                for index, header in enumerate(headers)
            ],
        ),
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
