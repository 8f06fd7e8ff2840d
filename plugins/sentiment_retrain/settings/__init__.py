"""The configuration of one installation: YAML files, overlays, three environment variables.

The only place where the environment is read. Later wins: ``include/config/*.yaml``, then the overlay files
that ``SENTIMENT_RETRAIN_CONFIG`` names, with a colon between them like the folders of ``PATH`` (any key of
:class:`Settings`, merged into what is there), then ``SENTIMENT_RETRAIN_BUCKET`` and
``SENTIMENT_RETRAIN_ROLE_ARN``.
"""

from __future__ import annotations

import difflib
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from sentiment_retrain.error_base import set_runbook
from sentiment_retrain.errors import ConfigError
from sentiment_retrain.settings.base import Frozen
from sentiment_retrain.settings.schema import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

__all__ = ["Settings", "include_directory", "load_settings", "required_bucket", "required_role_arn"]

INCLUDE_VARIABLE = "SENTIMENT_RETRAIN_INCLUDE"
OVERLAY_VARIABLE = "SENTIMENT_RETRAIN_CONFIG"
BUCKET_VARIABLE = "SENTIMENT_RETRAIN_BUCKET"
ROLE_VARIABLE = "SENTIMENT_RETRAIN_ROLE_ARN"


def include_directory() -> Path:
    """Where ``include/`` is: as the environment says, else beside the package, else two folders up.

    The working directory never matters: a task of a versioned DAG bundle runs anywhere.
    """
    package = Path(__file__).resolve().parents[1]
    named = os.environ.get(INCLUDE_VARIABLE)
    candidates = [Path(named)] if named else [package / "_include", package.parents[1] / "include"]
    for candidate in candidates:
        if (candidate / "config" / "retrain.yaml").is_file():
            return candidate
    raise ConfigError(
        observed="no config/retrain.yaml under " + " or ".join(str(candidate) for candidate in candidates),
        expected="the folder `include/` of this project, with its subfolder `config/`",
        remedy=f"Set {INCLUDE_VARIABLE} to the `include` folder, or copy it to {package / '_include'}.",
    )


@functools.lru_cache(maxsize=1)
def load_settings() -> Settings:
    """The validated configuration; read once a process (``load_settings.cache_clear()`` reads it again).

    :raises ConfigError: when a file is missing or not YAML, or a value is not usable
    """
    config = include_directory() / "config"
    document = _read_yaml(config / "retrain.yaml")
    for name in ("gates", "prices", "golden_requests"):
        document[name] = _read_yaml(config / f"{name}.yaml").get(name)
    overlays = os.environ.get(OVERLAY_VARIABLE, "")
    for overlay in filter(None, overlays.split(os.pathsep)):
        document = merged(document, _read_yaml(Path(overlay)))
    for variable, key in ((BUCKET_VARIABLE, "bucket"), (ROLE_VARIABLE, "role_arn")):
        if os.environ.get(variable):
            document[key] = os.environ[variable]
    origin = str(config / "*.yaml") + (f" with {overlays}" if overlays else "")
    settings = parse_settings(document, origin=origin)
    set_runbook(settings.runbook_url)
    return settings


def required_bucket(settings: Settings) -> str:
    """The bucket's name, or a ConfigError that says how to give one."""
    return _required(settings.bucket, "bucket", BUCKET_VARIABLE)


def required_role_arn(settings: Settings) -> str:
    """The ARN of the role that jobs run as, or a ConfigError that says how to give one."""
    return _required(settings.role_arn, "role_arn", ROLE_VARIABLE)


def parse_settings(document: Mapping[str, Any], origin: str) -> Settings:
    """``document`` as Settings.

    :param origin: which files it came from, for the message
    :raises ConfigError: one line a problem, each naming the key, the value and what can be used instead
    """
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise ConfigError(
            observed=f"{len(problems)} unusable setting(s) in {origin}\n"
            + "\n".join(f"{_key(problem)} is {_shown(problem)}" for problem in problems),
            expected="\n".join(f"{_key(problem)}: {_advice(problem)}" for problem in problems),
        ) from error


def merged(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """``overlay`` laid over ``base``: mappings merge key by key, anything else is replaced."""
    result = dict(base)
    for key, value in overlay.items():
        below = result.get(key)
        both_mappings = isinstance(below, dict) and isinstance(value, dict)
        result[key] = merged(below, value) if isinstance(below, dict) and both_mappings else value
    return result


def _required(value: str | None, key: str, variable: str) -> str:
    if value:
        return value
    raise ConfigError(
        observed=f"`{key}` is not set",
        expected=f"`{key}` in include/config/retrain.yaml, or the environment variable {variable}",
    )


def _read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            observed=f"{path} cannot be read ({error.strerror})", expected="a readable YAML file"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(observed=f"{path} is not YAML: {error}", expected="a YAML mapping") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(observed=f"{path} holds a {type(document).__name__}", expected="a YAML mapping")
    return document


def _key(problem: ErrorDetails) -> str:
    return ".".join(str(part) for part in problem["loc"]) or "the whole"


def _shown(problem: ErrorDetails) -> str:
    return "missing" if problem["type"] == "missing" else repr(problem["input"])[:120]


def _advice(problem: ErrorDetails) -> str:
    """What can be used instead, in the words "use A or B" wherever the choices are known."""
    if problem["type"] == "literal_error":
        return f"use {problem['ctx']['expected']}"
    if problem["type"] == "extra_forbidden":
        known = _known_keys(problem["loc"])
        close = difflib.get_close_matches(str(problem["loc"][-1]), known, n=2)
        return f"no such setting; use {' or '.join(close or known)}"
    return problem["msg"].removeprefix("Value error, ")


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """The settings that exist beside the one at ``location``."""
    model: type[Frozen] = Settings
    for part in location[:-1]:
        field = model.model_fields.get(str(part))
        candidates = [field.annotation, *getattr(field.annotation, "__args__", ())] if field else []
        inner = [kind for kind in candidates if isinstance(kind, type) and issubclass(kind, Frozen)]
        if not inner:
            break
        model = inner[0]
    return list(model.model_fields)
