"""The report a person reads."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from analyzer import bias, config, metrics, render, report, shap_tabular, shap_text
from analyzer.dataset import Dataset
from analyzer.explain import Explanations


def bias_result() -> bias.BiasResult:
    frame = pd.DataFrame(
        {
            "sentiment": [1, 0] * 50,
            "kind": ["<b>tops</b>", "a|b"] * 25 + ["a|b", "$1$"] * 25,
            "age": range(100),
        }
    )
    settings = config.parse(
        {
            "dataset_type": "text/csv",
            "label": "sentiment",
            "predicted_label": "sentiment",
            "label_values_or_threshold": [1],
            # The same column twice: as it is, and some of its values together.
            "facet": [
                {"name_or_index": "kind"},
                {"name_or_index": "kind", "value_or_threshold": ["a|b", "$1$"]},
                {"name_or_index": "age", "value_or_threshold": [40]},
            ],
            "methods": {"pre_training_bias": {"methods": "all"}, "post_training_bias": {"methods": "all"}},
        }
    )
    return bias.analyze(settings, Dataset(frame, [], "sentiment"), frame["sentiment"])


def shap_result() -> shap_text.TextShapResult:
    chunk = shap_text.Chunk
    rows = [
        [
            shap_text.FeatureExplanation(
                "review",
                "<script> $ 1",
                [chunk("<script>", 0), chunk("$", 9)],
                np.array([[0.5, -0.5], [0.1, -0.1]]),
            )
        ],
        [shap_text.FeatureExplanation("review", "", [], np.zeros((0, 2)))],
    ]
    return shap_text.TextShapResult(rows, np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([0.3, 0.7]))


def test_page_is_one_file_that_shows_everything_and_runs_nothing() -> None:
    blocks = report.build("A & B", bias_result(), Explanations(["bad", "good"], {}, text=shap_result()))
    page = render.page("A & B", blocks)
    assert "<title>A &amp; B</title>" in page
    for heading in ("Pre-training Bias Metrics", "Post-training Bias Metrics", "SHAP", "Examples"):
        assert f">{heading}</h" in page
    assert "&lt;b&gt;tops&lt;/b&gt;" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert set(re.findall(r'src="(.{15})', page)) == {"data:image/png;"}
    assert not re.search(r"(href|url\(|@import)", page)
    # Two charts a facet before training, one after, and one a class.
    assert page.count("<img") == 3 * 2 + 3 * 1 + 2
    assert "class bad, score 0.900" in page


def test_in_the_notebook_html_of_a_name_is_only_text() -> None:
    """Jupyter renders HTML in Markdown; what is a picture or a table stays one."""
    blocks = report.build("A & B <i>", bias_result(), Explanations(["bad", "good"], {}, text=shap_result()))

    # The cells; nbformat, which makes a notebook of them, is in the container only.
    text = "\n".join(map(render._markdown, blocks))

    assert "&lt;b&gt;tops&lt;/b&gt;" in text
    assert not any(tag in text for tag in ("<b>", "<i>", "<script"))
    assert "](attachment:image.png)" in text
    assert "| --- |" in text


def test_tables_have_a_line_a_facet_value_and_every_metric() -> None:
    blocks = report.build("t", bias_result(), None)
    tables = [block for block in blocks if isinstance(block, render.Table)]
    assert [len(table.rows) for table in tables] == [3, 1, 1, 8, 3, 1, 1, 13]
    assert all(len(row) == len(table.header) for table in tables for row in table.rows)
    assert tables[0].header[:3] == ["kind", "rows", "CDDL"]
    assert tables[0].rows[0][:3] == [
        "<b>tops</b>",
        "25",
        "not computed: Group variable is empty or not provided",
    ]
    assert [row[1] for row in tables[1].rows] == ["75"]


def test_tables_of_features_and_partial_dependence_are_shown_class_by_class() -> None:
    values = np.random.default_rng(0).normal(size=(500, 2, 2))
    result = shap_tabular.TabularShapResult(["$age$", "kind"], values, np.zeros((500, 2)), np.zeros(2))
    section = {
        "kernel_shap": shap_tabular.global_explanations(result, ["no", "yes"], "mean_abs", ["$age$", "kind"]),
        "pdp": [
            {
                "feature_name": "$age$",
                "data_type": "numerical",
                "feature_values": [20.0, 40.0],
                "data_distribution": [0.4, 0.6],
                "model_predictions": [[0.1, 0.2], [0.9, 0.8]],
                "label_headers": ["no", "yes"],
            },
            {"feature_name": "review", "data_type": "free_text", "label_headers": [], "error": "No text."},
        ],
    }
    blocks = report.build("t", None, Explanations(["no", "yes"], section, tabular=result))
    pictures = [block.alternative for block in blocks if isinstance(block, render.Image)]
    assert len(pictures) == 2 * 2 + 1
    assert pictures[-1] == "Partial dependence on $age$"
    table = next(
        block for block in blocks if isinstance(block, render.Table) and block.header[0] == "feature"
    )
    assert [row[0] for row in table.rows] == ["$age$", "kind"]
    assert float(table.rows[0][1]) == pytest.approx(np.abs(values[:, 0, 0]).mean(), abs=1e-4)
    assert any(isinstance(block, render.Text) and block.text == "review: No text." for block in blocks)


@pytest.mark.parametrize("name", sorted({**metrics.PRE_TRAINING, **metrics.POST_TRAINING}))
def test_every_metric_is_explained(name: str) -> None:
    assert report.MEANINGS[name].endswith(".")
