"""A bias report on a sample: what it estimates, and that its intervals hold what they promise."""

from __future__ import annotations

import pytest

from sentiment_retrain.analysis import bias_sample
from sentiment_retrain.cards import card_html, report

from .. import sample_cards

# Positive and all reviews of some categories of the clothing reviews.
REVIEWS = {
    "Blouses": (2256, 2983),
    "Dresses": (4634, 6145),
    "Jeans": (909, 1104),
    "Layering": (113, 132),
    "Trend": (78, 118),
}


def population() -> list[tuple[str, bool]]:
    return [
        (name, index < positive) for name, (positive, number) in REVIEWS.items() for index in range(number)
    ]


def full(value: str) -> float:
    positive, number = REVIEWS[value]
    others = [counts for name, counts in REVIEWS.items() if name != value]
    return sum(p for p, _ in others) / sum(n for _, n in others) - positive / number


def test_a_sample_of_everything_is_the_full_report() -> None:
    strata = bias_sample.draw(population(), 10**6, seed=1)
    for value in REVIEWS:
        found = bias_sample.difference_of_proportions(strata, value, 0.95)
        assert found is not None
        assert found == pytest.approx((full(value),) * 3, abs=1e-12)


@pytest.mark.parametrize("size", [500, 5000])
def test_intervals_hold_the_full_figure_as_often_as_they_promise(size: int) -> None:
    rows = population()
    inside = dict.fromkeys(REVIEWS, 0)
    for seed in range(100):
        strata = bias_sample.draw(rows, size, seed)
        for value in REVIEWS:
            found = bias_sample.difference_of_proportions(strata, value, 0.9)
            assert found is not None
            assert found.low <= found.value <= found.high
            inside[value] += found.low <= full(value) <= found.high
    # Of 100 draws of an event of 0.9, fewer than 80 or all would be no chance.
    assert min(inside.values()) >= 80
    assert inside["Dresses"] < 100


def test_most_rows_drawn_leave_less_to_doubt() -> None:
    rows = population()
    widths = []
    for size in (500, 5000, 10_000):
        found = bias_sample.difference_of_proportions(bias_sample.draw(rows, size, 0), "Dresses", 0.95)
        assert found is not None
        widths.append(found.high - found.low)
    # Ten times the rows alone would give a third; of 10,482 rows 10,000 leave next to nothing unknown.
    assert widths[1] < widths[0] / 3
    assert widths[2] < widths[1] / 3


def test_rare_values_are_in_the_sample_and_sizes_keep_their_proportion() -> None:
    strata = bias_sample.draw(population(), 100, seed=0)
    assert {name: stratum.drawn for name, stratum in strata.items()} == {
        "Blouses": 28,
        "Dresses": 59,
        "Jeans": 11,
        "Layering": 10,
        "Trend": 10,
    }
    assert strata == bias_sample.draw(population(), 100, seed=0)
    assert strata != bias_sample.draw(population(), 100, seed=1)


def test_one_value_has_nobody_to_compare_with() -> None:
    strata = bias_sample.draw([("Knits", True)] * 10, 5, seed=0)
    assert bias_sample.difference_of_proportions(strata, "Knits", 0.95) is None


def test_the_card_shows_both_beside_each_other() -> None:
    lines = ["sentiment,product_category,review_length"]
    lines += [f"{1 if positive else -1},{name},short" for name, positive in population()]
    facets = {value: {"DPL": full(value), "CI": 0.5} for value in REVIEWS}
    found = bias_sample.beside_full(
        "\n".join(lines).encode(),
        facets,
        facet="product_category",
        label="sentiment",
        positive=1,
        size=2000,
        confidence=0.95,
        seed=42,
    )
    assert (found["metric"], found["rows"]) == ("DPL", len(population()))
    assert found["sample_rows"] == pytest.approx(2000, abs=3)
    assert set(found["facets"]) == set(REVIEWS)
    assert found["inside"] >= 4
    dresses = found["facets"]["Dresses"]
    assert dresses["full"] == full("Dresses")
    assert dresses["low"] < dresses["estimate"] < dresses["high"]
    assert dresses["rows"] == 6145


def test_the_page_says_where_the_sample_misleads() -> None:
    sampled = {
        "metric": "DPL",
        "rows": 10482,
        "sample_rows": 500,
        "confidence": 0.95,
        "inside": 1,
        "facets": {
            "Jeans": {"rows": 9, "sample_rows": 9, "estimate": 0.1, "low": 0.0, "high": 0.2, "full": 0.1},
            "<Trend>": {
                "rows": 118,
                "sample_rows": 10,
                "estimate": 0.3,
                "low": 0.2,
                "high": 0.4,
                "full": 0.1,
            },
        },
    }
    outputs = sample_cards.whole_run(bias={"analysis_uri": "s3://b/analysis.json", "sampled": sampled})
    card = report.build_card(outputs, run_key="k", run_id="r", created_at="2026-11-22T16:00:00+00:00")
    assert card["analysis"]["bias"]["sampled"] == sampled
    assert not report.card_problems(card)
    page = card_html.render_card(card)
    section = page.partition("The same from a sample of ")[2].partition("</details>")[0]
    assert "500 of 10,482 training rows" in section
    assert "of 1 of 2 categories" in section
    assert section.count("(outside)") == 1
    assert "&lt;Trend&gt;" in section
    assert "+0.200 to +0.400" in section


def test_a_category_that_is_a_code_with_zeros_before_it_is_compared() -> None:
    content = "sentiment,product_category\n" + "1,category 007\n0,category 012\n" * 40
    found = bias_sample.beside_full(
        content.encode(),
        {"007": {"DPL": -1.0}, "012": {"DPL": 1.0}},
        facet="product_category",
        label="sentiment",
        positive=1,
        size=80,
        confidence=0.95,
        seed=1,
    )
    assert {value: (entry["estimate"], entry["full"]) for value, entry in found["facets"].items()} == {
        "007": (-1.0, -1.0),
        "012": (1.0, 1.0),
    }
    assert found["inside"] == 2
