"""Bounds and estimates in US dollars."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_retrain.errors import ConfigError
from sentiment_retrain.runs import costs

from .. import samples

SETTINGS = samples.settings()
PRICES = SETTINGS.prices


def test_an_hour_of_two_instances() -> None:
    assert costs.cost_usd(3600, "ml.m5.large", 2, PRICES) == pytest.approx(0.23)


@given(st.floats(0, 1e6), st.integers(1, 20))
def test_cost_grows_with_time_and_instances(seconds: float, count: int) -> None:
    one = costs.cost_usd(seconds, "ml.m5.large", 1, PRICES)
    assert costs.cost_usd(seconds, "ml.m5.large", count, PRICES) == pytest.approx(one * count)


def test_unknown_instance_type_names_priced_ones() -> None:
    with pytest.raises(ConfigError, match=r"ml\.m5\.large or ml\.m5\.4xlarge|ml\.m5\.\w+ or ml\.m5"):
        costs.hourly_price("ml.m5.huge", PRICES)


def test_everything_that_is_configured_has_a_price() -> None:
    assert costs.run_bound_usd(costs.step_bounds(SETTINGS, ["autopilot", "blazingtext"], True)) > 1
    assert costs.endpoint_usd_per_hour(SETTINGS) == pytest.approx(2 * 0.115)


def test_the_shipped_budget_is_enough_for_the_shipped_jobs() -> None:
    bounds = costs.step_bounds(SETTINGS, ["autopilot", "blazingtext"], True)
    assert costs.run_bound_usd(bounds) < SETTINGS.defaults.budget_usd


def test_only_what_runs_is_bounded() -> None:
    bounds = costs.step_bounds(SETTINGS, ["blazingtext"], False)
    assert "train.autopilot" not in bounds
    assert "evaluate.champion" not in bounds
    # An hour on the dearer fallback type.
    assert bounds["train.blazingtext"] == pytest.approx(0.408)
    # An hour of the model's temporary endpoint besides, on the live endpoint's type.
    assert bounds["analyze.shap"] == pytest.approx(bounds["analyze.bias"] + 0.115)


def test_autopilot_is_bounded_by_all_its_candidates_side_by_side() -> None:
    assert costs.autopilot_bound_usd(SETTINGS) == pytest.approx(2 * 0.922 * 3)


@pytest.mark.parametrize(("scanned", "usd"), [(0, 5.24288e-05), (10**12, 5.0)])
def test_a_query_is_billed_for_ten_megabytes_at_least(scanned: int, usd: float) -> None:
    assert costs.athena_usd(scanned, PRICES) == pytest.approx(usd)
