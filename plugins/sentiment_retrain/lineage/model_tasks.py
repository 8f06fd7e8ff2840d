"""From data sets to a registered model: ``analyze``, ``train``, ``evaluate``, ``register_model``, between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.lineage import names
from sentiment_retrain.lineage.custom import ModelMetricsDatasetFacet
from sentiment_retrain.lineage.data_tasks import dataset_file
from sentiment_retrain.lineage.facts import NOTHING, Facts, Told
from sentiment_retrain.lineage.places import Change, Part, Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from openlineage.client.event_v2 import InputDataset, OutputDataset

#: Numbers of a model's evaluation; the others are matrices and intervals, which the run card shows.
METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier", "ece")
_BLAZINGTEXT_FILES = ("blazingtext_train", "blazingtext_validation")


def model(run: Mapping[str, Any], model_name: str, fingerprint: str | None = None) -> Place:
    """A model of SageMaker: its containers and their archives."""
    return Place(
        names.of_model(run, model_name),
        kind="MODEL",
        sub_kind="SAGEMAKER_MODEL",
        version=fingerprint,
        description="What answers reviews: an inference pipeline, named by what its containers are",
    )


def package(arn: str) -> Place:
    """A version of the model package group."""
    return Place(
        names.of_arn(arn),
        kind="MODEL",
        sub_kind="MODEL_PACKAGE",
        version=arn.rpartition("/")[2],
        description="A registered model with what speaks for it",
    )


def archives(containers: Sequence[Mapping[str, Any]] | None) -> list[Place]:
    """What the containers unpack, each once."""
    uris = dict.fromkeys(one["ModelDataUrl"] for one in containers or () if one.get("ModelDataUrl"))
    return [Place(names.of_uri(uri), sub_kind="MODEL_ARCHIVE") for uri in uris]


def job_change(job: Mapping[str, Any]) -> Change | None:
    """Whether a job's output came to be now, or was there already."""
    return None if job.get("outcome") == "reused" else Change.CREATE


def _files(facts: Facts, *keys: str, **rows: int) -> list[InputDataset]:
    made = facts["datasets"]
    return [dataset_file(made, key).read(Part(rows=rows.get(key))) for key in keys] if made else []


# --- analyze, explain ---------------------------------------------------------------------------------------


def _analysis(facts: Facts) -> list[OutputDataset]:
    """What a Clarify job wrote; also where a gate then said no."""
    job = facts.found.get("job")
    if not job or not job.get("output_uri"):
        return []
    place = Place(
        names.of_uri(job["output_uri"]),
        file_format="json",
        description="analysis.json and report.html of SageMaker Clarify",
    )
    return [place.written(change=job_change(job))]


def bias(facts: Facts) -> Told:
    """``analyze.bias`` of the labels; ``explain.bias`` of the winner's predictions."""
    verdict = facts["verdict"]
    if not verdict:
        return Told(_files(facts, "bias"), _analysis(facts))
    predictions = Place(names.of_uri(verdict["predictions_uri"]), file_format="csv")
    return Told([predictions.read(), *_files(facts, "test_labels")], _analysis(facts))


def shap(facts: Facts) -> Told:
    """``analyze.shap`` of what is live, or of a baseline trained for it; ``explain.shap`` of the winner."""
    known = facts["verdict"] or facts.run.get("champion")
    inputs = _files(facts, "shap_sample")
    outputs = _analysis(facts)
    if known:
        inputs.append(model(facts.run, known["model_name"], known["model_fingerprint"]).read())
    else:
        # A baseline is a quick BlazingText.
        inputs += _files(facts, *_BLAZINGTEXT_FILES)
    reference = facts.found.get("reference_job")
    if reference:
        archive = Place(names.of_uri(reference["output_uri"]), sub_kind="MODEL_ARCHIVE")
        outputs.append(archive.written(change=job_change(reference)))
    return Told(inputs, outputs)


# --- train, evaluate ----------------------------------------------------------------------------------------


def _training(facts: Facts, contender: str, *files: str) -> Told:
    if contender not in facts.run.get("contenders", ()):
        return NOTHING
    made = facts.made
    change = job_change(made["job"]) if made else None
    return Told(
        _files(facts, *files),
        [place.written(change=change) for place in archives(made.get("containers"))],
    )


def autopilot(facts: Facts) -> Told:
    """``train.autopilot``."""
    return _training(facts, "autopilot", "autopilot_train")


def blazingtext(facts: Facts) -> Told:
    """``train.blazingtext``."""
    return _training(facts, "blazingtext", *_BLAZINGTEXT_FILES)


def evaluate(facts: Facts) -> Told:
    """``evaluate.*``: a contender becomes a model, and the model answers the test reviews."""
    contender, champion, made = facts["contender"], facts.run.get("champion"), facts.made
    test = _files(facts, "test_input", "test_labels")
    if contender:
        inputs = [*test, *(place.read() for place in archives(contender["containers"]))]
    elif champion:
        inputs = [*test, model(facts.run, champion["model_name"], champion["model_fingerprint"]).read()]
    else:
        return NOTHING
    if not made:
        return Told(inputs)
    predictions = Place(
        names.of_uri(made["predictions_uri"]),
        file_format="csv",
        description=f"What {made['model_name']} says of the test reviews, in their order",
    )
    change = job_change(made["job"])
    rows = None if change is None else int(made["test"]["n"])
    outputs = [predictions.written(Part(rows=rows), change=change)]
    if contender:
        outputs.append(_judged(facts).written(change=change))
    return Told(inputs, outputs)


def _judged(facts: Facts) -> Place:
    """The contender's model, with how it did."""
    made = facts.made
    test = made["test"]
    metrics = ModelMetricsDatasetFacet(
        contender=made["contender"],
        rows=int(test["n"]),
        testSet=names.of_uri(facts["datasets"]["files"]["test_input"]).name,
        metrics={name: float(test[name]) for name in METRICS if test.get(name) is not None},
    )
    place = model(facts.run, made["model_name"], made["model_fingerprint"])
    return place.having(**{ModelMetricsDatasetFacet.KEY: metrics})


# --- select_best, register_model ----------------------------------------------------------------------------


def select_best(facts: Facts) -> Told:
    """``select_best``: reads every model's answers; what it decides is in its gates."""
    entrants = [*(facts.values.get("evaluations") or ()), facts["champion"]]
    inputs = [
        Place(names.of_uri(one["predictions_uri"]), file_format="csv").read() for one in entrants if one
    ]
    return Told([*inputs, *_files(facts, "test_labels")])


def register_model(facts: Facts) -> Told:
    """``register_model``: the winner, as a version of the group."""
    verdict, made = facts["verdict"], facts.made
    if verdict.get("action", "keep_champion") == "keep_champion":
        return NOTHING
    winner = model(facts.run, verdict["model_name"], verdict["model_fingerprint"])
    outputs = [package(made["model_package_arn"]).written()] if made else []
    return Told([winner.read()], outputs)
