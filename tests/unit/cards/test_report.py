"""The card: everything of a whole run, and something sensible of every broken one."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from sentiment_retrain import errors
from sentiment_retrain.cards import card_html, outcome, report
from sentiment_retrain.runs.run_outputs import PART_TASKS, RunOutputs

from .. import sample_cards, samples


def build(outputs: RunOutputs) -> dict[str, Any]:
    return report.build_card(
        outputs, run_key="20261122-x", run_id="manual__x", created_at="2026-11-22T16:00:00+00:00"
    )


def test_whole_run_has_what_the_readme_promises() -> None:
    card = build(sample_cards.whole_run())
    assert report.card_problems(card) == []
    assert (card["status"], card["failure"], card["missing"]) == ("success", None, {})
    assert card["run_key"] == "20261122-x"
    assert [card["data"][f"rows_{kind}"] for kind in ("received", "accepted", "refused")] == [130, 120, 10]
    for name in ("autopilot", "blazingtext"):
        test = card["contenders"][name]["test"]
        assert test["n"] == 200
        assert {"accuracy", "balanced_accuracy", "macro_f1", "confusion_matrix", "intervals"} <= set(test)
        assert card["contenders"][name]["job"]["name"] == f"train-{name}"
    assert card["verdict"]["winner"] == "autopilot"
    assert card["verdict"]["reason"]
    assert card["verdict"]["metric"] == "macro_f1"
    assert card["endpoint"]["status"] == "InService"
    assert len(card["endpoint"]["containers"]) == 3
    assert card["timings"] == {"plan": 1.5, "train.autopilot": 61.2, "report": 0.123}


def test_gates_are_in_the_order_of_the_dag_with_their_task() -> None:
    found = [(gate["gate"], gate["task"]) for gate in build(sample_cards.whole_run())["gates"]]
    assert found[:3] == [
        ("budget", "plan"),
        ("refused_rows", "ingest.land_reviews"),
        ("quality", "check.reviews"),
    ]
    assert found[-2:] == [("floor", "select_best"), ("golden", "deploy.verify")]


def test_reused_jobs_cost_nothing_again() -> None:
    card = build(sample_cards.whole_run())
    assert len(card["jobs"]) == 10
    assert card["cost"]["jobs_usd"] == pytest.approx(9 * 0.25)
    assert card["cost"]["saved_by_reuse_usd"] == 0.5
    assert "analyze.bias" not in card["cost"]["by_task"]


def test_a_job_of_this_run_that_a_later_try_found_done_is_on_the_bill() -> None:
    own, other = (
        {"job": samples.job(name, outcome="reused", cost_usd=0.5, owner=owner)}
        for name, owner in (("bias", "20261122-x"), ("shap", "another"))
    )
    card = build(sample_cards.whole_run(bias=own, shap=other))
    assert card["cost"]["by_task"]["analyze.bias"] == 0.5
    assert "analyze.shap" not in card["cost"]["by_task"]
    assert card["cost"]["jobs_usd"] == pytest.approx(7 * 0.25 + 0.5)
    assert card["cost"]["saved_by_reuse_usd"] == 0.5
    assert report.card_problems(card) == []


def test_another_runs_job_that_was_joined_on_its_way_is_that_runs_cost() -> None:
    joined = {"job": samples.job("bias", outcome="reconnected", cost_usd=0.5, owner="another")}
    card = build(sample_cards.whole_run(bias=joined))
    assert "analyze.bias" not in card["cost"]["by_task"]
    assert card["cost"]["saved_by_reuse_usd"] == 0.5


def test_a_job_that_two_tasks_of_the_run_use_is_paid_once() -> None:
    first, second = (
        {"job": samples.job("one", cost_usd=0.5, owner="20261122-x", outcome=outcome)}
        for outcome in ("submitted", "reused")
    )
    card = build(sample_cards.whole_run(bias=first, explain_bias=second))
    assert card["cost"]["by_task"]["analyze.bias"] == 0.5
    assert "explain.bias" not in card["cost"]["by_task"]
    assert card["cost"]["saved_by_reuse_usd"] == 0.5


def test_a_reference_model_trained_for_the_explanation_is_on_the_bill() -> None:
    card = build(sample_cards.whole_run())
    assert [job["name"] for job in card["jobs"] if job["task"] == "analyze.shap"] == ["reference", "shap"]
    assert card["cost"]["by_task"]["analyze.shap"] == pytest.approx(2 * 0.25)


def test_rolling_back_is_one_command() -> None:
    commands = {item["title"]: item["command"] for item in build(sample_cards.whole_run())["commands"]}
    assert commands["Roll back to what was live before"] == "make rollback"
    assert commands["The same on any Airflow"] == (
        """airflow dags trigger review_sentiment_retrain --conf '{"mode": "rollback"}'"""
    )


def test_a_rolled_back_deployment_is_the_endpoint_as_it_was() -> None:
    alarm = {
        "alarm": "sentiment-retrain-golden",
        "reason": "Threshold Crossed",
        "at": "2026-11-22T19:00:00+00:00",
    }
    left = {
        "endpoint_name": "sentiment-retrain",
        "endpoint_config_name": "config-before",
        "status": "InService",
        "outcome": "rolled_back",
        "rolled_back_by": [alarm],
    }
    failure = errors.DeploymentRolledBack("it went back", "the new one").as_dict() | {"result": left}
    outputs = sample_cards.whole_run(deployment=None, verification=None)
    card = build(dataclasses.replace(outputs, failures={"deploy.endpoint": failure}))
    assert (card["status"], card["failure"]["code"]) == ("failed", "SR-DEPLOY-002")
    assert card["endpoint"]["changed"] is False
    assert card["endpoint"]["rolled_back_by"] == [alarm]
    assert "sentiment-retrain-golden" in card_html.render_card(card)


def test_a_rollback_says_what_it_did_and_how_to_lift_the_pin() -> None:
    pin = {"model_name": "model-before", "pinned_at": "2026-11-22T19:00:00+00:00", "reason": "rolled back"}
    back = {
        "endpoint_name": "sentiment-retrain",
        "endpoint_config_name": "config-before",
        "previous_endpoint_config_name": "config-now",
        "status": "InService",
        "outcome": "rolled_back_by_request",
        "pin": pin,
        "said": "It went back and is pinned.",
    }
    outputs = sample_cards.whole_run(
        verdict=None, deployment=None, verification=None, approval=None, rollback=back
    )
    card = build(outputs)
    assert outcome.headline(card) == "Rolled back and pinned"
    assert card["endpoint"]["said"] == "It went back and is pinned."
    assert {"title": "Lift the pin", "command": "make rollback UNPIN=1"} in card["commands"]
    assert report.card_problems(card) == []
    assert "No run replaces it" in card_html.render_card(card)


def test_champion_that_stayed_is_the_endpoint() -> None:
    card = build(sample_cards.whole_run(deployment=None, verification=None))
    assert card["endpoint"]["changed"] is False
    assert card["endpoint"]["config"] == "config-before"
    assert len(card["endpoint"]["containers"]) == 3
    assert report.card_problems(card) == []


@pytest.mark.parametrize(
    "part", [part for part in PART_TASKS if part not in {"run", "rollback", "predictions"}]
)
def test_any_one_part_may_be_missing(part: str) -> None:
    card = build(sample_cards.whole_run(**{part: None}))
    assert report.card_problems(card) == []
    assert card["missing"][part] == f"{PART_TASKS[part]} did not run"


def test_nothing_at_all_is_still_a_card() -> None:
    card = build(RunOutputs())
    assert report.card_problems(card) == []
    assert card["endpoint"] is None
    assert set(PART_TASKS) - {"rollback", "predictions"} <= set(card["missing"])


def test_failed_run_says_which_error_came_first_and_shows_its_gates() -> None:
    failed_gate = samples.gate("refused_rows", "fail")
    error = errors.GateFailed([failed_gate])
    outputs = RunOutputs(
        parts={"run": sample_cards.whole_run().parts["run"]},
        failures={
            "prepare.datasets": errors.TooFewRows("3 rows", "500").as_dict(),
            "ingest.land_reviews": {
                **error.as_dict(),
                "gates": [failed_gate],
                "result": {"rows_received": 9, "rows_accepted": 4, "rows_refused": 5},
            },
        },
        states={"plan": "success", "ingest.land_reviews": "failed", "train.autopilot": "upstream_failed"},
    )
    card = build(outputs)
    assert report.card_problems(card) == []
    assert card["status"] == "failed"
    assert (card["failure"]["task"], card["failure"]["code"]) == ("ingest.land_reviews", "SR-GATE-001")
    assert card["data"]["rows_refused"] == 5
    assert [gate["status"] for gate in card["gates"]] == ["pass", "fail"]
    assert card["missing"]["contenders.autopilot"].endswith("an earlier task failed")
    assert card["commands"][0]["command"] == "make run"
    assert card["endpoint"]["changed"] is False


def test_gates_of_a_failed_task_are_not_shown_twice() -> None:
    gate = samples.gate("quality", "fail")
    failure = {**errors.GateFailed([gate]).as_dict(), "gates": [gate], "result": {"gates": [gate]}}
    card = build(RunOutputs(failures={"check.reviews": failure}))
    assert len(card["gates"]) == 1


def test_task_that_crashed_without_a_code_is_named() -> None:
    card = build(RunOutputs(states={"train.autopilot": "failed"}))
    assert report.card_problems(card) == []
    assert card["failure"]["task"] == "train.autopilot"
    assert card["failure"]["code"] is None


def test_card_is_strict_json() -> None:
    outputs = sample_cards.whole_run(registration={"score": float("nan"), "list": (1, float("inf"))})
    card = build(outputs)
    assert card["registration"] == {"score": None, "list": [1, None]}
    assert json.loads(json.dumps(card, allow_nan=False)) == card


def test_departures_from_the_schema_are_told() -> None:
    card = build(sample_cards.whole_run())
    card["status"] = "fine"
    del card["verdict"]["winner"]
    problems = report.card_problems(card)
    assert [problem.split(":")[0] for problem in problems] == ["$.status", "$.verdict"]
