"""The search: propose, train, score, until there are enough candidates or the time is up."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from automl.algorithms import ALGORITHMS
from automl.errors import ClientError
from automl.metrics import score
from automl.objectives import TUNING_NAMES
from automl.proposals import Proposer
from automl.training import train_candidate
from automl.workspace import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.models import Matrix
    from automl.processors import Processor
    from automl.proposals import Proposal
    from automl.settings import Settings
    from automl.training import Fold, Outcome
    from automl.workspace import Workspace
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

MAX_CANDIDATES = "MaxCandidatesReached"
MAX_RUNTIME = "MaxAutoMLJobRuntimeReached"


@dataclass(frozen=True)
class Prepared:
    """A fitted data processor with the data it made: `model` and `steps` as the events name them."""

    processor: Processor
    matrix: Matrix
    encoding: str
    model: str
    steps: list[dict[str, str]]


@dataclass
class Candidate:
    """A finished candidate and its out-of-fold probabilities."""

    name: str
    proposal: Proposal
    objective: float
    probabilities: NDArray[np.float64]
    files: Path = field(default_factory=Path)


class Search:
    """One job's search; `run` returns why it ended, `best` is the best candidate so far."""

    def __init__(
        self,
        settings: Settings,
        workspace: Workspace,
        prepared: dict[str, Prepared],
        ordinals: NDArray[np.int64],
        folds: Sequence[Fold],
        problem: tuple[str, str],
        deadline: float | None,
    ) -> None:
        """`problem` is (problem type, objective metric); `deadline` is in seconds of the monotonic clock."""
        self._settings = settings
        self._workspace = workspace
        self._prepared = prepared
        self._ordinals = ordinals
        self._folds = folds
        self._problem_type, self._objective = problem
        self._deadline = deadline
        self._proposer = Proposer(list(prepared), settings.algorithms, self._objective)
        self._held_out = np.concatenate([rows for _, rows in folds])
        self._models = workspace.scratch("candidates")
        self._last_failure = ""
        self.best: Candidate | None = None

    def run(self) -> str:
        """Train candidates; raises `ClientError` when none of them could be trained."""
        ended = MAX_CANDIDATES
        for number in range(1, self._settings.max_candidates + 1):
            if self._deadline is not None and time.monotonic() >= self._deadline:
                ended = MAX_RUNTIME
                break
            self._try(number)
        if self.best is None:
            if ended == MAX_RUNTIME or not self._last_failure:
                raise ClientError(
                    "MaxAutoMLJobRuntimeInSeconds was used up before any candidate was trained."
                )
            raise ClientError(f"No candidate could be trained; the last one ended so: {self._last_failure}")
        return ended

    def _try(self, number: int) -> None:
        name = self._workspace.candidate_name(number)
        proposal = self._proposer.propose()
        facts = self._facts(name, proposal)
        self._workspace.emit("candidate", status="InProgress", **facts)
        logger.info(
            "%s: %s on %s, %s", name, proposal.algorithm, proposal.processor, proposal.hyperparameters
        )
        directory = self._models / name
        outcome = train_candidate(
            ALGORITHMS[proposal.algorithm],
            proposal.hyperparameters,
            self._prepared[proposal.processor].matrix,
            self._ordinals,
            self._folds,
            directory,
            self._timeout(),
        )
        self._proposer.tell(proposal, self._record(name, proposal, outcome, facts, directory))

    def _timeout(self) -> float | None:
        limits = [self._settings.max_seconds_per_candidate]
        if self._deadline is not None:
            limits.append(max(0.0, self._deadline - time.monotonic()))
        return min((limit for limit in limits if limit is not None), default=None)

    def _facts(self, name: str, proposal: Proposal) -> dict[str, Any]:
        prepared = self._prepared[proposal.processor]
        algorithm = ALGORITHMS[proposal.algorithm]
        tuning = f"{self._settings.job_name[:10]}-{proposal.processor}-{algorithm.short_name}"
        return {
            "name": name,
            "algorithm": proposal.algorithm,
            "processor": proposal.processor,
            "hyperparameters": {**algorithm.static, **proposal.hyperparameters, "_kfold": len(self._folds)},
            "encoding": prepared.encoding,
            "processor_model": prepared.model,
            "steps": [*prepared.steps, {"kind": "TrainingJob", "name": name}],
            "model": f"tuning/{tuning}/{name}/output/model.tar.gz",
            "started": utc_now(),
        }

    def _record(
        self, name: str, proposal: Proposal, outcome: Outcome, facts: dict[str, Any], directory: Path
    ) -> float | None:
        """Tell of a finished candidate; returns its objective value, None when it has none."""
        if outcome.probabilities is None:
            self._last_failure = outcome.reason
            logger.warning("%s: %s", name, outcome.reason)
            self._workspace.emit("candidate", status=outcome.status, reason=outcome.reason, **facts)
            return None
        held_out = self._held_out
        measured = score(self._ordinals[held_out], outcome.probabilities[held_out], self._problem_type)
        value: float = measured[self._objective]
        logger.info("%s: %s=%.5f", name, TUNING_NAMES[self._objective], value)
        self._workspace.pack(directory, facts["model"])
        self._workspace.emit(
            "candidate",
            [facts["model"]],
            status="Completed",
            objective={
                "metric": self._objective,
                "tuning_metric": TUNING_NAMES[self._objective],
                "value": value,
            },
            metrics=measured,
            **facts,
        )
        if self.best is None or value > self.best.objective:
            self.best = Candidate(name, proposal, value, outcome.probabilities, directory)
        return value
