"""Who wins, what is done about it, and whether the reason says so."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from sentiment_retrain.verdict import evaluation, selection

from .. import samples

SETTINGS = samples.settings()
RULES = SETTINGS.selection.model_copy(update={"bootstrap_samples": 400})
FLOOR = SETTINGS.gates.floor
TRUE = [-1, 0, 1, 1] * 200


def entrant(name: str, share_right: float, seed: int = 1, **changes: Any) -> selection.Entrant:
    predicted = samples.mistaken(TRUE, share_right, seed)
    test = evaluation.evaluate(TRUE, samples.predictions(predicted), bootstrap_samples=200)
    values = {"model_name": f"model-{name}", "model_fingerprint": f"fingerprint-{name}", **changes}
    return selection.Entrant(name, test, predicted, **values)


GOOD, FAIR, POOR = entrant("autopilot", 0.85), entrant("blazingtext", 0.75, 2), entrant("blazingtext", 0.2, 3)


def select(
    *contenders: selection.Entrant,
    champion: selection.Entrant | None = None,
    deploy: Literal["auto", "never", "force"] = "auto",
    run_type: str = "manual",
    champion_data_until: str | None = None,
    **rules: Any,
) -> dict[str, Any]:
    if champion is not None and champion_data_until is None:
        champion_data_until = "2026-11-01"
    circumstances = selection.Circumstances(deploy, run_type, "2026-11-22", champion_data_until)
    return selection.select(
        contenders, champion, TRUE, circumstances, RULES.model_copy(update=rules), FLOOR, "s3://verdict"
    )


def test_better_contender_wins_and_goes_live_where_nothing_is() -> None:
    verdict = select(FAIR, GOOD)
    assert (verdict["winner"], verdict["action"]) == ("autopilot", "deploy")
    assert verdict["reason"].startswith("Autopilot wins with macro F1 0.8")
    assert "no champion to beat yet" in verdict["reason"]
    assert verdict["paired"]["champion"] is None
    assert verdict["paired"]["runner_up"]["against"] == "blazingtext"
    assert set(verdict["scores"]) == {"autopilot", "blazingtext"}
    assert verdict["model_fingerprint"] == "fingerprint-autopilot"


def test_a_clearly_better_winner_replaces_the_champion() -> None:
    verdict = select(GOOD, champion=entrant("champion", 0.6, 7))
    assert verdict["action"] == "deploy"
    assert "It replaces the champion: +0." in verdict["reason"]
    assert "champion" in verdict["scores"]


def test_an_advantage_that_may_be_chance_does_not() -> None:
    champion = entrant("champion", 0.845, 9)
    assert GOOD.test["macro_f1"] > champion.test["macro_f1"]
    verdict = select(GOOD, champion=champion)
    assert verdict["action"] == "keep_champion"
    assert "may be chance" in verdict["reason"]
    assert select(GOOD, champion=champion, require_significance=False)["action"] == "deploy"


def test_a_worse_winner_does_not() -> None:
    verdict = select(FAIR, champion=GOOD)
    assert verdict["action"] == "keep_champion"
    assert "not better (-0." in verdict["reason"]


def test_an_advantage_below_the_margin_does_not() -> None:
    verdict = select(GOOD, champion=entrant("champion", 0.6, 7), minimum_improvement=0.9)
    assert verdict["action"] == "keep_champion"
    assert "+0.900 is asked for" in verdict["reason"]


def test_the_same_model_is_not_deployed_again_unless_forced() -> None:
    champion = entrant("champion", 0.85, model_fingerprint="fingerprint-autopilot")
    verdict = select(GOOD, champion=champion)
    assert verdict["action"] == "keep_champion"
    assert "the very model that is live" in verdict["reason"]
    assert select(GOOD, champion=champion, deploy="force")["action"] == "deploy"


@pytest.mark.parametrize("deploy", ["auto", "force"])
def test_a_champion_of_newer_data_always_stays(deploy: Literal["auto", "force"]) -> None:
    verdict = select(
        GOOD, champion=entrant("champion", 0.5, 7), deploy=deploy, champion_data_until="2026-11-23"
    )
    assert verdict["action"] == "keep_champion"
    assert "until 2026-11-23" in verdict["reason"]


def test_a_champion_that_could_not_be_scored_stays_unless_forced() -> None:
    verdict = select(GOOD, champion_data_until="2026-11-01")
    assert verdict["action"] == "keep_champion"
    assert "could not be scored" in verdict["reason"]
    assert select(GOOD, champion_data_until="2026-11-01", deploy="force")["action"] == "deploy"


def test_force_deploys_what_is_worse() -> None:
    assert select(FAIR, champion=GOOD, deploy="force")["action"] == "deploy"


def test_never_deploys_nothing() -> None:
    verdict = select(GOOD, deploy="never")
    assert (verdict["winner"], verdict["action"]) == ("autopilot", "do_not_deploy")


@pytest.mark.parametrize(("deploy", "action"), [("auto", "do_not_deploy"), ("force", "deploy")])
def test_backfills_deploy_only_by_force(deploy: Literal["auto", "force"], action: str) -> None:
    assert select(GOOD, run_type="backfill", deploy=deploy)["action"] == action


@pytest.mark.parametrize("deploy", ["auto", "force"])
def test_a_winner_below_the_floor_is_never_deployed(deploy: Literal["auto", "force"]) -> None:
    verdict = select(POOR, deploy=deploy)
    assert verdict["action"] == "do_not_deploy"
    assert [gate["status"] for gate in verdict["gates"]] == ["fail"]
    assert "not good enough" in verdict["reason"]
    assert verdict["floor"]["evidence_uri"] == "s3://verdict"


@pytest.mark.parametrize(
    ("autopilot", "blazingtext", "winner", "why"),
    [
        ({"cost_usd": 2.0}, {"cost_usd": 0.1}, "blazingtext", "costs less"),
        ({"cost_usd": 0.1}, {"cost_usd": None}, "autopilot", "costs less"),
        (
            {"cost_usd": 0.101, "latency_ms": 9.0},
            {"cost_usd": 0.109, "latency_ms": 3.0},
            "blazingtext",
            "answers faster",
        ),
        ({"latency_ms": 9.0}, {"latency_ms": 3.0}, "blazingtext", "answers faster"),
        ({}, {}, "autopilot", "by name"),
    ],
)
def test_ties_are_broken_by_cost_then_latency_then_name(
    autopilot: dict[str, Any], blazingtext: dict[str, Any], winner: str, why: str
) -> None:
    verdict = select(entrant("blazingtext", 0.8, 5, **blazingtext), entrant("autopilot", 0.8, 5, **autopilot))
    assert verdict["winner"] == winner
    assert "are tied" in verdict["reason"]
    assert why in verdict["reason"]


def test_a_tie_is_only_within_the_margin() -> None:
    cheap, good = entrant("blazingtext", 0.75, 2, cost_usd=0.0), entrant("autopilot", 0.85, cost_usd=99.0)
    assert select(cheap, good)["winner"] == "autopilot"
    assert select(cheap, good, tie_margin=0.5)["winner"] == "blazingtext"


def test_order_of_the_contenders_does_not_matter() -> None:
    assert select(GOOD, FAIR) == select(FAIR, GOOD)


def test_no_contender_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="no contender"):
        select()
