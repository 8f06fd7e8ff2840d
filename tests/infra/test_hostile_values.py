"""Hostile values in every text setting and every parameter of a run: refused with a code, or harmless.

What could become SQL goes through one door, `athena.render`, which lets names, dates and digests through.
Names of resources are refused by their patterns.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import pytest
from airflow.sdk.exceptions import ParamValidationError

from sentiment_retrain import naming
from sentiment_retrain.aws import athena
from sentiment_retrain.errors import ConfigError
from sentiment_retrain.runs.params import run_params
from sentiment_retrain.settings import load_settings, parse_settings
from sentiment_retrain.settings.base import Frozen
from sentiment_retrain.settings.schema import Columns, Settings

from .template import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

QUERIES = sorted(path.stem for path in (CHECKOUT / "include" / "sql").glob("*.sql"))
VALUES: dict[str, Any] = {
    "table": "reviews",
    "partitions": ["2026-03-01"],
    "sources": ["ab"],
    "until": "2026-03-01",
}
HOSTILE = {
    "sql": "reviews'; DROP TABLE reviews; --",
    "sql comment": "reviews/**/UNION/**/SELECT",
    "back-tick": "`reviews`",
    "path": "../../etc/passwd",
    "absolute path": "/etc/passwd",
    "shell": "$(touch /tmp/owned)",
    "placeholder": "${table}",
    "template": "{{ var.value.secret }}",
    "line break": "a\nb",
    "nul": "a\x00b",
    "html": "<script>alert(1)</script>",
}


def text_fields(model: type[Frozen], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Path of every setting that holds text, nested ones, lists and mappings of texts too."""
    for name, field in model.model_fields.items():
        for kind in set(_kinds(field.annotation)):
            if kind is str:
                yield (*prefix, name)
            elif isinstance(kind, type) and issubclass(kind, Frozen):
                yield from text_fields(kind, (*prefix, name))


def _kinds(annotation: Any) -> Iterator[Any]:
    """Every type in an annotation, however deep."""
    parts = get_args(annotation)
    if not parts or get_origin(annotation) is Literal:
        yield annotation
    for part in parts if get_origin(annotation) is not Literal else ():
        yield from _kinds(part)


FIELDS = sorted(set(text_fields(Settings)))
#: Parts that are switched off as shipped, switched on.
PARTS: dict[tuple[str, ...], dict[str, Any]] = {
    ("deployment", "data_capture"): {"sampling_percent": 10},
    ("deployment", "vpc"): {"subnets": ["subnet-0"], "security_group_ids": ["sg-0"]},
}


def with_value(path: tuple[str, ...], value: str) -> Settings:
    """The shipped settings with one text replaced; in a list or a mapping, with one more.

    :raises ConfigError: the settings refuse it
    """
    document = json.loads(_shipped())
    node = document
    for depth, key in enumerate(path[:-1], 1):
        if node[key] is None:
            node[key] = dict(PARTS[path[:depth]])
        node = node[key][0] if isinstance(node[key], list) else node[key]
    former = node.get(path[-1])
    if isinstance(former, list):
        node[path[-1]] = [*former, value]
    elif isinstance(former, dict):
        # Hyperparameters and tags have texts as values, prices and limits of gates as keys alone.
        is_of_texts = path[-1] in {"hyperparameters", "tags"}
        node[path[-1]] = former | (
            {"hostile": value} if is_of_texts else {value: next(iter(former.values()))}
        )
    else:
        node[path[-1]] = value
    return parse_settings(document, "hostile")


@functools.cache
def _shipped() -> str:
    return load_settings().model_dump_json()


def accepts(path: tuple[str, ...], value: str) -> bool:
    """Whether a setting takes the value."""
    try:
        with_value(path, value)
    except ConfigError:
        return False
    return True


#: Settings that take any text, and why it does no harm where they end.
ANY_TEXT: dict[str, str] = {
    **dict.fromkeys(
        (f"columns.{name}" for name in Columns.model_fields), "compared with the header of a source, no more"
    ),
    "datasets.salt": "hashed",
    "deployment.alarms.existing": "looked up in CloudWatch, whose alarms may be called anything",
    "deployment.tags": "SageMaker refuses what tags may not hold",
    "gates.bias.limits": "compared with the names of metrics in a report",
    "gates.post_training_bias.limits": "compared with the names of metrics in a report",
    "golden_requests.text": "a review: a CSV-quoted record of a request",
    "golden_requests.why": "for people, escaped wherever it is shown",
    "job_pool": "looked up among Airflow's pools",
    "jobs.analysis.facet": "JSON of an analysis, which refuses a column that it does not have",
    "jobs.analysis.group": "JSON of an analysis, which refuses a column that it does not have",
    "jobs.analysis.shap_baseline": "text that stands in for a word, in the JSON of an analysis",
    "jobs.analysis.shap_language": "JSON of an analysis, which refuses languages that it does not know",
    "jobs.blazingtext.hyperparameters": "values in a request, which BlazingText refuses",
    "prices.as_of": "for people, escaped wherever it is shown",
    "prices.instance_hour": "compared with the names of instance types",
    "prices.region": "compared with a region",
    "runbook_url": "a link's address, escaped; no scheme but http and https",
    "schedule": "parsed by Airflow, which refuses to import the DAG",
}


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_a_setting_has_a_form_or_a_reason_to_have_none(path: tuple[str, ...]) -> None:
    """A new setting that takes any text has to be thought about; one that gets a form leaves the list."""
    taken = [name for name, value in HOSTILE.items() if accepts(path, value)]

    assert bool(taken) == (".".join(path) in ANY_TEXT), taken


def test_no_reason_is_for_a_setting_that_is_gone() -> None:
    assert ANY_TEXT.keys() - {".".join(path) for path in FIELDS} == set()


def test_there_are_fields_to_try() -> None:
    names = {path[-1] for path in FIELDS}

    assert {"prefix", "bucket", "database", "table", "endpoint_name", "source_uri", "role_arn"} <= names
    assert len(FIELDS) > 20


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_no_setting_becomes_sql(path: tuple[str, ...]) -> None:
    """Each value is refused by the model, or does not occur in a query."""
    for value in HOSTILE.values():
        try:
            settings = with_value(path, value)
        except ConfigError:
            continue
        values = VALUES | {"table": settings.table}
        assert not any(value in athena.render(name, values) for name in QUERIES), value


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("key", ["table", "partitions", "sources", "until"])
@pytest.mark.parametrize("query", QUERIES)
def test_no_value_of_a_run_becomes_sql(query: str, key: str, value: str) -> None:
    values = VALUES | {key: [value] if isinstance(VALUES[key], list) else value}

    with pytest.raises(ConfigError) as caught:
        athena.render(query, values)

    assert caught.value.code.startswith("SR-CONFIG")


NAMES = (
    *("prefix", "endpoint_name", "model_package_group"),
    *("database", "table", "raw_table", "workgroup"),
)


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_resource_is_taken_unchecked(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_value((name,), value)

    assert caught.value.code == "SR-CONFIG-001"


#: But `rollback_to`, any text that is looked up: tests/unit/operators/test_hostile_rollback.py.
PARAMS = sorted(set(run_params(load_settings())) - {"rollback_to"})


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("name", PARAMS)
def test_no_parameter_of_a_run_takes_a_hostile_value(name: str, value: str) -> None:
    param = run_params(load_settings())[name]

    with pytest.raises(ParamValidationError):
        param.resolve([value] if name == "contenders" else value)


def test_the_parameters_are_found() -> None:
    assert {"mode", "source_uri", "contenders", "reuse"} < set(PARAMS)


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_run_id_becomes_a_plain_folder_name(value: str) -> None:
    key = naming.run_key("review_sentiment_retrain", value, "2026-03-01")

    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
