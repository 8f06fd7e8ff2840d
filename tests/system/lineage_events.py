"""OpenLineage events as a receiver gets them: read, checked against their schemas, drawn as a graph."""

from __future__ import annotations

import enum
import json
import os
import re
import types
import typing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attr
from jsonschema import Draft202012Validator, FormatChecker
from openlineage.client import event_v2, facet_v2
from referencing import Registry, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CHECKOUT = Path(__file__).resolve().parents[2]
OURS = CHECKOUT / "include" / "lineage"
CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
PREFIX = "review_sentiment_retrain."
#: The folder `spec` of a clone of OpenLineage's repository: with it events are held against the published
#: JSON schemas too. The Python client does not bring them, and they are not ours to copy.
SPECIFICATION = os.environ.get("LINEAGE_SPEC")
#: What a data set is, by its name; the first pattern that fits counts.
_KINDS = {
    r"inbox/.*": "source",
    r"(raw|curated|quarantine)/reviews": r"\1/reviews",
    r"table/[^/]+/(\w+)": r"table \1",
    r"datasets/[0-9a-f]{16}/(.+)": r"datasets/…/\1",
    r"jobs/[^/]*-automl-.*": "Autopilot's archives",
    r"jobs/[^/]*-(blazingtext|reference)-.*": r"archive of \1",
    r"jobs/[^/]*-(bias|shap)-.*": r"analysis: \1",
    r"jobs/[^/]*-transform-.*": "answers to the test",
    r"containers/.*": "serving scripts",
    r"(model|model-package|endpoint)/.*": r"\1",
}

Event = dict[str, Any]


def transport(directory: Path) -> dict[str, str]:
    """The environment that has each event written into a file of its own; appended to one, they might mix."""
    kept = {"type": "file", "log_file_path": str(directory / "event")}
    return {"OPENLINEAGE__TRANSPORT": json.dumps(kept)}


def read(directory: Path) -> list[Event]:
    """The events in a directory, in the order in which they were sent."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(directory.glob("event-*"))]


def of_run(events: Iterable[Event], run_id: str) -> list[Event]:
    """The events of one run of the DAG, its tasks' and its own."""
    return [one for one in events if _run_facet(one)["dagRun"]["run_id"] == run_id]


def _run_facet(event: Event) -> Any:
    found = event["run"]["facets"]
    return found.get("airflowDagRun") or found["airflow"]


def of_task(events: Iterable[Event], task_id: str, kind: str = "COMPLETE") -> Event:
    """The last event of this kind of a task."""
    return [one for one in events if one["job"]["name"] == PREFIX + task_id and one["eventType"] == kind][-1]


def names(event: Event, side: str) -> set[tuple[str, str]]:
    """Namespace and name of its `inputs` or `outputs`."""
    return {(one["namespace"], one["name"]) for one in event.get(side, ())}


def data_sets(events: Iterable[Event]) -> dict[str, dict[str, set[tuple[str, str]]]]:
    """By task, what it read and wrote by the events of its end."""
    found: dict[str, dict[str, set[tuple[str, str]]]] = {}
    for event in events:
        if event["eventType"] != "START" and event["job"]["name"].startswith(PREFIX):
            sides = {side: names(event, side) for side in ("inputs", "outputs")}
            if any(sides.values()):
                found[event["job"]["name"].removeprefix(PREFIX)] = sides
    return found


def upstream(events: Iterable[Event], start: tuple[str, str]) -> set[tuple[str, str]]:
    """All data sets that one was made of, however far back, and itself."""
    tasks = data_sets(events).values()
    found, waiting = set(), [start]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += [one for task in tasks if current in task["outputs"] for one in task["inputs"]]
    return found


# --- as a graph ---------------------------------------------------------------------------------------------


def plain(name: str) -> str:
    """What a data set is, whatever the run.

    :raises LookupError: for a name that no pattern fits
    """
    for pattern, kind in _KINDS.items():
        found = re.fullmatch(pattern, name)
        if found:
            return found.expand(kind)
    raise LookupError(name)


def edges(events: Iterable[Event]) -> set[tuple[str, str]]:
    """From data set to task and from task to data set, whatever the run."""
    found = set()
    for task, sides in data_sets(events).items():
        found |= {(plain(name), task) for _, name in sides["inputs"]}
        found |= {(task, plain(name)) for _, name in sides["outputs"]}
    return found


def drawn(pairs: Iterable[tuple[str, str]], tasks: Iterable[str]) -> str:
    """The edges as a Mermaid flowchart: data sets round, tasks square."""
    shown, known = sorted(pairs), set(tasks)
    numbers = {
        name: f"n{number}" for number, name in enumerate(sorted({one for pair in shown for one in pair}))
    }
    nodes = [
        f'{number}["{name}"]' if name in known else f'{number}(["{name}"])'
        for name, number in numbers.items()
    ]
    lines = [*nodes, *(f"{numbers[start]} --> {numbers[end]}" for start, end in shown)]
    return "\n".join(["flowchart LR", *(f"    {line}" for line in lines)])


def edges_drawn(text: str) -> set[tuple[str, str]]:
    """The edges of a flowchart of :func:`drawn`."""
    nodes = dict(re.findall(r'^ +(n\d+)\(?\["(.+)"\]\)?$', text, re.MULTILINE))
    return {(nodes[start], nodes[end]) for start, end in re.findall(r"(n\d+) --> (n\d+)", text)}


# --- against the schemas ------------------------------------------------------------------------------------


def problems(event: Event) -> Iterator[str]:
    """What of an event is not as OpenLineage's classes and our own schemas have it."""
    where = f"{event['job']['name']} {event['eventType']}"
    yield from _wrong(event_v2.RunEvent, event, where)
    for key, facet in facets(event):
        url = facet["_schemaURL"]
        if url.startswith("urn:"):
            found = Draft202012Validator({"$ref": url}, registry=_registry(), format_checker=FormatChecker())
            yield from (f"{where} {key}{one.json_path}: {one.message}" for one in found.iter_errors(facet))
        elif url in _classes():
            yield from _wrong(_classes()[url], facet, f"{where} {key}")
        elif not facet["_producer"].startswith("https://github.com/apache/airflow/"):
            yield f"{where} {key}: nobody knows {url}"
    if SPECIFICATION:
        yield from _against_specification(event, where)


def facets(event: Event) -> Iterator[tuple[str, Any]]:
    """Each facet of an event, with its key."""
    yield from event["run"]["facets"].items()
    yield from event["job"]["facets"].items()
    for one in (*event.get("inputs", ()), *event.get("outputs", ())):
        for group in ("facets", "inputFacets", "outputFacets"):
            yield from one.get(group, {}).items()


@cache
def _classes() -> dict[str, Any]:
    """The client's classes by the URL of their schema."""
    modules = [getattr(facet_v2, name) for name in dir(facet_v2)]
    found = (
        one for module in modules if isinstance(module, types.ModuleType) for one in vars(module).values()
    )
    return {one._get_schema(): one for one in found if isinstance(one, type) and hasattr(one, "_get_schema")}


def _wrong(kind: Any, value: Any, where: str) -> Iterator[str]:
    """Where a value is not of a type; fields of classes must be known, and there where they must."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        found = [list(_wrong(one, value, where)) for one in arguments]
        if all(found):
            yield from min(found, key=len)
    elif attr.has(kind):
        yield from _wrong_fields(kind, value, where)
    elif origin in (list, dict):
        yield from _wrong_items(origin, arguments[-1], value, where)
    elif isinstance(kind, type) and issubclass(kind, enum.Enum):
        if value not in {one.value for one in kind}:
            yield f"{where}: {value!r} is no {kind.__name__}"
    elif kind is not typing.Any and not _is_of(kind, value):
        yield f"{where}: {value!r} is no {kind}"


def _wrong_items(origin: Any, kind: Any, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, origin):
        yield f"{where}: {value!r} is no {origin.__name__}"
        return
    for key in value if origin is dict else range(len(value)):
        yield from _wrong(kind, value[key], f"{where}[{key}]")


def _is_of(kind: Any, value: Any) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _wrong_fields(kind: Any, value: Any, where: str) -> Iterator[str]:
    """What a document of a class lacks, and what it has besides."""
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is no {kind.__name__}"
        return
    hints = typing.get_type_hints(kind)
    fields = {field.alias if field.name.startswith("_") else field.name: field for field in attr.fields(kind)}
    fields = {("_" + name if field.name.startswith("_") else name): field for name, field in fields.items()}
    for name, field in fields.items():
        if name in value and value[name] is not None:
            if name != "facets" and not name.endswith("Facets"):
                yield from _wrong(hints[field.name], value[name], f"{where}.{name}")
        elif field.default is attr.NOTHING:
            yield f"{where}.{name} is missing"
    # A facet of Airflow's own says only that it is one.
    if kind not in (facet_v2.RunFacet, facet_v2.JobFacet):
        yield from (f"{where}.{name} is unknown" for name in value.keys() - fields.keys())


@cache
def _registry() -> Registry[Any]:
    documents = [json.loads(path.read_text()) for path in OURS.glob("*.json")]
    # The part of the specification that ours refer to: any facet says who made it, and after which schema.
    text = {"type": "string", "format": "uri"}
    facet = {
        "type": "object",
        "properties": {"_producer": text, "_schemaURL": text},
        "required": ["_producer", "_schemaURL"],
    }
    core = {"$id": CORE, "$defs": {"RunFacet": facet, "DatasetFacet": facet}}
    if SPECIFICATION:
        paths = [Path(SPECIFICATION, "OpenLineage.json"), *Path(SPECIFICATION, "facets").glob("*.json")]
        documents += [json.loads(path.read_text()) for path in paths]
        core = next(one for one in documents if one["$id"].endswith("/OpenLineage.json"))
        # Facets of several years refer to their core each by the version of its day.
        referred = {
            one
            for document in documents
            for one in re.findall(r"https://[^\"]*/OpenLineage.json", json.dumps(document))
        }
        documents += [{**core, "$id": url} for url in referred]
    else:
        documents.append(core)
    pairs = [
        (one["$id"], Resource.from_contents({"$schema": Draft202012Validator.META_SCHEMA["$id"], **one}))
        for one in documents
    ]
    return Registry().with_resources(pairs)


def _against_specification(event: Event, where: str) -> Iterator[str]:
    pairs = [("event", CORE + "#/$defs/RunEvent", event)]
    pairs += [(key, facet["_schemaURL"], facet) for key, facet in facets(event)]
    for key, url, document in pairs:
        validator = Draft202012Validator({"$ref": url}, registry=_registry(), format_checker=FormatChecker())
        yield from (f"{where} {key}{one.json_path}: {one.message}" for one in validator.iter_errors(document))
