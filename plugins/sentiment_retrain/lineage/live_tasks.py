"""What is live and what it says: ``deploy``, ``predict`` and ``rollback``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.data.columns import PREDICTION_TYPES
from sentiment_retrain.lineage import names
from sentiment_retrain.lineage.columns import Origin, column_lineage, same
from sentiment_retrain.lineage.data_tasks import curated, dataset_file, table
from sentiment_retrain.lineage.facts import NOTHING, Facts, Told
from sentiment_retrain.lineage.model_tasks import job_change, model, package
from sentiment_retrain.lineage.places import Change, Part, Place
from sentiment_retrain.runs import scoring

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHANGES = {"created": Change.CREATE, "updated": Change.ALTER, "rolled_back_by_request": Change.ALTER}
_OF_THE_REVIEW = tuple(name for name in PREDICTION_TYPES if name.startswith(("predicted", "probability")))


def endpoint(run: Mapping[str, Any], name: str, config: str | None) -> Place:
    """The endpoint; its version is the configuration that it serves."""
    return Place(
        names.of_endpoint(run, name),
        kind="MODEL",
        sub_kind="ENDPOINT",
        version=config,
        description="Answers reviews; which model it serves is said by the configuration, its version",
    )


def deploy(facts: Facts) -> Told:
    """``deploy.endpoint``: the registered winner goes live. One that was rolled back changed nothing."""
    verdict, registration, made = facts["verdict"], facts["registration"], facts.made
    if verdict.get("action") != "deploy":
        return NOTHING
    inputs = [model(facts.run, verdict["model_name"], verdict["model_fingerprint"]).read()]
    if registration:
        inputs.insert(0, package(registration["model_package_arn"]).read())
    if not made:
        return Told(inputs)
    place = endpoint(facts.run, made["endpoint_name"], made["endpoint_config_name"])
    return Told(inputs, [place.written(change=_CHANGES.get(made["outcome"]))])


def verify(facts: Facts) -> Told:
    """``deploy.verify``: asks the endpoint; writes it where it puts back what was live before."""
    deployment, datasets = facts["deployment"], facts["datasets"]
    if not deployment:
        return NOTHING
    name = deployment["endpoint_name"]
    inputs = [endpoint(facts.run, name, deployment["endpoint_config_name"]).read()]
    if datasets:
        inputs.append(dataset_file(datasets, "test_input").read())
    former = facts.notes.get("put_back_to")
    if not former:
        return Told(inputs)
    return Told(inputs, [endpoint(facts.run, name, former).written(change=Change.ALTER)])


def prune(facts: Facts) -> Told:
    """``deploy.prune``: the models that are gone."""
    gone = facts.made.get("models", ())
    return Told(outputs=[model(facts.run, name).written(change=Change.DROP) for name in gone])


def rollback(facts: Facts) -> Told:
    """``rollback``: the endpoint serves a former model."""
    made = facts.made
    if facts.run.get("mode") != "rollback" or not made.get("model_name"):
        return NOTHING
    place = endpoint(facts.run, made["endpoint_name"], made["endpoint_config_name"])
    return Told(
        [model(facts.run, made["model_name"]).read()], [place.written(change=_CHANGES.get(made["outcome"]))]
    )


def predict(facts: Facts) -> Told:
    """``predict``: the newest reviews and what is live, into the table of predictions."""
    run, land, made = facts.run, facts["land"], facts.made
    if not run or not land or scoring.why_not(run):
        return NOTHING
    source = curated(run, land.get("fingerprint"))
    reviews = source.read(Part(days=[land["data_until"]]))
    if not made:
        return Told([reviews])
    # The object's prefix is the table's place; `dt=` is its partition.
    root = names.of_uri(made["predictions_uri"].rpartition("/dt=")[0])
    is_new = job_change(made["job"]) is not None
    change = (Change.OVERWRITE if made["replaced"] else Change.ALTER) if is_new else None
    objects = Place(root, file_format="parquet", columns={**PREDICTION_TYPES, "dt": "string"})
    lineage = column_lineage(_origins(source.name))
    written = objects.having(columnLineage=lineage).written(
        Part(rows=made["rows"] if is_new else None, locations=[made["predictions_uri"]]), change=change
    )
    known = table(run, made["database"], made["table"], PREDICTION_TYPES).having(columnLineage=lineage)
    return Told(
        [reviews, model(run, made["model_name"], made["model_fingerprint"] or None).read()],
        [written, known.written(Part(days=[made["partition"]]), change=change)],
    )


def _origins(source: names.Name) -> dict[str, Origin]:
    answered = {name: Origin(source, "review_body", "the model's answer") for name in _OF_THE_REVIEW}
    return {**same(source, "review_id"), **answered}
