"""The endpoint's pure parts: what is asked for, what a canary's answer is worth, what may go."""

from __future__ import annotations

from typing import Any

import pytest

from sentiment_retrain import errors
from sentiment_retrain.aws import packages
from sentiment_retrain.endpoint import alarms, history, requests
from sentiment_retrain.endpoint.canary import batches_of, judge
from sentiment_retrain.endpoint.pruning import excess

from ..samples import settings


def lines(*labels: int) -> str:
    return "".join(f"{label},0.9,\"[0.05, 0.05, 0.9]\",\"['-1', '0', '1']\"\n" for label in labels)


def test_a_batch_of_golden_requests_and_test_rows_is_judged_apart() -> None:
    assert judge(lines(1, -1, 0, 1), [1, 1], [0, 1]) == (0.5, 1.0)
    assert judge(lines(1), [1], []) == (1.0, None)
    assert judge("<html>busy</html>", [1], [0, 1]) == (0.0, 0.0)
    assert judge(lines(1), [1], [0]) == (0.0, 0.0)  # a row is missing


@pytest.mark.parametrize("share", [0.05, 0.1, 0.25, 0.5])
def test_a_round_meets_a_canary_of_its_share(share: float) -> None:
    number = batches_of(share)
    assert number == 20 or 1 - (1 - share) ** number >= 0.95
    assert batches_of(1.0) == 1


def test_what_was_live_before_survives_an_update_that_was_rolled_back() -> None:
    after_good = {history.UPDATING_TAG: "a", history.PREVIOUS_TAG: "z"}
    assert history.previous_config(after_good, "b") == "a"
    after_rollback = {history.UPDATING_TAG: "b", history.PREVIOUS_TAG: "a"}
    assert history.previous_config(after_rollback, "b") == "a"
    assert history.previous_config({}, "b") is None


def test_pruning_keeps_the_newest_the_needed_and_what_they_serve() -> None:
    configs = [f"c{number}" for number in range(6)]
    found = excess(
        configs,
        [f"m{number}" for number in range(6)],
        models_of={f"c{number}": [f"m{number}"] for number in range(6)},
        needed_configs={"c1"},
        needed_models={"m2"},
        keep=2,
    )
    assert found == (["c0", "c2", "c3"], ["m0", "m3"])


def test_an_alarm_that_is_switched_off_is_not_made() -> None:
    names = [alarm["MetricName"] for alarm in alarms.requests(settings(), "d")]
    assert names == ["Invocation5XXErrors", "ModelLatency", "GoldenShareCorrect", "AgreementShare"]
    off: dict[str, Any] = {"maximum_error_share": None, "maximum_latency_ms": None, "quality": False}
    assert alarms.requests(settings(deployment={"alarms": off}), "d") == []


def test_serverless_is_asked_for_without_instances_and_without_steps() -> None:
    changed = settings(
        deployment={"serverless": {"memory_mb": 2048, "maximum_concurrency": 5}},
        defaults={"contenders": ["autopilot"]},
        jobs={"autopilot": {"mode": "ENSEMBLING"}},
    )
    rules = changed.deployment
    variant = requests.variant(rules, "v", "m")
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    assert "InstanceType" not in variant
    update = requests.update_request(rules, "e", "c", alarms=["a"], keep_count=False)
    assert update == {"EndpointName": "e", "EndpointConfigName": "c"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"serverless": {"memory_mb": 2048, "maximum_concurrency": 5}}, "one container only"),
        (
            {"serverless": {"memory_mb": 2048, "maximum_concurrency": 5}, "network_isolation": True},
            "without network_isolation",
        ),
        ({"bake_seconds": 1000}, "max_execution_seconds above the 2060 s"),
        ({"strategy": "linear", "canary_percent": 5}, "canary_percent of 10 to 50"),
        ({"keep": 1}, "greater than or equal to 2"),
    ],
)
def test_settings_that_aws_would_refuse_later_are_refused_at_once(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(errors.ConfigError, match=message):
        settings(deployment=changes)


def test_metadata_is_what_the_registry_takes() -> None:
    made = packages.as_metadata({"a": "it's ünusual; really", "b": None, "c": "x" * 300, "d": 7, "e": ""})
    assert made == {"a": "it_s ünusual_ really", "c": "x" * 256, "d": "7"}
