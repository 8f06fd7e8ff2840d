"""The `train` command of the local Autopilot image: the whole AutoML job, from exploration to reports.

On AWS each step is a job in a container of its own. Here one process does the steps in turn and tells of each
by an event, because starting Python many times would cost more than the work.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from automl import exploration, notebooks, processors, recipes, reports, training
from automl.algorithms import ALGORITHMS
from automl.dataset import MINIMUM_ROWS, Table, read_table, sort_labels
from automl.errors import ClientError
from automl.labels import LabelEncoder
from automl.models import BoosterAverage, NetworkAverage
from automl.preparation import prepare, write_split
from automl.proposals import needed_processors
from automl.search import Search
from automl.settings import read_settings, resolve_problem
from automl.workspace import Workspace, utc_now

if TYPE_CHECKING:
    from automl.search import Candidate, Prepared
    from automl.settings import Settings
    from automl.training import Fold
    from numpy.typing import NDArray

logger = logging.getLogger("automl")


@dataclass(frozen=True)
class Analysis:
    """What the first step finds: rows of all channels (validation last), and what they are."""

    table: Table
    validation_rows: int
    problem: tuple[str, str]
    labels: list[str]
    found: exploration.Exploration
    modules: dict[str, Path]


def run(base: Path) -> None:
    """Do the job described in `<base>/input`; raises `ClientError` when data or settings do not allow it."""
    started = time.monotonic()
    settings = read_settings(base / "input/config/hyperparameters.json")
    workspace = Workspace(base, settings.job_name)
    deadline = None if settings.max_seconds is None else started + settings.max_seconds
    workspace.emit("stage", stage="AnalyzingData")
    analysis = _analyze(base, settings, workspace)
    if settings.definitions_only:
        workspace.emit("finished", reason="CandidateDefinitionsGenerated")
        return
    workspace.emit("stage", stage="FeatureEngineering")
    ordinals = LabelEncoder(analysis.labels).transform(analysis.table.target)
    folds = training.plan_folds(ordinals, analysis.validation_rows, settings.validation_fraction)
    fitted_rows = analysis.table.rows - analysis.validation_rows
    builder = write_split(
        workspace, analysis.table, ordinals, analysis.validation_rows, settings.validation_fraction
    )
    chosen = needed_processors(list(analysis.modules), settings.algorithms, settings.max_candidates)
    prepared = prepare(
        workspace,
        {name: analysis.modules[name] for name in chosen},
        analysis.table.features,
        fitted_rows,
        builder,
    )
    workspace.emit("stage", stage="ModelTuning")
    search = Search(settings, workspace, prepared, ordinals, folds, analysis.problem, deadline)
    ended = search.run()
    if search.best is not None:
        _report(workspace, analysis, prepared, search.best, ordinals, folds)
    workspace.emit("finished", reason=ended)


def _analyze(base: Path, settings: Settings, workspace: Workspace) -> Analysis:
    started = utc_now()
    channels = base / "input/data"
    table = read_table(channels / "training", settings.target, settings.content_type, settings.compression)
    if table.rows < MINIMUM_ROWS:
        raise ClientError(
            f"The dataset has {table.rows} rows with a target; Autopilot needs at least {MINIMUM_ROWS}."
        )
    validation_rows = 0
    found = exploration.explore(table)
    if (channels / "validation").is_dir():
        validation = read_table(
            channels / "validation", settings.target, settings.content_type, settings.compression
        )
        table, validation_rows = _stack(table, validation), validation.rows
    problem = resolve_problem(table, settings)
    labels = sort_labels(table.target)
    workspace.emit("resolved", problem_type=problem[0], objective=problem[1], rows=table.rows)
    job = workspace.step_name("pr")
    place = f"sagemaker-automl-candidates/{job}"
    modules, sources = {}, {}
    columns = [(column.name, column.kind) for column in found.columns]
    chosen = recipes.recipes_for([kind for _, kind in columns])
    package = workspace.directory(f"{place}/generated_module/candidate_data_processors")
    for recipe in chosen:
        sources[recipe.name] = recipes.module_source(recipe, columns, settings.target, labels)
        modules[recipe.name] = package / f"{recipe.name}.py"
        modules[recipe.name].write_text(sources[recipe.name], encoding="utf-8")
    directory = workspace.directory(f"{place}/notebooks")
    notebooks.write(
        notebooks.exploration_notebook(found, settings.target, problem[0]), directory / notebooks.EXPLORATION
    )
    notebooks.write(
        notebooks.definition_notebook(
            settings.job_name, chosen, sources, settings.algorithms, problem[1], settings.max_candidates
        ),
        directory / notebooks.DEFINITION,
    )
    workspace.step("ProcessingJob", job, started, [place], output=place)
    workspace.emit(
        "artifacts",
        data_exploration=f"{place}/notebooks/{notebooks.EXPLORATION}",
        candidate_definition=f"{place}/notebooks/{notebooks.DEFINITION}",
    )
    return Analysis(table, validation_rows, problem, labels, found, modules)


def _stack(training_table: Table, validation: Table) -> Table:
    if training_table.names != validation.names:
        raise ClientError("The channels training and validation have different columns; expected the same.")
    return Table(
        names=training_table.names,
        features=np.concatenate([training_table.features, validation.features]),
        target=np.concatenate([training_table.target, validation.target]),
        target_name=training_table.target_name,
    )


def _report(
    workspace: Workspace,
    analysis: Analysis,
    prepared: dict[str, Prepared],
    best: Candidate,
    ordinals: NDArray[np.int64],
    folds: list[Fold],
) -> None:
    """Reports on the best candidate; both are computed from it, or absent."""
    workspace.emit("stage", stage="GeneratingExplainabilityReport")
    explainability = f"documentation/explainability/output/{best.name}"
    document = _explanation(analysis, prepared[best.proposal.processor].processor, best)
    files = []
    if document is None:
        logger.warning("No explainability report: more than %d columns", reports.MOST_EXPLAINED_COLUMNS)
    else:
        reports.write_json(document, workspace.root / explainability / "analysis.json")
        files.append(explainability)
    workspace.emit("stage", stage="GeneratingModelInsightsReport")
    insights = f"documentation/model_monitor/output/{best.name}"
    predicted = best.probabilities.argmax(axis=1)
    quality = reports.model_quality(ordinals, predicted, folds, analysis.labels)
    reports.write_json(quality, workspace.root / insights / "statistics.json")
    workspace.emit(
        "report", [*files, insights], candidate=best.name, explained=document is not None, insights=insights
    )


def _explanation(
    analysis: Analysis, processor: processors.Processor, best: Candidate
) -> dict[str, Any] | None:
    loader: type[Any] = (
        BoosterAverage if ALGORITHMS[best.proposal.algorithm].short_name == "xgb" else NetworkAverage
    )
    model = loader.load(best.files)
    document: dict[str, Any] | None = reports.explain(
        lambda rows: model.predict_proba(processor.transform(rows)),
        analysis.table.features,
        [column.kind for column in analysis.found.columns],
        analysis.table.names,
        analysis.labels,
    )
    return document


def main() -> int:
    """Run the job; a failure is written to `output/failure`, from where it becomes the failure reason."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    try:
        run(base)
    except Exception as error:
        kind = "ClientError" if isinstance(error, ClientError) else f"AlgorithmError: {type(error).__name__}"
        logger.error("%s: %s", kind, error, exc_info=not isinstance(error, ClientError))
        (base / "output").mkdir(parents=True, exist_ok=True)
        (base / "output/failure").write_text(f"{kind}: {error}", encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
