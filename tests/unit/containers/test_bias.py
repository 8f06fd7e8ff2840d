"""Bias reports of tables, compared with what real Clarify jobs printed on the same counts."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import bias, columns, config, counting, facet_counts
from analyzer.dataset import Dataset

# Category, positive, neutral and negative reviews; then CI, DPL, KL, JS and LP as Clarify gave them for the
# 22,626 women's clothing reviews (TVD and KS are |DPL|).
REVIEWS = """
Blouses 2256 384 343 0.736321 0.016356 0.000737149 0.000185746 0.023131
Dresses 4634 830 681 0.456820 0.022482 0.00139248 0.000351915 0.031795
Fine_gauge 837 118 104 0.906391 -0.020859 0.0012827 0.000316982 0.029500
Intimates 117 16 14 0.987006 -0.025599 0.00195851 0.000482527 0.036203
Jackets 550 61 72 0.939627 -0.035868 0.00392837 0.000961376 0.050725
Jeans 909 110 85 0.902413 -0.055597 0.00987462 0.00238167 0.078626
Knits 3523 605 498 0.591090 0.011213 0.00035002 8.79905e-05 0.015857
Layering 113 9 10 0.988332 -0.086077 0.0262257 0.00613774 0.121732
Legwear 126 16 16 0.986034 -0.027173 0.00221467 0.000545089 0.038428
Lounge 545 78 46 0.940864 -0.045509 0.00647416 0.00157346 0.064360
Outerwear 254 29 36 0.971802 -0.026121 0.00204025 0.000502509 0.036941
Pants 1074 154 122 0.880668 -0.026661 0.00211921 0.000521844 0.037704
Shorts 240 39 25 0.973128 -0.019247 0.00109071 0.000269785 0.027219
Skirts 714 104 85 0.920180 -0.021053 0.00130776 0.000323132 0.029773
Sleep 175 16 23 0.981084 -0.047723 0.00718537 0.00174302 0.067491
Sweaters 1036 193 151 0.878016 0.021044 0.00120663 0.000304656 0.029761
Swim 252 42 38 0.970653 0.011620 0.000373262 9.38434e-05 0.016433
Trend 78 19 21 0.989570 0.110042 0.0288758 0.0074804 0.155623
"""


def reviews() -> tuple[pd.DataFrame, dict[str, list[float]]]:
    rows = [line.split() for line in REVIEWS.split("\n") if line]
    counts = {row[0]: [int(cell) for cell in row[1:4]] for row in rows}
    expected = {row[0]: [float(cell) for cell in row[4:]] for row in rows}
    frame = pd.DataFrame(
        itertools.chain.from_iterable(
            [(label, name)] * number
            for name, numbers in counts.items()
            for label, number in zip((1, 0, -1), numbers, strict=True)
        ),
        columns=["sentiment", "product_category"],
    )
    return frame, expected


def configuration(**changes: Any) -> config.AnalysisConfig:
    return config.parse(
        {
            "dataset_type": "text/csv",
            "headers": ["sentiment", "product_category"],
            "label": "sentiment",
            "label_values_or_threshold": [1],
            "facet": [{"name_or_index": "product_category"}],
            "methods": {"pre_training_bias": {"methods": "all"}},
        }
        | changes
    )


def values(entries: Any) -> dict[str, Any]:
    return {entry["name"]: entry["value"] for entry in entries}


def test_report_prints_what_clarify_printed_for_the_clothing_reviews() -> None:
    frame, expected = reviews()
    section = bias.analyze(configuration(), Dataset(frame, [], "sentiment")).sections
    assert list(section) == ["pre_training_bias_metrics"]
    section = section["pre_training_bias_metrics"]
    assert (section["label"], section["label_value_or_threshold"]) == ("sentiment", "1")
    facets = section["facets"]["product_category"]
    assert [facet["value_or_threshold"] for facet in facets] == list(expected)
    for facet in facets:
        assert [entry["name"] for entry in facet["metrics"]] == [
            "CDDL",
            "CI",
            "DPL",
            "JS",
            "KL",
            "KS",
            "LP",
            "TVD",
        ]
        found = values(facet["metrics"])
        ci, dpl, kl, js, lp = expected[facet["value_or_threshold"]]
        assert found["CI"] == pytest.approx(ci, abs=5.1e-7)
        assert found["DPL"] == pytest.approx(dpl, abs=5.1e-7)
        assert found["KL"] == pytest.approx(kl, rel=5e-6)
        assert found["JS"] == pytest.approx(js, rel=5e-6)
        assert found["LP"] == pytest.approx(lp, abs=5.1e-7)
    assert values(facets[0]["metrics"]) == pytest.approx(
        {
            "CDDL": None,
            "CI": 0.7363210465835764,
            "DPL": 0.016356035010386294,
            "JS": 0.0001857462105914415,
            "KL": 0.0007371490169003833,
            "KS": 0.016356035010386294,
            "LP": 0.023130926538337464,
            "TVD": 0.016356035010386294,
        },
        abs=1e-12,
    )
    assert facets[0]["metrics"][0] == {
        "name": "CDDL",
        "description": "Conditional Demographic Disparity in Labels (CDDL)",
        "value": None,
        "error": "Group variable is empty or not provided",
    }


def fraud_rows() -> pd.DataFrame:
    rows = [(0, 0)] * 2707 + [(1, 0)] * 89 + [(0, 1)] * 1187 + [(1, 1)] * 17
    return pd.DataFrame(rows, columns=["fraud", "customer_gender_female"])


def fraud_configuration(**changes: Any) -> config.AnalysisConfig:
    return configuration(
        headers=["fraud", "customer_gender_female"],
        label="fraud",
        label_values_or_threshold=[0],
        facet=[{"name_or_index": "customer_gender_female", "value_or_threshold": [1]}],
        methods={"pre_training_bias": {"methods": "all"}, "post_training_bias": {"methods": "all"}},
        predicted_label="predicted",
        **changes,
    )


def test_post_training_report_has_the_shape_of_a_real_one() -> None:
    frame = fraud_rows()
    sections = bias.analyze(
        fraud_configuration(), Dataset(frame, [], "fraud"), pd.Series(["0"] * len(frame))
    ).sections
    assert list(sections) == ["post_training_bias_metrics", "pre_training_bias_metrics"]
    section = sections["post_training_bias_metrics"]
    assert section["label_value_or_threshold"] == "0"
    (facet,) = section["facets"]["customer_gender_female"]
    assert facet["value_or_threshold"] == "1"
    names = ["AD", "CDDPL", "DAR", "DCA", "DCR", "DI", "DPPL", "DRR", "FT", "GE", "RD", "SD", "TE"]
    assert [entry["name"] for entry in facet["metrics"]] == names
    found = values(facet["metrics"])
    assert found["AD"] == pytest.approx(-0.017711586081682884, abs=1e-12)
    assert found["DCR"] == 0
    flip_test = facet["metrics"][names.index("FT")]
    assert flip_test["value"] is None
    assert "Found array with 0 feature(s)" in flip_test["error"]


def test_infinity_is_written_as_text() -> None:
    frame = fraud_rows()
    predicted = pd.Series(np.where(frame["customer_gender_female"] == 1, 0, 1))
    facet = bias.analyze(fraud_configuration(), Dataset(frame, [], "fraud"), predicted).sections[
        "post_training_bias_metrics"
    ]["facets"]["customer_gender_female"][0]
    found = values(facet["metrics"])
    assert found["DI"] == "Infinity"
    assert found["DCR"] == "Infinity"
    assert found["TE"] == "-Infinity"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("xyz"), st.sampled_from("gh"), st.booleans(), st.booleans()), min_size=1
    )
)
def test_one_pass_counts_equal_a_filter_per_value(rows: Any) -> None:
    frame = pd.DataFrame(rows, columns=["facet", "group", "observed", "predicted"])
    truth = columns.OneOf((True,), "True")
    with counting.of_frame(frame, list(map(str, frame))) as relation:
        table, _ = bias.tabulate(relation, "facet", None, ("observed", truth), ("predicted", truth), "group")
    assert [name for name, _ in table.values] == list(dict.fromkeys(frame["facet"]))
    for name, codes in table.values:
        counts = table.counts(codes)
        for side, part in (
            (counts.sensitive, frame[frame["facet"] == name]),
            (counts.others, frame[frame["facet"] != name]),
        ):
            assert facet_counts.Side.from_table(side.sum(axis=0)) == facet_counts.Side(
                true_positive=int((part["observed"] & part["predicted"]).sum()),
                false_positive=int((~part["observed"] & part["predicted"]).sum()),
                true_negative=int((~part["observed"] & ~part["predicted"]).sum()),
                false_negative=int((part["observed"] & ~part["predicted"]).sum()),
            )
            assert sorted(side[1:].sum(axis=(1, 2))) == sorted(
                (part["group"] == group).sum() for group in frame["group"].unique()
            )


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ([1.0, 2.0] * 100, None, True),
        ([1, 2] * 100, None, False),
        (list(range(200)), None, True),
        (list(map(str, range(200))), None, True),
        ([*map(str, range(199)), None], None, False),
        (list(range(200)), [1, 2], False),
        (["a", "b"], None, False),
        ([1, 0, -1], [1], True),
        ([True, False], [1], False),
    ],
)
def test_measure_or_categories(column: Any, values: Any, expected: Any) -> None:
    frame = pd.DataFrame({"c": column})
    with counting.of_frame(frame, ["c"]) as rows:
        assert columns.is_measure(rows.profile("c"), values) is expected


def test_threshold_facets_and_values_taken_together() -> None:
    frame = pd.DataFrame({"sentiment": [1, 0] * 50, "age": range(100), "size": ["S", "M", "L", "XL"] * 25})
    result = bias.analyze(
        configuration(
            headers=list(frame),
            facet=[
                {"name_or_index": "age", "value_or_threshold": [40]},
                {"name_or_index": 2, "value_or_threshold": ["L", "XL"]},
            ],
        ),
        Dataset(frame, [], "sentiment"),
    )
    facets = result.sections["pre_training_bias_metrics"]["facets"]
    assert facets["age"][0]["value_or_threshold"] == "(40, 99]"
    assert values(facets["age"][0]["metrics"])["CI"] == pytest.approx((41 - 59) / 100)
    assert facets["size"][0]["value_or_threshold"] == "L,XL"
    assert values(facets["size"][0]["metrics"])["CI"] == 0


def test_quoted_label_values_and_missing_labels() -> None:
    frame = pd.DataFrame({"sentiment": [1.0, 0.0, None] * 40, "product_category": ["x", "y", "x"] * 40})
    section = bias.analyze(
        configuration(label_values_or_threshold=["1"]), Dataset(frame, [], "sentiment")
    ).sections["pre_training_bias_metrics"]
    assert section["label_value_or_threshold"] == "1"
    assert values(section["facets"]["product_category"][0]["metrics"])["DPL"] == -1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"facet": [{"name_or_index": "colour"}]}, "Unable to locate the facet. 'colour' is not among"),
        ({"label_values_or_threshold": ["good"]}, r"Could not convert string to float. \['good'\]"),
        ({"group_variable": "season"}, "Unable to locate the group variable. 'season'"),
    ],
)
def test_report_refuses_what_the_data_cannot_answer(changes: Any, message: str) -> None:
    frame, _ = reviews()
    with pytest.raises(config.AnalyzerError, match=message):
        bias.analyze(configuration(**changes), Dataset(frame, [], "sentiment"))


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        (0.5, "Predicted Label Column series data type is not the same as Label Column series."),
        ("fine", "Positive Predicted Index Series contains all False values."),
        ("1", "Positive Predicted Index Series contains all False values."),
    ],
)
def test_report_refuses_predictions_that_cannot_be_compared(predicted: Any, message: str) -> None:
    frame = fraud_rows()
    with pytest.raises(config.AnalyzerError, match=message):
        bias.analyze(fraud_configuration(), Dataset(frame, [], "fraud"), pd.Series([predicted] * len(frame)))
