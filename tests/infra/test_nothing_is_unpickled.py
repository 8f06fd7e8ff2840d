"""What comes from the bucket is data: nothing at run time loads a format that can run code.

The stand-in is left out: it runs programs by design, keeps its own state as pickles, and answers this machine
alone (include/localaws/browsers.py).
"""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .template import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDERS = ("dags", "plugins", "include/launcher", "include/containers", "include/deployment")
SOURCES = sorted(path for folder in FOLDERS for path in (CHECKOUT / folder).rglob("*.py"))
#: Modules that load code with data. mlflow and skops are only here because the SageMaker SDK names them.
MODULES = {
    *("cloudpickle", "dill", "joblib", "marshal", "mlflow", "pickle", "shelve", "skops", "torch"),
}
CALLS = {"eval", "exec", "extractall", "read_pickle", "unsafe_load", "__import__"}


def unsafe(source: str) -> Iterator[str]:
    """What of a source loads code with data."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in MODULES:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            yield from _unsafe_call(node)


def _unsafe_call(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    given = {one.arg: getattr(one.value, "value", None) for one in node.keywords}
    if name in CALLS and given.get("filter") != "data":
        yield name
    if given.get("allow_pickle") is True or given.get("shell") is True:
        yield name
    of_yaml = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "yaml"
    if of_yaml and name in {"load", "load_all", "full_load"}:
        yield f"yaml.{name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(CHECKOUT).as_posix())
def test_nothing_loads_code_with_data(path: Path) -> None:
    assert list(unsafe(path.read_text())) == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "import mlflow.sklearn",
        "numpy.load(path, allow_pickle=True)",
        "archive.extractall(folder)",
        "yaml.load(text, yaml.Loader)",
        "subprocess.run(line, shell=True)",
        "eval(text)",
    ],
)
def test_the_search_finds(line: str) -> None:
    assert len(list(unsafe(line))) == 1


def test_what_is_safe_passes() -> None:
    assert list(unsafe('archive.extractall(folder, filter="data")\nyaml.safe_load(text)\nmodel.eval')) == []


def test_packages_with_unrepaired_vulnerabilities_are_never_imported() -> None:
    """mlflow and skops load models that may run code; the one part of the SDK in use imports neither."""
    program = (
        "import sys; from sagemaker.core import image_uris; print({'mlflow', 'skops'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
