"""Autopilot's first step: data exploration, candidate definitions, and the generated data processors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl import definitions, exploration, notebooks, recipes
from automl.workspace import utc_now

if TYPE_CHECKING:
    from pathlib import Path

    from automl.dataset import ColumnKind
    from automl.intake import Intake
    from automl.settings import Settings
    from automl.workspace import Workspace


@dataclass(frozen=True)
class Analysis:
    """What the columns are, and where the module of each data processor is."""

    kinds: list[ColumnKind]
    modules: dict[str, Path]


def analyze(intake: Intake, settings: Settings, workspace: Workspace, folds: int) -> Analysis:
    """Explore the data and write both notebooks and the generated modules.

    `folds` is how many folds candidates are measured on.
    """
    started = utc_now()
    job = workspace.step_name("pr")
    place = f"sagemaker-automl-candidates/{job}"
    found = exploration.explore(intake.table)
    columns = [(column.name, column.kind) for column in found.columns]
    chosen = recipes.recipes_for([kind for _, kind in columns])
    package = workspace.directory(f"{place}/generated_module/candidate_data_processors")
    modules, sources = {}, {}
    for recipe in chosen:
        sources[recipe.name] = recipes.module_source(recipe, columns, settings.target, intake.labels)
        modules[recipe.name] = package / f"{recipe.name}.py"
        modules[recipe.name].write_text(sources[recipe.name], encoding="utf-8")
    directory = workspace.directory(f"{place}/notebooks")
    data = notebooks.exploration_notebook(found, settings.target, intake.problem_type)
    notebooks.write(data, directory / notebooks.EXPLORATION)
    definition = definitions.Definitions(
        job_name=settings.job_name,
        place=place,
        recipes=chosen,
        modules=sources,
        algorithms=settings.algorithms,
        images=settings.images,
        objective=intake.objective,
        max_candidates=settings.max_candidates,
        folds=folds,
    )
    notebooks.write(definitions.definition_notebook(definition), directory / notebooks.DEFINITION)
    definitions.write_helper(directory)
    workspace.step("ProcessingJob", job, started, [place], output=place)
    workspace.emit(
        "artifacts",
        data_exploration=f"{place}/notebooks/{notebooks.EXPLORATION}",
        candidate_definition=f"{place}/notebooks/{notebooks.DEFINITION}",
    )
    return Analysis([kind for _, kind in columns], modules)
