"""The candidate definition notebook: what the candidates are made of, and cells that really train them.

Its sections are those of Autopilot's own notebook. The cells use boto3 and `sagemaker_automl`, a module that
is written beside the notebook (`interactive` here).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat
from typing import TYPE_CHECKING, Any

from automl.algorithms import ALGORITHMS
from automl.notebooks import code, markdown, notebook, table
from automl.objectives import TUNING_NAMES
from automl.proposals import warm_starts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.notebooks import Notebook
    from automl.recipes import Recipe

MODULE = "sagemaker_automl"
_INSTANCE = {"instance_type": "ml.m5.4xlarge", "instance_count": 1, "volume_size_in_gb": 50}


@dataclass(frozen=True)
class Definitions:
    """What the notebook is about; `place` is the analysis job's folder below `<S3OutputPath>/<job>/`."""

    job_name: str
    place: str
    recipes: Sequence[Recipe]
    modules: Mapping[str, str]
    algorithms: Sequence[str]
    images: Mapping[str, str]
    objective: str
    max_candidates: int
    folds: int


def definition_notebook(found: Definitions) -> Notebook:
    """The notebook of every data processor with every algorithm, of which some are run by its cells."""
    return notebook(
        [
            *_introduction(found),
            *_setup(found),
            *_candidates(found),
            *_execution(found),
            *_tuning(found),
            *_selection(),
        ]
    )


def write_helper(directory: Path) -> None:
    """Write the module that the notebook imports into `directory`."""
    package = directory / MODULE
    package.mkdir(parents=True, exist_ok=True)
    for source in Path(__file__).with_name("interactive").glob("*.py"):
        shutil.copyfile(source, package / source.name)


def _introduction(found: Definitions) -> list[Any]:
    pairs = len(found.recipes) * len(found.algorithms)
    return [
        markdown(
            f"# Autopilot candidate definitions of {found.job_name}\n\n{len(found.recipes)} data processors "
            f"with {len(found.algorithms)} algorithms are {pairs} candidate definitions. At most "
            f"{found.max_candidates} candidates are trained by the job; the objective is "
            f"**{found.objective}**. Known good settings come first, then Bayesian search.\n\n"
            "The notebook runs from top to bottom with boto3 alone. It fits data processors, transforms the "
            "rows with them, trains candidates, compares them with what the job reported, and makes a model "
            "of the best one. Every step is a job of its own, billed like any other."
        )
    ]


def _setup(found: Definitions) -> list[Any]:
    return [
        markdown(
            "## 1. Setup\n\nThe endpoint, region and credentials are boto3's own, from the environment. What "
            "the cells do is in the module beside this notebook."
        ),
        code(
            "import pathlib\nimport sys\nimport tempfile\n\nimport boto3\n\n"
            f"JOB_NAME = {found.job_name!r}\n"
            'job = boto3.client("sagemaker").describe_auto_ml_job_v2(AutoMLJobName=JOB_NAME)\n'
            'OUTPUT = job["OutputDataConfig"]["S3OutputPath"].rstrip("/") + "/" + JOB_NAME\n'
            f'CANDIDATES = OUTPUT + "/{found.place}"\n\n'
            "workspace = pathlib.Path(tempfile.mkdtemp())\n"
            'bucket, _, prefix = CANDIDATES.removeprefix("s3://").partition("/")\n'
            f'(workspace / "{MODULE}").mkdir()\n'
            'for file in ("__init__.py", "jobs.py"):\n'
            f'    key = prefix + "/notebooks/{MODULE}/" + file\n'
            f'    boto3.client("s3").download_file(bucket, key, str(workspace / "{MODULE}" / file))\n'
            "sys.path.insert(0, str(workspace))\n"
            f"from {MODULE} import AutoMLInteractiveRunner, Range, print_table"
        ),
        code(
            "runner = AutoMLInteractiveRunner(\n"
            "    job=job,\n    output=OUTPUT,\n"
            '    generated_module=CANDIDATES + "/generated_module/candidate_data_processors",\n'
            f"    images={_literal(dict(found.images), 4)},\n"
            f"    folds={found.folds},\n"
            f"    objective={TUNING_NAMES[found.objective]!r},\n)"
        ),
    ]


def _candidates(found: Definitions) -> list[Any]:
    cells = [
        markdown(
            "## 2. Candidate pipelines\n\n### Data processors\n\nEach module is what the job's own data "
            "processor was built with; it is in `generated_module`, from where the jobs below take it."
        )
    ]
    for recipe in found.recipes:
        cells.append(
            markdown(
                f"#### {recipe.name}: {recipe.description}\n\n```python\n{found.modules[recipe.name]}```"
            )
        )
    cells.append(markdown("### Algorithms and hyperparameter ranges"))
    for name in found.algorithms:
        cells.append(markdown(f"#### {name}\n\n{_static(name)}\n\n{_ranges(name)}"))
    header = ["definition", "data processor", "algorithm"]
    pairs = [(recipe.name, name) for recipe in found.recipes for name in found.algorithms]
    rows = [[f"{processor}-{ALGORITHMS[name].short_name}", processor, name] for processor, name in pairs]
    cells.append(markdown(f"### Candidates\n\n{table(header, rows)}\n\nThe next cells select all of them."))
    cells += [code(_selected(processor, name)) for processor, name in pairs]
    cells.append(code("runner.display_candidates()"))
    return cells


def _selected(processor: str, algorithm: str) -> str:
    definition = {
        "data_transformer": {
            "name": processor,
            "training_resource_config": _INSTANCE,
            "transform_resource_config": {"instance_type": "ml.m5.4xlarge", "instance_count": 1},
            "transforms_label": True,
        },
        "algorithm": {"name": algorithm, "training_resource_config": _INSTANCE},
    }
    short = ALGORITHMS[algorithm].short_name
    return f"runner.select_candidate({_literal(definition)}, name={f'{processor}-{short}'!r})"


def _execution(found: Definitions) -> list[Any]:
    first = warm_starts([recipe.name for recipe in found.recipes], found.algorithms, found.objective)[0]
    default = f"{first.processor}-{ALGORITHMS[first.algorithm].short_name}"
    return [
        markdown(
            "## 3. Run the data transformation steps\n\n`RUN` names the definitions to run: by default that "
            "of the job's best candidate, or the first one if the job has trained none. `None` runs all. "
            "A data processor is fitted by a training job and applied by a transform job."
        ),
        code(
            f"RUN = [runner.best_definition(default={default!r})]\n"
            "transformed = runner.fit_data_transformers(RUN)\n"
            'print_table(["data processor", "transformed rows"], sorted(transformed.items()))'
        ),
    ]


def _tuning(found: Definitions) -> list[Any]:
    starts: dict[str, dict[str, float]] = {}
    names = [recipe.name for recipe in found.recipes]
    for proposal in warm_starts(names, found.algorithms, found.objective):
        starts.setdefault(proposal.algorithm, proposal.hyperparameters)
    static = {
        name: {key: str(value) for key, value in ALGORITHMS[name].static.items()} for name in found.algorithms
    }
    ranges = "\n".join(
        f"    {name!r}: {{\n" + "".join(f"        {line}\n" for line in _range_lines(name)) + "    },"
        for name in found.algorithms
    )
    return [
        markdown(
            "## 4. Multi-algorithm hyperparameter tuning\n\nRanges are what the job draws from; change them "
            "as you like. Here they are drawn from at random, `DRAWS` times for each definition; the job's "
            "own search learns from what it has seen. The first training job of a definition repeats the "
            "best candidate that the job has trained of it, with the very hyperparameters, so that its "
            "metric can be compared."
        ),
        code(
            f"STATIC_HYPERPARAMETERS = {_literal(static)}\n\n"
            f"START_HYPERPARAMETERS = {_literal(starts)}\n\n"
            f"ALGORITHM_TUNABLE_HYPERPARAMETER_RANGES = {{\n{ranges}\n}}"
        ),
        code(
            "DRAWS = 1\n"
            "trials = runner.tune(\n    RUN,\n    static=STATIC_HYPERPARAMETERS,\n"
            "    start=START_HYPERPARAMETERS,\n    ranges=ALGORITHM_TUNABLE_HYPERPARAMETER_RANGES,\n"
            "    draws=DRAWS,\n    seed=0,\n)"
        ),
    ]


def _selection() -> list[Any]:
    return [
        markdown(
            "## 5. Model selection and deployment\n\n`reported` is the job's own value of the candidate that "
            "a training job repeats; both must agree."
        ),
        code(
            "print_table(\n"
            '    ["training job", "definition", runner.objective, "repeats", "reported"],\n'
            "    [\n        [trial.job, trial.definition, trial.value, trial.repeats, trial.reported]\n"
            "        for trial in trials\n    ],\n)\n"
            "best = max(trials, key=lambda trial: trial.value)"
        ),
        code('model = runner.create_model(best)\nprint(f"model {model} of {best.job}")'),
        markdown("An endpoint costs money until it is deleted: it is made when `DEPLOY` is true."),
        code(
            "DEPLOY = False\nif DEPLOY:\n    endpoint = runner.deploy(model)\n"
            '    print(f"endpoint {endpoint} is in service")'
        ),
    ]


def _static(name: str) -> str:
    settings = ", ".join(f"`{key}` = {value}" for key, value in ALGORITHMS[name].static.items())
    return f"Fixed: {settings}."


def _ranges(name: str) -> str:
    rows = [
        [
            key,
            limits.low,
            limits.high,
            "logarithmic" if limits.logarithmic else "linear",
            "integer" if limits.integer else "continuous",
        ]
        for key, limits in ALGORITHMS[name].ranges.items()
    ]
    text: str = table(["hyperparameter", "from", "to", "scale", "type"], rows)
    return text


def _range_lines(name: str) -> list[str]:
    return [
        f"{key!r}: Range({limits.low!r}, {limits.high!r}, logarithmic={limits.logarithmic}, "
        f"integer={limits.integer}),"
        for key, limits in ALGORITHMS[name].ranges.items()
    ]


def _literal(value: object, indent: int = 0) -> str:
    return pformat(value, width=100, sort_dicts=False).replace("\n", "\n" + " " * indent)
