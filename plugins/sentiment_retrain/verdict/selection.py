"""Which model wins, whether it replaces what is live, and why: always in a sentence a person can read.

The rules, in order:

1. The contender with the best metric on the common test rows wins; within ``tie_margin`` the
   cheaper, then (costs within a cent being equal) the faster, then the first by name.
2. A winner below the floor is not deployed.
3. ``deploy: never``, backfills without ``deploy: force``, and runs on a pinned endpoint deploy nothing.
4. A champion that was trained on newer data stays, whatever was asked for; one that could not be scored
stays,
   unless forced.
5. The same model as the champion is not deployed again, unless forced.
6. Otherwise the winner replaces the champion only when it is better by ``minimum_improvement`` and, on the
   same rows, not by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sentiment_retrain.statistics.paired import compare
from sentiment_retrain.verdict import gates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sentiment_retrain.settings.gates import FloorGate
    from sentiment_retrain.settings.schema import Selection

Action = Literal["deploy", "keep_champion", "do_not_deploy"]
MODEL_NAMES = {"autopilot": "Autopilot", "blazingtext": "BlazingText", "champion": "Champion"}
#: Training costs that differ by less are equal: the same job's own times differ by more.
_CENT = 0.01
METRIC_NAMES = {"macro_f1": "macro F1", "balanced_accuracy": "balanced accuracy", "accuracy": "accuracy"}


@dataclass(frozen=True)
class Entrant:
    """A model that was scored on the common test rows.

    :param name: ``autopilot``, ``blazingtext`` or ``champion``
    :param test: its metrics, as :func:`sentiment_retrain.verdict.evaluation.evaluate` gives them
    :param predicted: its predicted sentiment of each test row, in the common order
    :param cost_usd: what training it cost; None when unknown
    :param latency_ms: measured time a review takes in the batch transform; None when unknown
    """

    name: str
    test: Mapping[str, Any]
    predicted: Sequence[int]
    model_name: str
    model_fingerprint: str
    cost_usd: float | None = None
    latency_ms: float | None = None


@dataclass(frozen=True)
class Circumstances:
    """What the run is: asked to deploy how, started how, trained on data until when (ISO dates).

    :param pin: what the endpoint is pinned to and why, in a sentence without its full stop; None: it is not
    """

    deploy: Literal["auto", "never", "force"]
    run_type: str
    data_until: str
    champion_data_until: str | None = None
    pin: str | None = None


def select(
    contenders: Sequence[Entrant],
    champion: Entrant | None,
    true_labels: Sequence[int],
    circumstances: Circumstances,
    rules: Selection,
    floor: FloorGate,
    evidence_uri: str | None = None,
) -> dict[str, Any]:
    """The verdict of docs/contracts.md section 2, without the parts that only the task knows.

    A failed floor gate is in ``gates``; the caller publishes the verdict, then raises.

    :param contenders: at least one
    :param champion: the live model, scored on the same rows; None when there is none
    :param true_labels: sentiment of each test row
    """
    ranked = rank(contenders, rules)
    winner = ranked[0]
    runner_up = ranked[1] if len(ranked) > 1 else None
    paired = {
        "runner_up": compare(true_labels, winner, runner_up, rules) if runner_up else None,
        "champion": compare(true_labels, winner, champion, rules) if champion else None,
    }
    metric = rules.metric
    floor_gate = gates.floor(
        metric, float(winner.test[metric]), float(winner.test["baseline"][metric]), floor, evidence_uri
    )
    action, because = _decide(winner, champion, paired["champion"], floor_gate, circumstances, rules)
    entrants = [*ranked, *([champion] if champion else [])]
    return {
        "winner": winner.name,
        "action": action,
        "reason": f"{_ranking_sentence(winner, runner_up, rules)} {because}",
        "metric": metric,
        "scores": {entrant.name: _score(entrant, metric) for entrant in entrants},
        "paired": paired,
        "floor": floor_gate.as_dict(),
        "model_name": winner.model_name,
        "model_fingerprint": winner.model_fingerprint,
        "gates": [floor_gate.as_dict()],
    }


def rank(contenders: Sequence[Entrant], rules: Selection) -> list[Entrant]:
    """Contenders, the best first; those within the tie margin of the best by cost, latency and name.

    :raises ValueError: when there is no contender
    """
    if not contenders:
        raise ValueError("there is no contender to select from")
    best = max(float(entrant.test[rules.metric]) for entrant in contenders)
    tied = [one for one in contenders if best - float(one.test[rules.metric]) <= rules.tie_margin]
    cheapest = min(_or_infinite(entrant.cost_usd) for entrant in tied)

    def place(entrant: Entrant) -> tuple[Any, ...]:
        value = float(entrant.test[rules.metric])
        if best - value > rules.tie_margin:
            return (1, -value, entrant.name)
        cost = _or_infinite(entrant.cost_usd)
        # Infinity minus infinity is no number.
        as_cheap = cost == cheapest or cost - cheapest <= _CENT
        return (0, 0.0 if as_cheap else cost, _or_infinite(entrant.latency_ms), entrant.name)

    return sorted(contenders, key=place)


def _decide(
    winner: Entrant,
    champion: Entrant | None,
    paired: Mapping[str, Any] | None,
    floor_gate: gates.Gate,
    circumstances: Circumstances,
    rules: Selection,
) -> tuple[Action, str]:
    """The action, and the sentence that explains it."""
    name = display_name(winner.name)
    if floor_gate.status == "fail":
        return (
            "do_not_deploy",
            f"It is not good enough to deploy: {floor_gate.observed}, {floor_gate.threshold}.",
        )
    if circumstances.deploy == "never":
        return "do_not_deploy", "Nothing is deployed, as this run was asked (deploy: never)."
    if circumstances.run_type == "backfill" and circumstances.deploy != "force":
        return "do_not_deploy", "Nothing is deployed: a backfill deploys only with deploy: force."
    if circumstances.pin:
        return "do_not_deploy", f"Nothing is deployed: {circumstances.pin}."
    newer = circumstances.champion_data_until
    if newer is not None and newer > circumstances.data_until:
        return (
            "keep_champion",
            f"The champion stays: it was trained on data until {newer}, {name} only until "
            f"{circumstances.data_until}.",
        )
    if champion is None and newer is None:
        return "deploy", "It goes live: there is no champion to beat yet."
    if circumstances.deploy == "force":
        return "deploy", "It replaces the champion, as this run was asked (deploy: force)."
    if champion is None or paired is None:
        return "keep_champion", "The champion stays: it could not be scored on the same reviews."
    if champion.model_fingerprint == winner.model_fingerprint:
        return "keep_champion", "The champion stays: the winner is the very model that is live."
    return _against_champion(paired, champion, rules)


def _against_champion(paired: Mapping[str, Any], champion: Entrant, rules: Selection) -> tuple[Action, str]:
    difference = float(paired["difference"])
    low, high = paired["interval"]
    value = float(champion.test[rules.metric])
    numbers = (
        f"{difference:+.3f} against the champion's {value:.3f}, {_confidence(rules)} interval of the "
        f"difference "
        f"on the same rows {low:+.3f} to {high:+.3f}, McNemar p {_p_value(paired['mcnemar_p'])}"
    )
    if difference < rules.minimum_improvement or difference <= 0:
        wanted = f", and at least {rules.minimum_improvement:+.3f} is asked for" if difference > 0 else ""
        return "keep_champion", f"The champion stays: the winner is not better ({numbers}{wanted})."
    if rules.require_significance and low <= 0:
        return "keep_champion", f"The champion stays: the winner's advantage may be chance ({numbers})."
    return "deploy", f"It replaces the champion: {numbers}."


def _ranking_sentence(winner: Entrant, runner_up: Entrant | None, rules: Selection) -> str:
    value, metric = float(winner.test[rules.metric]), METRIC_NAMES[rules.metric]
    low, high = winner.test["intervals"][rules.metric]
    scored = f"{metric} {value:.3f} ({_confidence(rules)} interval {low:.3f} to {high:.3f})"
    rows = f"{int(winner.test['n']):,} test reviews"
    name = display_name(winner.name)
    if runner_up is None:
        return f"{name} is the only contender, with {scored} on {rows}."
    other, other_name = float(runner_up.test[rules.metric]), display_name(runner_up.name)
    if abs(value - other) <= rules.tie_margin:
        return (
            f"{name} and {other_name} are tied at {metric} {value:.3f} and {other:.3f} on the same {rows}; "
            f"{name} wins {_tie_reason(winner, runner_up)}."
        )
    return f"{name} wins with {scored} against {other:.3f} of {other_name} on the same {rows}."


def _tie_reason(winner: Entrant, other: Entrant) -> str:
    if _or_infinite(winner.cost_usd) + _CENT < _or_infinite(other.cost_usd):
        return "because training it costs less"
    if _or_infinite(winner.latency_ms) < _or_infinite(other.latency_ms):
        return "because it answers faster"
    return "by name"


def display_name(name: str | None) -> str:
    """What a model is called in sentences and on the card."""
    return MODEL_NAMES.get(name or "", name or "nobody")


def _score(entrant: Entrant, metric: str) -> dict[str, Any]:
    return {
        "value": float(entrant.test[metric]),
        "interval": entrant.test["intervals"][metric],
        "cost_usd": entrant.cost_usd,
        "latency_ms": entrant.latency_ms,
        "model_fingerprint": entrant.model_fingerprint,
    }


def _confidence(rules: Selection) -> str:
    return gates.percent(rules.confidence)


def _p_value(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _or_infinite(value: float | None) -> float:
    return float("inf") if value is None else value
