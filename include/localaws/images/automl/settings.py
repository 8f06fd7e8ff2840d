"""What the AutoML job asks of its container, from `hyperparameters.json` (all values are strings)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from automl.algorithms import ALGORITHMS
from automl.dataset import resolve_problem_type
from automl.errors import ClientError
from automl.objectives import DEFAULT_OBJECTIVE, OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from automl.dataset import ProblemType, Table


@dataclass(frozen=True)
class Settings:
    """The job's settings; durations are in seconds."""

    job_name: str
    target: str
    content_type: str
    compression: str
    problem_type: str | None
    objective: str | None
    max_candidates: int
    max_seconds_per_candidate: float | None
    max_seconds: float | None
    validation_fraction: float
    algorithms: tuple[str, ...]
    definitions_only: bool
    content: str | None = None
    images: Mapping[str, str] = field(default_factory=dict)


def read_settings(path: Path) -> Settings:
    """Read the settings; raises `KeyError` when the caller, which is the stand-in itself, left one out."""
    raw: Mapping[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return Settings(
        job_name=raw["job_name"],
        target=raw["target"],
        content_type=raw.get("content_type", "text/csv;header=present"),
        compression=raw.get("compression", "None"),
        problem_type=raw.get("problem_type"),
        objective=raw.get("objective"),
        max_candidates=int(raw["max_candidates"]),
        max_seconds_per_candidate=_seconds(raw, "max_seconds_per_candidate"),
        max_seconds=_seconds(raw, "max_seconds"),
        validation_fraction=float(raw.get("validation_fraction", "0.2")),
        algorithms=tuple(json.loads(raw["algorithms"])) if "algorithms" in raw else tuple(ALGORITHMS),
        definitions_only=raw.get("definitions_only") == "true",
        content=raw.get("content"),
        images=json.loads(raw.get("images", "{}")),
    )


def _seconds(raw: Mapping[str, str], name: str) -> float | None:
    return float(raw[name]) if name in raw else None


def resolve_problem(table: Table, settings: Settings) -> tuple[ProblemType, str]:
    """Problem type and objective metric, each as asked for or as the data suggests.

    Raises `ClientError` when they do not suit each other or the data.
    """
    problem_type = resolve_problem_type(table.target, settings.problem_type)
    objective = settings.objective or DEFAULT_OBJECTIVE[problem_type]
    if objective not in OBJECTIVES[problem_type]:
        allowed = ", ".join(OBJECTIVES[problem_type])
        raise ClientError(f"Objective {objective} does not suit {problem_type}; expected one of {allowed}.")
    return problem_type, objective
