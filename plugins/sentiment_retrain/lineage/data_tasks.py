"""From the source's objects to the data sets of training: ``ingest``, ``check`` and ``prepare``."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from openlineage.client.facet_v2 import symlinks_dataset

from sentiment_retrain import naming
from sentiment_retrain.data import datasets, source_header
from sentiment_retrain.data.columns import CURATED_TYPES, column_names
from sentiment_retrain.lineage import names, quality
from sentiment_retrain.lineage.columns import Origin, column_lineage, same
from sentiment_retrain.lineage.facts import NOTHING, Facts, Told
from sentiment_retrain.lineage.places import Change, Part, Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TYPES = {**CURATED_TYPES, "review_length": "string"}
_CLEANED = "white space and encoding repaired"
_AS_SENTIMENT = "negative, neutral or positive, by the rules in include/config"
#: Columns of each file of a data set, and what was done to the curated column that each is made of.
_FILES: dict[str, Sequence[str]] = {
    "autopilot_train": datasets.AUTOPILOT_COLUMNS,
    "test_input": ("review_body",),
    "test_labels": datasets.TEST_LABEL_COLUMNS,
    "bias": datasets.BIAS_COLUMNS,
    "shap_sample": datasets.SHAP_COLUMNS,
}
_DERIVED = {
    "review_body": ("review_body", "white space folded"),
    "review_length": ("review_body", "short, medium or long"),
}
#: The split that each file holds rows of; the sample for SHAP is not counted.
_SPLIT_OF = {
    "autopilot_train": ("train", "validation"),
    "bias": ("train", "validation"),
    "blazingtext_validation": ("validation",),
    "test_input": ("test",),
    "test_labels": ("test",),
}


def _zone(run: Mapping[str, Any], zone: str) -> names.Name:
    return names.of_uri(f"s3://{run['bucket']}/{zone}/reviews")


def curated(run: Mapping[str, Any], version: str | None = None) -> Place:
    """The accepted reviews, as objects."""
    return Place(
        _zone(run, "curated"),
        file_format="parquet",
        columns={**CURATED_TYPES, "dt": "string"},
        version=version,
        description="Accepted reviews, one Parquet object a source object",
    )


def reviews_table(facts: Facts, version: str | None = None) -> Place:
    """The accepted reviews, as the table that Athena asks."""
    tables = facts["tables"] or facts.found
    place = table(facts.run, tables["database"], tables["table"], CURATED_TYPES)
    return Place(**{**vars(place), "version": version})


def table(run: Mapping[str, Any], database: str, name: str, types: Mapping[str, str]) -> Place:
    """A table of the Glue catalog, which Airflow's own operators know by its name in Athena."""
    identifier = symlinks_dataset.Identifier(*names.of_table_in_athena(run, database, name), type="TABLE")
    return Place(
        names.of_table(run, database, name),
        kind="TABLE",
        sub_kind="EXTERNAL",
        columns={**types, "dt": "string"},
        facets={"symlinks": symlinks_dataset.SymlinksDatasetFacet(identifiers=[identifier])},
    )


# --- ingest -------------------------------------------------------------------------------------------------


def land_reviews(facts: Facts) -> Told:
    """``ingest.land_reviews``: the source, into raw, curated and quarantine."""
    run = facts.run
    if run.get("mode") != "retrain":
        return NOTHING
    manifests = list(facts.notes.get("manifests", ()))
    newest = manifests[-1] if manifests else {}
    header = dict.fromkeys(newest.get("header", ()), "string")
    source = Place(names.of_uri(run["source_uri"]), file_format="csv", columns=header)
    part = Part(
        rows=facts.found.get("rows_received"),
        size=sum(manifest["size_bytes"] for manifest in manifests) if manifests else None,
        files=len(manifests) or None,
        locations=[manifest["uri"] for manifest in manifests],
    )
    outputs = []
    if facts.made:
        outputs = [_raw(facts, header, manifests), _curated(facts, source.name, newest, manifests)]
    refused = [manifest for manifest in manifests if manifest["quarantine_uri"]]
    if facts.found and refused:
        outputs.append(_quarantine(facts, source.name, refused))
    return Told([source.read(part)], outputs)


def _part_of(facts: Facts, locations: Sequence[str], rows: int | None, size: int | None = None) -> Part:
    """Where nothing was written because it was there already, nothing is counted."""
    if facts.found.get("reused"):
        return Part(locations=locations)
    return Part(rows=rows, size=size, files=len(locations), locations=locations)


def _change(facts: Facts, change: Change) -> Change | None:
    return None if facts.found.get("reused") else change


def _raw(facts: Facts, header: Mapping[str, str], manifests: Sequence[Mapping[str, Any]]) -> Any:
    zone = f"s3://{facts.run['bucket']}/raw/reviews"
    locations = [
        f"{zone}/dt={one['partition']}/{one['sha256'][: naming.PATH_FINGERPRINT_LENGTH]}/"
        f"{PurePosixPath(one['uri']).name}"
        for one in manifests
    ]
    place = Place(
        names.of_uri(zone),
        file_format="csv",
        columns=header,
        version=facts.found["fingerprint"],
        description="The source's objects byte for byte",
    ).having(columnLineage=column_lineage(same(names.of_uri(facts.run["source_uri"]), *header)))
    size = sum(one["size_bytes"] for one in manifests)
    part = _part_of(facts, locations, facts.found["rows_received"], size)
    return place.written(part, change=_change(facts, Change.ALTER))


def _curated(
    facts: Facts,
    source: names.Name,
    newest: Mapping[str, Any],
    manifests: Sequence[Mapping[str, Any]],
) -> Any:
    origins = _origins_of_curated(source, newest.get("columns", {}))
    place = curated(facts.run, facts.found["fingerprint"]).having(columnLineage=column_lineage(origins))
    part = _part_of(facts, [one["curated_uri"] for one in manifests], facts.found["rows_accepted"])
    return place.written(part, change=_change(facts, Change.ALTER))


def _origins_of_curated(source: names.Name, mapping: Mapping[str, str]) -> dict[str, Origin]:
    """From which columns of the source those of the curated rows are made.

    :param mapping: header name by field, as the manifest has it
    """
    origins = {
        name: Origin(source, mapping[name], _CLEANED)
        for name in source_header.REQUIRED_FIELDS
        if name in mapping
    }
    label = next((field for field in source_header.LABEL_FIELDS if field in mapping), None)
    if label:
        origins["sentiment"] = Origin(source, mapping[label], _AS_SENTIMENT)
        if label != "sentiment":
            origins["star_rating"] = Origin(source, mapping[label])
    return origins


def _quarantine(facts: Facts, source: names.Name, refused: Sequence[Mapping[str, Any]]) -> Any:
    rows = sum(one["rows_refused"] for one in refused)
    locations = [one["quarantine_uri"] for one in refused]
    place = Place(
        _zone(facts.run, "quarantine"),
        file_format="csv",
        description=f"Refused rows of {source.name}, each with its reason",
    )
    return place.written(
        _part_of(facts, locations, rows),
        change=None if facts.found.get("reused") else Change.ALTER,
    )


def register_tables(facts: Facts) -> Told:
    """``ingest.register_tables``: objects, as tables."""
    run, land, made = facts.run, facts["land"], facts.made
    raw_types = dict.fromkeys(column_names(land.get("header", ())), "string")
    raw = Place(_zone(run, "raw"), file_format="csv", columns=raw_types, version=land.get("fingerprint"))
    accepted = curated(run, land.get("fingerprint"))
    outputs = []
    if made:
        days = Part(days=made["partitions"])
        for source, name, types in (
            (accepted.name, made["table"], CURATED_TYPES),
            (raw.name, made["raw_table"], raw_types),
        ):
            place = table(run, made["database"], name, types)
            found = column_lineage(same(source, *types))
            outputs.append(place.having(columnLineage=found).written(days))
    return Told([accepted.read(), raw.read()], outputs)


# --- check --------------------------------------------------------------------------------------------------


def check(facts: Facts) -> Told:
    """``check.reviews`` and ``check.drift``: what Athena says of the table."""
    land = facts["land"]
    if not facts["tables"]:
        return NOTHING
    queries = list(facts.notes.get("queries", ()))
    scanned = sum(int(query["bytes_scanned"]) for query in queries) if queries else None
    profile = facts.found.get("profile") or {}
    part = Part(
        rows=land.get("rows_accepted"),
        size=scanned,
        days=land.get("partitions", ()),
    )
    place = reviews_table(facts, land.get("fingerprint"))
    found = quality.facets(profile, facts.notes.get("expectations", ()), facts.notes.get("severity", "fail"))
    return Told([place.read(part, **found)], run_facets=quality.query_facets(queries))


# --- prepare ------------------------------------------------------------------------------------------------


def prepare_datasets(facts: Facts) -> Told:
    """``prepare.datasets``: curated rows, as the files that each job wants."""
    land, made = facts["land"], facts.made
    source = curated(facts.run, land.get("fingerprint"))
    outputs = [_file(made, key, source.name) for key in made.get("files", ())]
    return Told([source.read(Part(rows=land.get("rows_accepted")))], outputs)


def dataset_file(made: Mapping[str, Any], key: str) -> Place:
    """One file of the data sets.

    :param made: output of ``prepare.datasets``
    :param key: one of ``files``
    """
    return Place(
        names.of_uri(made["files"][key]),
        file_format="text" if key.startswith("blazingtext") else "csv",
        columns={column: _TYPES[column] for column in _FILES.get(key, ())},
        version=(made.get("sha256") or {}).get(key),
        description=f"{key} of the data sets {made['fingerprint'][: naming.PATH_FINGERPRINT_LENGTH]}",
    )


def _file(made: Mapping[str, Any], key: str, source: names.Name) -> Any:
    origins = {column: Origin(source, *_DERIVED.get(column, (column, ""))) for column in _FILES.get(key, ())}
    splits = _SPLIT_OF.get(key, ())
    rows = sum(made["rows"][split] for split in splits) if splits and not made["reused"] else None
    place = dataset_file(made, key).having(columnLineage=column_lineage(origins))
    return place.written(Part(rows=rows), change=None if made["reused"] else Change.CREATE)
