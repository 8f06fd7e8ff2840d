"""Hostile values in every text setting and every parameter of a run: refused with a code, or harmless.

What could become SQL goes through one door, `athena.render`, which lets names, dates and digests through.
Names of resources are refused by their patterns.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, get_args, get_origin

import pytest
from airflow.sdk.exceptions import ParamValidationError

from sentiment_retrain import naming
from sentiment_retrain.aws import athena
from sentiment_retrain.errors import ConfigError
from sentiment_retrain.runs.params import run_params
from sentiment_retrain.settings import load_settings, parse_settings
from sentiment_retrain.settings.base import Frozen
from sentiment_retrain.settings.schema import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """Path of every setting that is one text, nested ones too."""
    for name, field in model.model_fields.items():
        for kind in _alternatives(field.annotation):
            if kind is str:
                yield (*prefix, name)
            elif isinstance(kind, type) and issubclass(kind, Frozen):
                yield from text_fields(kind, (*prefix, name))


def _alternatives(annotation: Any) -> list[Any]:
    if get_origin(annotation) is types.UnionType:
        return list(get_args(annotation))
    return [annotation]


FIELDS = sorted(set(text_fields(Settings)))


def with_value(path: tuple[str, ...], value: str) -> Settings:
    """The shipped settings with one text replaced.

    :raises ConfigError: the settings refuse it
    """
    document = load_settings().model_dump()
    node = document
    for key in path[:-1]:
        if node[key] is None:
            pytest.skip(f"{'.'.join(path)} belongs to a part that is switched off")
        node = node[key]
    node[path[-1]] = value
    return parse_settings(document, "hostile")


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
        values = {
            "table": settings.table,
            "partitions": ["2026-03-01"],
            "sources": ["ab"],
            "until": "2026-03-01",
        }
        assert value not in athena.render("quality_profile", values), value


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("key", ["table", "partitions", "sources", "until"])
def test_no_value_of_a_run_becomes_sql(key: str, value: str) -> None:
    values: dict[str, Any] = {
        "table": "reviews",
        "partitions": ["2026-03-01"],
        "sources": ["ab"],
        "until": "2026-03-01",
    }
    values[key] = [value] if isinstance(values[key], list) else value

    with pytest.raises(ConfigError) as caught:
        athena.render("quality_profile", values)

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


PARAMS = [
    "mode",
    "deploy",
    "approval",
    "source_uri",
    "window_days",
    "budget_usd",
    "contenders",
    "reuse",
    "predict",
]


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("name", PARAMS)
def test_no_parameter_of_a_run_takes_a_hostile_value(name: str, value: str) -> None:
    param = run_params(load_settings())[name]

    with pytest.raises(ParamValidationError):
        param.resolve([value] if name == "contenders" else value)


def test_every_parameter_is_tried_or_named() -> None:
    """``rollback_to`` is any text: it is looked up as a model's name or a package, never made into a path."""
    assert set(run_params(load_settings())) == {*PARAMS, "rollback_to"}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_run_id_becomes_a_plain_folder_name(value: str) -> None:
    key = naming.run_key("review_sentiment_retrain", value, "2026-03-01")

    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
