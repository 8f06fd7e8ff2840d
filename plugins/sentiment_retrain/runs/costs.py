"""What a run may cost at most, and what its jobs did cost, from on-demand list prices.

An estimate to decide by, not the bill: storage, requests, logs and data transfer are not in it (cents here).
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from sentiment_retrain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sentiment_retrain.settings import Settings
    from sentiment_retrain.settings.schema import Instances, Prices

SECONDS_PER_HOUR = 3600


def hourly_price(instance_type: str, prices: Prices) -> float:
    """US dollars an hour of one instance.

    :raises ConfigError: when prices.yaml does not have the instance type
    """
    if instance_type in prices.instance_hour:
        return prices.instance_hour[instance_type]
    known = difflib.get_close_matches(instance_type, prices.instance_hour, n=3) or list(prices.instance_hour)
    raise ConfigError(
        observed=f"no price for {instance_type}",
        expected=f"one of the priced instance types, e.g. {' or '.join(known[:3])}",
        remedy="Add its price to include/config/prices.yaml, or choose a priced instance type.",
    )


def cost_usd(seconds: float, instance_type: str, instance_count: int, prices: Prices) -> float:
    """US dollars of so many seconds on so many instances."""
    return seconds / SECONDS_PER_HOUR * instance_count * hourly_price(instance_type, prices)


def known_cost_usd(seconds: float, instance_type: str, instance_count: int, prices: Prices) -> float | None:
    """:func:`cost_usd`, None for machines without a price: an earlier configuration may have had one."""
    if instance_type not in prices.instance_hour:
        return None
    return cost_usd(seconds, instance_type, instance_count, prices)


def paid_and_shared(
    jobs: Iterable[Mapping[str, Any]], run_key: str
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The jobs that a run pays for, each once, and those that it only uses.

    A run pays for what it has started, also where a later try or another task of it finds the job done: the
    job's tags decide, not how the task came by it.

    :param jobs: each a ``job`` of docs/contracts.md section 2
    """
    paid: dict[tuple[str, str], Mapping[str, Any]] = {}
    shared: list[Mapping[str, Any]] = []
    for job in jobs:
        # A job that was handed on before owners were has none.
        is_own = job["owner"] == run_key if job.get("owner") else job.get("outcome") != "reused"
        identity = str(job.get("kind")), str(job.get("name"))
        if is_own and identity not in paid:
            paid[identity] = job
        else:
            shared.append(job)
    return list(paid.values()), shared


def bound_usd(instances: Instances, prices: Prices) -> float:
    """US dollars of a job that runs to its time limit, on the dearest type that it may fall back to."""
    types = (instances.instance_type, *instances.fallback_instance_types)
    seconds, count = instances.max_runtime_seconds, instances.instance_count
    return max(cost_usd(seconds, instance_type, count, prices) for instance_type in types)


def autopilot_bound_usd(settings: Settings) -> float:
    """US dollars of an AutoML job that runs all its candidates side by side to its time limit."""
    autopilot = settings.jobs.autopilot
    return cost_usd(
        autopilot.max_runtime_seconds, autopilot.instance_type, autopilot.max_candidates, settings.prices
    )


def step_bounds(settings: Settings, contenders: Sequence[str], has_champion: bool) -> dict[str, float]:
    """Upper bound in US dollars of every paid step that a run may start.

    SHAP jobs pay for the model's temporary endpoint beside themselves, on the live endpoint's machines.
    """
    jobs, prices = settings.jobs, settings.prices
    seconds, count = jobs.analysis.max_runtime_seconds, jobs.analysis.instance_count
    asked = cost_usd(seconds, settings.deployment.instance_type, count, prices)
    analysis, transform = bound_usd(jobs.analysis, prices), bound_usd(jobs.transform, prices)
    training = {
        "autopilot": autopilot_bound_usd(settings),
        "blazingtext": bound_usd(jobs.blazingtext, prices),
    }
    return {
        "analyze.bias": analysis,
        "analyze.shap": analysis + asked,
        **{f"train.{contender}": training[contender] for contender in contenders},
        **{f"evaluate.{contender}": transform for contender in contenders},
        **({"evaluate.champion": transform} if has_champion else {}),
        "explain.bias": analysis,
        "explain.shap": analysis + asked,
    }


def run_bound_usd(bounds: Mapping[str, float]) -> float:
    """Sum of the steps' bounds, in cents."""
    return round(sum(bounds.values()), 2)


def endpoint_usd_per_hour(settings: Settings) -> float:
    """US dollars an hour of the live endpoint, which runs on after the run."""
    deployment = settings.deployment
    return deployment.instance_count * hourly_price(deployment.instance_type, settings.prices)


def athena_usd(scanned_bytes: int, prices: Prices) -> float:
    """US dollars of one query."""
    return max(scanned_bytes, prices.athena_minimum_bytes) / 1e12 * prices.athena_terabyte
