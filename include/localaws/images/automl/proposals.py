"""Which candidate to try next: known good ones first, then Bayesian search (optuna's TPE)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl.algorithms import ALGORITHMS, BALANCE, SEED
from automl.objectives import CLASSES_WEIGH_EQUALLY

if TYPE_CHECKING:
    from collections.abc import Sequence

    import optuna
    from automl.algorithms import Hyperparameters, Range

XGBOOST_START = {
    "num_round": 100,
    "max_depth": 6,
    "eta": 0.18,
    "gamma": 1e-6,
    "min_child_weight": 1.0,
    "subsample": 0.8,
    "colsample_bytree": 0.3,
    "lambda": 1.0,
    "alpha": 1e-6,
}
MLP_START = {"layers": 16, "learning_rate": 3e-3, "weight_decay": 1e-1, "epochs": 6}
# (data processor, algorithm, hyperparameters): strong and different, so that three already are a choice.
WARM_STARTS: tuple[tuple[str, str, Hyperparameters], ...] = (
    ("dpp0", "linear-learner", {"wd": 1.5e-4}),
    ("dpp2", "xgboost", XGBOOST_START),
    ("dpp0", "mlp", MLP_START),
    ("dpp3", "linear-learner", {"wd": 2e-4}),
    ("dpp1", "xgboost", XGBOOST_START),
    ("dpp1", "linear-learner", {"wd": 1e-3}),
)


@dataclass(frozen=True)
class Proposal:
    """A candidate to train."""

    processor: str
    algorithm: str
    hyperparameters: Hyperparameters


def warm_starts(processors: Sequence[str], algorithms: Sequence[str], objective: str) -> list[Proposal]:
    """The known good candidates among those allowed; one without its data processor takes the first.

    Classes weigh equally when they do in the objective metric.
    """
    balance = float(objective in CLASSES_WEIGH_EQUALLY)
    wanted = [
        Proposal(
            processor if processor in processors else processors[0],
            algorithm,
            {**hyperparameters, BALANCE: balance},
        )
        for processor, algorithm, hyperparameters in WARM_STARTS
        if algorithm in algorithms
    ]
    return [proposal for position, proposal in enumerate(wanted) if proposal not in wanted[:position]]


def needed_processors(
    processors: Sequence[str], algorithms: Sequence[str], objective: str, max_candidates: int
) -> list[str]:
    """The data processors that this many candidates can use, so that no other is fitted."""
    first = warm_starts(processors, algorithms, objective)
    if max_candidates > len(first):
        return list(processors)
    used = {proposal.processor for proposal in first[:max_candidates]}
    return [name for name in processors if name in used]


class Proposer:
    """Proposes candidates and learns from their objective values."""

    def __init__(self, processors: Sequence[str], algorithms: Sequence[str], objective: str) -> None:
        """Take the data processors and algorithms allowed, whose order does not matter, and the metric."""
        self._definitions = [
            f"{processor}/{algorithm}" for processor in processors for algorithm in algorithms
        ]
        self._warm = warm_starts(processors, algorithms, objective)
        self._study: optuna.Study | None = None
        self._told: list[tuple[Proposal, float]] = []
        self._open: optuna.trial.Trial | None = None

    def propose(self) -> Proposal:
        """The next candidate."""
        if self._warm:
            return self._warm.pop(0)
        self._open = self._started_study().ask()
        processor, algorithm = self._open.suggest_categorical("definition", self._definitions).split("/")
        drawn: Hyperparameters = {}
        for name, limits in ALGORITHMS[algorithm].ranges.items():
            drawn[name] = _draw(self._open, f"{algorithm}.{name}", limits)
        return Proposal(processor, algorithm, drawn)

    def tell(self, proposal: Proposal, value: float | None) -> None:
        """Report the objective (larger is better) of the proposal; None when it failed."""
        if self._open is not None and self._study is not None:
            import optuna

            state = optuna.trial.TrialState.FAIL if value is None else None
            self._study.tell(self._open, value, state=state)
            self._open = None
        elif value is not None:
            self._told.append((proposal, value))

    def _started_study(self) -> optuna.Study:
        """The study, made at the first need (importing optuna takes longer than many a candidate)."""
        if self._study is None:
            import optuna

            optuna.logging.set_verbosity(optuna.logging.WARNING)
            sampler = optuna.samplers.TPESampler(seed=SEED, n_startup_trials=5)
            self._study = optuna.create_study(direction="maximize", sampler=sampler)
            for proposal, value in self._told:
                self._study.add_trial(self._finished_trial(proposal, value))
        return self._study

    def _finished_trial(self, proposal: Proposal, value: float) -> optuna.trial.FrozenTrial:
        import optuna

        distributions: dict[str, optuna.distributions.BaseDistribution] = {
            "definition": optuna.distributions.CategoricalDistribution(self._definitions)
        }
        parameters: dict[str, object] = {"definition": f"{proposal.processor}/{proposal.algorithm}"}
        for name, limits in ALGORITHMS[proposal.algorithm].ranges.items():
            distributions[f"{proposal.algorithm}.{name}"] = _distribution(limits)
            parameters[f"{proposal.algorithm}.{name}"] = proposal.hyperparameters[name]
        return optuna.trial.create_trial(params=parameters, distributions=distributions, value=value)


def _draw(trial: optuna.trial.Trial, name: str, limits: Range) -> float:
    if limits.integer:
        return trial.suggest_int(name, int(limits.low), int(limits.high), log=limits.logarithmic)
    return trial.suggest_float(name, limits.low, limits.high, log=limits.logarithmic)


def _distribution(limits: Range) -> optuna.distributions.BaseDistribution:
    import optuna

    if limits.integer:
        return optuna.distributions.IntDistribution(int(limits.low), int(limits.high), log=limits.logarithmic)
    return optuna.distributions.FloatDistribution(limits.low, limits.high, log=limits.logarithmic)
