"""Everything of an AutoML job after the data is read: analysis, feature engineering, tuning, reports."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from automl import reading, reports, training
from automl.algorithms import ALGORITHMS
from automl.analysis import analyze
from automl.labels import LabelEncoder
from automl.models import BoosterAverage, NetworkAverage
from automl.preparation import prepare, write_split
from automl.proposals import needed_processors
from automl.quality import Predictions, model_quality
from automl.search import Search

if TYPE_CHECKING:
    from automl.analysis import Analysis
    from automl.intake import Intake
    from automl.processors import Processor
    from automl.search import Candidate
    from automl.settings import Settings
    from automl.training import Fold
    from automl.workspace import Workspace
    from numpy.typing import NDArray

logger = logging.getLogger("automl")


def run(intake: Intake, settings: Settings, workspace: Workspace, deadline: float | None) -> None:
    """Do the job; `deadline` is in seconds of the monotonic clock.

    Raises `ClientError` when the data or the time does not allow a single candidate.
    """
    table, fraction = intake.table, settings.validation_fraction
    ordinals = LabelEncoder(intake.labels).transform(table.target)
    analysis = analyze(intake, settings, workspace, training.fold_count(ordinals, intake.validation_rows))
    folds = training.plan_folds(ordinals, intake.validation_rows, fraction)
    builder = write_split(workspace, table, ordinals, intake.validation_rows, fraction)
    if settings.definitions_only:
        workspace.emit("finished", reason="CandidateDefinitionsGenerated")
        return
    workspace.emit("stage", stage="FeatureEngineering")
    needed = needed_processors(
        list(analysis.modules), settings.algorithms, intake.objective, settings.max_candidates
    )
    modules = {name: analysis.modules[name] for name in needed}
    prepared = prepare(workspace, modules, table.features, ordinals, intake.training_rows, builder)
    workspace.emit("stage", stage="ModelTuning")
    problem = (intake.problem_type, intake.objective)
    search = Search(settings, workspace, prepared, ordinals, folds, problem, deadline)
    ended = search.run()
    if search.best is not None:
        processor = prepared[search.best.proposal.processor].processor
        _explain(workspace, intake, analysis, processor, search.best)
        _measure(workspace, intake, search.best, ordinals, folds)
    workspace.emit("finished", reason=ended)


def _explain(
    workspace: Workspace, intake: Intake, analysis: Analysis, processor: Processor, best: Candidate
) -> None:
    """Explain the best candidate, or say that it is not done."""
    workspace.emit("stage", stage="GeneratingExplainabilityReport")
    is_xgboost = ALGORITHMS[best.proposal.algorithm].short_name == "xgb"
    loader: type[Any] = BoosterAverage if is_xgboost else NetworkAverage
    model = loader.load(best.files)

    def predict(rows: NDArray[Any]) -> NDArray[np.float64]:
        probabilities: NDArray[np.float64] = model.predict_proba(processor.transform(rows))
        return probabilities

    table = intake.table
    found = reports.explain(predict, table.features, analysis.kinds, table.names, intake.labels)
    if found is None:
        reason = f"No explainability report: more than {reports.MOST_EXPLAINED_COLUMNS} columns."
        logger.warning("%s", reason)
        workspace.emit("partial_failure", reason=reason)
        return
    place = f"documentation/explainability/output/{best.name}"
    words = reading.deciding_words(predict, found, analysis.kinds)
    reading.write_explanation(found, words, workspace.root / place)
    workspace.emit("report", [place], candidate=best.name, report="Explainability")


def _measure(
    workspace: Workspace, intake: Intake, best: Candidate, ordinals: NDArray[np.int64], folds: list[Fold]
) -> None:
    """Write the model quality of the best candidate on held-out rows."""
    workspace.emit("stage", stage="GeneratingModelInsightsReport")
    place = f"documentation/model_monitor/output/{best.name}"
    held_out = np.concatenate([rows for _, rows in folds])
    found = Predictions.of(ordinals[held_out], best.probabilities[held_out])
    reading.write_quality(model_quality(found, intake.labels), workspace.root / place)
    workspace.emit("report", [place], candidate=best.name, report="ModelInsights")
