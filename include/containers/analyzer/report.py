"""The report a person reads: what was measured, in charts, tables and highlighted texts."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from analyzer import charts, metrics, report_shap
from analyzer.facet_counts import Side
from analyzer.render import Block, Heading, Image, Table, Text

if TYPE_CHECKING:
    from analyzer.bias import BiasResult, FacetTable
    from analyzer.explain import Explanations

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


def build(title: str, bias: BiasResult | None, explanations: Explanations | None) -> list[Block]:
    """Return the report's blocks."""
    blocks: list[Block] = [Heading(title, 1), Text("We report the following SageMaker analysis.")]
    for key, name in _SECTIONS.items():
        if bias is not None and key in bias.sections:
            blocks += _bias(name, bias.sections[key], bias.tables, predicted=key.startswith("post"))
    if explanations is not None:
        blocks += report_shap.build(explanations)
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
    total = Side.from_table(table.table.sum(axis=(0, 1)))
    for name, codes in table.values:
        counts = table.counts(codes)
        side = Side.from_table(counts.sensitive.sum(axis=0))
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
