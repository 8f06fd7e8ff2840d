"""Training in script mode: the user's program with hyperparameters as arguments and SM_* variables.

https://github.com/aws/sagemaker-training-toolkit#environment-variables
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from serving import base_directory
from user_module import module_name, submit_directory, warn_of_requirements

if TYPE_CHECKING:
    from pathlib import Path

LOG = logging.getLogger("scikit_learn")

# Hyperparameters of the service itself: JSON-encoded, not handed to the program.
SERVICE_PREFIX = "sagemaker_"


def main() -> int:
    """Run the program; returns its exit code, with the reason of a failure in output/failure."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    base = base_directory()
    try:
        return _run(base)
    except Exception as error:
        LOG.exception("The program could not be started")
        _write_failure(base, f"{type(error).__name__}: {error}")
        return 1


def _run(base: Path) -> int:
    values = {name: decoded(value) for name, value in _read(base, "hyperparameters.json").items()}
    settings = {name: value for name, value in values.items() if name.startswith(SERVICE_PREFIX)}
    own = {name: value for name, value in values.items() if not name.startswith(SERVICE_PREFIX)}
    if "sagemaker_program" in settings:
        os.environ["SAGEMAKER_PROGRAM"] = str(settings["sagemaker_program"])
    directory = submit_directory(base / "code", settings.get("sagemaker_submit_directory"))
    warn_of_requirements(directory)
    program = directory / f"{module_name().replace('.', '/')}.py"
    command = [sys.executable, str(program), *arguments(own)]
    LOG.info("Running %s", " ".join(command))
    environment = {**os.environ, **variables(base, own), "PYTHONPATH": str(directory)}
    code = subprocess.run(command, env=environment, cwd=directory, check=False).returncode
    if code:
        _write_failure(
            base, f'ExecuteUserScriptError: Command "{" ".join(command)}" ended with exit code {code}'
        )
    return code


def arguments(hyperparameters: dict[str, Any]) -> list[str]:
    """`--name value` for each hyperparameter, by name; values that are not text as JSON."""
    words: list[str] = []
    for name, value in sorted(hyperparameters.items()):
        words += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
    return words


def variables(base: Path, hyperparameters: dict[str, Any]) -> dict[str, str]:
    """The SM_* variables of script mode."""
    resources = _read(base, "resourceconfig.json")
    channels = sorted(_read(base, "inputdataconfig.json"))
    return {
        "SM_MODEL_DIR": str(base / "model"),
        "SM_OUTPUT_DIR": str(base / "output"),
        "SM_OUTPUT_DATA_DIR": str(base / "output" / "data"),
        "SM_INPUT_DIR": str(base / "input"),
        "SM_CHANNELS": json.dumps(channels),
        "SM_HPS": json.dumps(hyperparameters),
        "SM_HOSTS": json.dumps(resources.get("hosts", ["algo-1"])),
        "SM_CURRENT_HOST": resources.get("current_host", "algo-1"),
        "SM_NUM_CPUS": str(os.cpu_count() or 1),
        "SM_NUM_GPUS": "0",
        **{f"SM_CHANNEL_{name.upper()}": str(base / "input" / "data" / name) for name in channels},
        **{f"SM_HP_{name.upper()}": str(value) for name, value in hyperparameters.items()},
    }


def decoded(value: str) -> Any:
    """A hyperparameter's value: JSON where it is JSON, else the text."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _read(base: Path, name: str) -> dict[str, Any]:
    path = base / "input" / "config" / name
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _write_failure(base: Path, reason: str) -> None:
    path = base / "output" / "failure"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reason, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
