"""Training one candidate over all folds, in a child process that can be ended when its time is up."""

from __future__ import annotations

import multiprocessing
import tempfile
import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from automl.algorithms import SEED
from automl.errors import ClientError
from sklearn.model_selection import StratifiedKFold, train_test_split

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl.algorithms import Algorithm, Hyperparameters
    from automl.models import Matrix
    from numpy.typing import NDArray

    Fold = tuple[NDArray[np.int64], NDArray[np.int64]]

FOLDS = 5
# Above this many rows one split is precise enough, as Autopilot decides it too.
MOST_ROWS_FOR_FOLDS = 50_000


@dataclass(frozen=True)
class Outcome:
    """How training ended: Completed, Failed or Stopped. Probabilities are NaN for rows never held out."""

    status: str
    reason: str
    probabilities: NDArray[np.float64] | None = None


def fold_count(ordinals: NDArray[np.int64], validation_rows: int) -> int:
    """How many folds candidates are measured on; 1 is a single split."""
    if validation_rows or len(ordinals) > MOST_ROWS_FOR_FOLDS:
        return 1
    return max(1, min(FOLDS, int(np.bincount(ordinals).min())))


def stratified_folds(ordinals: NDArray[np.int64], count: int) -> list[Fold]:
    """`count` stratified folds, the same for the same rows in the same order."""
    splitter = StratifiedKFold(count, shuffle=True, random_state=SEED)
    return list(splitter.split(np.arange(len(ordinals)), ordinals))


def plan_folds(ordinals: NDArray[np.int64], validation_rows: int, validation_fraction: float) -> list[Fold]:
    """Which rows train and which are held out, as (rows, rows) a fold.

    With a validation channel its rows, the last `validation_rows`, are held out. Otherwise there are five
    stratified folds up to 50,000 rows and one stratified split above. Raises
    `ClientError` when a class is too rare for that.
    """
    everything = np.arange(len(ordinals))
    if validation_rows:
        first = len(ordinals) - validation_rows
        if missing := set(ordinals[first:]) - set(ordinals[:first]):
            raise ClientError(
                f"{len(missing)} class(es) of the validation channel never occur in the training channel."
            )
        return [(everything[:first], everything[first:])]
    rarest = int(np.bincount(ordinals).min())
    if rarest < 2:
        raise ClientError(
            "A class has a single row; each class needs at least two rows to be trained and tested."
        )
    if len(ordinals) > MOST_ROWS_FOR_FOLDS:
        train, held_out = train_test_split(
            everything, test_size=validation_fraction, stratify=ordinals, random_state=SEED
        )
        return [(train, held_out)]
    return stratified_folds(ordinals, fold_count(ordinals, 0))


def train_candidate(
    algorithm: Algorithm,
    hyperparameters: Hyperparameters,
    matrix: Matrix,
    ordinals: NDArray[np.int64],
    folds: Sequence[Fold],
    directory: Path,
    timeout: float | None,
) -> Outcome:
    """Train over all folds in a child process and leave the averaged model's files in `directory`.

    The child is a fork, so it shares the matrix and costs no start-up. It is ended after `timeout` seconds.
    """
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        fit = partial(fit_folds, algorithm, hyperparameters, matrix, ordinals, folds, directory)
        child = context.Process(target=_guarded, args=(fit, scratch), daemon=True)
        child.start()
        try:
            child.join(timeout)
        finally:
            if child.is_alive():
                child.kill()
            child.join()
        failure = scratch / "failure"
        if child.exitcode == 0:
            return Outcome("Completed", "", np.load(scratch / "probabilities.npy"))
        if failure.exists():
            return Outcome("Failed", f"AlgorithmError: {failure.read_text(encoding='utf-8')}")
        if child.exitcode is not None and child.exitcode < 0 and timeout is not None:
            return Outcome("Stopped", f"MaxRuntimeExceeded: not finished after {timeout:.0f} seconds")
        return Outcome(
            "Failed", f"AlgorithmError: the training process ended with exit code {child.exitcode}"
        )


def _guarded(fit: Callable[[], NDArray[np.float64]], scratch: Path) -> None:
    try:
        np.save(scratch / "probabilities.npy", fit())
    except Exception as error:
        traceback.print_exc()
        (scratch / "failure").write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
        raise SystemExit(1) from error


def fit_folds(
    algorithm: Algorithm,
    hyperparameters: Hyperparameters,
    matrix: Matrix,
    ordinals: NDArray[np.int64],
    folds: Sequence[Fold],
    directory: Path,
) -> NDArray[np.float64]:
    """Train on each fold and leave the averaged model's files in `directory`.

    Returns the probabilities of the held-out rows, of shape (rows, classes); NaN for rows never held out.
    """
    classes = int(ordinals.max()) + 1
    members = []
    probabilities = np.full((len(ordinals), classes), np.nan)
    for train, held_out in folds:
        member = algorithm.fit(matrix[train], ordinals[train], classes, hyperparameters)
        probabilities[held_out] = algorithm.average([member]).predict_proba(matrix[held_out])
        members.append(member)
    algorithm.average(members).save(directory)
    return probabilities
